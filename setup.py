"""The extensions and their build switches; everything else is in pyproject.toml.

Two kinds of modules become extensions. The kernels (`t0/_core/*.pyx`) are Cython and always built. The modules of the
request path are ordinary Python, compiled as they stand; a development install leaves them alone, so that an edited
file is the one that runs. PERF: compiled, the path takes 23 µs a request instead of 39 (`bench/request_path.py`).
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent / "src"

# T0_SANITIZE=address,undefined builds the kernels for the sanitizers; T0_DEBUG=1 keeps symbols and bounds checks.
SANITIZE = os.environ.get("T0_SANITIZE", "")
DEBUG = os.environ.get("T0_DEBUG") == "1"
DEVELOPMENT = "editable_wheel" in sys.argv or "--inplace" in sys.argv or bool(SANITIZE) or DEBUG

REQUEST_PATH = [
    "t0/app.py",
    "t0/gateway.py",
    "t0/timers.py",
    "t0/files/resolve.py",
    "t0/server/*.py",
    "t0/routes/blocks.py",
    "t0/routes/body.py",
    "t0/routes/decode.py",
    "t0/routes/fields.py",
    "t0/routes/inference.py",
    "t0/routes/native.py",
    "t0/routes/openai_*.py",
    "t0/routes/table.py",
    "t0/routes/trace_headers.py",
    "t0/inference/*.py",
    "t0/functions/*.py",
    "t0/experimentation/rules.py",
    "t0/variants/chat_completion.py",
    "t0/variants/render.py",
    "t0/models/*.py",
    "t0/providers/chat/*.py",
    "t0/providers/events.py",
    "t0/providers/extra.py",
    "t0/providers/json_provider.py",
    "t0/providers/openai_compatible.py",
    "t0/providers/openai.py",
    "t0/providers/visible.py",
    "t0/upstream/client.py",
    "t0/upstream/connection.py",
    "t0/upstream/pool.py",
    "t0/upstream/receivers.py",
    "t0/recorder/codec.py",
    "t0/recorder/spill.py",
    "t0/recorder/writer.py",
]

# PERF: 31 µs a request instead of 33 with -O2, and 58 with -Os.
compile_args = ["-O0", "-g"] if DEBUG else ["-O3"]
link_args = []
if SANITIZE:
    compile_args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g", "-O1"]
    link_args += [f"-fsanitize={SANITIZE}"]


def extension(path: Path) -> Extension:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    source = str(path.relative_to(ROOT.parent))
    return Extension(name, [source], extra_compile_args=compile_args, extra_link_args=link_args)


def modules(*patterns: str) -> list[Extension]:
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.name != "__init__.py")
    return [extension(path) for path in found]


COMMON = {"language_level": "3", "freethreading_compatible": True}
kernels = cythonize(
    modules("t0/_core/*.pyx"),
    build_dir="build/cython",
    compiler_directives={**COMMON, "boundscheck": True, "wraparound": False},
)
# Annotations stay what they are in Python: hints, which compile to nothing.
request_path = cythonize(
    [] if DEVELOPMENT else modules(*REQUEST_PATH),
    build_dir="build/cython",
    nthreads=os.cpu_count() or 1,
    compiler_directives={**COMMON, "annotation_typing": False, "binding": True},
)

setup(ext_modules=kernels + request_path, options={"build_ext": {"parallel": os.cpu_count() or 1}})
