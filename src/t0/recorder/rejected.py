"""Rows the database refuses, kept in `<data-dir>/rejected/` for a person to look at."""

import logging
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from t0.recorder.metrics import Health

logger = logging.getLogger("t0.recorder")


class RejectedRows:
    """Appends to `<table>-<n>.jsonl`, one file per table and recorder run: `{"error": …, "row": {…}}` a line.

    Safe for several threads.
    """

    def __init__(self, data_dir: Path, health: Health) -> None:
        self._directory = data_dir / "rejected"
        self._health = health
        self._lock = threading.Lock()
        self._files: dict[str, Path] = {}
        self._unreported: Counter[Path] = Counter()

    def add(self, table: str, row: Any, error: str) -> None:
        """Keeps the row, a value of JSON. Raises `OSError` when the disk refuses."""
        with self._lock:
            path = self._files.get(table) or self._new_file(table)
            with path.open("ab") as file:
                file.write(msgspec.json.encode({"error": error, "row": row}) + b"\n")
            self._unreported[path] += 1
            self._health.rejected_rows[table] += 1

    def _new_file(self, table: str) -> Path:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = next(p for n in count() if not (p := self._directory / f"{table}-{n}.jsonl").exists())
        path.touch(mode=0o600)
        self._files[table] = path
        return path

    def report(self) -> None:
        """Logs how many rows came since the last report, and where they are."""
        with self._lock:
            # Not the errors, which may quote what a row holds; they are in the file.
            for path, rows in self._unreported.items():
                logger.error("%d rows were refused and are kept in %s", rows, path)
            self._unreported.clear()
