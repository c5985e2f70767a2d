"""The pages about embeddings and batches: their configurations load, and their requests are understood."""

import re
from pathlib import Path

import pytest

from t0.config.load import load
from t0.kinds import all_kinds
from t0.models.table import ModelTable
from t0.routes import batch_wire
from t0.upstream.client import Client

DOCS = Path(__file__).parents[3] / "docs"
KEYS = {"OPENAI_API_KEY": "sk", "AZURE_API_KEY": "sk"}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["embeddings.md", "batch.md"])
def test_examples_load(page: str, tmp_path: Path) -> None:
    found = blocks(page, "toml")
    assert found
    for block in found:
        (tmp_path / "tensorzero.toml").write_text(block)
        ModelTable(load(str(tmp_path / "tensorzero.toml"), all_kinds(), KEYS), KEYS, Client())


def test_the_call_that_starts_a_batch() -> None:
    (call,) = re.findall(r"-d '(.*?)'", blocks("batch.md", "bash")[0], re.DOTALL)
    first, second = batch_wire.parse(call.encode())
    assert (first.function_name, first.params.temperature, first.tags) == ("label", 0.2, {"row": "1"})
    assert (second.params.temperature, second.tags) == (None, {"row": "2"})


def test_every_field_of_a_batch_is_described() -> None:
    text = (DOCS / "batch.md").read_text()
    assert [f for f in batch_wire.WireBatch.__struct_fields__ if f"`{f}`" not in text] == []
