"""The pages about the configuration: every key is there, every example loads, and the generated page is current."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli

from t0.config.keys import all_keys, page
from t0.config.load import load
from t0.config.paths import PATH_KEYS
from t0.kinds import all_kinds

DOCS = Path(__file__).parents[3] / "docs"
PAGES = [DOCS / "configuration.md", *sorted((DOCS / "configuration").glob("*.md"))]


def examples() -> Iterator[Any]:
    for path in PAGES:
        for i, block in enumerate(re.findall(r"^```toml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)):
            yield pytest.param(block, id=f"{path.stem}_{i}")


@pytest.mark.parametrize("toml", list(examples()))
def test_examples_load(toml: str, tmp_path: Path) -> None:
    for path in named_files(tomli.loads(toml)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}" if path.endswith(".json") else "Hello.")
    (tmp_path / "shared").mkdir()
    (tmp_path / "tensorzero.toml").write_text(toml)
    load(str(tmp_path / "tensorzero.toml"), all_kinds(), {})


def named_files(tree: Any) -> Iterator[str]:
    """The files an example refers to."""
    for key in PATH_KEYS:
        tables = [tree]
        for name in key.split("."):
            tables = [t[k] for t in tables if isinstance(t, dict) for k in t if name in ("*", k)]
        yield from tables


def test_every_key_is_documented() -> None:
    text = "\n".join(p.read_text() for p in PAGES)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    keys = {re.sub(r"\[.*?\]", "", key.path.rpartition(".")[2]) for key in all_keys(all_kinds())}
    assert sorted(keys - words) == []


def test_not_yet_supported_is_current() -> None:
    """To renew it, write `page(all_kinds())` into the file."""
    assert (DOCS / "not-yet-supported.md").read_text() == page(all_kinds())
