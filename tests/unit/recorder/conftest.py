"""Records and a database in memory, for the tests of the recorder."""

import uuid

import pytest

from reference import native
from t0.errors import StorageError, StorageUnavailable
from t0.types.content import Input, InputMessage, ModelMessage, Text
from t0.types.params import ChatCompletionParams
from t0.types.record import CountRecord, FeedbackRecord, InferenceRecord, ModelInferenceRecord, Record


def new_id() -> str:
    return str(uuid.uuid4())


def model_call(**changes) -> ModelInferenceRecord:
    fields = {
        "id": new_id(),
        "model_name": "m",
        "model_provider_name": "p",
        "raw_request": "{}",
        "raw_response": "{}",
        "system": None,
        "input_messages": [ModelMessage("user", [Text("Hi")])],
        "output": [Text("Hello")],
        "input_tokens": 3,
        "output_tokens": 5,
        "response_time_ms": 12,
    }
    return ModelInferenceRecord(**{**fields, **changes})


def inference(**changes) -> InferenceRecord:
    fields = {
        "function_type": "chat",
        "id": new_id(),
        "episode_id": new_id(),
        "function_name": "f",
        "variant_name": "v",
        "input": Input(messages=[InputMessage("user", [Text("Hi")])]),
        "output": [Text("Hello")],
        "params": ChatCompletionParams(),
        "processing_time_ms": 15,
    }
    return InferenceRecord(**{**fields, **changes})


def feedback(**changes) -> FeedbackRecord:
    fields = {"table": "CommentFeedback", "id": new_id(), "target_id": new_id(), "value": "good"}
    return FeedbackRecord(**{**fields, **changes})


class Builders:
    """What the tests build records with."""

    id = staticmethod(new_id)
    model_call = staticmethod(model_call)
    inference = staticmethod(inference)
    feedback = staticmethod(feedback)

    @staticmethod
    def record(**changes) -> Record:
        """A counted chat inference without model calls."""
        return Record(
            count=CountRecord(endpoint="inference", function_name="f", inferences=1), row=inference(**changes)
        )


@pytest.fixture(scope="session")
def build() -> type[Builders]:
    return Builders


class MemoryStore:
    """A database that fails as it is told. `insert_errors` are raised by the next inserts, in order.

    An error paired with True is raised after the rows went in. Rows with a tag `bad` are always refused.
    """

    def __init__(self) -> None:
        self.tables: dict[str, list[dict]] = {}
        self.inserts: list[tuple[str, int]] = []
        self.insert_errors: list[tuple[Exception, bool]] = []
        self.queries: list[str] = []
        self.closed = 0

    def insert_native(self, table, columns, block, *, settings=None):
        types, rows = native.rows(b"".join(block))
        assert list(types) == columns
        error, after = self.insert_errors.pop(0) if self.insert_errors else (None, False)
        if error is not None and not after:
            raise error
        if any("bad" in row.get("tags", {}) for row in rows):
            raise StorageError("Failed to run ClickHouse query: Code: 27. DB::Exception: Cannot parse input")
        self.inserts.append((table, len(rows)))
        self.tables.setdefault(table, []).extend(rows)
        if error is not None:
            raise error

    def query(self, sql):
        self.queries.append(sql)
        if self.insert_errors and isinstance(self.insert_errors[0][0], LookupFails):
            raise self.insert_errors.pop(0)[0]
        table = sql.split(" FROM ")[1].split()[0]
        return [{"id": row["id"]} for row in self.tables.get(table, []) if row["id"] in sql]

    def close(self):
        self.closed += 1

    def ids(self, table: str = "ChatInference") -> list[str]:
        return [row["id"] for row in self.tables.get(table, [])]


class LookupFails(StorageUnavailable):
    """Raised by a query instead of an insert."""


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def lookup_fails() -> type[LookupFails]:
    return LookupFails
