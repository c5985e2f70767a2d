"""Rows of batches: `BatchModelInference` at the start, the rows of ordinary inferences in the end.

A batch row holds what an inference's own rows will hold, but for the output. So both are made of the same
`InferenceRecord`, and what was stored at the start is copied to the end as it stands.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from t0._core import uuid7
from t0.functions.base import FunctionOutput
from t0.inference.context import Context
from t0.recorder.rows import rows
from t0.recorder.tables import columns
from t0.storage.batches import Columns
from t0.types.batch import BatchOutput
from t0.types.content import Input
from t0.types.model import ModelRequest
from t0.types.params import ChatCompletionParams
from t0.types.record import InferenceRecord, ModelInferenceRecord, ToolRecord

_TOOLS = (
    "dynamic_tools",
    "dynamic_provider_tools",
    "allowed_tools",
    "tool_choice",
    "parallel_tool_calls",
    "tool_params",
)
_OF_INFERENCE = (
    "function_name",
    "variant_name",
    "episode_id",
    "input",
    "inference_params",
    "output_schema",
    "tags",
    "snapshot_hash",
    *_TOOLS,
)
_OF_CALL = ("inference_id", "input_messages", "system", "raw_request", "model_name", "model_provider_name")


# -- at the start ------------------------------------------------------------------------------------------------------


def inference_record(
    context: Context,
    *,
    variant_name: str,
    params: ChatCompletionParams,
    sent: ModelRequest,
    raw_request: str,
    model_name: str,
    provider_name: str,
) -> InferenceRecord:
    """What is known of an inference before it is answered; its output is empty."""
    request, function = context.request, context.function
    tools = context.tools
    call = ModelInferenceRecord(
        id=uuid7.new(),
        model_name=model_name,
        model_provider_name=provider_name,
        raw_request=raw_request,
        raw_response="",
        system=sent.system,
        input_messages=sent.messages,
        output=[],
        input_tokens=None,
        output_tokens=None,
        response_time_ms=None,
    )
    return InferenceRecord(
        function_type=function.type,
        id=context.inference_id,
        episode_id=context.episode_id,
        function_name=function.name,
        variant_name=variant_name,
        input=request.input,
        output=[],
        params=params,
        processing_time_ms=None,
        tags=context.tags,
        tools=None if tools.config is None else ToolRecord(config=tools.config, static_names=list(tools.static_names)),
        output_schema=function.output_schema(request) if function.type == "json" else None,
        model_inferences=[call],
        snapshot_hash=context.gateway.snapshot_hash,
    )


def start_columns(record: InferenceRecord, batch_id: str) -> Columns:
    """The row of `BatchModelInference`."""
    inference, call = _columns(record)
    unset = _TOOLS if record.tools is None else ()
    return {
        "batch_id": batch_id,
        **{c: inference[c] for c in _OF_INFERENCE if c in inference and c not in unset},
        **{c: call[c] for c in _OF_CALL},
    }


# -- in the end --------------------------------------------------------------------------------------------------------


def end_columns(
    stored: Columns, answered: BatchOutput, output: FunctionOutput, cost: Decimal | None
) -> tuple[Columns, Columns]:
    """The row of `ChatInference` or `JsonInference`, and that of `ModelInference`. `stored` is the batch's row."""
    response = answered.response
    usage = response.usage
    call = ModelInferenceRecord(
        id=uuid7.new(),
        model_name=stored["model_name"],
        model_provider_name=stored["model_provider_name"],
        raw_request=stored["raw_request"],
        raw_response=answered.raw_response,
        system=stored["system"],
        input_messages=[],
        output=response.output,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        provider_cache_read_input_tokens=usage.provider_cache_read_input_tokens,
        provider_cache_write_input_tokens=usage.provider_cache_write_input_tokens,
        cost=None if cost is None else str(cost),
        response_time_ms=None,
        finish_reason=response.finish_reason,
    )
    record = InferenceRecord(
        function_type=function_type(stored),
        id=stored["inference_id"],
        episode_id=stored["episode_id"],
        function_name=stored["function_name"],
        variant_name=stored["variant_name"],
        input=Input(messages=[]),
        output=output.output,
        params=ChatCompletionParams(),
        processing_time_ms=None,
        auxiliary_content=output.auxiliary,
        model_inferences=[call],
        snapshot_hash=stored["snapshot_hash"],
    )
    inference, model_inference = _columns(record)
    copied = {c: stored[c] for c in _OF_INFERENCE if c not in _TOOLS or stored["tool_params"] is not None}
    if record.function_type == "chat":
        del copied["output_schema"]
    return inference | copied, model_inference | {"input_messages": stored["input_messages"]}


def function_type(stored: Columns) -> Any:
    """`json` or `chat`: only json functions have an output schema."""
    return "chat" if stored["output_schema"] is None else "json"


def _columns(record: InferenceRecord) -> tuple[Columns, Columns]:
    inference, call = rows(record)
    return columns(inference), columns(call)
