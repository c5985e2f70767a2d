"""What is measured: the mock alone, t0, the reference, LiteLLM. Each is a name, a way to start it, and an address."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.gateway.cases import LARGE, SMALL, Kind
from bench.gateway.loadgen import Mocks
from bench.gateway.processes import (
    Server,
    StartFailed,
    children,
    clean_env,
    command_line,
    cpu_seconds,
    free_port,
    memory_mb,
)

START_LIMIT_S = 120.0
FUNCTION, TEMPLATES = "function1", "function2"
MODEL = "gpt-4.1-mini"
PATH = "/chat/completions"
COMMON: tuple[Kind, ...] = ("small", "100 kB", "templates", "burst", "paced")

# Its first half is the configuration that the reference's own published figures were made with.
TENSORZERO_TOML = """\
[gateway]
observability.enabled = {stores}

[models."{model}"]
routing = ["openai"]

[models."{model}".providers.openai]
type = "openai"
model_name = "{model}"
api_base = "{instant}/"
api_key_location = "none"

[functions.function1]
type = "chat"

[functions.function1.variants.variant1]
type = "chat_completion"
model = "{model}"
max_tokens = 100

[functions.function2]
type = "chat"

[functions.function2.schemas]
system.path = "system.json"
user.path = "user.json"

[functions.function2.variants.variant1]
type = "chat_completion"
model = "{model}"
max_tokens = 100
templates.system.path = "system.minijinja"
templates.user.path = "user.minijinja"

[models.burst]
routing = ["openai"]

[models.burst.providers.openai]
type = "openai"
model_name = "burst"
api_base = "{burst}/"
api_key_location = "none"

[models.paced]
routing = ["openai"]

[models.paced.providers.openai]
type = "openai"
model_name = "paced"
api_base = "{paced}/"
api_key_location = "none"
"""

TEMPLATE_FILES = {
    "system.json": json.dumps(
        {
            "type": "object",
            "properties": {"tone": {"type": "string"}, "topics": {"type": "array", "items": {"type": "string"}}},
            "required": ["tone", "topics"],
            "additionalProperties": False,
        }
    ),
    "user.json": json.dumps(
        {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]}
    ),
    "system.minijinja": "You answer in a {{ tone }} tone.\n{% for topic in topics %}- {{ topic }}\n{% endfor %}",
    "user.minijinja": "Answer in one sentence: {{ question }}",
}
TEMPLATE_MESSAGES: list[dict[str, Any]] = [
    {
        "role": "system",
        "content": [
            {
                "type": "tensorzero::template",
                "name": "system",
                "arguments": {"tone": "friendly", "topics": ["winter", "presents", "reindeer"]},
            }
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tensorzero::template", "name": "user", "arguments": {"question": "Is Santa real?"}},
        ],
    },
]

_T0_VERSION = "from t0.version import VERSION; print(VERSION)"

LITELLM_YAML = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: {mock}
      api_key: none
      max_tokens: 100
litellm_settings:
  num_retries: 0
"""


class Watched(Protocol):
    """Processes that are measured together."""

    def pids(self) -> list[int]: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Target:
    """Where the requests of one kind go, and what they look like."""

    url: str
    model: str
    kind: Kind = "small"

    def body(self, stream: bool) -> bytes:
        prompt_bytes = LARGE if self.kind == "100 kB" else SMALL
        if self.kind == "native":
            return native_body(prompt_bytes, stream)
        if self.kind == "templates":
            return json.dumps({"model": self.model, "messages": TEMPLATE_MESSAGES, "stream": stream}).encode()
        return request_body(self.model, prompt_bytes, stream)


@dataclass
class Running:
    """A started subject. `targets` are the kinds of requests that it takes."""

    server: Watched
    targets: dict[Kind, Target]
    first_answer_s: float = 0.0
    data_dir: Path | None = None
    """Of a gateway that stores its inferences."""
    answers: int = 0
    """How many it has given, all cases and rounds together."""

    def request(self, kind: Kind, stream: bool) -> tuple[str, bytes]:
        """The address and the body that a case is offered with."""
        target = self.targets[kind]
        return target.url, target.body(stream)

    def cpu_seconds(self) -> dict[int, float]:
        return {pid: cpu_seconds(pid) for pid in self.server.pids()}

    def cpu_by_role(self, before: dict[int, float]) -> dict[str, float]:
        """Seconds used since `before`, for each role."""
        used: defaultdict[str, float] = defaultdict(float)
        for pid, seconds in self.cpu_seconds().items():
            used[role(self.server, pid)] += seconds - before.get(pid, 0.0)
        return dict(used)

    def memory(self) -> dict[str, Any]:
        """`total`: proportional set size of all processes; `processes`: resident set size of each by its role. MB."""
        sizes = [(role(self.server, pid), memory_mb(pid)) for pid in self.server.pids()]
        each = sorted((name, round(size["rss"], 1)) for name, size in sizes)
        return {"total": round(sum(size["pss"] for _, size in sizes), 1), "processes": each}

    def stop(self) -> None:
        self.server.stop()


def role(server: Watched, pid: int) -> str:
    """What a process does: `worker`, `recorder`, `store` or `launcher` of t0, otherwise `server`."""
    words = command_line(pid)
    if "t0.cli" not in words:
        return "server"
    command = words[words.index("t0.cli") + 1]
    if command != "gateway":
        return command
    # Until 0.1.0 a server process stood between the launcher and its workers.
    has_workers = any("gateway" in command_line(child) for child in children(pid))
    return "launcher" if pid == server.pids()[0] or has_workers else "worker"


class Subject(Protocol):
    @property
    def name(self) -> str: ...

    def version(self) -> str: ...

    def start(self, folder: Path, mocks: Mocks) -> Running:
        """Returns after the first answer. Raises StartFailed."""


@dataclass
class MockAlone:
    name: str = "mock"

    def version(self) -> str:
        return ""

    def start(self, folder: Path, mocks: Mocks) -> Running:
        """It is asked for the same as the gateways, but without their templates."""
        kinds: tuple[Kind, ...] = (*COMMON, "native")
        urls = {kind: mocks.urls.get(kind, mocks.urls["instant"]) + PATH for kind in kinds}
        plain: dict[Kind, Kind] = {"templates": "small", "native": "small"}
        return Running(mocks, {kind: Target(url, MODEL, plain.get(kind, kind)) for kind, url in urls.items()})


@dataclass
class T0:
    """`python` and `env` choose the t0 that runs, `wrapper` is a command that runs it."""

    workers: int
    stores: bool
    python: str = sys.executable
    env: dict[str, str] = field(default_factory=dict)
    wrapper: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"t0, {self.workers} worker{'s' * (self.workers > 1)}, {'stored' if self.stores else 'not stored'}"

    def version(self) -> str:
        return run_python(self.python, _T0_VERSION, self.env)

    def start(self, folder: Path, mocks: Mocks) -> Running:
        config = write_gateway_config(folder, mocks, stores=self.stores)
        address, data = f"127.0.0.1:{free_port()}", folder / "data"
        command = [*self.wrapper, self.python, "-m", "t0.cli", "gateway", "--config-file", str(config)]
        command += ["--bind-address", address, "--data-dir", str(data), "--workers", str(self.workers)]
        targets = openai_targets(f"http://{address}/openai/v1{PATH}")
        targets["native"] = Target(f"http://{address}/inference", FUNCTION, "native")
        server = Server(command, folder, self.env)
        return after_first_answer(Running(server, targets, data_dir=data if self.stores else None), server)


@dataclass
class Reference:
    """The gateway inside the `tensorzero` package, its observability off; `threads` limits its runtime's workers.

    It serves the OpenAI-compatible routes only.
    """

    threads: int | None = None

    @property
    def name(self) -> str:
        return "reference" if self.threads is None else f"reference, {self.threads} thread"

    def version(self) -> str:
        return run_python(sys.executable, "from importlib.metadata import version; print(version('tensorzero'))", {})

    def start(self, folder: Path, mocks: Mocks) -> Running:
        config = write_gateway_config(folder, mocks, stores=False)
        env = {} if self.threads is None else {"TOKIO_WORKER_THREADS": str(self.threads)}
        script = Path(__file__).with_name("reference_server.py")
        server = Server([sys.executable, str(script), str(config)], folder, env)
        while not (found := re.search(r"serving (\S+)", server.log.read_text())):
            server.check_alive()
            time.sleep(0.01)
        return after_first_answer(Running(server, openai_targets(found[1] + PATH)), server)


@dataclass
class LiteLLM:
    command: str
    workers: int
    name: str = "LiteLLM"

    def version(self) -> str:
        python = str(Path(self.command).with_name("python"))
        return run_python(python, "from importlib.metadata import version; print(version('litellm'))", {})

    def start(self, folder: Path, mocks: Mocks) -> Running:
        config = write_config(folder, "litellm.yaml", LITELLM_YAML.format(model=MODEL, mock=mocks.urls["instant"]))
        port = str(free_port())
        command = [self.command, "--config", str(config), "--host", "127.0.0.1", "--port", port]
        # Its price map otherwise comes from the network.
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
        # The others ask for no key either.
        env["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"
        server = Server([*command, "--num_workers", str(self.workers)], folder, env)
        url = f"http://127.0.0.1:{port}/v1{PATH}"
        targets: dict[Kind, Target] = {"small": Target(url, MODEL), "100 kB": Target(url, MODEL, "100 kB")}
        return after_first_answer(Running(server, targets), server)


def openai_targets(url: str) -> dict[Kind, Target]:
    """What t0 and the reference are asked for in the same way."""
    models: dict[Kind, str] = {
        "small": f"tensorzero::function_name::{FUNCTION}",
        "100 kB": f"tensorzero::function_name::{FUNCTION}",
        "templates": f"tensorzero::function_name::{TEMPLATES}",
        "burst": "tensorzero::model_name::burst",
        "paced": "tensorzero::model_name::paced",
    }
    return {kind: Target(url, model, kind) for kind, model in models.items()}


def write_gateway_config(folder: Path, mocks: Mocks, *, stores: bool) -> Path:
    for name, text in TEMPLATE_FILES.items():
        write_config(folder, name, text)
    toml = TENSORZERO_TOML.format(model=MODEL, stores=str(stores).lower(), **mocks.urls)
    return write_config(folder, "tensorzero.toml", toml)


def write_config(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def prompt(size: int) -> str:
    return ("Is Santa real? " * (size // 15 + 1))[:size]


def request_body(model: str, prompt_bytes: int, stream: bool) -> bytes:
    """A chat completion request whose prompt has `prompt_bytes` bytes."""
    messages = [{"role": "user", "content": prompt(prompt_bytes)}]
    return json.dumps({"model": model, "messages": messages, "stream": stream}).encode()


def native_body(prompt_bytes: int, stream: bool) -> bytes:
    """The same to `/inference`."""
    input_ = {"messages": [{"role": "user", "content": prompt(prompt_bytes)}]}
    return json.dumps({"function_name": FUNCTION, "input": input_, "stream": stream}).encode()


def after_first_answer(running: Running, server: Server) -> Running:
    """Asks until an answer is there. The time counts from the start of the process."""
    url, body = running.request("small", stream=False)
    while not answers(url, body):
        server.check_alive()
        if time.monotonic() - server.started > START_LIMIT_S:
            server.stop()
            raise StartFailed(f"no answer within {START_LIMIT_S:g} s\n{server.log.read_text(errors='replace')}")
        time.sleep(0.01)
    running.first_answer_s = time.monotonic() - server.started
    running.answers = 1
    return running


def answers(url: str, body: bytes) -> bool:
    """Whether a request brings the mock's text back."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = json.load(answer)["choices"][0]["message"]["content"]
    except OSError:
        return False
    return str(text).startswith("The answer is made of these words")


def run_python(python: str, code: str, env: dict[str, str]) -> str:
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, env=clean_env(env))
    return run.stdout.strip()
