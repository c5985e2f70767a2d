"""The way to the stored batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from t0.errors import InvalidRequest
from t0.storage.batches import Batches

if TYPE_CHECKING:
    from t0.gateway import Gateway


def open_batches(gateway: Gateway) -> Batches:
    """Raises `InvalidRequest` when nothing is stored: a batch lives in the database only."""
    if gateway.reader is None:
        raise InvalidRequest(
            "Batch inference requires observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )
    return Batches(gateway.reader)
