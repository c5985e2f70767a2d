"""The keys that Vertex AI providers share."""

from typing import ClassVar

from t0.config.credentials import parse_location
from t0.config.fields import CredentialLocation
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError

ACCEPTED = ("path", "path_from_env", "dynamic", "sdk")


class GCPConfig(ProviderConfig, frozen=True, kw_only=True):
    location: str
    project_id: str
    credential_location: CredentialLocation | None = None

    credential_owner: ClassVar[str]
    """The vendor's name in credential errors."""

    def check(self, path: str) -> None:
        location = self.credential_location
        forms = location.values() if isinstance(location, dict) else () if location is None else (location,)
        if any(parse_location(form)[0] not in ACCEPTED for form in forms):
            message = f"Invalid credential_location for {self.credential_owner} provider"
            raise ConfigError(f"Error in acquiring GCP credentials: {message}", key=path)
