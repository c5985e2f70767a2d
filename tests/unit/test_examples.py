"""The examples are configurations that the gateway accepts, and hold every file that they name."""

from pathlib import Path

import pytest

from t0.config.load import load
from t0.kinds import all_kinds

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/tensorzero.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_example_is_accepted(path: Path) -> None:
    config = load(str(path), all_kinds(), {})
    assert config.functions
    assert (path.parent / "README.md").exists()


def test_the_examples_are_these() -> None:
    assert [p.parent.name for p in EXAMPLES] == ["local-models", "quickstart", "support-replies"]
