"""Builds and runs `t0-loadgen`, the load generator and mock provider of `bench/loadgen`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Self

from bench.gateway.cases import MOCKS
from bench.gateway.processes import Server

SOURCE = Path(__file__).parents[1] / "loadgen"
MOCK_LIMIT_S = 3600
Figures = dict[str, Any]
"""What `t0-loadgen load --json` writes."""


class LoadFailed(Exception):
    """The generator could not do its work; the text is what it said."""


@cache
def binary() -> str:
    """An installed `t0-loadgen`, or else the one built here. Raises LoadFailed when there is neither it nor cargo."""
    if installed := shutil.which("t0-loadgen"):
        return installed
    if shutil.which("cargo") is None:
        raise LoadFailed("neither `t0-loadgen` nor `cargo` is installed: `pip install ./bench/loadgen` needs Rust")
    subprocess.run(["cargo", "build", "--release", "--offline", "--quiet"], cwd=SOURCE, check=True)
    return str(SOURCE / "target" / "release" / "t0-loadgen")


class Mock(Server):
    """The mock provider on a free port, for at most an hour."""

    def __init__(self, folder: Path, options: Sequence[str] = (), limit_s: int = MOCK_LIMIT_S) -> None:
        super().__init__([binary(), "mock", "--seconds", str(limit_s), *options], folder, {})
        while not (found := re.search(r"listening on (\S+)", self.log.read_text())):
            self.check_alive()
            time.sleep(0.01)
        self.url = f"http://{found[1]}/openai"


class Mocks:
    """All the mock providers, started and stopped together; `urls` by their names."""

    def __init__(self, folder: Path, limit_s: int = MOCK_LIMIT_S) -> None:
        with ExitStack() as stack:
            self._mocks = {name: stack.enter_context(Mock(folder / name, o, limit_s)) for name, o in MOCKS.items()}
            self._stack = stack.pop_all()
        self.urls = {name: mock.url for name, mock in self._mocks.items()}

    def pids(self) -> list[int]:
        return [pid for mock in self._mocks.values() for pid in mock.pids()]

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def load(url: str, body: bytes, options: Sequence[str]) -> Figures:
    """Offers the load that `options` describe. Raises LoadFailed."""
    with tempfile.TemporaryDirectory() as folder:
        request, result = Path(folder, "request"), Path(folder, "result")
        request.write_bytes(body)
        command = [binary(), "load", "--url", url, "--body-file", str(request), "--json", str(result), *options]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise LoadFailed(f"{' '.join(options)}: {run.stderr.strip()}")
        figures: Figures = json.loads(result.read_text())
    return figures
