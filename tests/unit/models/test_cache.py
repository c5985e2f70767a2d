"""The inference cache of a worker: its own level, slow and broken stores, writing behind the answer."""

import asyncio
import math
from collections.abc import Mapping

import pytest

from kit import run, run_timed
from t0.errors import StorageError, StorageUnavailable
from t0.models.cache import LOCAL_LIFE_S, LOOKUP_LIMIT_S, InferenceCache
from t0.storage.cache.base import CacheEntry, Found


def entry(output: str = "[]") -> CacheEntry:
    return CacheEntry(output=output, raw_request="", raw_response="")


class FakeStore:
    """Keeps entries with their age; answers after `wait_s`, or with `error`. `gets` and `puts` are what was asked."""

    longest_life_s = math.inf

    def __init__(self, **entries: Found) -> None:
        self.entries = dict(entries)
        self.gets: list[tuple[str, int | None]] = []
        self.puts: list[dict[str, CacheEntry]] = []
        self.error: Exception | None = None
        self.wait_s = 0.0
        self.is_closed = False

    async def get(self, key: str, max_age_s: int | None) -> Found | None:
        self.gets.append((key, max_age_s))
        await self._answer()
        found = self.entries.get(key)
        return found if found is not None and (max_age_s is None or found.age_s < max_age_s) else None

    async def put(self, entries: Mapping[str, CacheEntry]) -> None:
        self.puts.append(dict(entries))
        await self._answer()
        self.entries |= {key: Found(e, 0.0) for key, e in entries.items()}

    async def _answer(self) -> None:
        await asyncio.sleep(self.wait_s)
        if self.error is not None:
            raise self.error

    async def is_healthy(self) -> bool:
        return self.error is None

    async def close(self) -> None:
        self.is_closed = True


def make(store: FakeStore) -> InferenceCache:
    """To be called within a loop, whose clock it takes."""
    return InferenceCache(store, now=asyncio.get_running_loop().time)


UNAVAILABLE = StorageUnavailable("Error connecting to ClickHouse: refused")
REFUSED = StorageError("Failed to run ClickHouse query: no such table")


# -- looking up --------------------------------------------------------------------------------------------------------


def test_what_was_found_is_served_from_the_own_level_for_a_while() -> None:
    store = FakeStore(k=Found(entry(), 5.0))

    async def find() -> None:
        cache = make(store)
        assert [await cache.find("k", None) for _ in range(3)] == [entry()] * 3
        assert store.gets == [("k", None)]
        await asyncio.sleep(LOCAL_LIFE_S)
        assert await cache.find("k", None) == entry()
        assert store.gets == [("k", None)] * 2

    run(find())


def test_the_own_level_minds_the_age_that_an_entry_came_with() -> None:
    store = FakeStore(k=Found(entry(), 5.0))

    async def find() -> None:
        cache = make(store)
        assert await cache.find("k", None) == entry()
        assert await cache.find("k", 6) == entry()
        assert len(store.gets) == 1
        assert await cache.find("k", 5) is None
        assert store.gets[1:] == [("k", 5)]
        await asyncio.sleep(1)
        assert await cache.find("k", 6) == entry()  # the store's own clock says so
        assert store.gets[2:] == [("k", 6)]

    run(find())


def test_the_own_level_keeps_nothing_longer_than_the_store() -> None:
    store = FakeStore(k=Found(entry(), 0.0))
    store.longest_life_s = 2.0  # type: ignore[misc]

    async def find() -> None:
        cache = make(store)
        await cache.find("k", None)
        await asyncio.sleep(2)
        await cache.find("k", None)
        assert len(store.gets) == 2

    run(find())


def test_large_entries_stay_out_of_the_own_level() -> None:
    store = FakeStore(k=Found(entry("x" * 5_000_000), 0.0))

    async def find() -> None:
        cache = make(store)
        await cache.find("k", None)
        await cache.find("k", None)
        assert len(store.gets) == 2

    run(find())


def test_the_own_level_is_bounded_by_bytes() -> None:
    big = {f"k{i}": Found(entry("x" * 3_000_000), 0.0) for i in range(20)}
    store = FakeStore(**big)

    async def find() -> None:
        cache = make(store)
        for key in big:
            await cache.find(key, None)
        store.gets.clear()
        for key in reversed(big):
            await cache.find(key, None)
        assert len(store.gets) == 20 - 11  # so many fit into 32 MiB

    run(find())


# -- slow, dead and refusing stores ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [UNAVAILABLE, None], ids=["refuses", "is_silent"])
def test_a_dead_store_is_left_alone_after_three_failures(error: Exception | None) -> None:
    store = FakeStore()
    store.error, store.wait_s = error, 0.0 if error else 60.0

    async def find() -> None:
        cache = make(store)
        for _ in range(10):
            assert await cache.find("k", None) is None

    _, took_s = run_timed(find())
    assert len(store.gets) == 3
    assert took_s == pytest.approx(0 if error else 3 * LOOKUP_LIMIT_S, abs=0.1)


def test_a_store_that_is_back_is_asked_again() -> None:
    store = FakeStore(k=Found(entry(), 0.0))
    store.error = UNAVAILABLE

    async def find() -> None:
        cache = make(store)
        for _ in range(4):
            assert await cache.find("k", None) is None
        store.error = None
        await asyncio.sleep(1)
        assert await cache.find("k", None) == entry()

    run(find())


def test_lookups_cut_short_by_a_time_limit_count_as_failures() -> None:
    """Else a limit below the cache's own would end every request in a lookup, for as long as the store is silent."""
    store = FakeStore()
    store.wait_s = 60.0

    async def find() -> None:
        cache = make(store)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(cache.find("k", None), LOOKUP_LIMIT_S / 2)
        assert await asyncio.wait_for(cache.find("k", None), LOOKUP_LIMIT_S / 2) is None

    run(find())


def test_a_refused_lookup_is_a_miss_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore()
    store.error = REFUSED

    async def find() -> None:
        cache = make(store)
        for _ in range(5):
            assert await cache.find("k", None) is None

    run(find())
    assert len(store.gets) == 5
    assert caplog.messages == [f"a lookup in the inference cache failed: {REFUSED}"] * 5


# -- writing -----------------------------------------------------------------------------------------------------------


def test_writes_are_behind_the_answer_and_travel_together() -> None:
    store = FakeStore()
    store.wait_s = 1.0

    async def keep() -> None:
        cache = make(store)
        cache.keep("a", entry("1"))
        await asyncio.sleep(0.5)
        cache.keep("b", entry("2"))
        cache.keep("c", entry("3"))
        cache.keep("b", entry("4"))
        assert await cache.find("b", None) == entry("4")
        await cache.close()

    run(keep())
    assert store.puts == [{"a": entry("1")}, {"b": entry("4"), "c": entry("3")}]
    assert (store.gets, store.is_closed) == ([], True)


def test_what_cannot_be_written_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore()

    async def keep() -> None:
        cache = make(store)
        for error in (REFUSED, UNAVAILABLE, None):
            store.error = error
            cache.keep(str(error), entry())
            await asyncio.sleep(0.2)
        await cache.close()

    run(keep())
    assert list(store.entries) == ["None"]
    assert caplog.messages == [f"1 answers are not cached: {REFUSED}"]


def test_a_silent_store_does_not_hold_up_the_end() -> None:
    store = FakeStore()
    store.wait_s = 3600.0

    async def keep() -> None:
        cache = make(store)
        cache.keep("a", entry())
        await cache.close()

    _, took_s = run_timed(keep())
    assert took_s < 10


def test_waiting_writes_are_bounded_by_bytes(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore()
    store.wait_s = 1.0

    async def keep() -> None:
        cache = make(store)
        cache.keep("first", entry())
        await asyncio.sleep(0)
        for i in range(9):
            cache.keep(str(i), entry("x" * 8_000_000))
        await cache.close()

    run(keep())
    assert [list(p) for p in store.puts] == [["first"], [str(i) for i in range(8)]]
    assert caplog.messages == ["the store of the inference cache is too slow: an answer is not cached"]


def test_health_is_that_of_the_store() -> None:
    store = FakeStore()

    async def healthy() -> bool:
        return await make(store).is_healthy()

    assert run(healthy())
    store.error = UNAVAILABLE
    assert not run(healthy())
