"""The batch routes: `POST /batch_inference`, `GET /batch_inference/{batch_id}[/inference/{inference_id}]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Raw, Struct, UnsetType

from t0._core import uuid7
from t0.batch.poll import BatchItem, poll
from t0.batch.start import start
from t0.routes import batch_wire
from t0.routes.http import Request, Response, json_response
from t0.routes.native import WireUsage, wire_usage

if TYPE_CHECKING:
    from t0.gateway import Gateway


class WireItem(Struct, kw_only=True):
    """An answer as `POST /inference` gives it: chat functions have `content`, json functions `output`."""

    inference_id: str
    episode_id: str
    variant_name: str
    content: Raw | UnsetType = UNSET
    output: Raw | UnsetType = UNSET
    usage: WireUsage
    finish_reason: str | UnsetType = UNSET


class WireStatus(Struct):
    status: str


class WireCompleted(Struct):
    status: str
    batch_id: str
    inferences: list[WireItem]


async def start_batch(gateway: Gateway, request: Request) -> Response:
    return json_response(await start(gateway, batch_wire.parse(request.body)))


async def poll_batch(gateway: Gateway, request: Request, batch_id: str, inference_id: str | None = None) -> Response:
    try:
        batch_id = uuid7.parse(batch_id)
        inference_id = None if inference_id is None else uuid7.parse(inference_id)
    except ValueError as e:
        text = f"Invalid URL: UUID parsing failed: {e}"
        return Response(status=400, content_type=b"text/plain; charset=utf-8", body=text.encode())
    answer = await poll(gateway, batch_id, inference_id)
    if answer.status != "completed":
        return json_response(WireStatus(answer.status))
    return json_response(WireCompleted("completed", answer.batch_id, [_wire_item(i) for i in answer.items]))


def _wire_item(item: BatchItem) -> WireItem:
    output = Raw(item.output)
    return WireItem(
        inference_id=item.inference_id,
        episode_id=item.episode_id,
        variant_name=item.variant_name,
        content=output if item.function_type == "chat" else UNSET,
        output=output if item.function_type == "json" else UNSET,
        usage=wire_usage(item.usage),
        finish_reason=UNSET if item.finish_reason is None else item.finish_reason,
    )
