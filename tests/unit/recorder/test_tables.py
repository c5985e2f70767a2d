import pytest

from reference import native
from t0._core.native import Column
from t0.recorder.tables import Block, ChatInference, CommentFeedback, Row, column_types, columns
from t0.storage.migrations.feedback import TABLES as FEEDBACK_TABLES
from t0.storage.migrations.inferences import TABLES as INFERENCE_TABLES

TABLES = {table.name: table for table in (*INFERENCE_TABLES, *FEEDBACK_TABLES)}
IDS = [f"0196aaaa-0000-7000-8000-{n:012}" for n in range(9)]


def declared(table: type[Row]) -> dict[str, str]:
    """The types of the database's columns, without what is set by the database itself."""
    found = {name: text.split(" DEFAULT ")[0] for name, text in TABLES[table.__name__].columns.items()}
    return {name: kind for name, kind in found.items() if "MATERIALIZED" not in kind}


def sent_for(kind: str) -> str:
    """The type that a column is sent with: names and enums are sent as text."""
    inner = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable(") else kind
    if inner.startswith(("LowCardinality", "Enum8")):
        return "Nullable(String)" if kind.startswith("Nullable(") else "String"
    return kind


@pytest.mark.parametrize("table", Row.__subclasses__(), ids=lambda table: table.__name__)
def test_every_column_of_the_database_is_sent_with_its_type(table):
    assert column_types(table) == {name: sent_for(kind) for name, kind in declared(table).items()}
    assert {table.id_column, table.key_column} <= set(column_types(table))
    for name, kind in column_types(table).items():
        Column(name, kind)


def test_the_recorder_knows_every_table_it_has_rows_for():
    assert [table.__name__ for table in Row.__subclasses__()] == [
        "ChatInference",
        "JsonInference",
        "ModelInference",
        "BooleanMetricFeedback",
        "FloatMetricFeedback",
        "CommentFeedback",
        "DemonstrationFeedback",
        "StaticEvaluationHumanFeedback",
    ]


def comment(number, **changes):
    common = {"target_type": "episode", "value": "good", "tags": {}, "snapshot_hash": None}
    return CommentFeedback(**{"id": IDS[number], "target_id": IDS[-1], **common, **changes})


def test_a_block_holds_the_rows_as_they_are():
    rows = [comment(0), comment(1, tags={"a": "b", "c": ""}, snapshot_hash=str(2**256 - 1)), comment(2, value="é" * 99)]
    block = Block(CommentFeedback)
    block.extend(rows[:1])
    block.extend(rows[1:])
    assert (block.table, len(block), block.columns) == ("CommentFeedback", 3, list(column_types(CommentFeedback)))
    sent = b"".join(block.pieces())
    assert native.rows(sent) == (column_types(CommentFeedback), [columns(row) for row in rows])
    assert 0 < block.size < len(sent)


@pytest.mark.parametrize("odd", [{"id": "7"}, {"value": 5}, {"tags": {"a": None}}, {"snapshot_hash": "x"}], ids=str)
def test_a_block_takes_all_of_the_rows_or_none(odd):
    block = Block(CommentFeedback)
    block.extend([comment(0)])
    with pytest.raises(ValueError, match=f"`{next(iter(odd))}` is"):
        block.extend([comment(1), comment(2, **odd)])
    block.extend([comment(3)])
    assert native.rows(b"".join(block.pieces()))[1] == [columns(comment(0)), columns(comment(3))]


def test_a_block_that_was_cleared_begins_anew():
    block = Block(CommentFeedback)
    block.extend([comment(0, tags={"a": "b"})])
    block.clear()
    assert (len(block), block.size) == (0, 0)
    block.extend([comment(1, tags={"c": "d"})])
    assert native.rows(b"".join(block.pieces()))[1] == [columns(comment(1, tags={"c": "d"}))]


def test_columns_are_what_json_can_hold():
    row = ChatInference(
        id=IDS[0],
        function_name="f",
        variant_name="v",
        episode_id=IDS[1],
        input=b"{}",
        output=b"[]",
        inference_params=b"{}",
        processing_time_ms=None,
        ttft_ms=3,
        tags={"a": "b"},
        extra_body=b"[]",
        snapshot_hash=None,
        dynamic_tools=[b'{"name":"t"}'],
    )
    assert columns(row) == {
        "id": IDS[0],
        "function_name": "f",
        "variant_name": "v",
        "episode_id": IDS[1],
        "input": "{}",
        "output": "[]",
        "inference_params": "{}",
        "processing_time_ms": None,
        "ttft_ms": 3,
        "tags": {"a": "b"},
        "extra_body": "[]",
        "snapshot_hash": None,
        "tool_params": "",
        "dynamic_tools": ['{"name":"t"}'],
        "dynamic_provider_tools": [],
        "allowed_tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
    }
