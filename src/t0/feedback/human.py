"""Feedback of a person on an evaluated datapoint: the extra row that later evaluations reuse."""

from __future__ import annotations

from typing import Any

import msgspec

from t0._core import uuid7
from t0.errors import InvalidRequest
from t0.storage.reader import Reader
from t0.types.record import HumanFeedback


async def human_feedback(
    reader: Reader | None, tags: dict[str, str], inference_id: str, value: Any
) -> HumanFeedback | None:
    """The row's content when all three tags are there, else None. Raises `InvalidRequest` for ids that are none."""
    if "tensorzero::human_feedback" not in tags or reader is None:
        return None
    datapoint_id = _uuid_tag(tags, "tensorzero::datapoint_id")
    evaluator_inference_id = _uuid_tag(tags, "tensorzero::evaluator_inference_id")
    if datapoint_id is None or evaluator_inference_id is None:
        return None
    target = await reader.inference(inference_id)
    row = await reader.inference_row(inference_id, target, "output") if target is not None else None
    if row is None:
        return None
    return HumanFeedback(
        datapoint_id=datapoint_id,
        output=row["output"],
        value=msgspec.json.encode(value).decode(),
        evaluator_inference_id=evaluator_inference_id,
    )


def _uuid_tag(tags: dict[str, str], key: str) -> str | None:
    if key not in tags:
        return None
    try:
        return uuid7.parse(tags[key])
    except ValueError as e:
        raise InvalidRequest(f"Tag `{key}` must be a UUID, got `{tags[key]}`") from e
