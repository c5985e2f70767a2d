"""Any process may be killed under load, and the database may be away: every answered inference is one row."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from load import Call, offer
from processes import Gateway, MockProvider, Relay, Store, completion, free_port, select, wait_for_rows, wait_until

CONFIG = """
[models.m]
routing = ["p"]

[models.m.providers.p]
type = "openai"
model_name = "m"
api_base = "{mock}/v1/"
api_key_location = "none"

[functions.f]
type = "chat"

[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""
RATE_PER_S = 500


@pytest.fixture(scope="module")
def config(provider: MockProvider) -> str:
    provider.play({"json": completion("Hi"), "repeat": True})
    return CONFIG.replace("{mock}", provider.url)


@pytest.fixture(scope="module")
def gateway(config: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), config, args=["--workers", "2"]) as running:
        yield running


def load(gateway: Gateway, run: str, seconds: float, events: dict[float, Callable[[], object]] | None = None) -> Any:
    body = {
        "function_name": "f",
        "input": {"messages": [{"role": "user", "content": "Hello"}]},
        "tags": {"run": run},
    }
    return offer(gateway.url + "/inference", body, rate_per_s=RATE_PER_S, seconds=seconds, events=events)


def assert_stored_once(url: Callable[[], str], run: str, calls: list[Call]) -> None:
    """Every answered inference has one row in each table; one that lost its answer has none or one."""
    answered = {c.inference_id for c in calls if c.inference_id}
    mine = f"SELECT id FROM ChatInference WHERE tags['run'] = '{run}'"
    count = f"SELECT count() AS n FROM ModelInference WHERE inference_id IN ({mine}) HAVING n >= {len(answered)}"
    wait_for_rows(url, count, 30)
    chats, models = rows_of(url(), "ChatInference", "id", mine), rows_of(url(), "ModelInference", "inference_id", mine)
    assert answered - chats.keys() == set()
    assert models == chats
    assert {i: n for i, n in chats.items() if n != 1} == {}
    assert len(chats) - len(answered) <= sum(c.error is not None for c in calls)


def rows_of(url: str, table: str, column: str, ids: str) -> dict[str, int]:
    """How many rows each of the inferences has in a table."""
    sql = (
        f"SELECT toString({column}) AS inference, count() AS n FROM {table} WHERE {column} IN ({ids}) GROUP BY {column}"
    )
    return {row["inference"]: int(row["n"]) for row in select(url, sql)}


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def kill(gateway: Gateway, role: str) -> float:
    """Kills one process of the role, and tells when."""
    os.kill(gateway.children(role)[0], signal.SIGKILL)
    return time.monotonic()


@pytest.mark.parametrize("role", ["recorder", "store"])
def test_killed_beside_the_workers(gateway: Gateway, role: str) -> None:
    before = gateway.children(role)
    calls = load(gateway, role, 3, {1: lambda: kill(gateway, role)})
    assert [c.error for c in calls if c.error] == []
    wait_until(lambda: gateway.children(role) and gateway.healthy(), f"another {role}", 20)
    assert gateway.children(role) != before
    assert_stored_once(gateway.store_url, role, calls)


def test_killed_worker(gateway: Gateway) -> None:
    killed: list[float] = []
    calls = load(gateway, "worker", 3, {1: lambda: killed.append(kill(gateway, "worker"))})
    failed = [c for c in calls if c.error]
    assert [c for c in failed if c.due > killed[0] + 0.1 or c.ended < killed[0]] == []
    assert len(failed) < RATE_PER_S / 5
    wait_until(lambda: len(gateway.children("worker")) == 2, "another worker", 20)
    assert_stored_once(gateway.store_url, "worker", calls)


def test_all_processes_killed(config: str, tmp_path: Path) -> None:
    """Killed at once in the midst of the load; the next start on the same folder stores what was answered."""
    with Gateway(tmp_path, config) as gateway:
        calls = load(gateway, "all", 1.5, {1: gateway.kill})
    assert any(c.inference_id for c in calls)
    with Gateway(tmp_path, config) as gateway:
        assert_stored_once(gateway.store_url, "all", calls)


def test_database_away_for_a_while(config: str, tmp_path: Path) -> None:
    """The way to the database breaks in the midst of inserts; answers go on, and their rows arrive when it is back."""
    with Store(tmp_path / "store", free_port()) as store, Relay(port_of(store.url)) as relay:
        url = store.url.replace(str(port_of(store.url)), str(relay.port))
        with Gateway(tmp_path / "gateway", config, env={"TENSORZERO_CLICKHOUSE_URL": url}) as gateway:
            calls = load(gateway, "away", 3, {1: relay.cut})
            assert [c.error for c in calls if c.error] == []
            assert not gateway.healthy()
            relay.restore()
            assert_stored_once(lambda: store.url, "away", calls)
            assert gateway.healthy()


def test_stopped_under_load(config: str, tmp_path: Path) -> None:
    """SIGTERM: what was accepted is answered and stored before the end, with exit code 0."""
    codes: list[int] = []
    with (
        Store(tmp_path / "store", free_port()) as store,
        Gateway(tmp_path / "gateway", config, env={"TENSORZERO_CLICKHOUSE_URL": store.url}) as gateway,
    ):
        calls = load(gateway, "stopped", 1.5, {1: lambda: codes.append(gateway.stop())})
        assert (codes, gateway.left) == ([0], [])
        assert_stored_once(lambda: store.url, "stopped", calls)
