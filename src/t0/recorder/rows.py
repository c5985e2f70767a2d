"""Records as database rows. Pure.

Every JSON column is sent as text, so that what is stored depends on no setting of the server.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from t0.recorder.tables import (
    BooleanMetricFeedback,
    ChatInference,
    CommentFeedback,
    DemonstrationFeedback,
    FloatMetricFeedback,
    JsonInference,
    ModelInference,
    Row,
    StaticEvaluationHumanFeedback,
)
from t0.types.content import File, Input, InputMessage, ModelMessage, StoragePath, StoredFile
from t0.types.record import FeedbackRecord, HumanFeedback, InferenceRecord, ModelInferenceRecord, ToolRecord
from t0.types.tools import FunctionTool, ToolChoice

_encode = msgspec.json.Encoder().encode


def rows(record: InferenceRecord | FeedbackRecord) -> list[Row]:
    """The rows to store: the inference and its model calls, or the feedback."""
    if isinstance(record, FeedbackRecord):
        return _feedback_rows(record)
    messages = _messages(record.input.messages)
    row = _chat_row(record, messages) if record.function_type == "chat" else _json_row(record, messages)
    return [row, *[_model_row(call, record, messages) for call in record.model_inferences]]


# -- inferences --------------------------------------------------------------------------------------------------------


def _chat_row(record: InferenceRecord, messages: bytes) -> Row:
    return ChatInference(**_inference_columns(record, messages), **_tool_columns(record.tools))


def _json_row(record: InferenceRecord, messages: bytes) -> Row:
    return JsonInference(
        **_inference_columns(record, messages),
        output_schema=_encode(record.output_schema),
        auxiliary_content=_encode(record.auxiliary_content),
    )


def _inference_columns(record: InferenceRecord, messages: bytes) -> dict[str, Any]:
    return {
        "id": record.id,
        "function_name": record.function_name,
        "variant_name": record.variant_name,
        "episode_id": record.episode_id,
        "input": _input(record.input, messages),
        "output": _encode(record.output),
        "inference_params": _encode({"chat_completion": record.params}),
        "processing_time_ms": record.processing_time_ms,
        "ttft_ms": record.ttft_ms,
        "tags": record.tags,
        "extra_body": _encode(record.extra_body),
        "snapshot_hash": record.snapshot_hash,
    }


def _model_row(call: ModelInferenceRecord, record: InferenceRecord, messages: bytes) -> Row:
    """`messages` are those of the inference's input, as JSON."""
    return ModelInference(
        id=call.id,
        inference_id=record.id,
        raw_request=call.raw_request,
        raw_response=call.raw_response,
        system=call.system,
        input_messages=messages if call.input_messages is None else _messages(call.input_messages),
        output=_encode(call.output),
        # The reference cannot tell an unknown count from 0.
        input_tokens=call.input_tokens or None,
        output_tokens=call.output_tokens or None,
        provider_cache_read_input_tokens=call.provider_cache_read_input_tokens,
        provider_cache_write_input_tokens=call.provider_cache_write_input_tokens,
        cost=None if call.cost is None else f"{Decimal(call.cost):.9f}",
        response_time_ms=call.response_time_ms,
        ttft_ms=call.ttft_ms,
        model_name=call.model_name,
        model_provider_name=call.model_provider_name,
        cached=call.cached,
        finish_reason=call.finish_reason,
        function_name=record.function_name,
        variant_name=record.variant_name,
        snapshot_hash=record.snapshot_hash,
    )


# -- tools -------------------------------------------------------------------------------------------------------------


def _tool_columns(tools: ToolRecord | None) -> dict[str, Any]:
    """Nothing at all for a call without tools: the columns then keep their defaults."""
    if tools is None:
        return {}
    config = tools.config
    dynamic = [t for t in config.tools if t.name not in tools.static_names]
    return {
        "dynamic_tools": [
            *(_encode(_tagged_function(t)) for t in dynamic),
            *(_encode({"type": "openai_custom", **msgspec.to_builtins(t)}) for t in config.custom_tools),
        ],
        "dynamic_provider_tools": [_encode(t) for t in config.provider_tools],
        "allowed_tools": _encode(_allowed_tools(tools, dynamic)),
        "tool_choice": _tool_choice(config.choice),
        "parallel_tool_calls": config.parallel_tool_calls,
        "tool_params": _encode(
            {
                "tools_available": config.tools,
                "tool_choice": config.choice,
                "parallel_tool_calls": config.parallel_tool_calls,
            }
        ),
    }


def _tagged_function(tool: FunctionTool) -> dict[str, Any]:
    return {
        "type": "function",
        "description": tool.description,
        "parameters": tool.parameters,
        "name": tool.name,
        "strict": tool.strict,
    }


def _allowed_tools(tools: ToolRecord, dynamic: list[FunctionTool]) -> dict[str, Any]:
    if tools.config.allowed is not None:
        return {"tools": tools.config.allowed, "choice": "explicit"}
    names = [*tools.static_names, *(t.name for t in dynamic), *(t.name for t in tools.config.custom_tools)]
    return {"tools": names, "choice": "function_default"}


def _tool_choice(choice: ToolChoice) -> str:
    return choice if isinstance(choice, str) else _encode(choice).decode()


# -- input -------------------------------------------------------------------------------------------------------------


def _input(value: Input, messages: bytes) -> bytes:
    """PERF: the messages, which may be long, are encoded once for all the rows that hold them."""
    system = b"" if value.system is None else b'"system":%b,' % _encode(value.system)
    return b'{%b"messages":%b}' % (system, messages)


def _messages(messages: Sequence[InputMessage | ModelMessage]) -> bytes:
    for message in messages:
        for block in message.content:
            if isinstance(block, File):
                return _encode([_with_stored_files(m) for m in messages])
    return _encode(messages)


def _with_stored_files(message: InputMessage | ModelMessage) -> dict[str, Any]:
    content = [_stored_file(block) if isinstance(block, File) else block for block in message.content]
    return {"role": message.role, "content": content}


def _stored_file(file: File) -> StoredFile:
    """A file without a path is one whose content was never seen: a URL that the provider fetched, or nobody could."""
    return StoredFile(
        source_url=file.url,
        mime_type=file.mime_type or "application/octet-stream",
        storage_path=file.storage_path or StoragePath(kind={"type": "disabled"}, path=""),
        detail=file.detail,
        filename=file.filename,
    )


# -- feedback ----------------------------------------------------------------------------------------------------------


def _feedback_rows(record: FeedbackRecord) -> list[Row]:
    row = _feedback_row(record)
    human = record.human_feedback
    return [row] if human is None else [row, _human_feedback_row(record, human)]


def _feedback_row(record: FeedbackRecord) -> Row:
    common: dict[str, Any] = {"id": record.id, "tags": record.tags, "snapshot_hash": record.snapshot_hash}
    name: Any = record.metric_name
    target_type: Any = record.target_type
    match record.table:
        case "CommentFeedback":
            return CommentFeedback(target_id=record.target_id, target_type=target_type, value=record.value, **common)
        case "DemonstrationFeedback":
            value = record.value if isinstance(record.value, str) else _encode(record.value).decode()
            return DemonstrationFeedback(inference_id=record.target_id, value=value, **common)
        case "BooleanMetricFeedback":
            return BooleanMetricFeedback(target_id=record.target_id, metric_name=name, value=record.value, **common)
        case "FloatMetricFeedback":
            return FloatMetricFeedback(target_id=record.target_id, metric_name=name, value=record.value, **common)


def _human_feedback_row(record: FeedbackRecord, human: HumanFeedback) -> Row:
    name: Any = record.metric_name
    return StaticEvaluationHumanFeedback(
        metric_name=name,
        datapoint_id=human.datapoint_id,
        output=human.output,
        value=human.value,
        feedback_id=record.id,
        evaluator_inference_id=human.evaluator_inference_id,
    )
