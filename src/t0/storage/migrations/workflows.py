"""Datasets, batches, evaluations and the examples of dynamic in-context learning."""

from t0.storage.migrations.ddl import (
    MAP,
    MICROSECONDS,
    NAME,
    SNAPSHOT_HASH,
    TAGS,
    TOOLS,
    Table,
    View,
    bloom_filter,
    timestamp_of,
)

_VERSION = ("updated_at", "is_deleted")
_DATAPOINT = {
    "dataset_name": NAME,
    "function_name": NAME,
    "id": "UUID",
    "episode_id": "Nullable(UUID)",
    "input": "String",
    "output": "Nullable(String)",
    "tags": MAP,
    "auxiliary": "String",
    "is_deleted": "Bool DEFAULT false",
    "updated_at": f"{MICROSECONDS} DEFAULT now64()",
    "staled_at": f"Nullable({MICROSECONDS})",
    "source_inference_id": "Nullable(UUID)",
    "is_custom": "Bool DEFAULT false",
    "name": "Nullable(String)",
    **SNAPSHOT_HASH,
}
_DELETABLE = {"is_deleted": "Bool DEFAULT false", "updated_at": f"{MICROSECONDS} DEFAULT now()", **SNAPSHOT_HASH}
_RUN = {
    "run_id_uint": "UInt128",
    "variant_pins": MAP,
    "tags": MAP,
    "project_name": "Nullable(String)",
    "run_display_name": "Nullable(String)",
    **_DELETABLE,
}
_EPISODE = {
    "episode_id_uint": "UInt128",
    "variant_pins": MAP,
    "datapoint_name": "Nullable(String)",
    "tags": MAP,
    **_DELETABLE,
}


def _datapoints(name: str, columns: dict[str, str]) -> Table:
    return Table(
        name=name,
        columns={**_DATAPOINT, **columns},
        engine="ReplacingMergeTree",
        engine_arguments=_VERSION,
        order_by=("dataset_name", "function_name", "id"),
        indexes={"id_index": bloom_filter("id")},
    )


def _replaced(name: str, columns: dict[str, str], *order_by: str) -> Table:
    return Table(name=name, columns=columns, engine="ReplacingMergeTree", engine_arguments=_VERSION, order_by=order_by)


TABLES = (
    _datapoints("ChatInferenceDatapoint", {"tool_params": "String", **TOOLS}),
    _datapoints("JsonInferenceDatapoint", {"output_schema": "String"}),
    Table(
        name="BatchRequest",
        columns={
            "batch_id": "UUID",
            "id": "UUID",
            "batch_params": "String",
            "model_name": NAME,
            "model_provider_name": NAME,
            "status": "Enum8('pending' = 1, 'completed' = 2, 'failed' = 3)",
            "errors": "Array(String)",
            **timestamp_of(),
            "raw_request": "String",
            "raw_response": "String",
            "function_name": NAME,
            "variant_name": NAME,
            **SNAPSHOT_HASH,
        },
        order_by=("batch_id", "id"),
    ),
    Table(
        name="BatchModelInference",
        columns={
            "inference_id": "UUID",
            "batch_id": "UUID",
            "function_name": NAME,
            "variant_name": NAME,
            "episode_id": "UUID",
            "input": "String",
            "input_messages": "String",
            "system": "Nullable(String)",
            "tool_params": "Nullable(String)",
            "inference_params": "String",
            "raw_request": "String",
            "model_name": NAME,
            "model_provider_name": NAME,
            "output_schema": "Nullable(String)",
            "tags": TAGS,
            **timestamp_of("inference_id"),
            **TOOLS,
            **SNAPSHOT_HASH,
        },
        order_by=("batch_id", "inference_id"),
    ),
    Table(
        name="BatchIdByInferenceId",
        columns={"inference_id": "UUID", "batch_id": "UUID"},
        order_by=("inference_id",),
    ),
    _replaced("DynamicEvaluationRun", _RUN, "run_id_uint"),
    _replaced("DynamicEvaluationRunEpisode", {"run_id": "UUID", **_EPISODE}, "episode_id_uint"),
    _replaced(
        "DynamicEvaluationRunEpisodeByRunId",
        {"run_id_uint": "UInt128", **_EPISODE},
        "run_id_uint",
        "episode_id_uint",
    ),
    _replaced(
        "DynamicEvaluationRunByProjectName",
        {**_RUN, "project_name": "String"},
        "project_name",
        "run_id_uint",
    ),
    Table(
        name="InferenceEvaluationRuns",
        columns={
            "run_id_uint": "UInt128",
            "evaluation_name": "String",
            "function_name": "String",
            "function_type": NAME,
            "dataset_name": "String",
            "variant_names": "Array(String)",
            "metrics": "String",
            "source": NAME,
            "snapshot_hash": "Nullable(String)",
            "created_at": "DateTime64(3, 'UTC')",
            "updated_at": "DateTime64(3, 'UTC')",
        },
        engine="ReplacingMergeTree",
        engine_arguments=("updated_at",),
        order_by=("run_id_uint",),
    ),
    Table(
        name="DynamicInContextLearningExample",
        columns={
            "id": "UUID",
            "function_name": NAME,
            "variant_name": NAME,
            "namespace": "String",
            "input": "String",
            "output": "String",
            "embedding": "Array(Float32)",
            **timestamp_of(),
        },
        order_by=("function_name", "variant_name", "namespace"),
    ),
)

VIEWS = (
    View(
        name="BatchIdByInferenceIdView",
        target="BatchIdByInferenceId",
        select="SELECT inference_id, batch_id FROM BatchModelInference",
    ),
    View(
        name="DynamicEvaluationRunEpisodeByRunIdView",
        target="DynamicEvaluationRunEpisodeByRunId",
        select=f"SELECT toUInt128(run_id) AS run_id_uint, {', '.join(_EPISODE)} FROM DynamicEvaluationRunEpisode",
    ),
    View(
        name="DynamicEvaluationRunByProjectNameView",
        target="DynamicEvaluationRunByProjectName",
        select=f"SELECT {', '.join(_RUN)} FROM DynamicEvaluationRun WHERE project_name IS NOT NULL",
    ),
)
