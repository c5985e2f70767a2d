"""What a store of the inference cache is: entries by key, the newest one of a key counting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct

from t0.types.model import FinishReason


class CacheEntry(Struct, frozen=True, kw_only=True):
    """One provider's answer. `output` is JSON: content blocks, or for streams their chunks, or an embedding."""

    output: str
    raw_request: str
    raw_response: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: FinishReason | None = None


class Found(NamedTuple):
    """An entry, and how many seconds ago it was written."""

    entry: CacheEntry
    age_s: float


class CacheStore(Protocol):
    """All methods but `is_healthy` raise `StorageUnavailable` or `StorageError`. Keys are 64 hexadecimal digits."""

    longest_life_s: float
    """How long an entry may be served once it has been written."""

    async def get(self, key: str, max_age_s: int | None) -> Found | None:
        """The entry, if there is one younger than `max_age_s`; None takes any age."""

    async def put(self, entries: Mapping[str, CacheEntry]) -> None:
        """Stores the entries; returns once they are stored."""

    async def is_healthy(self) -> bool:
        """Whether the store answers, within about a second."""

    async def close(self) -> None: ...
