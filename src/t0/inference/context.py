"""The state of one inference, from its first step to its record."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from t0._core import uuid7
from t0.errors import InvalidRequest, InvalidTensorzeroUuid, InvalidUuid, RequestError
from t0.types.inference import InferenceRequest

if TYPE_CHECKING:
    from t0.files.resolve import RequestFiles
    from t0.functions.base import Function, PreparedTools
    from t0.gateway import Gateway

_EARLIEST_EPISODE_S = 1_579_751_960
WORKFLOW_EPISODE_OFFSET_S = 10_000_000_000
"""Episodes of workflow evaluations carry a time this far in the future."""


class Context:
    """One per request. Fields below the line are set by the step of `run.infer` that is named there."""

    def __init__(self, gateway: Gateway, request: InferenceRequest, request_tags: Mapping[str, str] = {}) -> None:
        self.gateway = gateway
        self.request = request
        self.started = time.monotonic()
        self.inference_id = uuid7.new()
        self.episode_id = request.episode_id or uuid7.new()
        self.tags: dict[str, str] = {**request.tags, **request_tags}
        self.exchanges: list[tuple[float, float]] = []
        self.failed_variants: dict[str, RequestError] = {}
        self.counted = False
        self.files: RequestFiles | None = None
        # -- select_function, prepare
        self.function: Function
        self.tools: PreparedTools
        # -- the first chunk of a stream
        self.ttft_ms: int | None = None

    def elapsed_ms(self) -> int:
        return int((time.monotonic() - self.started) * 1000)

    def overhead_s(self) -> float:
        """Seconds spent so far, less the time in which at least one outbound exchange was under way."""
        total = time.monotonic() - self.started
        if len(self.exchanges) == 1:
            begin, end = self.exchanges[0]
            return max(total - (end - begin), 0.0)
        covered = self.started
        for begin, end in sorted(self.exchanges):
            begin = max(begin, covered)
            if end > begin:
                total -= end - begin
                covered = end
        return max(total, 0.0)


def check_tags(tags: Mapping[str, str], internal: bool) -> None:
    """Raises `InvalidRequest` for a tag with the reserved prefix, unless the request is t0's own."""
    if internal:
        return
    for key in tags:
        if key.startswith("tensorzero::"):
            raise InvalidRequest(f"Tag name cannot start with 'tensorzero::': {key}")


def is_workflow_episode(episode_id: str) -> bool:
    """Whether the id carries the time offset of workflow evaluations. Raises `InvalidUuid` for ids without a time."""
    version = uuid7.version(episode_id)
    if version not in (1, 6, 7):
        raise InvalidUuid(episode_id)
    return version == 7 and uuid7.unix_ms(episode_id) // 1000 >= WORKFLOW_EPISODE_OFFSET_S


def check_episode_id(episode_id: str) -> None:
    """Raises `InvalidTensorzeroUuid` for an id that no gateway could have made by now."""
    version = uuid7.version(episode_id)
    if version != 7:
        raise InvalidTensorzeroUuid("Episode", f"Version must be 7, got {version}")
    seconds = uuid7.unix_ms(episode_id) // 1000
    if seconds < _EARLIEST_EPISODE_S:
        raise InvalidTensorzeroUuid("Episode", "Timestamp is too early")
    if seconds > int(time.time()):
        raise InvalidTensorzeroUuid("Episode", "Timestamp is in the future")
