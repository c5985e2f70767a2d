"""The keys that AWS providers share: region, endpoint, and where the credentials come from."""

from typing import ClassVar

from t0.config.credentials import parse_location
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError

KEY_FIELDS = ("access_key_id", "secret_access_key", "session_token")


class AWSConfig(ProviderConfig, frozen=True, kw_only=True):
    type_name: ClassVar[str]
    """The TOML `type`, for errors."""

    region: str | None = None
    """A name or a location; `sdk` asks the SDK. Required, unless the deprecated `allow_auto_detect_region` is set."""
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    allow_auto_detect_region: bool = False

    def check(self, path: str) -> None:
        if self.region in (None, "none") and not self.allow_auto_detect_region:
            raise ConfigError(
                f'AWS {self.type_name} provider requires a region. Use region = "sdk" to enable auto-detection, '
                "or name a region",
                key=path,
            )
        if self.endpoint_url == "sdk":
            raise ConfigError(f'endpoint_url = "sdk" is not supported for `{self.type_name}`', key=path)
        self._check_forms(path)
        self._check_pairs(path)

    def _check_forms(self, path: str) -> None:
        for field in KEY_FIELDS:
            value = getattr(self, field)
            if value is not None and kind_of(value) not in ("env", "dynamic", "sdk"):
                raise ConfigError(
                    f"Invalid `{field}` for `{self.type_name}` provider: only `env::`, `dynamic::`, and "
                    "`sdk` are supported.",
                    key=path,
                )

    def _check_pairs(self, path: str) -> None:
        key, secret, token = (getattr(self, f) for f in KEY_FIELDS)
        for given, other, names in ((key, secret, KEY_FIELDS[:2]), (secret, key, (KEY_FIELDS[1], KEY_FIELDS[0]))):
            if given is not None and other is None:
                raise ConfigError(
                    f"`{names[0]}` requires `{names[1]}` to also be specified for `{self.type_name}`", key=path
                )
        if token is not None and key is None:
            raise ConfigError(
                "`session_token` cannot be specified without `access_key_id` and `secret_access_key` "
                f"for `{self.type_name}`",
                key=path,
            )
        if key is None or secret is None:
            return
        if kind_of(key) != kind_of(secret):
            raise ConfigError(
                "`access_key_id` and `secret_access_key` must use the same source type "
                f"(both `env::`, both `dynamic::`, or both `sdk`) for `{self.type_name}`",
                key=path,
            )
        if token is not None and kind_of(token) not in (kind_of(key), "sdk"):
            source = kind_of(key) if kind_of(key) == "sdk" else f"{kind_of(key)}::"
            raise ConfigError(
                f"When using `{source}` for `access_key_id` and `secret_access_key`, `session_token` must also use "
                f"`{source}` or be omitted for `{self.type_name}`",
                key=path,
            )


def kind_of(location: str) -> str:
    """The form of a location (`env`, `dynamic`, `sdk` …), or `literal`."""
    try:
        return parse_location(location)[0]
    except ConfigError:
        return "literal"
