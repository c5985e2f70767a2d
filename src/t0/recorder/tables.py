"""The tables that the recorder fills: a class for each, with an attribute for each column that it sets."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Annotated, Any, ClassVar, get_type_hints

from msgspec import Struct
from msgspec.structs import asdict

from t0._core import native

# The types that are sent. The server turns text into names (`LowCardinality`) and enums. It would into decimal numbers,
# but makes NULL of those that are too large.
Uuid = Annotated[str, "UUID"]
Text = Annotated[str, "String"]
OptionalText = Annotated[str | None, "Nullable(String)"]
Json = Annotated[bytes, "String"]
OptionalJson = Annotated[bytes | None, "Nullable(String)"]
Texts = Annotated[list[bytes], "Array(String)"]
Tags = Annotated[dict[str, str], "Map(String, String)"]
Number = Annotated[int | None, "Nullable(UInt32)"]
Hash = Annotated[str | None, "Nullable(UInt256)"]


class Row(Struct, kw_only=True, eq=False, gc=False):
    """A row of the table that the class is named after: how it is found again, besides its columns."""

    id_column: ClassVar[str] = "id"
    key_column: ClassVar[str] = "target_id"

    @property
    def table(self) -> str:
        return type(self).__name__

    @property
    def unique_id(self) -> str:
        """The value of `id_column`, which no other row of the table has."""
        return str(getattr(self, self.id_column))

    @property
    def sort_key(self) -> str:
        """The value of `key_column`, by which the table is sorted."""
        return str(getattr(self, self.key_column))


class _Inference(Struct, kw_only=True, eq=False, gc=False):
    """The columns that both tables of inferences have."""

    id: Uuid
    function_name: Text
    variant_name: Text
    episode_id: Uuid
    input: Json
    output: Json
    inference_params: Json
    processing_time_ms: Number
    ttft_ms: Number
    tags: Tags
    extra_body: OptionalJson
    snapshot_hash: Hash


class ChatInference(_Inference, Row):
    key_column = "episode_id"

    # without tools all of these stay as the database would fill them
    tool_params: Json = b""
    dynamic_tools: Texts = []
    dynamic_provider_tools: Texts = []
    allowed_tools: OptionalJson = None
    tool_choice: OptionalText = None
    parallel_tool_calls: Annotated[bool | None, "Nullable(Bool)"] = None


class JsonInference(_Inference, Row):
    key_column = "episode_id"

    output_schema: Json
    auxiliary_content: Json


class ModelInference(Row):
    key_column = "inference_id"

    id: Uuid
    inference_id: Uuid
    raw_request: Text
    raw_response: Text
    system: OptionalText
    input_messages: Json
    output: Json
    input_tokens: Number
    output_tokens: Number
    provider_cache_read_input_tokens: Number
    provider_cache_write_input_tokens: Number
    cost: Annotated[str | None, "Nullable(Decimal(18, 9))"]
    response_time_ms: Number
    ttft_ms: Number
    model_name: Text
    model_provider_name: Text
    cached: Annotated[bool, "Bool"]
    finish_reason: OptionalText
    function_name: Text
    variant_name: Text
    snapshot_hash: Hash


class BooleanMetricFeedback(Row):
    id: Uuid
    target_id: Uuid
    metric_name: Text
    value: Annotated[bool, "Bool"]
    tags: Tags
    snapshot_hash: Hash


class FloatMetricFeedback(Row):
    id: Uuid
    target_id: Uuid
    metric_name: Text
    value: Annotated[float, "Float32"]
    tags: Tags
    snapshot_hash: Hash


class CommentFeedback(Row):
    id: Uuid
    target_id: Uuid
    target_type: Text
    value: Text
    tags: Tags
    snapshot_hash: Hash


class DemonstrationFeedback(Row):
    key_column = "inference_id"

    id: Uuid
    inference_id: Uuid
    value: Text
    tags: Tags
    snapshot_hash: Hash


class StaticEvaluationHumanFeedback(Row):
    id_column = "feedback_id"
    key_column = "datapoint_id"

    metric_name: Text
    datapoint_id: Uuid
    output: Text
    value: Text
    feedback_id: Uuid
    evaluator_inference_id: Uuid


def column_types(table: type[Row]) -> dict[str, str]:
    """The columns of a table that are set, and the ClickHouse types that they are sent with."""
    hints = get_type_hints(table, include_extras=True)
    return {name: hints[name].__metadata__[0] for name in table.__struct_fields__}


class Block:
    """Rows of one table as they are sent, in ClickHouse's Native format.

    PERF: rows are added when they have just been made, and need not be kept: memory that was used a moment ago is still
    in the processor's cache.
    """

    def __init__(self, table: type[Row]) -> None:
        self.table = table.__name__
        self._columns = {name: native.Column(name, kind) for name, kind in column_types(table).items()}
        self._steps = [(attrgetter(name), column) for name, column in self._columns.items()]

    def __len__(self) -> int:
        return len(self._steps[0][1])

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(column.size for column in self._columns.values())

    def extend(self, rows: Sequence[Row]) -> None:
        """Adds all of the rows, or none: raises `ValueError` for one with a value that its column cannot hold."""
        extended = []
        try:
            for get, column in self._steps:
                column.extend(list(map(get, rows)))
                extended.append(column)
        except ValueError:
            for column in extended:
                column.undo()
            raise

    def clear(self) -> None:
        """Forgets the rows, but keeps the memory that they took."""
        for column in self._columns.values():
            column.clear()

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The block, to be sent piece by piece before anything is added."""
        yield native.head(len(self._columns), len(self))
        for column in self._columns.values():
            yield from column.pieces()


def columns(row: Row) -> dict[str, Any]:
    """The row as JSON can hold it."""
    return {name: _readable(value) for name, value in asdict(row).items()}


def _readable(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode()
        case list():
            return [_readable(item) for item in value]
        case _:
            return value
