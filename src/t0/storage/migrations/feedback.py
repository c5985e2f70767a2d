"""Feedback, and how it is found by target, tag and variant."""

from t0.storage.migrations.ddl import MAP, NAME, SNAPSHOT_HASH, TAGS, Table, View, bloom_filter, timestamp_of

_TARGET_TYPE = "Enum8('inference' = 1, 'episode' = 2)"
_ID_INDEX = {"id_index": bloom_filter("id")}
_METRIC_VALUES = {"Boolean": "Bool", "Float": "Float32"}


def _metric(value: str) -> dict[str, str]:
    return {
        "id": "UUID",
        "target_id": "UUID",
        "metric_name": NAME,
        "value": value,
        "tags": MAP,
        **SNAPSHOT_HASH,
    }


_COMMENT = {
    "id": "UUID",
    "target_id": "UUID",
    "target_type": _TARGET_TYPE,
    "value": "String",
    "tags": MAP,
    **SNAPSHOT_HASH,
}
_DEMONSTRATION = {"id": "UUID", "inference_id": "UUID", "value": "String", "tags": MAP, **SNAPSHOT_HASH}


def _metric_tables(kind: str, value: str) -> tuple[Table, ...]:
    return (
        Table(
            name=f"{kind}MetricFeedback",
            columns={**_metric(value), "tags": TAGS, **timestamp_of()},
            order_by=("metric_name", "target_id"),
            indexes=_ID_INDEX,
        ),
        Table(name=f"{kind}MetricFeedbackByTargetId", columns=_metric(value), order_by=("target_id",)),
        Table(
            name=f"{kind}MetricFeedbackByVariant",
            columns={
                "function_name": NAME,
                "variant_name": NAME,
                "metric_name": NAME,
                "id_uint": "UInt128",
                "target_id_uint": "UInt128",
                "value": value,
                "feedback_tags": MAP,
                **SNAPSHOT_HASH,
            },
            order_by=("function_name", "metric_name", "variant_name", "id_uint"),
        ),
    )


TABLES = (
    *(table for kind, value in _METRIC_VALUES.items() for table in _metric_tables(kind, value)),
    Table(
        name="CommentFeedback",
        columns={**_COMMENT, "tags": TAGS, **timestamp_of()},
        order_by=("target_id",),
        indexes=_ID_INDEX,
    ),
    Table(name="CommentFeedbackByTargetId", columns=_COMMENT, order_by=("target_id",)),
    Table(
        name="DemonstrationFeedback",
        columns={**_DEMONSTRATION, "tags": TAGS, **timestamp_of()},
        order_by=("inference_id",),
        indexes=_ID_INDEX,
    ),
    Table(name="DemonstrationFeedbackByInferenceId", columns=_DEMONSTRATION, order_by=("inference_id",)),
    Table(
        name="StaticEvaluationHumanFeedback",
        columns={
            "metric_name": NAME,
            "datapoint_id": "UUID",
            "output": "String",
            "value": "String",
            "feedback_id": "UUID",
            "evaluator_inference_id": "UUID",
            **timestamp_of("feedback_id"),
        },
        order_by=("metric_name", "datapoint_id", "output"),
        index_granularity=256,
    ),
    Table(
        name="FeedbackTag",
        columns={
            "metric_name": NAME,
            "key": "String",
            "value": "String",
            "feedback_id": "UUID",
            **SNAPSHOT_HASH,
        },
        order_by=("metric_name", "key", "value"),
    ),
)


def _copy_view(source: str, target: str, columns: dict[str, str]) -> View:
    return View(name=f"{target}View", target=target, select=f"SELECT {', '.join(columns)} FROM {source}")


def _tag_view(source: str, metric: str) -> View:
    return View(
        name=f"{source}TagView",
        target="FeedbackTag",
        select=f"""
SELECT {metric} AS metric_name, key, tags[key] AS value, id AS feedback_id, snapshot_hash
FROM {source} ARRAY JOIN mapKeys(tags) AS key""",
    )


def _by_variant_view(kind: str) -> View:
    """An episode counts for each of its functions that used one variant only.

    Inside the view the source is the inserted block, wherever its name stands. The target tables may hold a row twice
    until they are merged, hence the grouping.
    """
    source = f"{kind}MetricFeedback"
    return View(
        name=f"{source}ByVariantView",
        target=f"{source}ByVariant",
        select=f"""
SELECT target.function_name AS function_name, target.variant_name AS variant_name, feedback.metric_name AS metric_name,
    feedback.id_uint AS id_uint, feedback.target_id_uint AS target_id_uint, feedback.value AS value,
    feedback.feedback_tags AS feedback_tags, feedback.snapshot_hash AS snapshot_hash
FROM (
    SELECT toUInt128(id) AS id_uint, toUInt128(target_id) AS target_id_uint, metric_name, value, tags AS feedback_tags,
        snapshot_hash
    FROM {source}
) AS feedback
INNER JOIN (
    SELECT id_uint AS target_id_uint, any(function_name) AS function_name, any(variant_name) AS variant_name
    FROM InferenceById
    WHERE id_uint IN (SELECT toUInt128(target_id) FROM {source})
    GROUP BY id_uint
    UNION ALL
    SELECT episode_id_uint AS target_id_uint, function_name, any(variant_name) AS variant_name
    FROM InferenceByEpisodeId
    WHERE episode_id_uint IN (SELECT toUInt128(target_id) FROM {source})
    GROUP BY episode_id_uint, function_name
    HAVING uniqExact(InferenceByEpisodeId.variant_name) = 1
) AS target ON feedback.target_id_uint = target.target_id_uint""",
    )


VIEWS = (
    *(
        view
        for kind, value in _METRIC_VALUES.items()
        for view in (
            _tag_view(f"{kind}MetricFeedback", "metric_name"),
            _copy_view(f"{kind}MetricFeedback", f"{kind}MetricFeedbackByTargetId", _metric(value)),
            _by_variant_view(kind),
        )
    ),
    _tag_view("CommentFeedback", "'comment'"),
    _copy_view("CommentFeedback", "CommentFeedbackByTargetId", _COMMENT),
    _tag_view("DemonstrationFeedback", "'demonstration'"),
    _copy_view("DemonstrationFeedback", "DemonstrationFeedbackByInferenceId", _DEMONSTRATION),
)
