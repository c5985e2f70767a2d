"""The last step: one record per request, appended to the ring; the recorder derives everything else."""

from __future__ import annotations

from collections.abc import Awaitable

from t0._core import uuid7
from t0.files.resolve import RequestFiles
from t0.functions.base import FunctionOutput
from t0.inference.context import Context
from t0.models.call import ModelResult
from t0.types.content import Input, ModelMessage
from t0.types.record import CountRecord, InferenceRecord, ModelInferenceRecord, Record, ToolRecord
from t0.variants.base import VariantResult


def success(context: Context, result: VariantResult, output: FunctionOutput) -> Awaitable[object] | None:
    """Records an answered inference. What has to be waited for before the answer may go, if anything, is returned."""
    gateway, request = context.gateway, context.request
    if not context.counted:
        return None
    count = _count(context)
    tried_one = not context.failed_variants
    count.variant_name = result.variant_name if tried_one else None
    for call in result.calls:
        if not call.cached:
            count.input_tokens += call.usage.input_tokens or 0
            count.output_tokens += call.usage.output_tokens or 0
    if not gateway.stores:
        gateway.append(Record(count=count))
        return None
    row = InferenceRecord(
        function_type=context.function.type,
        id=context.inference_id,
        episode_id=context.episode_id,
        function_name=context.function.name,
        variant_name=result.variant_name,
        input=request.input,
        output=output.output,
        params=result.params,
        processing_time_ms=context.elapsed_ms(),
        ttft_ms=context.ttft_ms,
        tags=context.tags,
        extra_body=request.extra_body,
        tools=_tools(context),
        output_schema=context.function.output_schema(request) if context.function.type == "json" else None,
        auxiliary_content=output.auxiliary,
        model_inferences=[_model_inference(c, context) for c in result.calls],
        snapshot_hash=gateway.snapshot_hash,
    )
    record = Record(count=count, row=row)
    return gateway.store(record) if context.files is None else _store_with_files(context, context.files, record, row)


async def _store_with_files(context: Context, files: RequestFiles, record: Record, row: InferenceRecord) -> None:
    await files.store(row)
    stored = context.gateway.store(record)
    if stored is not None:
        await stored


def failure(context: Context) -> None:
    """Counts a request that passed validation and got no answer."""
    if context.files is not None:
        context.files.cancel()
    if context.counted:
        context.gateway.append(Record(count=_count(context)))


def _count(context: Context) -> CountRecord:
    return CountRecord(
        endpoint="inference",
        function_name=context.function.name,
        model_name=context.request.model_name,
        inferences=1,
        overhead_s=context.overhead_s(),
    )


def _tools(context: Context) -> ToolRecord | None:
    config = context.tools.config
    return None if config is None else ToolRecord(config=config, static_names=list(context.tools.static_names))


def _model_inference(call: ModelResult, context: Context) -> ModelInferenceRecord:
    usage = call.usage
    messages = call.request.messages
    return ModelInferenceRecord(
        id=uuid7.new(),
        model_name=call.model_name,
        model_provider_name=call.provider_name,
        raw_request=call.raw_request,
        raw_response=call.raw_response,
        system=call.request.system,
        # PERF: long prompts are written, and read by the recorder, once less.
        input_messages=None if _are_the_input(messages, context.request.input) else messages,
        output=call.output,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        provider_cache_read_input_tokens=usage.provider_cache_read_input_tokens,
        provider_cache_write_input_tokens=usage.provider_cache_write_input_tokens,
        cost=None if call.cost is None else str(call.cost),
        response_time_ms=call.response_time_ms,
        ttft_ms=call.ttft_ms,
        cached=call.cached,
        finish_reason=call.finish_reason,
    )


def _are_the_input(messages: list[ModelMessage], given: Input) -> bool:
    """Whether no template, and no example, has touched them; blocks that are passed on are the same objects."""
    if len(messages) != len(given.messages):
        return False
    for message, original in zip(messages, given.messages, strict=True):
        if message.role != original.role or message.content != original.content:
            return False
    return True
