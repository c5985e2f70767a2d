"""Messages and tools, as Anthropic's Messages API takes them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from t0.errors import IncompatibleTool, InvalidRequest
from t0.providers.files import payload, url_forwarded
from t0.providers.notices import warn_once
from t0.types.content import (
    File,
    ModelBlock,
    ModelMessage,
    OutputBlock,
    Text,
    TextChunk,
    Thought,
    ToolCall,
    ToolResult,
)
from t0.types.model import Chunk
from t0.types.tools import FunctionTool, SpecificTool, ToolConfig

PREFILL = {"role": "assistant", "content": [{"type": "text", "text": "Here is the JSON requested:\n{"}]}
"""The beginning of a JSON answer, put into the model's mouth; `repaired` puts its brace back."""


def wire_messages(messages: Sequence[ModelMessage], *, fetch: bool) -> list[dict[str, Any]]:
    """One message each, in their order. Raises `InvalidRequest` for tool arguments that are no JSON object."""
    return [{"role": m.role, "content": _blocks(m.content, fetch)} for m in messages]


def _blocks(blocks: Sequence[ModelBlock], fetch: bool) -> list[Any]:
    return [wire for block in blocks if (wire := _block(block, fetch)) is not None]


def _block(block: ModelBlock, fetch: bool) -> Any:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    if isinstance(block, ToolCall):
        return {"type": "tool_use", "id": block.id, "name": block.name, "input": tool_input(block.arguments)}
    if isinstance(block, ToolResult):
        content = [{"type": "text", "text": block.result}]
        return {"type": "tool_result", "tool_use_id": block.id, "content": content}
    if isinstance(block, File):
        return _file(block, fetch)
    if isinstance(block, Thought):
        return _thought(block)
    return block.data


def tool_input(arguments: str) -> dict[str, Any]:
    """A call's arguments as the object they are. Raises `InvalidRequest`."""
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError) as e:
        raise InvalidRequest(f"Error parsing tool call arguments as JSON Value: {e}") from e
    if not isinstance(value, dict):
        raise InvalidRequest("Tool call arguments must be a JSON object")
    return value


def _file(file: File, fetch: bool) -> dict[str, Any]:
    if file.detail is not None:
        warn_once("Anthropic does not support the `detail` of images, so it will be ignored.")
    if url_forwarded(file, fetch=fetch):
        return {"type": _kind(file.mime_type or ""), "source": {"type": "url", "url": file.url}}
    mime_type, data = payload(file)
    return {"type": _kind(mime_type), "source": {"type": "base64", "media_type": mime_type, "data": data}}


def _kind(mime_type: str) -> str:
    return "image" if mime_type.startswith("image/") else "document"


def _thought(thought: Thought) -> dict[str, Any] | None:
    if thought.text is not None:
        return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}
    return None if thought.signature is None else {"type": "redacted_thinking", "data": thought.signature}


def repaired(output: list[OutputBlock]) -> list[OutputBlock]:
    """A prefilled answer with its brace; untouched when it is anything but one text."""
    if len(output) == 1 and isinstance(output[0], Text):
        return [Text("{" + output[0].text.strip())]
    warn_once("An Anthropic answer begun with `{` came back as something else than one text, and was left as it is.")
    return output


def begun(chunk: Chunk) -> Chunk:
    """The first chunk of a prefilled answer with its brace, in the text that it is or as a text of its own."""
    if len(chunk.content) == 1 and isinstance(chunk.content[0], TextChunk):
        chunk.content[0].text = "{" + chunk.content[0].text
    elif not chunk.content:
        chunk.content = [TextChunk("0", "{")]
    return chunk


# -- tools -------------------------------------------------------------------------------------------------------------


def tool_fields(config: ToolConfig | None, provider_tools: Sequence[Any], *, strict: bool) -> dict[str, Any]:
    """The body's `tools` and `tool_choice`; `strict` says whether tools carry that key. Raises `IncompatibleTool`."""
    if config is None:
        return {"tools": list(provider_tools)} if provider_tools else {}
    if config.custom_tools:
        raise IncompatibleTool("OpenAI custom tools are not supported by this provider")
    if config.choice == "none":
        return {}
    tools = [t for t in config.tools if config.allowed is None or t.name in config.allowed]
    wire = [*(_function_tool(t, strict) for t in tools), *provider_tools]
    return {"tools": wire, "tool_choice": _tool_choice(config)} if wire else {"tools": wire}


def _function_tool(tool: FunctionTool, strict: bool) -> dict[str, Any]:
    wire = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
    return {**wire, "strict": tool.strict} if strict else wire


def _tool_choice(config: ToolConfig) -> dict[str, Any]:
    one_at_a_time = config.parallel_tool_calls is False
    if isinstance(config.choice, SpecificTool):
        choice: dict[str, Any] = {"type": "tool", "name": config.choice.specific}
    else:
        choice = {"type": "any" if config.choice == "required" else "auto"}
    return {**choice, "disable_parallel_tool_use": one_at_a_time}
