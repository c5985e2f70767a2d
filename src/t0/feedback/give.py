"""One feedback: validated, its target looked up, recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from t0._core import uuid7
from t0.config.schema import MetricConfig
from t0.errors import InvalidRequest, UnknownMetric
from t0.feedback.demonstration import demonstration_value
from t0.feedback.human import human_feedback
from t0.feedback.targets import wait_for_episode, wait_for_inference
from t0.inference.context import check_tags
from t0.types.record import CountRecord, FeedbackRecord, FeedbackTable, Record

if TYPE_CHECKING:
    from t0.gateway import Gateway

Level = Literal["inference", "episode"]


class FeedbackRequest(Struct, kw_only=True):
    metric_name: str
    value: Any
    inference_id: str | None = None
    episode_id: str | None = None
    tags: dict[str, str] = {}
    internal: bool = False
    dryrun: bool = False


async def give_feedback(gateway: Gateway, request: FeedbackRequest) -> str:
    """The id of the feedback, once all checks have passed; it is stored in the background. Raises `RequestError`."""
    check_tags(request.tags, request.internal)
    _check_human_feedback_tags(request.tags)
    if gateway.config.gateway.observability.enabled is False:
        raise InvalidRequest(
            "Feedback requires observability to be enabled (`gateway.observability.enabled` must not be `false`)."
        )
    if request.inference_id is not None and request.episode_id is not None:
        raise InvalidRequest("Both episode_id and inference_id cannot be provided")
    if request.metric_name == "comment":
        record = await _comment(gateway, request)
    elif request.metric_name == "demonstration":
        record = await _demonstration(gateway, request)
    else:
        record = await _metric(gateway, request)
    if not request.dryrun:
        _record(gateway, request, record)
    return record.id


def _check_human_feedback_tags(tags: dict[str, str]) -> None:
    given = {"tensorzero::datapoint_id", "tensorzero::human_feedback"}.issubset(tags)
    if given and "tensorzero::evaluator_inference_id" not in tags:
        raise InvalidRequest(
            "tensorzero::evaluator_inference_id is required when tensorzero::datapoint_id and "
            "tensorzero::human_feedback are provided"
        )


def _record(gateway: Gateway, request: FeedbackRequest, record: FeedbackRecord) -> None:
    if request.internal:
        record.tags = {**record.tags, "tensorzero::internal": "true"}
    count = CountRecord(endpoint="feedback", metric_name=request.metric_name)
    gateway.append(Record(count=count, row=record if gateway.stores else None))


# -- the four kinds ----------------------------------------------------------------------------------------------------


async def _metric(gateway: Gateway, request: FeedbackRequest) -> FeedbackRecord:
    metric = gateway.config.metrics.get(request.metric_name)
    if metric is None:
        raise UnknownMetric(request.metric_name)
    target_id = _target_of_level(request, metric.level)
    await _check_target(gateway, target_id, metric.level)
    record = _new_record(gateway, request, _TABLES[metric.type], target_id, _metric_value(request, metric))
    record.metric_name = request.metric_name
    record.human_feedback = await human_feedback(gateway.reader, request.tags, target_id, request.value)
    return record


async def _comment(gateway: Gateway, request: FeedbackRequest) -> FeedbackRecord:
    level: Level = "inference" if request.inference_id is not None else "episode"
    target_id = request.inference_id or request.episode_id
    if target_id is None:
        raise InvalidRequest("Exactly one of inference_id or episode_id must be provided")
    await _check_target(gateway, target_id, level)
    if not isinstance(request.value, str):
        raise InvalidRequest("Feedback value for a comment must be a string")
    record = _new_record(gateway, request, "CommentFeedback", target_id, request.value)
    record.target_type = level
    return record


async def _demonstration(gateway: Gateway, request: FeedbackRequest) -> FeedbackRecord:
    inference_id = _target_of_level(request, "inference")
    target = await wait_for_inference(gateway.reader, inference_id)
    value = await demonstration_value(gateway, inference_id, target, request.value)
    return _new_record(gateway, request, "DemonstrationFeedback", inference_id, value)


_TABLES: dict[str, FeedbackTable] = {"boolean": "BooleanMetricFeedback", "float": "FloatMetricFeedback"}


def _new_record(
    gateway: Gateway, request: FeedbackRequest, table: FeedbackTable, target_id: str, value: Any
) -> FeedbackRecord:
    return FeedbackRecord(
        table=table,
        id=uuid7.new(),
        target_id=target_id,
        value=value,
        tags=request.tags,
        snapshot_hash=gateway.snapshot_hash,
    )


def _metric_value(request: FeedbackRequest, metric: MetricConfig) -> bool | float:
    value = request.value
    if metric.type == "boolean":
        if not isinstance(value, bool):
            raise InvalidRequest(f"Feedback value for metric `{request.metric_name}` must be a boolean")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequest(f"Feedback value for metric `{request.metric_name}` must be a number")
    try:
        return float(value)
    except OverflowError as e:
        raise InvalidRequest(f"Feedback value for metric `{request.metric_name}` must fit into 64 bits") from e


# -- targets -----------------------------------------------------------------------------------------------------------


def _target_of_level(request: FeedbackRequest, level: Level) -> str:
    target_id = request.inference_id if level == "inference" else request.episode_id
    if target_id is None:
        raise InvalidRequest(f'Correct ID was not provided for feedback level "{level}".')
    return target_id


async def _check_target(gateway: Gateway, target_id: str, level: Level) -> None:
    if gateway.config.gateway.unstable_disable_feedback_target_validation:
        return
    if level == "inference":
        await wait_for_inference(gateway.reader, target_id)
    else:
        await wait_for_episode(gateway.reader, target_id)
