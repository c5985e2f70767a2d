"""Imports point one way, along the line of a request, and every module can be the first to be imported."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(
    ".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for p in (SOURCE / "t0").rglob("*.py")
    if p.name != "__main__.py"
)
KERNELS = sorted(SOURCE.glob("t0/_core/*.pyx"))

# From the command line down to the network. A module imports from its own part and from those below it.
LINE = (
    "cli",
    "startup",
    "launcher",
    "worker",
    "server",
    "app",
    "routes",
    "feedback",
    "batch",
    "inference",
    "gateway",
    "kinds",
    "evaluations",
    "optimization",
    "functions",
    "experimentation",
    "variants",
    "models",
    "recorder",
    "files",
    "providers",
    "upstream",
    "storage",
)
# Known to all parts, and knowing none of them.
GROUND = ("config", "templates", "schemas", "types", "errors", "logs", "mime", "signals", "timers", "version")


def part_of(module: str) -> str:
    """`providers` for `t0.providers.anthropic`; the package itself is the ground."""
    return module.split(".")[1] if "." in module else "version"


def imported(module: str) -> Iterator[str]:
    """The modules of t0 that a module names in its import statements, wherever they stand."""
    path = SOURCE / Path(*module.split("."))
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "t0")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            if node.module == "t0":
                yield from (f"t0.{a.name}" for a in node.names)
            elif node.module and node.module.startswith("t0."):
                yield node.module


def allowed(part: str) -> set[str]:
    """The parts that a part may import from."""
    if part == "_core":
        return {"_core", "errors"}
    below = LINE[LINE.index(part) :] if part in LINE else ()
    return {*below, *GROUND, "_core"}


def test_every_part_has_its_place() -> None:
    assert {part_of(m) for m in MODULES} - {*LINE, *GROUND, "_core"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    upwards = {name for name in imported(module) if part_of(name) not in allowed(part_of(module))}
    assert upwards == set()


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda p: p.stem)
def test_a_kernel_knows_nothing_of_t0_but_its_errors(kernel: Path) -> None:
    names = set(re.findall(r"^\s*(?:from|import|cimport)\s+(t0[\w.]*)", kernel.read_text(), re.MULTILINE))
    assert {n for n in names if part_of(n) not in allowed("_core")} == set()


IMPORT_EACH_ALONE = """
import importlib, os, sys, traceback
import aiohttp, chdb, clickhouse_connect, minijinja, msgspec, numpy, prometheus_client, uvloop  # once for all children
assert not [m for m in sys.modules if m.split(".")[0] == "t0"]
failed = 0
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            print("importing", name, flush=True)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
sys.exit(failed != 0)
"""


def test_every_module_imports_alone() -> None:
    """Each in a fresh process, which has loaded libraries but nothing of t0."""
    words = [sys.executable, "-c", IMPORT_EACH_ALONE, *MODULES]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_compiled_kernels_are_the_ones_loaded() -> None:
    names = [f"t0._core.{k.stem}" for k in KERNELS]
    files = [sys.modules[n].__file__ or "" for n in names if __import__(n)]
    assert len(files) == len(KERNELS)
    assert [f for f in files if not f.endswith(".so")] == []
