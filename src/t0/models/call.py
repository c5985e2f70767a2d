"""What one model call carries down the layers, and what comes back up."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from t0._core import uuid7
from t0.errors import RequestError
from t0.files.resolve import RequestFiles
from t0.models.cache_slot import CacheUse
from t0.types.content import OutputBlock
from t0.types.inference import RawEntry
from t0.types.model import ApiType, FinishReason, ModelRequest, Usage


class ModelCall(Struct):
    """A model request with the caller's dynamic credentials.

    `exchanges` collects the begin and end (monotonic seconds) of every outbound exchange of the whole inference.
    `files` is None when the request holds none, `cache` when the inference cache is left aside.
    """

    request: ModelRequest
    credentials: Mapping[str, str]
    exchanges: list[tuple[float, float]]
    files: RequestFiles | None = None
    cache: CacheUse | None = None


class ModelResult(Struct, kw_only=True):
    """One successful model call, complete or streamed to its end."""

    request: ModelRequest
    model_name: str
    provider_name: str
    provider_type: str
    api_type: ApiType
    raw_request: str
    raw_response: str
    output: list[OutputBlock]
    usage: Usage
    raw_usage: list[Any]
    """The provider's usage values: none, one, or for streams one per chunk that reported usage."""
    finish_reason: FinishReason | None
    cost: Decimal | None
    response_time_ms: int
    ttft_ms: int | None = None
    cached: bool = False
    """Whether the answer came from the inference cache; `usage` is then that of the call that made it."""
    failures: list[RequestError] = []
    """The errors of the providers tried before."""
    entry_id: str = ""

    def model_inference_id(self) -> str:
        """The id this call has in `raw_usage` and `raw_response`, made when first asked for."""
        if not self.entry_id:
            self.entry_id = uuid7.new()
        return self.entry_id

    def usage_entries(self) -> list[RawEntry]:
        return [self._entry(data) for data in self.raw_usage]

    def response_entry(self) -> RawEntry:
        return self._entry(self.raw_response)

    def _entry(self, data: Any) -> RawEntry:
        return RawEntry(
            model_inference_id=self.model_inference_id(),
            provider_type=self.provider_type,
            api_type=self.api_type,
            data=data,
        )
