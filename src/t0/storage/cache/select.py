"""Which store the inference cache uses (`[gateway.cache]`)."""

from __future__ import annotations

from msgspec import Struct

from t0.config.environment import Environment
from t0.config.schema import Config
from t0.errors import ConfigError
from t0.storage.cache.base import CacheStore
from t0.storage.cache.clickhouse import ClickHouseCacheStore
from t0.storage.cache.valkey import ValkeyCacheStore
from t0.storage.reader import Reader
from t0.storage.valkey import Valkey, check_valkey

_KEY = "gateway.cache"


class CacheChoice(Struct, frozen=True, kw_only=True):
    """The chosen store: Valkey at a URL, or without one the database that inferences are stored in.

    `is_primary` tells that the Valkey is not for the cache alone.
    """

    valkey_url: str | None = None
    ttl_s: int = 0
    is_primary: bool = False

    @property
    def name(self) -> str:
        return "ClickHouse" if self.valkey_url is None else "Valkey"


def choose_cache(config: Config, environment: Environment, *, stores: bool) -> CacheChoice | None:
    """The store, or None for no cache; `stores` tells whether there is a database. Raises `ConfigError`."""
    cache = config.gateway.cache
    if cache.enabled is False:
        return None
    clickhouse = CacheChoice() if stores else None
    valkey = _valkey(environment, cache.valkey.ttl_s)
    choice = {"clickhouse": clickhouse, "valkey": valkey, "auto": clickhouse or valkey}[cache.backend]
    if choice is None and cache.backend != "auto":
        title = {"clickhouse": "ClickHouse", "valkey": "Valkey"}[cache.backend]
        text = f"`cache.backend` is set to `{cache.backend}` but {title} is not available."
        raise ConfigError(text, key=f"{_KEY}.backend")
    if choice is None and cache.enabled:
        text = "`cache.enabled` is `true` but the cache backend (`None`) is not available."
        raise ConfigError(text, key=f"{_KEY}.enabled")
    return choice


def _valkey(environment: Environment, ttl_s: int) -> CacheChoice | None:
    url = environment.valkey_cache_url
    return CacheChoice(valkey_url=url, ttl_s=ttl_s, is_primary=url == environment.valkey_url) if url else None


async def check_cache(choice: CacheChoice) -> None:
    """Raises `ConfigError` when the store must be there at start-up and is not."""
    if choice.valkey_url is not None:
        name = "TENSORZERO_VALKEY_URL" if choice.is_primary else "TENSORZERO_VALKEY_CACHE_URL"
        await check_valkey(choice.valkey_url, name)


def open_store(choice: CacheChoice, reader: Reader | None) -> CacheStore:
    """The store, for the running event loop."""
    if choice.valkey_url is not None:
        return ValkeyCacheStore(Valkey(choice.valkey_url), choice.ttl_s)
    assert reader is not None, "a cache in the database needs the database"
    return ClickHouseCacheStore(reader)
