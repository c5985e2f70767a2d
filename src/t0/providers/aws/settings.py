"""Region and endpoint of an AWS provider: where its calls go, fixed at start or named by each request."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from t0.config.credentials import parse_location
from t0.errors import ConfigError, InvalidRequest, RequestError
from t0.providers.aws.config import AWSConfig, kind_of
from t0.providers.azure import MissingDynamicEndpoint
from t0.providers.base import endpoint
from t0.providers.notices import warn_once
from t0.upstream.base import Url

_REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A region becomes a part of the host name, so it must not be able to end it."""

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class MissingDynamicRegion(RequestError):
    status, kind = 404, "DynamicRegionNotFound"

    def __init__(self, key: str) -> None:
        super().__init__(f"Dynamic region '{key}' not found in credentials", key_name=key)


class Destination(Struct, frozen=True):
    """Where one call goes; `region` is also what its signature is scoped to."""

    region: str
    url: Url


class Dynamic(Struct, frozen=True):
    """A setting that comes with each request, as the entry `key` of its credentials."""

    key: str


class Place:
    """The region and the address of one provider."""

    def __init__(self, config: AWSConfig, env: Mapping[str, str], host: str) -> None:
        """`host` is the service's part of the address (`bedrock-runtime`). Raises `ConfigError`."""
        self._host = host
        self._known: dict[str, Destination] = {}
        region = config.region if config.region is not None else "sdk"
        self._region = region_of(region, env, config.type_name)
        self._base = endpoint_of(config.endpoint_url, env, config.type_name)
        self.endpoint_is_dynamic = isinstance(self._base, Dynamic)

    def destination(self, path: str, credentials: Mapping[str, str]) -> Destination:
        """The destination of a call of `path`. Raises `RequestError` for a dynamic setting that is missing or bad."""
        known = self._known.get(path)
        if known is not None:
            return known
        region, base = self._region, self._base
        if isinstance(region, Dynamic):
            region = _dynamic_region(region.key, credentials)
        if isinstance(base, Dynamic):
            base = _dynamic_base(base.key, credentials)
        found = Destination(region, endpoint(base or f"https://{self._host}.{region}.{_domain(region)}/", path))
        if not isinstance(self._region, Dynamic) and not self.endpoint_is_dynamic:
            self._known[path] = found
        return found


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


# -- fixed at start ----------------------------------------------------------------------------------------------------


def region_of(location: str, env: Mapping[str, str], type_name: str) -> str | Dynamic:
    """The region behind `location`; `sdk` asks the SDK, now. Raises `ConfigError`."""
    if location == "sdk":
        return _sdk_region(env, type_name)
    region = _read(location, env, "region", type_name)
    if isinstance(region, str) and not _REGION.fullmatch(region):
        raise ConfigError(f"Invalid region `{region}` for `{type_name}`: expected a name like `us-east-1`")
    return region


def _sdk_region(env: Mapping[str, str], type_name: str) -> str:
    from t0.providers.aws.sdk import find_region

    region = find_region(env)
    if region is None:
        raise ConfigError(
            f"Failed to determine the AWS region for `{type_name}`: set `AWS_REGION`, give the profile a region, "
            "or name one as `region`"
        )
    return region


def endpoint_of(location: str | None, env: Mapping[str, str], type_name: str) -> str | Dynamic | None:
    """The address that replaces the region's own, None for no such. Raises `ConfigError`."""
    if location in (None, "none"):
        return None
    base = _read(location, env, "endpoint_url", type_name)
    if isinstance(base, str):
        try:
            host = Url.parse(base).host
        except ConfigError as e:
            raise ConfigError(f"Invalid endpoint URL `{base}` for {type_name}: {e.message}") from e
        if not host.endswith(AWS_DOMAINS):
            warn_once(f"`endpoint_url` of a provider of type `{type_name}` is not an AWS host: `{host}`")
    return base


def _read(location: str, env: Mapping[str, str], field: str, type_name: str) -> str | Dynamic:
    form = kind_of(location)
    if form in ("literal", "none"):
        return location
    argument = parse_location(location)[1]
    if form == "dynamic":
        return Dynamic(argument)
    if form in ("env", "path_from_env"):
        if argument not in env:
            raise ConfigError(
                f"Environment variable `{argument}` not found. Your configuration for a `{type_name}` provider "
                f"requires this variable for `{field}`."
            )
        if form == "env":
            return env[argument]
        argument = env[argument]
    try:
        return Path(argument).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "not UTF-8 text"
        raise ConfigError(f"Failed to read {field} from file `{argument}` for `{type_name}`: {reason}") from e


# -- named by the request ----------------------------------------------------------------------------------------------


def _dynamic_region(key: str, credentials: Mapping[str, str]) -> str:
    region = credentials.get(key)
    if region is None:
        raise MissingDynamicRegion(key)
    if not _REGION.fullmatch(region):
        raise InvalidRequest(f"Invalid dynamic region: `{region}`, expected a name like `us-east-1`")
    return region


def _dynamic_base(key: str, credentials: Mapping[str, str]) -> str:
    base = credentials.get(key)
    if base is None:
        raise MissingDynamicEndpoint(key)
    try:
        Url.parse(base)
    except ConfigError as e:
        raise InvalidRequest(f"Invalid dynamic endpoint URL: {base}") from e
    return base
