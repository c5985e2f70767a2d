"""Gemini's answers, complete and streamed, as they come on the wire, and their parts as blocks."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from t0._core import uuid7
from t0.types.content import OutputBlock, Text, Thought, ToolCall, Unknown
from t0.types.model import FinishReason, Usage

FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MALFORMED_FUNCTION_CALL": "tool_call",
}

Part = dict[str, Any]


class Content(Struct):
    parts: list[Part] = []


class Candidate(Struct, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None


class PromptFeedback(Struct, rename="camel"):
    block_reason: str | None = None


class Answer(Struct, rename="camel"):
    """A complete answer, or one event of a stream."""

    candidates: list[Candidate] | UnsetType = UNSET
    usage_metadata: Any = None
    prompt_feedback: PromptFeedback | None = None
    error: Any = None

    def is_answer(self) -> bool:
        return not isinstance(self.candidates, UnsetType)

    def block_reason(self) -> str | None:
        """Why the prompt was refused, if it was; there are no candidates then."""
        return self.prompt_feedback.block_reason if self.prompt_feedback is not None else None

    def candidate(self) -> Candidate | None:
        """The first one, if any. Raises `msgspec.ValidationError` for what is neither an answer nor a refusal."""
        if not isinstance(self.candidates, UnsetType):
            return self.candidates[0] if self.candidates else None
        if self.block_reason() is None:
            raise msgspec.ValidationError("missing field `candidates`")
        return None


class WireUsage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


def usage_of(raw: Any) -> Usage:
    """Token counts; thoughts count as output. Raises `msgspec.ValidationError`."""
    wire = msgspec.convert(raw, type=WireUsage)
    outputs = [n for n in (wire.candidates_token_count, wire.thoughts_token_count) if n is not None]
    return Usage(wire.prompt_token_count, sum(outputs) if outputs else None, wire.cached_content_token_count)


def finish_reason(text: str | None) -> FinishReason | None:
    return None if text is None else FINISH_REASONS.get(text, "unknown")


def parts_of(candidate: Candidate) -> list[Part]:
    return [] if candidate.content is None else candidate.content.parts


def answer_blocks(candidate: Candidate, provider_type: str, model_name: str, provider_name: str) -> list[OutputBlock]:
    """The blocks of an answer; what is not known becomes an unknown block. Raises `msgspec.ValidationError`."""

    def blocks(part: Part) -> Iterator[OutputBlock]:
        if is_thought(part):
            yield (
                Thought(string(part, "text"), string(part, "thoughtSignature"), provider_type=provider_type)
                if is_plain_thought(part)
                else Unknown(part, model_name, provider_name)
            )
            return
        signature = string(part, "thoughtSignature")
        if signature is not None:
            yield Thought(None, signature, provider_type=provider_type)
        text, call = string(part, "text"), function_call(part)
        if text is not None:
            yield Text(text)
        elif call is not None:
            yield ToolCall(uuid7.new(), *call)
        else:
            yield Unknown(unsigned(part), model_name, provider_name)

    return [block for part in parts_of(candidate) for block in blocks(part)]


# -- parts -------------------------------------------------------------------------------------------------------------


def is_thought(part: Part) -> bool:
    return part.get("thought") is True


def is_plain_thought(part: Part) -> bool:
    """Whether a thought holds nothing but text and signature."""
    return part.keys() <= {"thought", "thoughtSignature", "text"}


def unsigned(part: Part) -> Part:
    """A part's own data."""
    return {key: value for key, value in part.items() if key not in ("thought", "thoughtSignature")}


def function_call(part: Part) -> tuple[str, str] | None:
    """Name and arguments, these as JSON; None for what is no call, or lacks one of them."""
    call = part.get("functionCall")
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str) or call.get("args") is None:
        return None
    return call["name"], msgspec.json.encode(call["args"]).decode()


def string(part: Part, key: str) -> str | None:
    value = part.get(key)
    if value is not None and not isinstance(value, str):
        raise msgspec.ValidationError(f"expected a string as `{key}` of a part, got `{value}`")
    return value
