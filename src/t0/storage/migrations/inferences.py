"""Inferences and model inferences, their cache, and how they are found by id, episode and tag."""

from t0.storage.migrations.ddl import (
    COUNT,
    FINISH_REASON,
    FUNCTION_TYPE,
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

_BY_VARIANT = ("function_name", "variant_name", "episode_id")
_INFERENCE = {
    "id": "UUID",
    "function_name": NAME,
    "variant_name": NAME,
    "episode_id": "UUID",
    "input": "String",
    "output": "String",
    "inference_params": "String",
    "processing_time_ms": "Nullable(UInt32)",
    **timestamp_of(),
    "tags": TAGS,
    "extra_body": "Nullable(String)",
    "ttft_ms": "Nullable(UInt32)",
    **SNAPSHOT_HASH,
}
_INFERENCE_INDEX = {"inference_id_index": bloom_filter("id")}

# The id of an episode of a workflow evaluation lies 10^10 seconds in the future.
_FIRST_WORKFLOW_EPISODE = f"toUInt128('{10**13 << 80}')"

TABLES = (
    Table(
        name="ChatInference",
        columns={**_INFERENCE, "tool_params": "String", **TOOLS},
        order_by=_BY_VARIANT,
        indexes=_INFERENCE_INDEX,
    ),
    Table(
        name="JsonInference",
        columns={**_INFERENCE, "output_schema": "String", "auxiliary_content": "String"},
        order_by=_BY_VARIANT,
        indexes=_INFERENCE_INDEX,
    ),
    Table(
        name="ModelInference",
        columns={
            "id": "UUID",
            "inference_id": "UUID",
            "raw_request": "String",
            "raw_response": "String",
            "model_name": NAME,
            "model_provider_name": NAME,
            "input_tokens": "Nullable(UInt32)",
            "output_tokens": "Nullable(UInt32)",
            "response_time_ms": "Nullable(UInt32)",
            "ttft_ms": "Nullable(UInt32)",
            **timestamp_of(),
            "system": "Nullable(String)",
            "input_messages": "String",
            "output": "String",
            "cached": "Bool DEFAULT false",
            "finish_reason": FINISH_REASON,
            "cost": "Nullable(Decimal(18, 9))",
            "provider_cache_read_input_tokens": "Nullable(UInt32)",
            "provider_cache_write_input_tokens": "Nullable(UInt32)",
            "function_name": f"{NAME} DEFAULT ''",
            "variant_name": f"{NAME} DEFAULT ''",
            **SNAPSHOT_HASH,
        },
        order_by=("inference_id",),
        indexes={"id_index": bloom_filter("id")},
    ),
    Table(
        name="ModelInferenceCache",
        columns={
            "short_cache_key": "UInt64",
            "long_cache_key": "FixedString(64)",
            "timestamp": "DateTime DEFAULT now()",
            "output": "String",
            "raw_request": "String",
            "raw_response": "String",
            "is_deleted": "Bool DEFAULT false",
            "input_tokens": "Nullable(UInt32)",
            "output_tokens": "Nullable(UInt32)",
            "finish_reason": FINISH_REASON,
        },
        engine="ReplacingMergeTree",
        engine_arguments=("timestamp", "is_deleted"),
        partition_by="toYYYYMM(timestamp)",
        order_by=("short_cache_key", "long_cache_key"),
        primary_key=("short_cache_key",),
        indexes={"idx_long_cache_key": bloom_filter("long_cache_key", 100)},
        index_granularity=256,
    ),
    Table(
        name="InferenceById",
        columns={
            "id_uint": "UInt128",
            "function_name": NAME,
            "variant_name": NAME,
            "episode_id": "UUID",
            "function_type": FUNCTION_TYPE,
            **SNAPSHOT_HASH,
        },
        engine="ReplacingMergeTree",
        engine_arguments=("id_uint",),
        order_by=("id_uint",),
    ),
    Table(
        name="InferenceByEpisodeId",
        columns={
            "episode_id_uint": "UInt128",
            "id_uint": "UInt128",
            "function_name": NAME,
            "variant_name": NAME,
            "function_type": FUNCTION_TYPE,
            **SNAPSHOT_HASH,
        },
        engine="ReplacingMergeTree",
        engine_arguments=("id_uint",),
        order_by=("episode_id_uint", "id_uint"),
    ),
    Table(
        name="EpisodeById",
        columns={
            "episode_id_uint": "UInt128",
            "count": COUNT,
            "inference_ids": "AggregateFunction(groupArray, UUID)",
            "min_inference_id_uint": "SimpleAggregateFunction(min, UInt128)",
            "max_inference_id_uint": "SimpleAggregateFunction(max, UInt128)",
        },
        engine="AggregatingMergeTree",
        order_by=("episode_id_uint",),
    ),
    Table(
        name="InferenceTag",
        columns={
            "function_name": NAME,
            "key": "String",
            "value": "String",
            "inference_id": "UUID",
            **SNAPSHOT_HASH,
        },
        order_by=("function_name", "key", "value"),
    ),
    Table(
        name="TagInference",
        columns={
            "key": "String",
            "value": "String",
            "function_name": NAME,
            "variant_name": NAME,
            "episode_id": "UUID",
            "inference_id": "UUID",
            "function_type": FUNCTION_TYPE,
            "is_deleted": "Bool DEFAULT false",
            "updated_at": f"{MICROSECONDS} DEFAULT now64()",
            **SNAPSHOT_HASH,
        },
        engine="ReplacingMergeTree",
        engine_arguments=("updated_at", "is_deleted"),
        order_by=("key", "value", "inference_id"),
        indexes={"inference_id_index": bloom_filter("inference_id")},
    ),
)


def _views_of(source: str, function_type: str) -> tuple[View, ...]:
    kind = function_type.capitalize()
    return (
        View(
            name=f"{source}ByIdView",
            target="InferenceById",
            select=f"""
SELECT toUInt128(id) AS id_uint, function_name, variant_name, episode_id, '{function_type}' AS function_type,
    snapshot_hash
FROM {source}""",
        ),
        View(
            name=f"{source}ByEpisodeIdView",
            target="InferenceByEpisodeId",
            select=f"""
SELECT toUInt128(episode_id) AS episode_id_uint, toUInt128(id) AS id_uint, function_name, variant_name,
    '{function_type}' AS function_type, snapshot_hash
FROM {source}""",
        ),
        View(
            name=f"EpisodeById{kind}View",
            target="EpisodeById",
            select=f"""
SELECT toUInt128(episode_id) AS episode_id_uint, toUInt64(1) AS count, groupArrayState(id) AS inference_ids,
    min(toUInt128(id)) AS min_inference_id_uint, max(toUInt128(id)) AS max_inference_id_uint
FROM {source}
WHERE toUInt128(episode_id) < {_FIRST_WORKFLOW_EPISODE}
GROUP BY episode_id_uint""",
        ),
        View(
            name=f"{source}TagView",
            target="InferenceTag",
            select=f"""
SELECT function_name, key, tags[key] AS value, id AS inference_id, snapshot_hash
FROM {source} ARRAY JOIN mapKeys(tags) AS key""",
        ),
        View(
            name=f"Tag{source}View",
            target="TagInference",
            select=f"""
SELECT key, tags[key] AS value, function_name, variant_name, episode_id, id AS inference_id,
    '{function_type}' AS function_type, snapshot_hash
FROM {source} ARRAY JOIN mapKeys(tags) AS key""",
        ),
    )


VIEWS = (*_views_of("ChatInference", "chat"), *_views_of("JsonInference", "json"))
