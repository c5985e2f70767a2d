"""A new id, and the canonical spelling of a given one."""

import uuid

import pytest

from reference import uuid7 as reference
from t0._core import uuid7

CANONICAL = "0197c5a0-8a35-7f42-9c3b-5d1e8f60a7b4"


def _with_the_standard_library(text: str) -> str:
    return str(uuid.UUID(text))


@pytest.mark.benchmark(group="uuid7.new")
@pytest.mark.parametrize("new", [uuid7.new, reference.new, uuid.uuid4], ids=["kernel", "python", "uuid4"])
def test_new(benchmark, new):
    assert new() != new()
    benchmark(new)


@pytest.mark.benchmark(group="uuid7.parse")
@pytest.mark.parametrize(
    "parse", [uuid7.parse, reference.parse, _with_the_standard_library], ids=["kernel", "python", "uuid"]
)
def test_parse(benchmark, parse):
    assert benchmark(parse, CANONICAL.upper()) == CANONICAL
