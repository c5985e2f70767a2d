"""Messages and tools, as Bedrock's Converse API takes them."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from t0.errors import IncompatibleTool, ProviderFailure, UnsupportedContentBlock
from t0.providers.files import payload, suffix
from t0.providers.notices import warn_once
from t0.types.content import File, ModelBlock, ModelMessage, Text, Thought, ToolCall, ToolResult
from t0.types.tools import FunctionTool, SpecificTool, ToolConfig

PREFILL = {"role": "assistant", "content": [{"text": "Here is the JSON requested:\n{"}]}
"""The beginning of a JSON answer, put into the model's mouth."""

TYPE = "aws_bedrock"


def wire_messages(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    """The messages that say something, in their order. Raises `RequestError`."""
    names = _document_names()
    wire = ({"role": m.role, "content": _blocks(m.content, names)} for m in messages)
    return [message for message in wire if message["content"]]


def _document_names() -> Iterator[str]:
    """`input`, `input-2` …: Bedrock refuses two documents of one name."""
    yield "input"
    number = 2
    while True:
        yield f"input-{number}"
        number += 1


def _blocks(blocks: Sequence[ModelBlock], names: Iterator[str]) -> list[Any]:
    return [wire for block in blocks if (wire := _block(block, names)) is not None]


def _block(block: ModelBlock, names: Iterator[str]) -> Any:
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, ToolCall):
        return {"toolUse": {"toolUseId": block.id, "name": block.name, "input": _tool_input(block.arguments)}}
    if isinstance(block, ToolResult):
        return {"toolResult": {"toolUseId": block.id, "content": [{"text": block.result}]}}
    if isinstance(block, File):
        return _file(block, names)
    if isinstance(block, Thought):
        return _thought(block)
    # Only a block that names this provider is known to be in its format, as those in its own answers are.
    if block.provider_name is None:
        raise UnsupportedContentBlock(f"Unsupported content block type `unknown` for provider `{TYPE}`")
    return block.data


def _tool_input(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError) as e:
        message = f"Error parsing tool call arguments as JSON: {e}"
        raise ProviderFailure("client", message, TYPE, upstream_status=400) from e


def _file(file: File, names: Iterator[str]) -> dict[str, Any]:
    if file.detail is not None:
        warn_once("AWS Bedrock does not support the `detail` of images, so it will be ignored.")
    mime_type, data = payload(file)
    source = {"bytes": data}
    if mime_type.startswith("image/"):
        return {"image": {"format": mime_type.removeprefix("image/"), "source": source}}
    return {"document": {"format": suffix(mime_type), "name": next(names), "source": source}}


def _thought(thought: Thought) -> dict[str, Any] | None:
    if thought.text is None:
        warn_once("AWS Bedrock does not take thoughts without text back, so they will be ignored.")
        return None
    text = {"text": thought.text}
    if thought.signature is not None:
        text["signature"] = thought.signature
    return {"reasoningContent": {"reasoningText": text}}


# -- tools -------------------------------------------------------------------------------------------------------------


def tool_fields(config: ToolConfig | None) -> dict[str, Any]:
    """The body's `toolConfig`; nothing without tools, since Bedrock takes no empty list. Raises `IncompatibleTool`."""
    if config is None:
        return {}
    if config.custom_tools:
        raise IncompatibleTool("OpenAI custom tools are not supported by this provider")
    tools = [t for t in config.tools if config.allowed is None or t.name in config.allowed]
    if config.choice == "none" or not tools:
        return {}
    return {"toolConfig": {"tools": [_tool(t) for t in tools], "toolChoice": _tool_choice(config)}}


def _tool(tool: FunctionTool) -> dict[str, Any]:
    spec = {"name": tool.name, "description": tool.description, "inputSchema": {"json": tool.parameters}}
    if not tool.description:
        del spec["description"]  # Bedrock takes none, but no empty one
    return {"toolSpec": spec}


def _tool_choice(config: ToolConfig) -> dict[str, Any]:
    if isinstance(config.choice, SpecificTool):
        return {"tool": {"name": config.choice.specific}}
    return {"any": {}} if config.choice == "required" else {"auto": {}}
