"""The way of an inference: one straight line from request to answer, the same for both faces and both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from t0.errors import InvalidRequest, RequestError
from t0.inference import record
from t0.inference.context import Context, check_episode_id, check_tags, is_workflow_episode
from t0.inference.extra import check_filters
from t0.inference.response import build_answer
from t0.inference.route import check_dynamic_variant, first_success, pinned_variant, select_function
from t0.inference.stream import AnswerStream
from t0.models.cache_slot import cache_use
from t0.types.inference import Answer, InferenceRequest
from t0.variants.base import Variant, VariantCall

if TYPE_CHECKING:
    from t0.gateway import Gateway


async def infer(gateway: Gateway, request: InferenceRequest) -> Answer | AnswerStream:
    """The answer to `request`: whole, or a stream whose first chunk is known good. Raises `RequestError`."""
    context = Context(gateway, request)
    check_tags(request.tags, request.internal)
    await resolve_episode(context)
    context.function = select_function(gateway, request)
    prepare(context)
    pinned = pinned_variant(context)
    context.counted = not request.dryrun
    try:
        check_answerable(request)
        context.files = gateway.files.of(request, context.exchanges)
        if request.stream:
            stream = await first_success(context, pinned, lambda v: v.stream(variant_call(context, v)))
            return AnswerStream(context, stream)
        result = await first_success(context, pinned, lambda v: v.infer(variant_call(context, v)))
    except RequestError:
        record.failure(context)
        raise
    output = context.function.output(result.output, request, context.tools)
    stored = record.success(context, result, output)
    if stored is not None:
        await stored
    return build_answer(context, result, output)


async def resolve_episode(context: Context) -> None:
    """Checks a given episode id; an episode of a workflow evaluation brings its pins and tags along."""
    request = context.request
    if request.episode_id is None:
        return
    if not is_workflow_episode(request.episode_id):
        check_episode_id(request.episode_id)
        return
    run = await context.gateway.workflow_run_of(request.episode_id)
    if request.variant_name is None and request.function_name is not None:
        request.variant_name = run.variant_pins.get(request.function_name)
    context.tags = {**run.tags, **context.tags}


def prepare(context: Context) -> None:
    """Validates the request against its function and settles its tools and tags."""
    request, function = context.request, context.function
    function.check_json_mode(request)
    function.check_input(request.input)
    if request.extra_body or request.extra_headers:
        check_filters(context.gateway, function, request)
    check_dynamic_variant(request)
    context.tools = function.tools(request)
    if request.internal:
        context.tags["tensorzero::internal"] = "true"
    if request.namespace is not None:
        context.tags["tensorzero::namespace"] = request.namespace


def check_answerable(request: InferenceRequest) -> None:
    """What is refused only after the request has been counted."""
    if request.include.aggregated_response and not request.stream:
        raise InvalidRequest("`include_aggregated_response` is only supported in streaming mode")


def variant_call(context: Context, variant: Variant) -> VariantCall:
    """The attempt of one variant, with the request's `extra_…` entries that apply to it."""
    request = context.request
    return VariantCall(
        request=request,
        function_type=context.function.type,
        tools=context.tools.config,
        output_schema=context.function.output_schema(request),
        exchanges=context.exchanges,
        files=context.files,
        cache=cache_use(context.gateway.cache, request.cache_options, dryrun=request.dryrun),
    )
