"""Messages, as Gemini takes them: contents made of parts.

Spelling is the API's mixture: camelCase around the parts, snake_case in them; Google accepts both.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from t0.providers.anthropic_messages import tool_input
from t0.providers.files import payload
from t0.providers.notices import warn_once
from t0.types.content import File, ModelBlock, ModelMessage, Text, Thought, ToolCall, ToolResult, Unknown

UNSIGNED_CALL = "skip_thought_signature_validator"
"""Stands for the signature that Gemini wants on function calls, where a call comes from elsewhere."""

Part = dict[str, Any]
Failure = Callable[[str], Exception]


def contents(messages: Sequence[ModelMessage], failure: Failure) -> list[dict[str, Any]]:
    """One content for each message that has parts.

    Raises `InvalidRequest` for tool arguments that are no JSON object, and what `failure` makes for a signature that
    belongs to nothing.
    """
    made = [(message.role, _parts(message.content, failure)) for message in messages]
    return [{"role": "model" if role == "assistant" else "user", "parts": parts} for role, parts in made if parts]


def system_instruction(text: str) -> dict[str, Any]:
    return {"role": "model", "parts": [{"text": text}]}


def _parts(blocks: Sequence[ModelBlock], failure: Failure) -> list[Part]:
    parts = list(_signed_parts(blocks, failure))
    calls = [part for part in parts if "function_call" in part]
    if calls and not any("thoughtSignature" in part for part in calls):
        calls[0]["thoughtSignature"] = UNSIGNED_CALL
    return parts


def _signed_parts(blocks: Sequence[ModelBlock], failure: Failure) -> Iterator[Part]:
    """A thought that is but a signature has no part of its own: it signs the part that follows."""
    signature: str | None = None
    for block in blocks:
        if isinstance(block, Thought):
            if signature is not None:
                raise failure("Thought block with signature cannot be followed by another thought block in {}")
            if block.text is None:
                signature = block.signature
                continue
        part = _part(block)
        if signature is not None:
            part = _signed(part, signature, failure)
            signature = None
        yield part
    if signature is not None:
        raise failure("Thought block with signature must be followed by a content block in {}")


def _signed(part: Any, signature: str, failure: Failure) -> Part:
    if not isinstance(part, dict):
        raise failure("Thought block with signature cannot be followed by an unknown block in {}")
    return {"thoughtSignature": signature, **part}


def _part(block: ModelBlock) -> Any:
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, ToolCall):
        return {"function_call": {"name": block.name, "args": tool_input(block.arguments)}}
    if isinstance(block, ToolResult):
        return {"function_response": {"name": block.name, "response": {"name": block.name, "content": block.result}}}
    if isinstance(block, File):
        return _file(block)
    if isinstance(block, Unknown):
        return block.data
    return _thought(block)


def _file(file: File) -> Part:
    if file.detail is not None:
        warn_once("Gemini does not support the `detail` of images, so it will be ignored.")
    mime_type, data = payload(file)
    return {"inline_data": {"mime_type": mime_type, "data": data}}


def _thought(thought: Thought) -> Part:
    signed = {} if thought.signature is None else {"thoughtSignature": thought.signature}
    return {"thought": True, **signed, "text": thought.text}
