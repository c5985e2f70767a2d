"""The keys that Vertex AI providers share."""

from typing import ClassVar

from t0.config.credentials import parse_location
from t0.config.fields import CredentialLocation, Url
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError
from t0.providers.gcp.errors import invalid_location

ACCEPTED = ("path", "path_from_env", "dynamic", "sdk")


class GCPConfig(ProviderConfig, frozen=True, kw_only=True):
    location: str
    project_id: str
    credential_location: CredentialLocation | None = None
    api_base: Url | None = None
    """t0's own key."""

    credential_owner: ClassVar[str]
    """The vendor's name in credential errors."""

    def check(self, path: str) -> None:
        location = self.credential_location
        forms = location.values() if isinstance(location, dict) else () if location is None else (location,)
        if any(parse_location(form)[0] not in ACCEPTED for form in forms):
            raise ConfigError(invalid_location(self.credential_owner).message, key=path)

    def host(self) -> str:
        """Where Google serves the location; `global` has no prefix."""
        return (
            "aiplatform.googleapis.com" if self.location == "global" else f"{self.location}-aiplatform.googleapis.com"
        )

    def resource(self) -> str:
        """The model or endpoint, below the project's location."""
        raise NotImplementedError
