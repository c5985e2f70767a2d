"""Credential locations: `env::X`, `path::F`, `path_from_env::X`, `dynamic::k`, `sdk`, `none`, `{ default, fallback }`.

A location is parsed and, unless dynamic, resolved when the configuration is built; what a provider keeps is a
`Credential` whose `value` never touches the environment or the disk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from t0.config.values import at, wrong_type
from t0.errors import ApiKeyMissing, ConfigError


class Credential:
    """One credential of one provider. `value` gives the secret for a request, or None when none is to be sent."""

    __slots__ = ("_dynamic", "_fallback", "_owner", "_static")

    def __init__(
        self, owner: str, *, static: str | None = None, dynamic: str | None = None, fallback: Credential | None = None
    ) -> None:
        self._owner, self._static, self._dynamic, self._fallback = owner, static, dynamic, fallback

    def __repr__(self) -> str:
        kind = f"dynamic::{self._dynamic}" if self._dynamic else ("none" if self._static is None else "•••")
        return f"Credential({self._owner!r}, {kind})"

    @property
    def is_static(self) -> bool:
        """Whether every request gets the same value."""
        return self._dynamic is None

    def value(self, credentials: Mapping[str, str]) -> str | None:
        """The secret, given the request's dynamic credentials. Raises `ApiKeyMissing`."""
        if self._dynamic is None:
            return self._static
        found = credentials.get(self._dynamic)
        if found is not None:
            return found
        if self._fallback is not None:
            return self._fallback.value(credentials)
        raise ApiKeyMissing(self._owner, f"Dynamic api key `{self._dynamic}` is missing")


class CredentialStore:
    """Resolves locations against an environment as it is now: variables set later change nothing."""

    def __init__(self, env: Mapping[str, str], type_defaults: Mapping[str, Any] | None = None) -> None:
        """`type_defaults` holds `[provider_types.T.defaults]` by T."""
        self.env = dict(env)
        self._type_defaults = type_defaults or {}

    def api_key(
        self,
        location: Any,
        *,
        provider_type: str,
        owner: str,
        default: str,
        accepts_none: bool,
        field: str = "api_key_location",
        accepts: Collection[str] = ("env", "dynamic"),
    ) -> Credential:
        """The credential of a provider.

        `location` is the TOML value or None, `owner` the name used in errors (`OpenAI`), `default` the location used
        when neither the provider nor `[provider_types.T.defaults]` names one. Raises `ConfigError`, or `ApiKeyMissing`
        when a static value is absent.
        """
        location = self.location(location, provider_type, default)
        accepted = {*accepts, *(("none",) if accepts_none else ())}
        if isinstance(location, dict):
            parts = [self._one(location[k], owner, field, accepted) for k in ("default", "fallback")]
            return Credential(owner, static=parts[0]._static, dynamic=parts[0]._dynamic, fallback=parts[1])
        return self._one(location, owner, field, accepted)

    def location(self, given: Any, provider_type: str, default: str) -> Any:
        """The location that counts: the provider's own, else that of its type, else `default`."""
        return self._type_defaults.get(provider_type, default) if given is None else given

    def _one(self, location: str, owner: str, field: str, accepted: Collection[str]) -> Credential:
        form, argument = parse_location(location)
        if form not in accepted:
            raise ConfigError(f"Invalid {field} for {owner} provider")
        if form == "none":
            return Credential(owner)
        if form == "dynamic":
            return Credential(owner, dynamic=argument)
        return Credential(owner, static=self.read(form, argument, owner))

    def read(self, form: str, argument: str, owner: str) -> str:
        """The value behind an `env`, `path` or `path_from_env` location. Raises `ApiKeyMissing`."""
        if form in ("env", "path_from_env"):
            if argument not in self.env:
                raise ApiKeyMissing(owner, f"Environment variable `{argument}` is missing")
            if form == "env":
                return self.env[argument]
            argument = self.env[argument]
        try:
            return Path(argument).read_bytes().decode()
        except OSError as e:
            raise ApiKeyMissing(owner, f"Failed to read credential file `{argument}`: {e.strerror}") from e
        except ValueError as e:
            raise ApiKeyMissing(owner, f"Failed to read credential file `{argument}`: not UTF-8 text") from e


def parse_location(text: str) -> tuple[str, str]:
    """`("env", "X")` for `env::X`; `("none", "")`, `("sdk", "")`. Raises `ConfigError`."""
    if text in ("none", "sdk"):
        return text, ""
    form, separator, argument = text.partition("::")
    if separator and form in ("env", "path", "path_from_env", "dynamic"):
        return form, argument
    raise ConfigError(
        f"Invalid credential location format: `{text}`. "
        "Use `env::VAR_NAME`, `path::FILE_PATH`, `dynamic::KEY_NAME`, or `sdk`."
    )


def check_location(value: Any, key: str) -> str | dict[str, str]:
    """`value`, if it is a location or `{ default, fallback }` made of two. Raises `ConfigError` naming `key`."""
    if not isinstance(value, dict):
        return _check_form(value, key)
    if set(value) != {"default", "fallback"}:
        found = ", ".join(f"`{k}`" for k in value) or "nothing"
        raise ConfigError(f"expected exactly the keys `default` and `fallback`, found {found}", key=key)
    return {k: _check_form(v, f"{key}.{k}") for k, v in value.items()}


def _check_form(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise wrong_type(value, key, "a credential location")
    with at(key):
        parse_location(value)
    return value
