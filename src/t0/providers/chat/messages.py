"""Messages, as chat completions take them.

Tool results become messages of their own, before the rest of their user message; thoughts become one field beside
`content`. Order between results and text is lost, as in the format itself.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from t0.errors import InvalidMessage
from t0.providers.notices import warn_once
from t0.types.content import File, ModelBlock, ModelMessage, Text, Thought, ToolCall, ToolResult, Unknown
from t0.types.model import ModelRequest

JSON_INSTRUCTION = "Respond using JSON."

ChatMessage = dict[str, Any]
FilePart = Callable[[File], dict[str, Any]]


def instructed_system(call: ModelRequest, *, always: bool = True) -> str | None:
    """The system text with the JSON instruction before it, unless the conversation speaks of JSON already.

    With no system text the instruction alone is given; `always = False` then looks at the messages first, too.
    """
    if call.json_mode != "on":
        return call.system
    if call.system is None:
        return JSON_INSTRUCTION if always or not _mention_json(call.messages) else None
    if "json" in call.system.lower() or _mention_json(call.messages):
        return call.system
    return f"{JSON_INSTRUCTION}\n\n{call.system}"


def _mention_json(messages: Sequence[ModelMessage]) -> bool:
    return any(isinstance(b, Text) and "json" in b.text.lower() for m in messages for b in m.content)


def user_messages(message: ModelMessage, file_part: FilePart) -> Iterator[ChatMessage]:
    """The tool results of a user message, then what else it holds. Raises `InvalidMessage`."""
    rest: list[Text | File | Unknown] = []
    for block in message.content:
        if isinstance(block, ToolResult):
            yield tool_message(block)
        elif isinstance(block, ToolCall):
            raise InvalidMessage("Tool calls are not supported in user messages")
        elif isinstance(block, Thought):
            warn_once("Thoughts in user messages are not sent to the provider")
        else:
            rest.append(block)
    if rest:
        yield {"role": "user", "content": content(rest, file_part)}


def assistant_fields(blocks: Sequence[ModelBlock], file_part: FilePart) -> ChatMessage:
    """`content` and `tool_calls` of an assistant message, each only if there is any. Raises `InvalidMessage`."""
    rest: list[Text | File | Unknown] = []
    calls = []
    for block in blocks:
        if isinstance(block, ToolResult):
            raise InvalidMessage("Tool results are not supported in assistant messages")
        if isinstance(block, ToolCall):
            calls.append(tool_call(block))
        elif not isinstance(block, Thought):
            rest.append(block)
    fields: ChatMessage = {}
    if rest:
        fields["content"] = content(rest, file_part)
    if calls:
        fields["tool_calls"] = calls
    return fields


def thoughts_text(blocks: Sequence[ModelBlock]) -> str | None:
    """The texts of all thoughts, or None when there is none."""
    texts = [b.text for b in blocks if isinstance(b, Thought) and b.text is not None]
    return "\n\n".join(texts) if texts else None


def content(blocks: Sequence[Text | File | Unknown], file_part: FilePart) -> str | list[Any]:
    """A lone text as a string, anything else as a list of parts."""
    if len(blocks) == 1 and isinstance(blocks[0], Text):
        return blocks[0].text
    return [content_part(b, file_part) for b in blocks]


def content_part(block: Text | File | Unknown, file_part: FilePart) -> Any:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    return file_part(block) if isinstance(block, File) else block.data


def tool_message(result: ToolResult) -> ChatMessage:
    return {"role": "tool", "tool_call_id": result.id, "content": result.result}


def tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
