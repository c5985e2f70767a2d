"""Which function answers a request, and which of its variants, in which order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from t0._core import sampling
from t0.errors import (
    AllVariantsFailed,
    InvalidFunctionVariants,
    InvalidInferenceTarget,
    InvalidRequest,
    NoFallbackVariants,
    RequestError,
)
from t0.functions.base import Function
from t0.inference.context import Context
from t0.types.inference import InferenceRequest
from t0.variants.base import Variant

if TYPE_CHECKING:
    from t0.gateway import Gateway

T = TypeVar("T")


def select_function(gateway: Gateway, request: InferenceRequest) -> Function:
    """The function of `function_name`, or the built-in one around `model_name`. Raises the target errors."""
    _check_target(request)
    if request.model_name is not None:
        return gateway.function_of_model(request.model_name)
    function = gateway.function(request.function_name or "")
    if not function.variants and request.dynamic_variant is None:
        raise InvalidFunctionVariants(f"Function `{function.name}` has no variants")
    return function


def _check_target(request: InferenceRequest) -> None:
    if request.function_name is None and request.model_name is None:
        raise InvalidInferenceTarget("Either `function_name` or `model_name` must be provided")
    if request.function_name is not None and request.model_name is not None:
        raise InvalidInferenceTarget("Only one of `function_name` or `model_name` can be provided")
    if request.dynamic_variant is not None and request.function_name is None:
        raise InvalidInferenceTarget("If a dynamic variant config is passed, `function_name` must be specified.")
    if request.model_name is not None and request.variant_name is not None:
        raise InvalidInferenceTarget("`variant_name` cannot be provided when using `model_name`")


def check_dynamic_variant(request: InferenceRequest) -> None:
    """Raises `InvalidRequest` where a variant of its own does not go with the rest of the request."""
    if request.dynamic_variant is None:
        return
    if not request.dryrun:
        raise InvalidRequest("If `internal_dynamic_variant_config` is used, `dryrun` must also be set to true")
    if request.variant_name is not None:
        raise InvalidRequest("`variant_name` and `internal_dynamic_variant_config` cannot both be set.")


def pinned_variant(context: Context) -> Variant | None:
    """The variant that the request names or brings; None when one is to be chosen. Checks namespaces in any case."""
    request, function = context.request, context.function
    if request.dynamic_variant is not None:
        variant = context.gateway.dynamic_variants.get(function, request.dynamic_variant)
        _check_namespaces(variant, request.namespace, pinned=True)
        return variant
    if request.model_name is not None:
        _check_namespaces(function.variant(request.model_name), request.namespace, pinned=False)
    if request.variant_name is None:
        return None
    variant = function.variant(request.variant_name)
    _check_namespaces(variant, request.namespace, pinned=True)
    context.tags["tensorzero::variant_pinned"] = variant.name
    return variant


def _check_namespaces(variant: Variant, namespace: str | None, *, pinned: bool) -> None:
    for model, owner in variant.namespaced_models():
        if owner != namespace:
            subject = f"Variant `{variant.name}` uses model `{model}` which has" if pinned else f"Model `{model}` has"
            raise InvalidRequest(
                f"{subject} namespace `{owner}`, {_but(namespace)} "
                "Namespaced models can only be used with a matching namespace."
            )
    if pinned and variant.namespace not in (None, namespace):
        raise InvalidRequest(f"Variant `{variant.name}` has namespace `{variant.namespace}`, {_but(namespace)}")


def _but(namespace: str | None) -> str:
    return f"but the request namespace is `{namespace}`."


async def first_success(context: Context, pinned: Variant | None, attempt: Callable[[Variant], Awaitable[T]]) -> T:
    """The first variant's result that comes.

    A pinned variant's error is raised as it is; of several variants the errors are wrapped in `AllVariantsFailed`.
    """
    if pinned is not None:
        return await attempt(pinned)
    function, errors = context.function, context.failed_variants
    rule = function.experiment.rule(context.request.namespace)
    active = dict(function.variants)
    # PERF: with one variant, any number draws it.
    u = sampling.uniform(function.name, context.episode_id) if len(active) > 1 else 0.0
    while (name := rule.pick(u, active)) is not None:
        try:
            return await attempt(active.pop(name))
        except RequestError as e:
            errors[name] = e
    if not errors:
        raise NoFallbackVariants
    raise AllVariantsFailed(errors)
