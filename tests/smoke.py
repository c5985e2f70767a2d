"""Run on an installed wheel: every kernel can be imported, and the gateway answers one request.

Needs nothing but the wheel and what it depends on.
"""

import importlib
import json
import pkgutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CONFIG = """
[gateway.observability]
enabled = false

[models.m]
routing = ["dummy"]

[models.m.providers.dummy]
type = "dummy"
model_name = "echo"
"""


def import_kernels() -> list[str]:
    """The names of the compiled modules; ImportError or AssertionError when one is missing or not compiled."""
    core = importlib.import_module("t0._core")
    names = [m.name for m in pkgutil.iter_modules(core.__path__, "t0._core.")]
    sources = [Path(str(importlib.import_module(n).__file__)) for n in names]
    assert sources, "t0._core holds no module"
    assert all(s.suffix == ".so" for s in sources), f"not compiled: {sources}"
    return names


def ask(url: str) -> str:
    """The text the gateway answers, once it is up."""
    body = {"model_name": "m", "input": {"messages": [{"role": "user", "content": "Hello"}]}}
    request = urllib.request.Request(url + "/inference", json.dumps(body).encode())
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(json.load(answer)["content"][0]["text"])
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main() -> None:
    print("imported", *import_kernels())
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "tensorzero.toml")
        config.write_text(CONFIG)
        words = ["gateway", "--config-file", str(config), "--bind-address", address]
        gateway = subprocess.Popen([sys.executable, "-m", "t0.cli", *words], cwd=folder)
        try:
            assert ask(f"http://{address}") == "Hello"
        finally:
            gateway.terminate()
            code = gateway.wait(30)
    assert code == 0, f"the gateway ended with exit code {code}"
    print("answered one request")


if __name__ == "__main__":
    main()
