"""Thoughts that come inside the text, between `<think>` and `</think>`."""

from typing import Any, Literal

from t0.errors import InvalidMessage
from t0.types.content import BlockChunk, ModelBlock, TextChunk, Thought, ThoughtChunk

OPEN, CLOSE = "<think>", "</think>"

TAGS = {"reasoning_format": "think_tags"}
FIELD = {"reasoning_format": "reasoning_field"}
"""`extra_data` of a thought: how the vendor wrote it, so that it goes back the same way."""


class ThinkTagError(ValueError):
    """Tags that do not make one thought."""


def split_thought(text: str) -> tuple[str | None, str]:
    """The thought inside a text, verbatim, and the text around it. Raises `ThinkTagError`."""
    opened, closed = text.count(OPEN), text.count(CLOSE)
    if opened > 1:
        raise ThinkTagError("Multiple thinking blocks found")
    if opened != closed:
        raise ThinkTagError("Mismatched thinking tags")
    if not opened:
        return None, text
    before, _, rest = text.partition(OPEN)
    thought, tag, after = rest.partition(CLOSE)
    if not tag:
        raise ThinkTagError("Mismatched thinking tags")
    return thought, before + after


class ThinkTagSplitter:
    """Splits streamed text: before the thought (chunk id 0), the thought (1), after it (2)."""

    def __init__(self, provider_type: str) -> None:
        self._provider_type = provider_type
        self._state: Literal["before", "thinking", "after"] = "before"

    def feed(self, text: str) -> list[BlockChunk]:
        """The chunks of one delta. Raises `ThinkTagError` and drops the delta when a tag stands in a wrong place."""
        if OPEN not in text and CLOSE not in text:
            return [self._chunk(text)]
        return [c for c in self._around_tags(text) if c.text]

    def _around_tags(self, text: str) -> list[TextChunk | ThoughtChunk]:
        chunks = []
        while (found := _first_tag(text)) is not None:
            before, tag, text = text.partition(found)
            chunks.append(self._chunk(before))
            self._pass(tag)
        chunks.append(self._chunk(text))
        return chunks

    def _pass(self, tag: str) -> None:
        if self._state == "after":
            raise ThinkTagError("Found thinking tags after thinking finished")
        if tag == OPEN:
            if self._state == "thinking":
                raise ThinkTagError("Found <think> while already thinking")
            self._state = "thinking"
        else:
            if self._state == "before":
                raise ThinkTagError("Found </think> while not thinking")
            self._state = "after"

    def _chunk(self, text: str) -> TextChunk | ThoughtChunk:
        if self._state == "thinking":
            return ThoughtChunk("1", text, provider_type=self._provider_type, extra_data=TAGS)
        return TextChunk("0" if self._state == "before" else "2", text)


def _first_tag(text: str) -> str | None:
    places = [(at, tag) for tag in (OPEN, CLOSE) if (at := text.find(tag)) >= 0]
    return min(places)[1] if places else None


def sort_thoughts(blocks: list[ModelBlock]) -> tuple[list[str], list[str]]:
    """The texts of an assistant message's thoughts: those written in tags, and those of the reasoning field.

    Raises `InvalidMessage` for an `extra_data` of another making.
    """
    tagged: list[str] = []
    field: list[str] = []
    for block in blocks:
        if isinstance(block, Thought) and block.text is not None:
            (tagged if _reasoning_format(block.extra_data) == "think_tags" else field).append(block.text)
    return tagged, field


def _reasoning_format(extra_data: Any) -> str:
    form = extra_data.get("reasoning_format") if isinstance(extra_data, dict) else None
    if form is None:
        return "reasoning_field"
    if form not in ("think_tags", "reasoning_field"):
        raise InvalidMessage(f"Unknown `reasoning_format` value in thought `extra_data`: `{form}`")
    return str(form)
