"""Batches: many model calls that a provider answers in its own time."""

from typing import Any, Literal

from msgspec import Struct

from t0.types.model import ModelResponse

BatchStatus = Literal["pending", "completed", "failed"]


class StartedBatch(Struct, kw_only=True):
    """A batch that the provider has taken on. `params` is what it takes to find it there again."""

    params: dict[str, Any]
    raw_request: str
    raw_response: str
    errors: list[str] = []


class BatchState(Struct, kw_only=True):
    """How a batch stands at the provider. `output` says where the results are once it is completed."""

    status: BatchStatus
    raw_request: str
    raw_response: str
    output: str = ""
    errors: list[str] = []


class BatchOutput(Struct, kw_only=True):
    """The answer to one call of a batch; `raw_response` is its text as the provider wrote it."""

    inference_id: str
    response: ModelResponse
    raw_response: str
