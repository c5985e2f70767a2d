"""A gateway ends when it is told to, whoever else is told, and however often."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import Gateway, Process, command_line, descendants, free_port, write_config

CONFIG = """
[gateway.observability]
enabled = false
[models.m]
routing = ["d"]
[models.m.providers.d]
type = "dummy"
model_name = "echo"
"""


def signal_all(process: Process, number: signal.Signals, times: int = 1) -> None:
    """As service managers and terminals do: the launcher and all below it."""
    for _ in range(times):
        for pid in [process.popen.pid, *descendants(process.popen.pid)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path, CONFIG, args=["--workers", "2"], ready="/status") as gateway:
        yield gateway


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_process_signalled_again_and_again(gateway: Gateway, number: signal.Signals) -> None:
    signal_all(gateway, number, times=5)
    assert (gateway.stop(number), gateway.left) == (0, [])


def test_a_worker_signalled_again_and_again_is_replaced(gateway: Gateway) -> None:
    worker = gateway.children("worker")[0]
    for _ in range(5):
        os.kill(worker, signal.SIGTERM)
    gateway.require(lambda: not command_line(worker) and len(gateway.children("worker")) == 2, "another worker")
    assert gateway.answers("/status")
    assert (gateway.stop(), gateway.left) == (0, [])


@pytest.mark.parametrize("after_ms", range(0, 1000, 50))
def test_signalled_while_it_starts(tmp_path: Path, after_ms: int) -> None:
    """Whichever of the processes are there already, none is forgotten."""
    config = str(write_config(tmp_path, CONFIG))
    address = ["--bind-address", f"127.0.0.1:{free_port()}", "--data-dir", str(tmp_path / "data"), "--workers", "2"]
    with Process(["gateway", "--config-file", config, *address], folder=tmp_path) as process:
        time.sleep(after_ms / 1000)
        signal_all(process, signal.SIGTERM)
        # Before it has handlers of its own, the signal ends it as any process.
        assert process.stop() in (0, -signal.SIGTERM)
        assert process.left == []
