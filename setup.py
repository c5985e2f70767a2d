"""The Cython extensions and their build switches; everything else is in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent
KERNELS = sorted(p.relative_to(ROOT) for p in (ROOT / "src/t0/_core").glob("*.pyx"))

# T0_SANITIZE=address,undefined builds the kernels for the sanitizers; T0_DEBUG=1 keeps symbols and bounds checks.
SANITIZE = os.environ.get("T0_SANITIZE", "")
DEBUG = os.environ.get("T0_DEBUG") == "1"

compile_args = ["-O0", "-g"] if DEBUG else ["-O3"]
link_args = []
if SANITIZE:
    compile_args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g", "-O1"]
    link_args += [f"-fsanitize={SANITIZE}"]

extensions = [
    Extension(
        f"t0._core.{path.stem}",
        [str(path)],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for path in KERNELS
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir="build/cython",
        compiler_directives={
            "language_level": "3",
            "freethreading_compatible": True,
            "boundscheck": True,
            "wraparound": False,
        },
    ),
)
