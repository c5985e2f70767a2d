"""The kernels have no fallback in Python: what is imported is what was compiled."""

import importlib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import t0._core

STUBS = sorted(path.stem for path in Path(t0._core.__path__[0]).glob("*.pyi"))


def test_the_small_kernels_are_there():
    assert {"cache_key", "request", "sampling", "sse", "uuid7"} <= set(STUBS)


@pytest.mark.parametrize("name", STUBS)
def test_the_compiled_module_is_the_one_loaded(name):
    module = importlib.import_module(f"t0._core.{name}")
    assert module.__file__ is not None
    assert module.__file__.endswith(tuple(EXTENSION_SUFFIXES))
