"""Inference parameters of one chat completion, request and variant alike."""

from typing import Literal

from msgspec import Struct

JsonMode = Literal["off", "on", "strict", "tool"]
ServiceTier = Literal["auto", "default", "priority", "flex"]


class ChatCompletionParams(Struct, omit_defaults=True):
    """None means "not given": the parameter is then not sent. Encoded, it is the stored form (set keys only)."""

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    json_mode: JsonMode | None = None
    stop_sequences: list[str] | None = None
    reasoning_effort: str | None = None
    service_tier: ServiceTier | None = None
    thinking_budget_tokens: int | None = None
    verbosity: str | None = None
