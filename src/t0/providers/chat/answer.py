"""The answers of chat completions, complete and streamed, as they come on the wire."""

from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from t0.types.model import FinishReason, Usage

MessageT = TypeVar("MessageT")


class Function(Struct):
    name: str
    arguments: str


class Custom(Struct):
    name: str
    input: str


class WireToolCall(Struct):
    """A call of a function tool or of a custom tool, by which of the two is there."""

    id: str
    function: Function | None = None
    custom: Custom | None = None


class Message(Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[WireToolCall] | None = None


class Choice(Struct, Generic[MessageT]):
    message: MessageT
    finish_reason: str | None = None


class Answer(Struct, Generic[MessageT]):
    choices: list[Choice[MessageT]]
    usage: Any = None


class FunctionDelta(Struct):
    name: str | None = None
    arguments: str | None = None


class CustomDelta(Struct):
    name: str | None = None
    input: str | None = None


class ToolCallDelta(Struct):
    """`index` counts the calls of the answer; `id` comes with the first delta of a call."""

    index: int = 0
    id: str | None = None
    function: FunctionDelta | None = None
    custom: CustomDelta | None = None


class Delta(Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class StreamChoice(Struct, Generic[MessageT]):
    delta: MessageT
    finish_reason: str | None = None


class StreamEvent(Struct, Generic[MessageT]):
    choices: list[StreamChoice[MessageT]]
    usage: Any = None


class PromptDetails(Struct):
    cached_tokens: int | None = None


class CompletionDetails(Struct):
    reasoning_tokens: int | None = None


class WireUsage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None


FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "content_filter": "content_filter",
}


def wire_usage(raw: Any) -> WireUsage:
    """The provider's usage value, typed. Raises `msgspec.ValidationError`."""
    return msgspec.convert(raw, type=WireUsage)


def plain_usage(usage: WireUsage, *, cached_tokens: bool = True) -> Usage:
    details = usage.prompt_tokens_details
    cached = details.cached_tokens if cached_tokens and details is not None else None
    return Usage(usage.prompt_tokens, usage.completion_tokens, cached)
