"""`POST /feedback`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from t0.feedback.give import FeedbackRequest, give_feedback
from t0.routes.decode import decode
from t0.routes.http import Request, Response, json_response
from t0.routes.native import parse_uuid

if TYPE_CHECKING:
    from t0.gateway import Gateway


class WireFeedback(Struct, kw_only=True, forbid_unknown_fields=True):
    metric_name: str
    value: Any
    inference_id: str | None = None
    episode_id: str | None = None
    tags: dict[str, str] = {}
    internal: bool = False
    dryrun: bool | None = None


class WireFeedbackAnswer(Struct):
    feedback_id: str


_decoder = msgspec.json.Decoder(WireFeedback)


async def feedback(gateway: Gateway, request: Request) -> Response:
    wire = decode(request.body, _decoder)
    feedback_id = await give_feedback(
        gateway,
        FeedbackRequest(
            metric_name=wire.metric_name,
            value=wire.value,
            inference_id=parse_uuid(wire.inference_id, "inference_id"),
            episode_id=parse_uuid(wire.episode_id, "episode_id"),
            tags=wire.tags,
            internal=wire.internal,
            dryrun=bool(wire.dryrun),
        ),
    )
    return json_response(WireFeedbackAnswer(feedback_id))
