"""What a start does when the database goes away around it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kit import FakeReader, Kit, Reply, make, run
from t0.errors import StorageUnavailable

CONFIG = """
[models.m]
routing = ["p"]
providers.p = { type = "openai", model_name = "m", api_base = "http://p.test/v1/", api_key_location = "none" }

[functions.f]
type = "chat"
variants.v = { type = "chat_completion", model = "m" }
"""
BODY = {"function_name": "f", "inputs": [{"messages": [{"role": "user", "content": "Hi"}]}]}


class Database(FakeReader):
    """Keeps what is inserted, table by table; an insert into `broken` fails."""

    def __init__(self, *, is_up: bool = True, broken: str = "") -> None:
        super().__init__()
        self.is_up, self.broken = is_up, broken
        self.inserted: list[str] = []

    async def query(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        if not self.is_up:
            raise StorageUnavailable("Error connecting to ClickHouse: down")
        return []

    async def insert(self, table: str, lines: bytes) -> None:
        if table == self.broken:
            raise StorageUnavailable("Error connecting to ClickHouse: down")
        self.inserted.append(table)


def started(folder: Path, database: Database) -> tuple[Kit, int, Any]:
    """The kit after a start of one input at a provider that takes it, with the answer."""

    async def call() -> tuple[Kit, int, Any]:
        replies = [Reply(body=b'{"id":"file-1"}'), Reply(body=b'{"id":"batch-1","status":"validating"}')]
        kit = make(folder, CONFIG, *replies, reader=database)
        answer = await kit.call("/batch_inference", BODY)
        return kit, answer.status, answer.json()

    return run(call())


def test_inferences_are_stored_before_the_batch_that_names_them(tmp_path: Path) -> None:
    database = Database()
    _, status, answer = started(tmp_path, database)
    assert (status, sorted(answer)) == (200, ["batch_id", "episode_ids", "inference_ids"])
    assert database.inserted == ["BatchModelInference", "BatchRequest"]


def test_without_its_database_no_batch_is_started(tmp_path: Path) -> None:
    kit, status, answer = started(tmp_path, Database(is_up=False))
    assert (status, answer) == (503, {"error": "Error connecting to ClickHouse: down"})
    assert kit.transport.requests == []


@pytest.mark.parametrize("table", ["BatchModelInference", "BatchRequest"])
def test_a_batch_that_could_not_be_stored_is_told_to_the_operator(
    table: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "t0"):
        kit, status, answer = started(tmp_path, Database(broken=table))
    assert (status, answer) == (503, {"error": "Error connecting to ClickHouse: down"})
    assert [r.url.target for r in kit.transport.requests] == ["/v1/files", "/v1/batches"]
    (message,) = [r.getMessage() for r in caplog.records]
    _, _, rest = message.partition(" was started as ")
    assert json.loads(rest.removesuffix(", but not stored")) == {"file_id": "file-1", "batch_id": "batch-1"}
