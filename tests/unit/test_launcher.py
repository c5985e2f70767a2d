"""What the launcher starts, what it starts again and when, and what keeps it from starting."""

import fcntl
import os
import socket
import sys
import time

import pytest

from kit import SMALL
from processes import write_config
from t0.config.environment import Environment
from t0.config.load import load
from t0.config.snapshot import Snapshot, snapshot
from t0.errors import ConfigError
from t0.kinds import all_kinds
from t0.launcher import CommandChild, Launcher, LaunchOptions
from t0.recorder.process import RecorderSettings
from t0.storage.prepare import Preparation

URL = "http://127.0.0.1:8123/db"


def options(folder, keys="", *, url=None, stores=True, **changes):
    config = load(str(write_config(folder, keys + SMALL)), all_kinds(), {})
    fields = {
        "config": config,
        "snapshot": snapshot(config, {}),
        "environment": Environment(clickhouse_url=url),
        "data_dir": folder / "data",
        "host": "127.0.0.1",
        "port": 0,
        "workers": 2,
        "stores": stores,
        "cache": None,
        "log_format": "pretty",
        **changes,
    }
    return LaunchOptions(**fields)


@pytest.mark.parametrize(
    ("url", "stores", "embeds"), [(None, True, True), (URL, True, False), (None, False, False), (URL, False, False)]
)
def test_the_embedded_store_is_for_who_has_no_database(tmp_path, url, stores, embeds):
    assert options(tmp_path, url=url, stores=stores).embeds_store is embeds


@pytest.mark.parametrize(
    ("keys", "only_check"),
    [
        ("", False),
        ("[clickhouse]\ndisable_automatic_migrations = true\n", True),
        ("[gateway.observability]\ndisable_automatic_migrations = true\n", True),
    ],
    ids=["automatic", "manual", "manual in the older place"],
)
def test_how_the_database_is_prepared(tmp_path, keys, only_check):
    launch = options(tmp_path, keys, url=URL)
    assert launch.preparation(URL) == Preparation(
        url=URL, environment=Environment(clickhouse_url=URL), only_check=only_check, snapshot=launch.snapshot
    )
    assert isinstance(launch.snapshot, Snapshot)


BATCHED = (
    "[gateway.observability]\nasync_writes = false\n"
    "batch_writes = { enabled = true, flush_interval_ms = 7, max_rows = 5 }\n"
)
RECORDING = {
    "asynchronous": ("", {}),
    "synchronous": ("[gateway.observability]\nasync_writes = false\n", {"flush_interval_ms": 0}),
    "batched": (BATCHED, {"flush_interval_ms": 7, "max_rows": 5}),
    "buckets": (
        "[gateway.metrics]\ntensorzero_inference_latency_overhead_seconds_buckets = [0.5]\n",
        {"latency_buckets": (0.5,)},
    ),
}


@pytest.mark.parametrize(("keys", "changed"), RECORDING.values(), ids=RECORDING)
def test_what_the_recorder_is_told(tmp_path, keys, changed):
    told = options(tmp_path, keys, url=URL).recorder_settings()
    plain = {
        "data_dir": str(tmp_path / "data"),
        "clickhouse_url": URL,
        "observability": True,
        "latency_buckets": (0.001, 0.01, 0.1),
    }
    assert told == RecorderSettings(**{**plain, **changed})


# -- what keeps it from starting ---------------------------------------------------------------------------------------


def test_a_data_directory_serves_one_gateway(tmp_path):
    launch = options(tmp_path)
    launch.data_dir.mkdir()
    with (launch.data_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError) as caught:
            Launcher(launch).run()
    assert str(caught.value) == f"Another gateway already uses the data directory `{launch.data_dir}`"


def test_an_address_serves_one_gateway(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            Launcher(options(tmp_path, port=port)).run()
    assert str(caught.value) == (
        f"Failed to bind to socket address 127.0.0.1:{port}: Address already in use. "
        f"Tip: is port {port} in use by another process?"
    )


# -- starting again ----------------------------------------------------------------------------------------------------


class FakeChild:
    """A process that ends as it is told."""

    def __init__(self, name="recorder", code=1, runs_once=False):
        self.name, self.code, self.runs_once = name, code, runs_once
        self.starts = 0

    def start(self):
        self.starts += 1

    def has_ended(self):
        return True

    def stop(self):
        pass

    def wait(self):
        return self.code


@pytest.fixture
def launcher(tmp_path):
    return Launcher(options(tmp_path))


def restarted(launcher, child, *, ran_s):
    """The pause after which a child that ran so long is started again, and whether it was at once."""
    launcher._started[child.name] = time.monotonic() - ran_s
    before = child.starts
    launcher._restart(child)
    pause = launcher._pauses[child.name]
    launcher._due.pop(child.name, None)
    return pause, child.starts > before


def test_a_child_that_had_run_well_is_started_at_once(launcher):
    assert restarted(launcher, FakeChild(), ran_s=60) == (0.0, True)


def test_a_child_that_keeps_ending_is_started_ever_later(launcher):
    child = FakeChild()
    pauses = [restarted(launcher, child, ran_s=0.1) for _ in range(9)]
    assert pauses == [(p, False) for p in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0)]


def test_a_good_run_shortens_the_pause_again(launcher):
    child = FakeChild()
    for _ in range(4):
        restarted(launcher, child, ran_s=0.1)
    assert restarted(launcher, child, ran_s=60) == (0.0, True)
    assert restarted(launcher, child, ran_s=0.1) == (0.25, False)


def test_a_child_is_started_when_its_pause_is_over(launcher):
    child = FakeChild()
    launcher._started[child.name] = time.monotonic()
    launcher._restart(child)
    assert child.starts == 0
    launcher._due[child.name] = time.monotonic() - 0.01
    launcher._restart(child)
    assert (child.starts, launcher._due) == (1, {})


@pytest.mark.parametrize(("code", "kept"), [(0, []), (1, ["preparation"])], ids=["done", "failed"])
def test_what_runs_once_is_forgotten_when_it_is_done(launcher, code, kept):
    child = FakeChild("preparation", code, runs_once=True)
    launcher._children = [child]
    launcher._started[child.name] = time.monotonic()
    launcher._restart(child)
    assert [c.name for c in launcher._children] == kept


@pytest.mark.parametrize("niceness", [0, 7])
def test_a_command_may_give_way_to_requests(niceness):
    child = CommandChild("version", ["version"], niceness=niceness)
    child.start()
    pid = child._process.pid
    assert os.getpriority(os.PRIO_PROCESS, pid) == niceness
    if sys.platform == "linux":
        assert os.sched_getscheduler(pid) == (os.SCHED_BATCH if niceness else os.SCHED_OTHER)
    child.stop()
    child.wait()


def test_a_command_ends_with_its_standard_input():
    child = CommandChild("version", ["version"])
    assert (child.has_ended(), child.wait()) == (False, 0)
    child.start()
    child.stop()
    assert child.wait() == 0
    assert child.has_ended()
