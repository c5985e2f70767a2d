"""The page about files: its configurations load, and its numbers are those of the code."""

import re
from pathlib import Path

import pytest

from t0.config.load import load
from t0.config.schema.limits import DisabledStorage, FilesystemStorage, S3Storage
from t0.files import fetch, resolve, store, uploads
from t0.kinds import all_kinds

PAGE = (Path(__file__).parents[3] / "docs" / "files.md").read_text()
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FOLDER = "/var/lib/t0/files"


def test_examples_load(tmp_path: Path) -> None:
    configs = []
    for block in BLOCKS:
        (tmp_path / "tensorzero.toml").write_text(block.replace(FOLDER, str(tmp_path)))
        configs.append(load(str(tmp_path / "tensorzero.toml"), all_kinds(), {}))
    assert [c.object_storage for c in configs] == [
        DisabledStorage(),
        FilesystemStorage(path=str(tmp_path)),
        S3Storage(bucket_name="llm-files", region="eu-west-1"),
        S3Storage(bucket_name="llm-files", endpoint="env::BUCKET_URL", allow_http=True),
        None,
    ]
    assert [c.gateway.fetch_and_encode_input_files_before_inference for c in configs] == [False] * 4 + [True]


@pytest.mark.parametrize(
    "text",
    [
        f"have {store.MAX_FILE_BYTES >> 20} MiB",
        f"download {fetch.TIMEOUT_S:g} seconds",
        f"{uploads.MAX_WAITING_BYTES >> 20} MiB wait",
        f"not come {resolve._LONGEST_WAIT_S:g} seconds",
    ],
)
def test_limits(text: str) -> None:
    assert text in PAGE
