"""Records as database rows. Pure.

Every JSON column is sent as text, so that what is stored depends on no setting of the server.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from t0.types.content import File, Input, InputMessage, ModelMessage, StoragePath, StoredFile
from t0.types.record import FeedbackRecord, HumanFeedback, InferenceRecord, ModelInferenceRecord, ToolRecord
from t0.types.tools import FunctionTool, ToolChoice


class Row(NamedTuple):
    """A row of `table` as one line of JSONEachRow. `id` and `key` are its values of `TABLES[table]`'s columns."""

    table: str
    id: str
    key: str
    line: bytes


class Table(NamedTuple):
    """How rows of a table are found again: the id is unique, the key is what the table is sorted by."""

    id_column: str
    key_column: str


TABLES = {
    "ChatInference": Table("id", "episode_id"),
    "JsonInference": Table("id", "episode_id"),
    "ModelInference": Table("id", "inference_id"),
    "BooleanMetricFeedback": Table("id", "target_id"),
    "FloatMetricFeedback": Table("id", "target_id"),
    "CommentFeedback": Table("id", "target_id"),
    "DemonstrationFeedback": Table("id", "inference_id"),
    "StaticEvaluationHumanFeedback": Table("feedback_id", "datapoint_id"),
}

_encode = msgspec.json.Encoder().encode


def rows(record: InferenceRecord | FeedbackRecord) -> list[Row]:
    """The rows to store: the inference and its model calls, or the feedback."""
    if isinstance(record, FeedbackRecord):
        return _feedback_rows(record)
    messages = _messages_text(record.input.messages)
    row = _chat_row(record, messages) if record.function_type == "chat" else _json_row(record, messages)
    return [row, *(_model_row(call, record, messages) for call in record.model_inferences)]


def _row(table: str, columns: dict[str, Any]) -> Row:
    found_by = TABLES[table]
    return Row(table, columns[found_by.id_column], columns[found_by.key_column], _encode(columns) + b"\n")


def _text(value: Any) -> str:
    return _encode(value).decode()


# -- inferences --------------------------------------------------------------------------------------------------------


def _chat_row(record: InferenceRecord, messages: str) -> Row:
    return _row("ChatInference", _inference_columns(record, messages) | _tool_columns(record.tools))


def _json_row(record: InferenceRecord, messages: str) -> Row:
    own = {
        "output_schema": _text(record.output_schema),
        "auxiliary_content": _text(record.auxiliary_content),
    }
    return _row("JsonInference", _inference_columns(record, messages) | own)


def _inference_columns(record: InferenceRecord, messages: str) -> dict[str, Any]:
    return {
        "id": record.id,
        "function_name": record.function_name,
        "variant_name": record.variant_name,
        "episode_id": record.episode_id,
        "input": _input_text(record.input, messages),
        "output": _text(record.output),
        "inference_params": _text({"chat_completion": record.params}),
        "processing_time_ms": record.processing_time_ms,
        "ttft_ms": record.ttft_ms,
        "tags": record.tags,
        "extra_body": _text(record.extra_body),
        "snapshot_hash": record.snapshot_hash,
    }


def _model_row(call: ModelInferenceRecord, record: InferenceRecord, messages: str) -> Row:
    """`messages` are those of the inference's input, as JSON."""
    columns = {
        "id": call.id,
        "inference_id": record.id,
        "raw_request": call.raw_request,
        "raw_response": call.raw_response,
        "system": call.system,
        "input_messages": messages if call.input_messages is None else _messages_text(call.input_messages),
        "output": _text(call.output),
        # The reference cannot tell an unknown count from 0.
        "input_tokens": call.input_tokens or None,
        "output_tokens": call.output_tokens or None,
        "provider_cache_read_input_tokens": call.provider_cache_read_input_tokens,
        "provider_cache_write_input_tokens": call.provider_cache_write_input_tokens,
        "cost": None if call.cost is None else f"{Decimal(call.cost):.9f}",
        "response_time_ms": call.response_time_ms,
        "ttft_ms": call.ttft_ms,
        "model_name": call.model_name,
        "model_provider_name": call.model_provider_name,
        "cached": call.cached,
        "finish_reason": call.finish_reason,
        "function_name": record.function_name,
        "variant_name": record.variant_name,
        "snapshot_hash": record.snapshot_hash,
    }
    return _row("ModelInference", columns)


# -- tools -------------------------------------------------------------------------------------------------------------


def _tool_columns(tools: ToolRecord | None) -> dict[str, Any]:
    """Nothing at all for a call without tools: the columns then keep their defaults."""
    if tools is None:
        return {}
    config = tools.config
    dynamic = [t for t in config.tools if t.name not in tools.static_names]
    return {
        "dynamic_tools": [
            *(_text(_tagged_function(t)) for t in dynamic),
            *(_text({"type": "openai_custom", **msgspec.to_builtins(t)}) for t in config.custom_tools),
        ],
        "dynamic_provider_tools": [_text(t) for t in config.provider_tools],
        "allowed_tools": _text(_allowed_tools(tools, dynamic)),
        "tool_choice": _tool_choice(config.choice),
        "parallel_tool_calls": config.parallel_tool_calls,
        "tool_params": _text(
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
    return choice if isinstance(choice, str) else _text(choice)


# -- input -------------------------------------------------------------------------------------------------------------


def _input_text(value: Input, messages: str) -> str:
    """PERF: the messages, which may be long, are encoded once for all the rows that hold them."""
    system = "" if value.system is None else f'"system":{_text(value.system)},'
    return f'{{{system}"messages":{messages}}}'


def _messages_text(messages: Iterable[InputMessage | ModelMessage]) -> str:
    return _text(
        [
            {"role": m.role, "content": [_stored_file(b) if isinstance(b, File) else b for b in m.content]}
            for m in messages
        ]
    )


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
    row = _row(record.table, {"id": record.id, **_feedback_columns(record), **_common_columns(record)})
    human = record.human_feedback
    return [row] if human is None else [row, _human_feedback_row(record, human)]


def _common_columns(record: FeedbackRecord) -> dict[str, Any]:
    return {"tags": record.tags, "snapshot_hash": record.snapshot_hash}


def _feedback_columns(record: FeedbackRecord) -> dict[str, Any]:
    match record.table:
        case "CommentFeedback":
            return {"target_id": record.target_id, "target_type": record.target_type, "value": record.value}
        case "DemonstrationFeedback":
            value = record.value if isinstance(record.value, str) else _text(record.value)
            return {"inference_id": record.target_id, "value": value}
        case _:
            return {"target_id": record.target_id, "metric_name": record.metric_name, "value": record.value}


def _human_feedback_row(record: FeedbackRecord, human: HumanFeedback) -> Row:
    columns = {
        "metric_name": record.metric_name,
        "datapoint_id": human.datapoint_id,
        "output": human.output,
        "value": human.value,
        "feedback_id": record.id,
        "evaluator_inference_id": human.evaluator_inference_id,
    }
    return _row("StaticEvaluationHumanFeedback", columns)
