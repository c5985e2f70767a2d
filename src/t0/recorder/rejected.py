"""Rows the database refuses, kept in `<data-dir>/rejected/` for a person to look at."""

from itertools import count
from pathlib import Path
from typing import Any

import msgspec


class RejectedRows:
    """Appends to `<table>-<n>.jsonl`, one file per table and recorder run: `{"error": …, "row": {…}}` a line."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "rejected"
        self._files: dict[str, Path] = {}

    def add(self, table: str, row: Any, error: str) -> Path:
        """Keeps the row, a value of JSON. Raises `OSError` when the disk refuses."""
        path = self._files.get(table) or self._new_file(table)
        with path.open("ab") as file:
            file.write(msgspec.json.encode({"error": error, "row": row}) + b"\n")
        return path

    def _new_file(self, table: str) -> Path:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = next(p for n in count() if not (p := self._directory / f"{table}-{n}.jsonl").exists())
        path.touch(mode=0o600)
        self._files[table] = path
        return path
