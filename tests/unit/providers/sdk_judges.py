"""The vendors' own SDKs as judges: whether their typed parameters know every key of a body, and its value."""

import copy
import functools
import importlib
import warnings
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

CHAT = "types.chat.completion_create_params"


@dataclass(frozen=True)
class Judge:
    """Where an SDK types the parameters of one API: `module:Type`, `{}` in it for `Streaming` or `NonStreaming`."""

    params: str
    named_elsewhere: frozenset[str] = frozenset()
    """Parameters that travel in the URL instead of the body."""
    beyond: tuple[str, ...] = ()
    """Paths of what is sent on purpose though the SDK's types lack it: the recorded gateway sends it, the service
    takes it. `*` stands for each item of a list. The judge does not see them."""


OPENAI = f"openai.{CHAT}:CompletionCreateParams{{}}"
ANTHROPIC = "anthropic.types.message_create_params:MessageCreateParams{}"

STRICT = "tools.*.strict"
THOUGHTS = "messages.*.reasoning_content"

JUDGES = {
    "openai": Judge(OPENAI, beyond=(STRICT, THOUGHTS)),
    "openai_responses": Judge(
        "openai.types.responses.response_create_params:ResponseCreateParams{}",
        beyond=("input.*.id", "seed", "presence_penalty", "frequency_penalty"),
    ),
    "azure": Judge(OPENAI, frozenset({"model"}), (STRICT, THOUGHTS)),
    "groq": Judge(f"groq.{CHAT}:CompletionCreateParams", beyond=(STRICT, "stream_options")),
    "mistral": Judge("mistralai.client.models:ChatCompletionRequestTypedDict", beyond=(THOUGHTS,)),
    "together": Judge(f"together.{CHAT}:CompletionCreateParams{{}}", beyond=(STRICT, "parallel_tool_calls")),
    # Newer models take no sampling parameters, so the SDK's types have none any more.
    "anthropic": Judge(ANTHROPIC, beyond=("temperature", "top_p")),
    # The SDK's client adds the version by itself.
    "gcp_vertex_anthropic": Judge(ANTHROPIC, frozenset({"model"}), ("temperature", "top_p", "anthropic_version")),
}


def complaints(judge: Judge, body: dict[str, Any]) -> set[str]:
    """The places in the body that the SDK's types refuse, such as `messages.0.content`; none when all is well."""
    params = copy.deepcopy(body)
    for path in judge.beyond:
        take_out(params, path.split("."))
    params |= dict.fromkeys(judge.named_elsewhere, "named elsewhere")
    adapter = _adapter(judge.params.format("Streaming" if body.get("stream") else "NonStreaming"))
    refused: set[str] = set()
    try:
        [valid] = adapter.validate_python([params])
    except ValidationError as e:
        return {str(error["loc"][1]) for error in e.errors()}
    for key, value in valid.items():
        try:
            _read(value)
        except ValidationError:
            refused.add(key)
    return refused


def take_out(value: Any, path: list[str]) -> bool:
    """Removes what is at the path; says whether anything was there."""
    key, *rest = path
    if key == "*":
        return sum(take_out(item, rest) for item in value) > 0
    if key not in value:
        return False
    if rest:
        return take_out(value[key], rest)
    del value[key]
    return True


@functools.cache
def _adapter(place: str) -> TypeAdapter[Any]:
    module, name = place.split(":")
    with warnings.catch_warnings(action="ignore"):
        params = getattr(importlib.import_module(module), name)
    # A list hands its configuration down to the typed dicts in it; alone they would take unknown keys.
    return TypeAdapter(list[params], config=ConfigDict(extra="forbid"))


def _read(value: Any) -> None:
    """Reads to the end what is validated only while it is read: the items of an `Iterable`."""
    if isinstance(value, dict):
        for inner in value.values():
            _read(inner)
    elif value is not None and not isinstance(value, (str, bytes, int, float)):
        for inner in value:
            _read(inner)
