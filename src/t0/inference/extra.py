"""The up-front check of `extra_body` and `extra_headers` filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from t0.errors import InvalidInferenceTarget, UnknownVariant
from t0.functions.base import Function
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.inference import InferenceRequest

if TYPE_CHECKING:
    from t0.gateway import Gateway


def check_filters(gateway: Gateway, function: Function, request: InferenceRequest) -> None:
    """Raises `UnknownVariant` or `InvalidInferenceTarget` for a filter that names what does not exist."""
    for body in request.extra_body:
        _check_filter(gateway, function, body)
    for header in request.extra_headers:
        _check_filter(gateway, function, header)


def _check_filter(gateway: Gateway, function: Function, entry: ExtraBody | ExtraHeader) -> None:
    if entry.variant_name is not None and entry.variant_name not in function.variants:
        raise UnknownVariant(entry.variant_name)
    if entry.model_name is None:
        return
    model = gateway.models.find(entry.model_name)
    if model is None:
        raise InvalidInferenceTarget(f"Invalid model provider filter: model `{entry.model_name}` does not exist.")
    if entry.provider_name is not None and all(p.name != entry.provider_name for p in model.providers):
        raise InvalidInferenceTarget(
            f"Invalid model provider filter: provider `{entry.provider_name}` not found in model `{entry.model_name}`."
        )
