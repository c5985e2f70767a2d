"""What goes wrong with the credentials of Google Cloud."""

from t0.errors import ConfigError, RequestError

PREFIX = "Error in acquiring GCP credentials: "


class GCPCredentialsError(RequestError):
    """A token could not be had while a request waited for it."""

    status, kind = 500, "GCPCredentials"

    def __init__(self, message: str) -> None:
        super().__init__(PREFIX + message, message=message)


def invalid_location(owner: str) -> ConfigError:
    return ConfigError(f"{PREFIX}Invalid credential_location for {owner} provider")
