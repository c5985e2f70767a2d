"""Where the keys come from that calls to AWS are signed with: fixed at start, from each request, or the SDK's chain."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from t0.config.credentials import CredentialStore, parse_location
from t0.errors import ApiKeyMissing, ConfigError, RequestError
from t0.providers.aws.config import KEY_FIELDS, AWSConfig

if TYPE_CHECKING:
    from t0.providers.aws.sdk import Keys

_log = logging.getLogger("t0")

CHECK_S = 60.0
"""How long keys of the chain are used before it is asked again. The SDK renews temporary ones ten minutes early."""
GRACE_S = 300.0
"""How much longer they are used while the chain fails; well within those ten minutes."""
RETRY_S = 5.0
"""The pause after the chain has failed."""


class KeySource(Protocol):
    """Where the keys of signatures come from."""

    prepares: bool
    """Whether `prepare` must be awaited before `keys`."""
    is_dynamic: bool
    """Whether the keys come with each request."""

    async def prepare(self) -> None: ...

    def keys(self, credentials: Mapping[str, str]) -> Keys:
        """The keys, given the request's dynamic credentials. Raises `ApiKeyMissing`."""


class StaticKeys:
    prepares = is_dynamic = False

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def prepare(self) -> None:
        """Has nothing to do."""

    def keys(self, credentials: Mapping[str, str]) -> Keys:
        return self._keys


class DynamicKeys:
    prepares, is_dynamic = False, True

    def __init__(self, names: dict[str, str], make: type[Keys]) -> None:
        """`names` maps the fields of the configuration to the keys of a request's credentials."""
        self._names, self._make = names, make

    async def prepare(self) -> None:
        """Has nothing to do."""

    def keys(self, credentials: Mapping[str, str]) -> Keys:
        return self._make(*(dynamic_value(field, name, credentials) for field, name in self._names.items()))


class ChainKeys:
    """Keys that a blocking chain gives, asked in a thread, by one caller at a time for all.

    Calls wait for the chain only when there are no keys that may still be used.
    """

    prepares, is_dynamic = True, False

    def __init__(self, resolve: Callable[[], Keys], clock: Callable[[], float] = time.monotonic) -> None:
        self._resolve, self._clock = resolve, clock
        self._current: Keys | None = None
        self._resolved_at = 0.0
        self._asks_again_at = 0.0
        self._refresh: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Sees to it that there are keys. Raises `ApiKeyMissing`."""
        now = self._clock()
        usable = self._current is not None and now < self._resolved_at + CHECK_S + GRACE_S
        if usable and now < self._asks_again_at:
            return
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._ask())
            if usable:
                self._refresh.add_done_callback(_log_failure)
        if not usable:
            await asyncio.shield(self._refresh)

    async def _ask(self) -> None:
        try:
            self._current = await asyncio.to_thread(self._resolve)
        except RequestError:
            self._asks_again_at = self._clock() + RETRY_S
            raise
        self._resolved_at = self._clock()
        self._asks_again_at = self._resolved_at + CHECK_S

    def keys(self, credentials: Mapping[str, str]) -> Keys:
        if self._current is None:
            raise ApiKeyMissing("aws", "The AWS credential chain has not been asked yet")
        return self._current


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.warning("%s", task.exception())


_chains: WeakKeyDictionary[CredentialStore, ChainKeys] = WeakKeyDictionary()


def chain_keys(store: CredentialStore) -> ChainKeys:
    """The chain, one for all providers of a configuration."""
    from t0.providers.aws.sdk import Chain

    found = _chains.get(store)
    if found is None:
        found = _chains[store] = ChainKeys(Chain().resolve)
    return found


def key_source(config: AWSConfig, store: CredentialStore) -> KeySource:
    """The source that the configuration names; the chain where it names none. Raises `ConfigError`."""
    from t0.providers.aws.sdk import Keys

    locations = {field: location for field in KEY_FIELDS if (location := getattr(config, field)) is not None}
    parsed = {field: parse_location(location) for field, location in locations.items()}
    form = parsed[KEY_FIELDS[0]][0] if parsed else "sdk"
    if form == "sdk":
        return chain_keys(store)
    # A session token of another form is `sdk`, which says nothing here.
    names = {field: argument for field, (kind, argument) in parsed.items() if kind == form}
    if form == "dynamic":
        return DynamicKeys(names, Keys)
    return StaticKeys(Keys(*(variable(name, field, store, config.type_name) for field, name in names.items())))


def variable(name: str, field: str, store: CredentialStore, type_name: str) -> str:
    """The value of an environment variable. Raises `ConfigError`."""
    if name not in store.env:
        raise ConfigError(f"Environment variable `{name}` not found for `{field}` in `{type_name}`.")
    return store.env[name]


def dynamic_value(field: str, name: str, credentials: Mapping[str, str]) -> str:
    """The entry `name` of a request's credentials. Raises `ApiKeyMissing`."""
    if name not in credentials:
        raise ApiKeyMissing("aws", f"Dynamic `{field}` with key `{name}` is missing")
    return credentials[name]
