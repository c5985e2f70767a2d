"""What a vendor's chat completions have that others lack: one record per vendor, next to its class."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "stop_sequences": "stop",
}
"""Parameters that every vendor takes, and their names on the wire."""


class Dialect(Struct, frozen=True, kw_only=True):
    """The defaults are those of a plain compatible server."""

    parameters: Mapping[str, str] = MappingProxyType({"max_tokens": "max_tokens", "seed": "seed"})
    """Other parameters that are sent, and their names on the wire; the rest is dropped with a warning."""
    silent: frozenset[str] = frozenset()
    """Parameters that are dropped without a warning."""
    service_tiers: frozenset[str] = frozenset()

    stream_options: bool = True
    json_instruction: bool = True
    """Whether `json_mode = "on"` adds `Respond using JSON.` to the system text."""
    image_detail: bool = False

    strict: bool = True
    """Whether function tools carry `strict`."""
    parallel_tool_calls: bool = True
    allowed_tools: bool = False
    """Whether `allowed_tools` is a form of `tool_choice`; otherwise the list of tools is filtered."""
    custom_tools: bool = False
    required: str = "required"
    """How `tool_choice = "required"` is spelled."""

    replayed_thoughts: str | None = "reasoning_content"
    """The key of an assistant message that takes the thoughts back; None drops them with a warning."""
    thoughts: tuple[str, ...] = ("reasoning", "reasoning_content")
    """The keys of an answer's message that hold thoughts; the first one present counts."""
    streamed_thoughts: tuple[str, ...] = ("reasoning", "reasoning_content")
    thought_id: str = "1"
    empty_text: bool = True
    """Whether an empty `content` is a text block."""

    usage_required: bool = True
    finish_reason_required: bool = True
    cached_tokens: bool = True
    """Whether `prompt_tokens_details.cached_tokens` counts as cache reads."""
