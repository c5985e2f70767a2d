"""What the views make of written rows, compared as whole rows.

The reference's own gateway, from the package `tensorzero`, makes a database beside ours: the two must be the same, and
its views must make the same of the same rows.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from processes import Store, clean_env, free_port
from t0.storage.clickhouse import ClickHouse
from t0.storage.migrations import run
from t0.storage.migrations.statistics import QUANTILES
from t0.version import VERSION

Row = dict[str, Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("store"), free_port()) as running:
        yield running


def database(store: Store, name: str) -> ClickHouse:
    return ClickHouse(store.url.replace("/tensorzero", f"/{name}"))


def fill(client: ClickHouse) -> None:
    for table, rows in ROWS.items():
        client.insert_json(table, "\n".join(map(json.dumps, rows)).encode())


@pytest.fixture(scope="module")
def filled(store: Store) -> Iterator[ClickHouse]:
    """Our schema with `ROWS` written to it."""
    with closing(database(store, "filled")) as client:
        run(client)
        fill(client)
        yield client


# -- written rows ------------------------------------------------------------------------------------------------------

MINUTE = "2026-05-01 10:20:00"
START_MS = int(datetime(2026, 5, 1, 10, 20, 30, tzinfo=UTC).timestamp() * 1000)


def uuid7(n: int, ms: int = START_MS) -> str:
    digits = f"{ms << 80 | 7 << 76 | 2 << 62 | n:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def uint(uuid: str) -> str:
    return str(int(uuid.replace("-", ""), 16))


EPISODE, OTHER_EPISODE = uuid7(1), uuid7(2)
WORKFLOW_EPISODE = uuid7(3, START_MS + 10**13)
CHAT, CHAT_OF_OTHER_VARIANT, JSON, CHAT_OF_WORKFLOW = uuid7(11), uuid7(12), uuid7(13), uuid7(14)
RUN, RUN_WITHOUT_PROJECT, BATCH = uuid7(31), uuid7(32), uuid7(41)
HASH = "7"

_INFERENCE = {
    "input": "{}",
    "output": "[]",
    "inference_params": "{}",
    "extra_body": "[]",
    "snapshot_hash": HASH,
}


def chat(id: str, variant: str, episode: str, **fields: Any) -> Row:
    names = {"id": id, "function_name": "draft", "variant_name": variant, "episode_id": episode}
    return {**_INFERENCE, **names, "tool_params": "", "tags": {}, **fields}


def model(id: str, inference: str, **fields: Any) -> Row:
    named = {"model_name": "m", "model_provider_name": "p", "system": None, "input_messages": "[]", "output": "[]"}
    return {"id": id, "inference_id": inference, "raw_request": "", "raw_response": "", **named, **fields}


def feedback(id: str, metric: str, target: str, value: Any, tags: dict[str, str] | None = None) -> Row:
    target_fields = {"metric_name": metric, "target_id": target}
    return {"id": id, **target_fields, "value": value, "tags": tags or {}, "snapshot_hash": HASH}


RUN_FIELDS = {"variant_pins": {"draft": "v1"}, "tags": {"k": "v"}, "snapshot_hash": HASH}
ROWS: dict[str, list[Row]] = {
    "ChatInference": [
        chat(CHAT, "v1", EPISODE, processing_time_ms=100, ttft_ms=40, tags={"user": "u1", "a": "b"}),
        chat(CHAT_OF_OTHER_VARIANT, "v2", OTHER_EPISODE, processing_time_ms=200),
        chat(uuid7(15), "v1", OTHER_EPISODE),
        chat(CHAT_OF_WORKFLOW, "v1", WORKFLOW_EPISODE),
    ],
    "JsonInference": [
        {
            **_INFERENCE,
            "id": JSON, "function_name": "sort", "variant_name": "j1", "episode_id": EPISODE,
            "output_schema": "{}", "auxiliary_content": "[]", "processing_time_ms": 300, "tags": {"user": "u2"},
        },
    ],
    "ModelInference": [
        model(
            uuid7(21), CHAT, function_name="draft", variant_name="v1", input_tokens=10, output_tokens=5,
            cost="0.000000123", response_time_ms=90, ttft_ms=40, provider_cache_read_input_tokens=4,
        ),
        model(uuid7(22), CHAT, function_name="draft", variant_name="v1", input_tokens=1, cached=True),
        model(uuid7(23), uuid7(99), output_tokens=1000),
    ],
    "BooleanMetricFeedback": [
        feedback(uuid7(51), "good", CHAT, True, {"by": "me"}),
        feedback(uuid7(52), "good", EPISODE, False),
        feedback(uuid7(53), "good", OTHER_EPISODE, True),
        feedback(uuid7(54), "good", uuid7(98), True),
    ],
    "FloatMetricFeedback": [
        feedback(uuid7(61), "score", CHAT, 1.0),
        feedback(uuid7(62), "score", CHAT, 2.0),
        feedback(uuid7(63), "score", JSON, 0.5, {"by": "judge"}),
    ],
    "CommentFeedback": [
        {"id": uuid7(71), "target_id": CHAT, "target_type": "inference", "value": "fine", "tags": {"by": "me"}},
    ],
    "DemonstrationFeedback": [
        {"id": uuid7(81), "inference_id": CHAT, "value": "[]", "tags": {"by": "me"}, "snapshot_hash": HASH},
    ],
    "BatchModelInference": [
        {
            "inference_id": uuid7(42), "batch_id": BATCH, "function_name": "draft", "variant_name": "v1",
            "episode_id": EPISODE, "input": "{}", "input_messages": "[]", "system": None, "tool_params": None,
            "inference_params": "{}", "raw_request": "", "model_name": "m", "model_provider_name": "p", "tags": {},
        },
    ],
    "DynamicEvaluationRun": [
        {"run_id_uint": uint(RUN), "project_name": "pilot", "run_display_name": "one", **RUN_FIELDS},
        {"run_id_uint": uint(RUN_WITHOUT_PROJECT), **RUN_FIELDS},
    ],
    "DynamicEvaluationRunEpisode": [
        {"run_id": RUN, "episode_id_uint": uint(WORKFLOW_EPISODE), "datapoint_name": "task", **RUN_FIELDS},
    ],
}  # fmt: skip

_DIGEST = f"quantilesTDigestMerge({', '.join(map(str, QUANTILES))})"
_MEDIAN = QUANTILES.index(0.5) + 1
_TOTALS = """
    sumMerge(total_input_tokens) AS input_tokens, sumMerge(total_output_tokens) AS output_tokens,
    sumMerge(total_provider_cache_read_input_tokens) AS cache_read,
    sumMerge(total_provider_cache_write_input_tokens) AS cache_write,
    countMerge(count) AS n, toString(sumMerge(total_cost)) AS cost, countMerge(count_with_cost) AS n_with_cost"""
DERIVED = {
    "InferenceById": "SELECT * FROM InferenceById",
    "InferenceByEpisodeId": "SELECT * FROM InferenceByEpisodeId",
    "EpisodeById": """
        SELECT uint_to_uuid(episode_id_uint) AS episode, sum(count) AS n,
            arraySort(groupArrayMerge(inference_ids)) AS ids,
            uint_to_uuid(min(min_inference_id_uint)) AS first, uint_to_uuid(max(max_inference_id_uint)) AS last
        FROM EpisodeById GROUP BY episode""",
    "InferenceTag": "SELECT * FROM InferenceTag",
    "TagInference": "SELECT * EXCEPT updated_at, updated_at > now() - 60 AS is_recent FROM TagInference",
    "FeedbackTag": "SELECT * FROM FeedbackTag",
    "BooleanMetricFeedbackByTargetId": "SELECT * FROM BooleanMetricFeedbackByTargetId",
    "FloatMetricFeedbackByTargetId": "SELECT * FROM FloatMetricFeedbackByTargetId",
    "CommentFeedbackByTargetId": "SELECT * FROM CommentFeedbackByTargetId",
    "DemonstrationFeedbackByInferenceId": "SELECT * FROM DemonstrationFeedbackByInferenceId",
    "BooleanMetricFeedbackByVariant": "SELECT * FROM BooleanMetricFeedbackByVariant",
    "FloatMetricFeedbackByVariant": "SELECT * FROM FloatMetricFeedbackByVariant",
    "FeedbackByVariantStatistics": """
        SELECT function_name, variant_name, metric_name, minute, avgMerge(feedback_mean) AS mean,
            ifNotFinite(varSampStableMerge(feedback_variance), -1) AS variance, sum(count) AS n
        FROM FeedbackByVariantStatistics GROUP BY ALL""",
    "ModelProviderStatistics": f"""
        SELECT model_name, model_provider_name, minute,
            {_DIGEST}(response_time_ms_quantiles)[{_MEDIAN}] AS latency,
            {_DIGEST}(ttft_ms_quantiles)[{_MEDIAN}] AS ttft, {_TOTALS}
        FROM ModelProviderStatistics GROUP BY ALL""",
    "VariantStatistics": f"""
        SELECT function_name, variant_name, minute,
            ifNotFinite({_DIGEST}(processing_time_ms_quantiles)[{_MEDIAN}], -1) AS latency,
            ifNotFinite({_DIGEST}(ttft_ms_quantiles)[{_MEDIAN}], -1) AS ttft, {_TOTALS}
        FROM VariantStatistics GROUP BY ALL""",
    "CumulativeUsage": "SELECT type, sum(count) AS n FROM CumulativeUsage GROUP BY type",
    "BatchIdByInferenceId": "SELECT * FROM BatchIdByInferenceId",
    "DynamicEvaluationRunByProjectName": "SELECT * EXCEPT updated_at FROM DynamicEvaluationRunByProjectName",
    "DynamicEvaluationRunEpisodeByRunId": "SELECT * EXCEPT updated_at FROM DynamicEvaluationRunEpisodeByRunId",
}  # fmt: skip


def derived(client: ClickHouse) -> dict[str, list[Row]]:
    """The derived tables, rows in a fixed order."""
    return {table: sorted(client.query(sql), key=json.dumps) for table, sql in DERIVED.items()}


def in_order(*rows: Row) -> list[Row]:
    return sorted(rows, key=json.dumps)


def test_derived_rows_of_inferences(filled: ClickHouse) -> None:
    by_id = [
        ("draft", "v1", EPISODE, "chat", CHAT),
        ("draft", "v2", OTHER_EPISODE, "chat", CHAT_OF_OTHER_VARIANT),
        ("draft", "v1", OTHER_EPISODE, "chat", uuid7(15)),
        ("draft", "v1", WORKFLOW_EPISODE, "chat", CHAT_OF_WORKFLOW),
        ("sort", "j1", EPISODE, "json", JSON),
    ]
    names = ("function_name", "variant_name", "episode_id", "function_type")
    found = derived(filled)
    assert found["InferenceById"] == in_order(
        *({"id_uint": uint(id), **dict(zip(names, row, strict=True)), "snapshot_hash": HASH} for *row, id in by_id)
    )
    assert found["InferenceByEpisodeId"] == in_order(
        *(
            {
                "episode_id_uint": uint(episode),
                "id_uint": uint(id),
                "function_name": function,
                "variant_name": variant,
                "function_type": kind,
                "snapshot_hash": HASH,
            }
            for function, variant, episode, kind, id in by_id
        )
    )
    assert found["EpisodeById"] == in_order(
        {"episode": EPISODE, "n": "2", "ids": [CHAT, JSON], "first": CHAT, "last": JSON},
        {
            "episode": OTHER_EPISODE,
            "n": "1",
            "ids": [CHAT_OF_OTHER_VARIANT, uuid7(15)],
            "first": CHAT_OF_OTHER_VARIANT,
            "last": uuid7(15),
        },
    )


def test_derived_rows_of_tags(filled: ClickHouse) -> None:
    tags = [
        ("draft", "v1", "chat", "user", "u1", CHAT),
        ("draft", "v1", "chat", "a", "b", CHAT),
        ("sort", "j1", "json", "user", "u2", JSON),
    ]
    found = derived(filled)
    assert found["InferenceTag"] == in_order(
        *(
            {"function_name": function, "key": key, "value": value, "inference_id": id, "snapshot_hash": HASH}
            for function, _, _, key, value, id in tags
        )
    )
    assert found["TagInference"] == in_order(
        *(
            {
                "key": key,
                "value": value,
                "function_name": function,
                "variant_name": variant,
                "episode_id": EPISODE,
                "inference_id": id,
                "function_type": kind,
                "is_deleted": False,
                "snapshot_hash": HASH,
                "is_recent": 1,
            }
            for function, variant, kind, key, value, id in tags
        )
    )
    assert found["FeedbackTag"] == in_order(
        *(
            {"metric_name": metric, "key": "by", "value": by, "feedback_id": id, "snapshot_hash": hash}
            for metric, by, id, hash in [
                ("good", "me", uuid7(51), HASH),
                ("score", "judge", uuid7(63), HASH),
                ("comment", "me", uuid7(71), None),
                ("demonstration", "me", uuid7(81), HASH),
            ]
        )
    )


def test_feedback_by_target_is_a_copy(filled: ClickHouse) -> None:
    found = derived(filled)
    copies = {
        "BooleanMetricFeedback": "BooleanMetricFeedbackByTargetId",
        "FloatMetricFeedback": "FloatMetricFeedbackByTargetId",
        "CommentFeedback": "CommentFeedbackByTargetId",
        "DemonstrationFeedback": "DemonstrationFeedbackByInferenceId",
    }
    for source, target in copies.items():
        written = [{"snapshot_hash": None, **row} for row in ROWS[source]]
        assert sorted(found[target], key=lambda row: row["id"]) == sorted(written, key=lambda row: row["id"])


def test_feedback_by_variant(filled: ClickHouse) -> None:
    """An episode counts for each function that used one variant in it; targets that are not there count nowhere."""

    def row(id: str, function: str, variant: str, metric: str, target: str, value: Any, **tags: str) -> Row:
        return {
            "function_name": function,
            "variant_name": variant,
            "metric_name": metric,
            "id_uint": uint(id),
            "target_id_uint": uint(target),
            "value": value,
            "feedback_tags": tags,
            "snapshot_hash": HASH,
        }

    found = derived(filled)
    assert found["BooleanMetricFeedbackByVariant"] == in_order(
        row(uuid7(51), "draft", "v1", "good", CHAT, True, by="me"),
        row(uuid7(52), "draft", "v1", "good", EPISODE, False),
        row(uuid7(52), "sort", "j1", "good", EPISODE, False),
    )
    assert found["FloatMetricFeedbackByVariant"] == in_order(
        row(uuid7(61), "draft", "v1", "score", CHAT, 1),
        row(uuid7(62), "draft", "v1", "score", CHAT, 2),
        row(uuid7(63), "sort", "j1", "score", JSON, 0.5, by="judge"),
    )


def by_variant(rows: list[Row]) -> dict[str, Row]:
    return {row["variant_name"]: row for row in rows}


def test_statistics(filled: ClickHouse) -> None:
    def of_feedback(function: str, variant: str, metric: str, mean: float, variance: float, n: int) -> Row:
        names = {"function_name": function, "variant_name": variant, "metric_name": metric, "minute": MINUTE}
        return {**names, "mean": mean, "variance": variance, "n": str(n)}

    found = derived(filled)
    assert found["FeedbackByVariantStatistics"] == in_order(
        of_feedback("draft", "v1", "good", 0.5, 0.5, 2),
        of_feedback("sort", "j1", "good", 0, -1, 1),
        of_feedback("draft", "v1", "score", 1.5, 0.5, 2),
        of_feedback("sort", "j1", "score", 0.5, -1, 1),
    )
    counted = {"input_tokens": "11", "cache_read": "4", "cache_write": None, "cost": "0.000000123", "n_with_cost": "1"}
    nothing = {**dict.fromkeys(counted), "output_tokens": None, "n_with_cost": "0"}
    provider = {"model_name": "m", "model_provider_name": "p", "minute": MINUTE, "latency": 90, "ttft": 40}
    assert found["ModelProviderStatistics"] == [{**provider, **counted, "output_tokens": "1005", "n": "3"}]
    draft, sort = ({"function_name": name, "minute": MINUTE} for name in ("draft", "sort"))
    assert by_variant(found["VariantStatistics"]) == {
        "v1": {**draft, "variant_name": "v1", "latency": 100, "ttft": 40, **counted, "output_tokens": "5", "n": "3"},
        "v2": {**draft, "variant_name": "v2", "latency": 200, "ttft": -1, **nothing, "n": "1"},
        "j1": {**sort, "variant_name": "j1", "latency": 300, "ttft": -1, **nothing, "n": "1"},
    }
    assert found["CumulativeUsage"] == in_order(
        {"type": "input_tokens", "n": "11"},
        {"type": "output_tokens", "n": "5"},
        {"type": "model_inferences", "n": "2"},
    )


def test_derived_rows_of_batches_and_runs(filled: ClickHouse) -> None:
    found = derived(filled)
    assert found["BatchIdByInferenceId"] == [{"inference_id": uuid7(42), "batch_id": BATCH}]
    assert found["DynamicEvaluationRunByProjectName"] == [
        {
            "run_id_uint": uint(RUN),
            "variant_pins": {"draft": "v1"},
            "tags": {"k": "v"},
            "project_name": "pilot",
            "run_display_name": "one",
            "is_deleted": False,
            "snapshot_hash": HASH,
        }
    ]
    assert found["DynamicEvaluationRunEpisodeByRunId"] == [
        {
            "run_id_uint": uint(RUN),
            "episode_id_uint": uint(WORKFLOW_EPISODE),
            "variant_pins": {"draft": "v1"},
            "datapoint_name": "task",
            "tags": {"k": "v"},
            "is_deleted": False,
            "snapshot_hash": HASH,
        }
    ]


# -- the reference -----------------------------------------------------------------------------------------------------

_REFERENCE = """
import sys
from tensorzero import TensorZeroGateway
TensorZeroGateway.build_embedded(config_file=sys.argv[1], clickhouse_url=sys.argv[2]).close()
"""


@pytest.fixture(scope="module")
def start_reference(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    config = tmp_path_factory.mktemp("reference") / "tensorzero.toml"
    config.write_text("[gateway]\ndisable_pseudonymous_usage_analytics = true\n")

    def start(url: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _REFERENCE, str(config), url], env=clean_env(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return start


def schema(client: ClickHouse) -> dict[str, dict[str, Row]]:
    """Everything about the tables that is not the wording of a view. `(a)` and `a` are the same key."""
    here = "WHERE database = currentDatabase()"
    keys = ", ".join(f"trim(BOTH '()' FROM {key}_key) AS {key}" for key in ("sorting", "primary", "partition"))
    queries = {
        "tables": f"SELECT name, engine, replaceRegexpAll(engine_full, '[()]', '') AS definition, {keys} "
        f"FROM system.tables {here}",
        "targets": "SELECT name, extract(create_table_query, ' TO [^.]+[.]([^ ]+)') AS target "
        f"FROM system.tables {here} AND engine = 'MaterializedView'",
        "columns": "SELECT table || '.' || name AS name, type, default_kind, default_expression "
        f"FROM system.columns {here} AND NOT endsWith(table, 'View')",
        "indexes": "SELECT table || '.' || name AS name, type_full, expr, granularity "
        f"FROM system.data_skipping_indices {here}",
        "migrations": "SELECT DISTINCT toString(migration_id) AS name, migration_name FROM TensorZeroMigration",
    }
    return {part: {row["name"]: row for row in client.query(sql)} for part, sql in queries.items()}


def test_the_schema_is_the_reference_s(
    store: Store, filled: ClickHouse, start_reference: Callable[[str], None]
) -> None:
    """And the reference's views make the same of the same rows."""
    with closing(database(store, "reference")) as client:
        start_reference(store.url.replace("/tensorzero", "/reference"))
        assert schema(client) == schema(filled)
        assert run(client) == []
        fill(client)
        assert derived(client) == derived(filled)


def test_the_reference_starts_on_our_database(
    store: Store, filled: ClickHouse, start_reference: Callable[[str], None]
) -> None:
    start_reference(store.url.replace("/tensorzero", "/filled"))
    versions = filled.query("SELECT DISTINCT gateway_version FROM TensorZeroMigration")
    assert versions == [{"gateway_version": VERSION}]
