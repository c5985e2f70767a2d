"""Starts and stops what the tests talk to: the gateway with the processes it launches, a store, a model provider."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from mock import Mock

START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0

T = TypeVar("T")


class StartFailed(Exception):
    """The process ended, or never answered; the text is what it printed."""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_until(probe: Callable[[], T | None], what: str, limit_s: float = 10.0, pause_s: float = 0.03) -> T:
    """The first answer of `probe` that counts as true; TimeoutError naming `what` when the limit has passed."""
    end = time.monotonic() + limit_s
    while True:
        if answer := probe():
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit_s:g} s")
        time.sleep(pause_s)


def clean_env(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """This process's environment without what configures a gateway or leads it off the machine."""
    ours = ("TENSORZERO_", "T0_", "OTEL_", "RUST_LOG")
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    env = {k: v for k, v in env.items() if not k.upper().endswith(("_API_KEY", "_PROXY"))}
    return {**env, "PYTHONUNBUFFERED": "1", **extra}


class Process:
    """A t0 command. `left` holds the processes below it that were still there after it had been stopped."""

    def __init__(self, args: Sequence[str], *, folder: Path, env: Mapping[str, str] = {}) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.left: list[int] = []
        self.log = folder / f"{args[0]}.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "t0.cli", *args],
                cwd=folder,
                env=clean_env(env),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def require(self, ready: Callable[[], T | None], what: str) -> T:
        """Waits until it is `ready`; raises StartFailed when it ends or stays silent instead."""

        def probe() -> T | None:
            if self.popen.poll() is not None:
                raise StartFailed(f"exit code {self.popen.returncode}\n{self.output()}")
            return ready()

        try:
            return wait_until(probe, what, START_LIMIT_S)
        except TimeoutError as e:
            raise StartFailed(f"{e}\n{self.output()}") from e

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Signals the process alone, waits for its end, and returns the exit code. What it leaves behind is killed."""
        assert self.popen.stdin is not None
        below = list(descendants(self.popen.pid))
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.close()
        self.popen.send_signal(sig)
        try:
            return self.popen.wait(STOP_LIMIT_S)
        finally:
            self.popen.kill()
            self.popen.wait()
            self.left = [pid for pid in below if "t0.cli" in command_line(pid)]
            kill_all(self.left)

    def kill(self) -> None:
        """Ends the process and all below it at once."""
        kill_all([self.popen.pid, *descendants(self.popen.pid)])
        self.stop(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Gateway(Process):
    """`t0 gateway` on a free port of 127.0.0.1, with its data below `folder`; ready when the constructor returns.

    `config` is the text of `tensorzero.toml`; `files` are written beside it. None starts with `--default-config`. Ready
    means 200 from `ready`: `/health` waits for the store, `/status` does not.
    """

    def __init__(
        self,
        folder: Path,
        config: str | None,
        *,
        files: Mapping[str, str] = {},
        env: Mapping[str, str] = {},
        args: Sequence[str] = (),
        ready: str = "/health",
    ) -> None:
        self.data_dir = folder / "data"
        self.url = f"http://127.0.0.1:{free_port()}"
        source = ["--default-config"] if config is None else ["--config-file", str(write_config(folder, config, files))]
        address = ["--bind-address", self.url[7:], "--data-dir", str(self.data_dir)]
        super().__init__(["gateway", *source, *address, *args], folder=folder, env=env)
        try:
            self.require(lambda: self.answers(ready), f"answer to GET {ready}")
        except BaseException:
            self.kill()
            raise

    def answers(self, route: str) -> bool:
        """Whether a GET gets status 200."""
        try:
            with urllib.request.urlopen(self.url + route, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def healthy(self) -> bool:
        return self.answers("/health")

    def get(self, route: str) -> Any:
        """The decoded answer."""
        with urllib.request.urlopen(self.url + route, timeout=30) as answer:
            return json.load(answer)

    def post(self, route: str, body: object) -> Any:
        """The decoded answer; HTTPError for a status of 400 and above."""
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + route, data, headers), timeout=30) as answer:
            return json.load(answer)

    def store_url(self) -> str:
        """The embedded store's URL, with its password. It may change when the store is started again."""
        return (self.data_dir / "store" / "url").read_text().strip()

    def children(self, role: str) -> list[int]:
        """Process ids below the launcher: `worker`, `recorder` or `store`."""
        word = "gateway" if role == "worker" else role
        return [pid for pid in children(self.popen.pid) if word in command_line(pid)]


def write_config(folder: Path, config: str, files: Mapping[str, str] = {}) -> Path:
    for name, text in {**files, "tensorzero.toml": config}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "tensorzero.toml"


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


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


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Store(Process):
    """`t0 store` on a fixed port, for gateways that get it as their ClickHouse URL."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data_dir = folder / "data"
        address = self.data_dir / "store" / "url"
        address.unlink(missing_ok=True)
        super().__init__(["store", "--data-dir", str(self.data_dir), "--port", str(port)], folder=folder)
        self.url = self.require(lambda: address.read_text().strip() if address.exists() else "", "store/url")


def select(url: str, sql: str) -> list[dict[str, Any]]:
    """Rows as the database prints them in JSON, large integers as text."""
    client = clickhouse_connect.get_client(dsn=url)
    quoted = {"output_format_json_quote_64bit_integers": 1}
    try:
        return [json.loads(line) for line in client.raw_query(sql, settings=quoted, fmt="JSONEachRow").splitlines()]
    finally:
        client.close()


def wait_for_rows(url: Callable[[], str], sql: str, limit_s: float = 10.0) -> list[dict[str, Any]]:
    """The rows of a query as soon as there are any. A database that is not up, or has no tables yet, has none."""
    failure = "no rows"

    def probe() -> list[dict[str, Any]]:
        nonlocal failure
        try:
            return select(url(), sql)
        except (ClickHouseError, FileNotFoundError) as e:
            failure = str(e)
            return []

    try:
        return wait_until(probe, sql, limit_s, 0.1)
    except TimeoutError as e:
        raise TimeoutError(f"{e}: {failure}") from e


class LoopThread:
    """An event loop in a thread of its own, for what a test needs to run beside it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        self.run(cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Relay(LoopThread):
    """Passes connections on to another port until it is cut; then they break, and new ones are refused."""

    def __init__(self, target_port: int) -> None:
        super().__init__("relay")
        self.port = free_port()
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self.restore()

    def restore(self) -> None:
        self._server = self.run(asyncio.start_server(self._connect, "127.0.0.1", self.port))

    def cut(self) -> None:
        async def cut() -> None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await cancel_others()

        self.run(cut())

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {writer, to_writer}
        try:
            await asyncio.gather(self._pump(reader, to_writer), self._pump(to_reader, writer))
        finally:
            self._writers -= {writer, to_writer}

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # the other side shows it as well
        finally:
            writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self.close()


class MockProvider(LoopThread):
    """The recording mock of `tests/golden/mock.py` in a thread of its own: plays a script, keeps the requests."""

    def __init__(self) -> None:
        super().__init__("mock provider")
        self._mock = Mock()
        self.run(self._mock.start())

    @property
    def url(self) -> str:
        return self._mock.url

    @property
    def requests(self) -> list[dict[str, Any]]:
        return list(self._mock.log)

    def play(self, *script: dict[str, Any]) -> None:
        """Sets the replies (see the top of `mock.py`) and forgets the requests so far."""

        async def play() -> None:
            self._mock.play(list(script))

        self.run(play())

    def close(self) -> None:
        self.run(self._mock.close())
        super().close()


def completion(text: str, **more: Any) -> dict[str, Any]:
    """The body of an OpenAI chat completion that says `text`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [choice],
        "usage": usage,
        **more,
    }


def completion_events(*parts: str) -> list[Any]:
    """The events of an OpenAI stream that says `parts`, usage last."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m"}
    texts = [{**head, "choices": [{"index": 0, "delta": {"content": p}, "finish_reason": None}]} for p in parts]
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {**head, "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}
    return [*texts, end, usage, "[DONE]"]
