"""Starting a batch: one function, one variant, one provider for all inputs; stored before it is answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from t0._core import uuid7
from t0.batch.access import open_batches
from t0.batch.rows import inference_record, start_columns
from t0.errors import AllVariantsFailed, BatchInputValidation, RequestError, UnsupportedVariantForBatch
from t0.functions.base import Function
from t0.inference.context import Context, check_episode_id, is_workflow_episode
from t0.inference.route import first_success, pinned_variant, select_function
from t0.inference.run import variant_call
from t0.models.batch import BatchCall, ModelBatch, in_turns, start_batch
from t0.storage.batches import Batches, Columns
from t0.types.inference import InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.types.record import CountRecord, Record
from t0.variants.base import Variant
from t0.variants.chat_completion import ChatCompletionVariant

if TYPE_CHECKING:
    from t0.gateway import Gateway

log = logging.getLogger("t0")


class BatchIds(Struct):
    """The answer to the start of a batch; ids of inferences and episodes in the order of the inputs."""

    batch_id: str
    inference_ids: list[str]
    episode_ids: list[str]


class _Chosen(Struct):
    """The variant that a batch was started with. `params` are in the order of the inputs."""

    variant_name: str
    model_name: str
    params: list[ChatCompletionParams]
    batch: ModelBatch


async def start(gateway: Gateway, requests: Sequence[InferenceRequest]) -> BatchIds:
    """Starts a batch of at least one request, all to the same function and variant. Raises `RequestError`."""
    batches = open_batches(gateway)
    contexts = [Context(gateway, request) for request in requests]
    function = select_function(gateway, requests[0])
    pinned, *_ = [_prepare(context, function, i) async for i, context in in_turns(enumerate(contexts))]
    _count(gateway, function, len(contexts))
    await batches.check()
    try:
        for context in contexts:
            context.files = gateway.files.of(context.request, context.exchanges)
        chosen = await _first_success(contexts, pinned)
    except RequestError:
        for context in contexts:
            if context.files is not None:
                context.files.cancel()
        raise
    return await _store(batches, contexts, chosen)


def _prepare(context: Context, function: Function, index: int) -> Variant | None:
    """Validates one request; the variant that it pins."""
    request = context.request
    try:
        if request.episode_id is not None:
            is_workflow_episode(request.episode_id)
            check_episode_id(request.episode_id)
        function.check_input(request.input)
    except RequestError as e:
        raise BatchInputValidation(index, e.text) from e
    context.function = function
    context.tools = function.tools(request)
    return pinned_variant(context)


def _count(gateway: Gateway, function: Function, inferences: int) -> None:
    count = CountRecord(endpoint="batch_inference", function_name=function.name, inferences=inferences)
    gateway.append(Record(count=count))


# -- the provider's part -----------------------------------------------------------------------------------------------


async def _first_success(contexts: Sequence[Context], pinned: Variant | None) -> _Chosen:
    """The episode of the first input draws the variant. The only variant's error is raised as it is."""
    first = contexts[0]
    try:
        return await first_success(first, pinned, lambda variant: _start_with(variant, contexts))
    except AllVariantsFailed as e:
        if len(first.function.variants) == 1:
            raise e.attempts[0] from None
        raise


async def _start_with(variant: Variant, contexts: Sequence[Context]) -> _Chosen:
    if type(variant) is not ChatCompletionVariant:
        raise UnsupportedVariantForBatch(variant.name)
    asked = [variant.batch_call(variant_call(context, variant)) async for context in in_turns(contexts)]
    calls = [BatchCall(c.inference_id, call) for c, (_, call, _) in zip(contexts, asked, strict=True)]
    model, _, _ = asked[0]
    batch = await start_batch(model, contexts[0].gateway.models.batch_provider, calls)
    return _Chosen(variant.name, model.name, [params for _, _, params in asked], batch)


# -- storage -----------------------------------------------------------------------------------------------------------


async def _store(batches: Batches, contexts: Sequence[Context], chosen: _Chosen) -> BatchIds:
    batch_id, started = uuid7.new(), chosen.batch.started
    try:
        await batches.insert("BatchModelInference", await _inference_rows(contexts, chosen, batch_id))
        await batches.insert("BatchRequest", [_batch_row(contexts[0], chosen, batch_id)])
    except RequestError:
        log.error("batch %s was started as %s, but not stored", batch_id, msgspec.json.encode(started.params).decode())
        raise
    return BatchIds(batch_id, [c.inference_id for c in contexts], [c.episode_id for c in contexts])


async def _inference_rows(contexts: Sequence[Context], chosen: _Chosen, batch_id: str) -> list[Columns]:
    rows = []
    async for i, context in in_turns(enumerate(contexts)):
        record = inference_record(
            context,
            variant_name=chosen.variant_name,
            model_name=chosen.model_name,
            params=chosen.params[i],
            sent=chosen.batch.requests[i],
            raw_request=chosen.batch.rows[i],
            provider_name=chosen.batch.provider_name,
        )
        if context.files is not None:
            await context.files.store(record)
        rows.append(start_columns(record, batch_id))
    return rows


def _batch_row(context: Context, chosen: _Chosen, batch_id: str) -> Columns:
    started = chosen.batch.started
    return {
        "batch_id": batch_id,
        "id": uuid7.new(),
        "batch_params": msgspec.json.encode(started.params).decode(),
        "model_name": chosen.model_name,
        "model_provider_name": chosen.batch.provider_name,
        "status": "pending",
        "errors": started.errors,
        "raw_request": started.raw_request,
        "raw_response": started.raw_response,
        "function_name": context.function.name,
        "variant_name": chosen.variant_name,
        "snapshot_hash": context.gateway.snapshot_hash,
    }
