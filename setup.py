"""The kernels (`t0/_core/*.pyx`) and their build switches; everything else is in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent / "src"

# T0_SANITIZE=address,undefined builds the kernels for the sanitizers; T0_DEBUG=1 keeps symbols.
SANITIZE = os.environ.get("T0_SANITIZE", "")
DEBUG = os.environ.get("T0_DEBUG") == "1"

compile_args = ["-O0", "-g"] if DEBUG else []
link_args = []
if SANITIZE:
    compile_args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g", "-O1"]
    link_args += [f"-fsanitize={SANITIZE}"]


def extension(path: Path) -> Extension:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    source = str(path.relative_to(ROOT.parent))
    return Extension(name, [source], extra_compile_args=compile_args, extra_link_args=link_args)


kernels = cythonize(
    [extension(path) for path in sorted(ROOT.glob("t0/_core/*.pyx"))],
    build_dir="build/cython",
    compiler_directives={
        "language_level": "3",
        "freethreading_compatible": True,
        "boundscheck": True,
        "wraparound": False,
    },
)

setup(ext_modules=kernels, options={"build_ext": {"parallel": os.cpu_count() or 1}})
