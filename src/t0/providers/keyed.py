"""The config struct of providers that are reached with an API key."""

from t0.config.fields import CredentialLocation
from t0.config.schema.common import ProviderConfig


class KeyedConfig(ProviderConfig, frozen=True, kw_only=True):
    api_key_location: CredentialLocation | None = None
