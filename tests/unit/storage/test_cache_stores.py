"""Which store the inference cache uses, and what is sent to each."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
import pytest

from mock import MiniValkey
from t0.config.environment import Environment
from t0.config.schema import Config
from t0.config.schema.gateway import Gateway, InferenceCache, ValkeyCache
from t0.errors import ConfigError
from t0.storage.cache.base import CacheEntry, Found
from t0.storage.cache.clickhouse import ClickHouseCacheStore
from t0.storage.cache.select import CacheChoice, choose_cache
from t0.storage.cache.valkey import ValkeyCacheStore
from t0.storage.valkey import Valkey, ValkeyUnavailable

T = TypeVar("T")

ENTRY = CacheEntry(
    output="[]", raw_request="req", raw_response="ré", input_tokens=1, output_tokens=None, finish_reason="stop"
)
KEY = "0100000000000080" + "ab" * 24
SHORT = 0x8000000000000001
NONE, SHARED = Environment(), Environment(valkey_url="redis://v", valkey_cache_url="redis://v")
OWN = Environment(valkey_url="redis://v", valkey_cache_url="redis://w")

CLICKHOUSE = CacheChoice()
VALKEY = CacheChoice(valkey_url="redis://v", ttl_s=86400, is_primary=True)
OWN_VALKEY = CacheChoice(valkey_url="redis://w", ttl_s=86400)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


# -- the choice --------------------------------------------------------------------------------------------------------


def config(**keys: Any) -> Config:
    return Config(gateway=Gateway(cache=InferenceCache(**keys)))


@pytest.mark.parametrize(
    ("keys", "environment", "stores", "choice"),
    [
        pytest.param({}, SHARED, True, CLICKHOUSE, id="auto_prefers_the_database"),
        pytest.param({}, SHARED, False, VALKEY, id="auto_takes_valkey"),
        pytest.param({}, OWN, False, OWN_VALKEY, id="auto_takes_its_own_valkey"),
        pytest.param({}, NONE, False, None, id="auto_takes_none"),
        pytest.param({"backend": "valkey"}, SHARED, True, VALKEY, id="valkey_beside_the_database"),
        pytest.param({"backend": "clickhouse"}, NONE, True, CLICKHOUSE, id="clickhouse"),
        pytest.param({"enabled": True}, NONE, True, CLICKHOUSE, id="required_and_there"),
        pytest.param({"enabled": False}, SHARED, True, None, id="off"),
        pytest.param({"enabled": False, "backend": "valkey"}, NONE, False, None, id="off_checks_no_backend"),
        pytest.param(
            {"valkey": ValkeyCache(ttl_s=5)},
            SHARED,
            False,
            CacheChoice(valkey_url="redis://v", ttl_s=5, is_primary=True),
            id="ttl",
        ),
    ],
)
def test_choice(keys: dict[str, Any], environment: Environment, stores: bool, choice: CacheChoice | None) -> None:
    assert choose_cache(config(**keys), environment, stores=stores) == choice


@pytest.mark.parametrize(
    ("keys", "stores", "text"),
    [
        pytest.param(
            {"enabled": True},
            False,
            "gateway.cache.enabled: `cache.enabled` is `true` but the cache backend (`None`) is not available.",
            id="required",
        ),
        pytest.param(
            {"backend": "valkey"},
            True,
            "gateway.cache.backend: `cache.backend` is set to `valkey` but Valkey is not available.",
            id="valkey",
        ),
        pytest.param(
            {"backend": "clickhouse"},
            False,
            "gateway.cache.backend: `cache.backend` is set to `clickhouse` but ClickHouse is not available.",
            id="clickhouse",
        ),
    ],
)
def test_a_store_that_is_missing(keys: dict[str, Any], stores: bool, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose_cache(config(**keys), NONE, stores=stores)
    assert str(caught.value) == text


# -- ClickHouse --------------------------------------------------------------------------------------------------------


class FakeReader:
    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.inserted: list[tuple[str, list[Any]]] = []

    async def query(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append((sql, parameters))
        return self.rows

    async def insert_gathered(self, table: str, lines: bytes) -> None:
        self.inserted.append((table, [msgspec.json.decode(line) for line in lines.splitlines()]))


SELECT = (
    "SELECT output, raw_request, raw_response, input_tokens, output_tokens, finish_reason, "
    "dateDiff('second', timestamp, now()) AS age_s FROM ModelInferenceCache FINAL "
    "WHERE short_cache_key = {short:UInt64} AND long_cache_key = {long:String} AND NOT is_deleted"
)


def test_clickhouse_looks_up_by_both_keys() -> None:
    reader = FakeReader({**msgspec.to_builtins(ENTRY), "age_s": "7"})
    store = ClickHouseCacheStore(reader)  # type: ignore[arg-type]
    assert run(store.get(KEY, None)) == Found(ENTRY, 7.0)
    assert run(store.get(KEY, 60)) == Found(ENTRY, 7.0)
    keys = {"short": SHORT, "long": KEY}
    assert reader.asked == [
        (SELECT + " LIMIT 1", keys),
        (SELECT + " AND age_s < {max_age:UInt32} LIMIT 1", {**keys, "max_age": 60}),
    ]


def test_clickhouse_has_no_row() -> None:
    assert run(ClickHouseCacheStore(FakeReader()).get(KEY, None)) is None  # type: ignore[arg-type]


def test_clickhouse_rows() -> None:
    reader = FakeReader()
    run(ClickHouseCacheStore(reader).put({KEY: ENTRY}))  # type: ignore[arg-type]
    row = {"short_cache_key": SHORT, "long_cache_key": KEY, **msgspec.to_builtins(ENTRY)}
    assert reader.inserted == [("ModelInferenceCache", [row])]


# -- Valkey ------------------------------------------------------------------------------------------------------------


async def with_valkey(ttl_s: int, use: Any) -> Any:
    """What `use(store, server)` gives."""
    server = MiniValkey()
    await server.start()
    store = ValkeyCacheStore(Valkey(server.url), ttl_s)
    try:
        return await use(store, server)
    finally:
        await store.close()
        await server.close()


def test_valkey_keeps_what_it_got() -> None:
    async def use(store: ValkeyCacheStore, server: MiniValkey) -> None:
        await store.put({KEY: ENTRY})
        found = await store.get(KEY, None)
        assert found is not None
        assert (found.entry, 0 <= found.age_s < 5) == (ENTRY, True)
        assert (await store.get(KEY, 60), await store.get("00" * 32, None)) == (found._replace(age_s=ANY), None)
        assert await store.is_healthy()

    run(with_valkey(60, use))


class _Any(float):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, float)

    __hash__ = float.__hash__


ANY = _Any()


def test_valkey_ages_by_the_time_in_the_entry() -> None:
    async def use(store: ValkeyCacheStore, server: MiniValkey) -> None:
        old = {"written_at": 1_000_000, "data": msgspec.to_builtins(ENTRY)}
        server.values[b"tensorzero_cache:" + KEY.encode()] = (msgspec.json.encode(old), None)
        assert await store.get(KEY, 2**32 - 1) == Found(ENTRY, ANY)
        assert await store.get(KEY, 3600) is None

    run(with_valkey(60, use))


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b'{"written_at":1,"data":{"output":1}}'])
def test_a_foreign_value_counts_as_missing(value: bytes) -> None:
    async def use(store: ValkeyCacheStore, server: MiniValkey) -> None:
        server.values[b"tensorzero_cache:" + KEY.encode()] = (value, None)
        assert await store.get(KEY, None) is None

    run(with_valkey(60, use))


def test_a_life_of_no_seconds_keeps_nothing() -> None:
    async def use(store: ValkeyCacheStore, server: MiniValkey) -> None:
        await store.put({KEY: ENTRY})
        assert (server.values, store.longest_life_s) == ({}, 0.0)

    run(with_valkey(0, use))


def test_a_life_beyond_the_clock_of_the_server_is_cut() -> None:
    async def use(store: ValkeyCacheStore, server: MiniValkey) -> None:
        await store.put({KEY: ENTRY})
        assert len(server.values) == 1

    run(with_valkey(2**64 - 1, use))


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_schemes(scheme: str) -> None:
    async def ping() -> None:
        server = MiniValkey()
        port = await server.start()
        valkey = Valkey(f"{scheme}://127.0.0.1:{port}/0")
        await valkey.ping()
        await valkey.close()
        await server.close()

    run(ping())


def test_a_failure_says_what_went_wrong() -> None:
    async def get() -> None:
        valkey = Valkey("redis://:secret@127.0.0.1:1")
        try:
            await valkey.get("k")
        finally:
            assert not await valkey.is_healthy()
            await valkey.close()

    with pytest.raises(ValkeyUnavailable) as caught:
        run(get())
    assert caught.value.text.startswith("Error connecting to Valkey: ConnectionError: ")
    assert "secret" not in caught.value.text
    assert (caught.value.status, caught.value.kind) == (503, "ValkeyConnection")


@pytest.mark.parametrize("url", ["", "http://:secret@host"])
def test_a_bad_url_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Valkey(url)
    assert str(caught.value) == "Invalid Valkey URL: it must look like `redis://user:password@host:6379/0`"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigError) as caught:
        Valkey("redis://host")
    assert str(caught.value) == "Valkey needs the extra `valkey`: `pip install 't0-gateway[valkey]'`"
