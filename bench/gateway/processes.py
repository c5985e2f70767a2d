"""Starts and stops servers, and reads what they cost: CPU and memory of a process and all below it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

STOP_LIMIT_S = 30.0
_CONFIGURES_GATEWAYS = ("TENSORZERO_", "T0_", "OTEL_", "RUST_LOG", "LITELLM_")


class StartFailed(Exception):
    """The server ended, or never answered; the text is what it printed."""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def clean_env(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what would configure a gateway or lead it off the machine."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(_CONFIGURES_GATEWAYS)}
    env = {k: v for k, v in env.items() if not k.upper().endswith(("_API_KEY", "_PROXY"))}
    return {**env, **extra}


class Server:
    """A running command. Its output goes to `folder/log`; its standard input stays open until it is stopped."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=clean_env(env), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )

    def check_alive(self) -> None:
        """Raises StartFailed with the output when the command has ended."""
        if self.process.poll() is not None:
            raise StartFailed(f"exit code {self.process.returncode}\n{self.log.read_text(errors='replace')}")

    def pids(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self) -> None:
        """Asks it to finish; whatever is left of it after a while is killed."""
        below = self.pids()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in below[1:]:
            _kill(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def children(pid: int) -> list[int]:
    """Those of all its threads; none when it has ended."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from descendants(child)


def command_line(pid: int) -> list[str]:
    """The words the process was started with; none when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads, ended ones too, to the nanosecond; 0 when it has ended.

    The number is the kernel's name for another process's CPU clock (`man 3 clock_getcpuclockid`). `/proc/PID/stat`
    shows the same in hundredths of a second.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def memory_mb(pid: int) -> dict[str, float]:
    """`rss`, and `pss`, in which pages shared by n processes count an n-th for each; zeros when it has ended."""
    found = {"rss": 0.0, "pss": 0.0}
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return found
    for line in lines:
        name, _, rest = line.partition(":")
        if name.lower() in found:
            found[name.lower()] = int(rest.split()[0]) / 1024
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
