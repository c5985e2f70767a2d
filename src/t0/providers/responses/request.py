"""The request of the Responses API: conversation items, tools, parameters."""

from collections.abc import Iterator, Sequence
from typing import Any

from t0.errors import InvalidMessage
from t0.providers.chat.messages import instructed_system
from t0.providers.files import image_forwarded, payload, suffix
from t0.providers.notices import unsupported_parameter
from t0.types.content import File, ModelBlock, ModelMessage, Role, Text, Thought, ToolCall, ToolResult
from t0.types.model import ModelRequest
from t0.types.tools import CustomTool, FunctionTool, SpecificTool, ToolConfig

Item = dict[str, Any]

PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
    "max_tokens": "max_output_tokens",
    "service_tier": "service_tier",
}


def request_body(
    call: ModelRequest, messages: Sequence[ModelMessage], model_name: str, provider_tools: Sequence[Any]
) -> dict[str, Any]:
    """The body for `call`, whose visible messages are given. Raises `RequestError`."""
    body: dict[str, Any] = {
        "model": model_name,
        "input": list(_items(call, messages)),
        "text": _text_settings(call),
        "tools": [*_tools(call.tools), *provider_tools],
        "stream": call.stream,
    }
    if call.tools is not None:
        body["tool_choice"] = _tool_choice(call.tools)
        if call.tools.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = call.tools.parallel_tool_calls
    _add_parameters(body, call)
    return body


def _add_parameters(body: dict[str, Any], call: ModelRequest) -> None:
    for field, key in PARAMETERS.items():
        value = getattr(call.params, field)
        if value is not None:
            body[key] = value
    if call.params.reasoning_effort is not None:
        body["reasoning"] = {"effort": call.params.reasoning_effort}
    for field in ("stop_sequences", "thinking_budget_tokens"):
        if getattr(call.params, field) is not None:
            unsupported_parameter("OpenAI Responses", field)


def _text_settings(call: ModelRequest) -> dict[str, Any]:
    settings: dict[str, Any] = {"format": _format(call)}
    if call.params.verbosity is not None:
        settings["verbosity"] = call.params.verbosity
    return settings


def _format(call: ModelRequest) -> dict[str, Any]:
    if call.json_mode == "off":
        return {"type": "text"}
    if call.json_mode == "on" or call.output_schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "name": "response_schema", "strict": True, "schema": call.output_schema}


# -- items -------------------------------------------------------------------------------------------------------------


def _items(call: ModelRequest, messages: Sequence[ModelMessage]) -> Iterator[Any]:
    system = instructed_system(call)
    if system is not None:
        yield _message("system", {"type": "input_text", "text": system})
    for message in messages:
        for block in message.content:
            item = _item(block, message.role, fetch=call.fetch_and_encode_files)
            if item is not None:
                yield item


def _message(role: str, part: dict[str, Any]) -> Item:
    return {"type": "message", "role": role, "id": None, "content": [part]}


def _item(block: ModelBlock, role: Role, *, fetch: bool) -> Any:
    if isinstance(block, Text):
        return _message(role, {"type": "input_text" if role == "user" else "output_text", "text": block.text})
    if isinstance(block, File):
        if role == "assistant":
            raise InvalidMessage("Files are not supported in assistant messages")
        return _message(role, _file_part(block, fetch))
    if isinstance(block, ToolCall):
        return {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": block.arguments}
    if isinstance(block, ToolResult):
        return {"type": "function_call_output", "call_id": block.id, "output": block.result}
    if isinstance(block, Thought):
        return _reasoning(block)
    return block.data


def _file_part(file: File, fetch: bool) -> dict[str, Any]:
    if image_forwarded(file, fetch=fetch):
        return _image(str(file.url), file)
    mime_type, data = payload(file)
    if mime_type.startswith("audio/"):
        raise InvalidMessage(f"The Responses API does not take audio files, got one of type `{mime_type}`")
    uri = f"data:{mime_type};base64,{data}"
    if mime_type.startswith("image/"):
        return _image(uri, file)
    return {"type": "input_file", "filename": file.filename or f"input.{suffix(mime_type)}", "file_data": uri}


def _image(url: str, file: File) -> dict[str, Any]:
    detail = {} if file.detail is None else {"detail": file.detail}
    return {"type": "input_image", "image_url": url, **detail}


def _reasoning(thought: Thought) -> Item | None:
    if thought.signature is None:
        return None  # the vendor recognises its own, encrypted thoughts only
    summary = [{"type": "summary_text", "text": s.text} for s in thought.summary or ()]
    return {"type": "reasoning", "encrypted_content": thought.signature, "summary": summary}


# -- tools -------------------------------------------------------------------------------------------------------------


def _tools(config: ToolConfig | None) -> Iterator[dict[str, Any]]:
    if config is not None:
        yield from (_function_tool(t) for t in config.tools)
        yield from (_custom_tool(t) for t in config.custom_tools)


def _function_tool(tool: FunctionTool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }


def _custom_tool(tool: CustomTool) -> dict[str, Any]:
    wire: dict[str, Any] = {"type": "custom", "name": tool.name}
    if tool.description is not None:
        wire["description"] = tool.description
    if tool.format is not None:
        grammar = tool.format.get("grammar") or {}
        wire["format"] = {"type": tool.format.get("type"), **grammar}
    return wire


def _tool_choice(config: ToolConfig) -> Any:
    if config.choice == "none":
        return "none"
    custom = {t.name for t in config.custom_tools}
    if config.allowed is not None:
        mode = "required" if config.choice == "required" else "auto"
        return _allowed(mode, config.allowed, custom)
    if isinstance(config.choice, SpecificTool):
        return _allowed("required", [config.choice.specific], custom)
    return config.choice


def _allowed(mode: str, names: Sequence[str], custom: set[str]) -> dict[str, Any]:
    tools = [{"type": "custom" if name in custom else "function", "name": name} for name in names]
    return {"type": "allowed_tools", "mode": mode, "tools": tools}
