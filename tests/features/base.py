"""A feature, the provider's replies, and what builds requests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from processes import completion, completion_events

Json = dict[str, Any]
FACES = ("native", "openai")
MODES = ("complete", "streamed")
HELLO: Json = {"role": "user", "content": "Hello"}
HI: Json = {"type": "text", "text": "Hi"}


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What each face sends beside a model and a message that says hello, and what comes of it on all of them.

    `sent` are the bodies that the provider gets, where they differ from the one that just says hello. `said` is what
    the native face answers.
    """

    name: str
    native_words: str
    openai_words: str
    """How the face asks for it; why it does not where `openai` is None."""
    native: Json = field(default_factory=dict)
    openai: Json | None = field(default_factory=dict)
    function: str = "f"
    model: str | None = None
    """Called instead of the function."""
    replies: Sequence[tuple[Json, Json]] = ()
    """The provider's complete and streamed replies; by default one that says `Hi`."""
    sent: Sequence[Json] = ({},)
    openai_sent: Sequence[Json] | None = None
    """Where the faces differ."""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Headers of every request to the provider; None for one that is not sent."""
    said: Any = (HI,)
    finish_reason: str = "stop"
    usage: tuple[int, int] = (11, 7)
    variant: str = "v"
    raw: Json = field(default_factory=dict)
    raw_streamed: Json = field(default_factory=dict)
    stored: Json | None = None
    """Columns of the row in `ChatInference`; `{}` when there must be no row, None when it does not matter."""
    error: Sequence[str] = ()
    """When the call fails with status 502: the texts for a complete and a streamed one."""
    modes: Sequence[str] = MODES
    cached: bool = False
    """Whether the call is made twice, and answered from the cache the second time."""


def cells(feature: Feature) -> list[tuple[str, str]]:
    """The faces and modes that have the feature."""
    return [(f, m) for f in FACES if f == "native" or feature.openai is not None for m in feature.modes]


def reply(message: Json, deltas: Sequence[Json], finish_reason: str = "stop") -> tuple[Json, Json]:
    """The complete and the streamed form of an answer."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    head, *_, usage, done = completion_events("")
    events = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}
    return {"json": completion("", choices=[choice])}, {"sse": [*events, end, usage, done]}


def says(text: str) -> tuple[Json, Json]:
    return {"json": completion(text)}, {"sse": completion_events(text[:1], text[1:])}


def calls(*wanted: tuple[str, str, str]) -> tuple[Json, Json]:
    """An answer that calls tools: id, name, arguments."""
    whole = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in wanted]
    deltas = []
    for index, (id_, name, arguments) in enumerate(wanted):
        first = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": arguments[:3]}}
        deltas.append({"tool_calls": [first]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": arguments[3:]}}]})
    return reply({"content": None, "tool_calls": whole}, deltas, "tool_calls")


def fails() -> tuple[Json, Json]:
    return ({"status": 500, "json": {"error": {"message": "out of order"}}},) * 2


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def both(name: str, *, words: str | None = None, **more: Any) -> Feature:
    """A feature whose fields have the native name with the prefix `tensorzero::` on the OpenAI face."""
    fields = more.pop("fields")
    names = [words] if words else list(fields)
    return Feature(
        name=name,
        native=fields,
        openai={f"tensorzero::{k}": v for k, v in fields.items()},
        native_words=", ".join(f"`{n}`" for n in names),
        openai_words=", ".join(f"`tensorzero::{n}`" for n in names),
        **more,
    )


def content(name: str, native: Sequence[Json], openai: Sequence[Json], words: tuple[str, str], **more: Any) -> Feature:
    """A feature of the messages."""
    return Feature(
        name=name,
        native={"input": {"messages": native}},
        openai={"messages": openai},
        native_words=words[0],
        openai_words=words[1],
        **more,
    )


def user(*content: Any) -> Json:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> Json:
    return {"role": "assistant", "content": list(content)}
