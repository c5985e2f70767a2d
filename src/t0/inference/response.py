"""Results to answers: usage over all model calls, and the raw lists that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from t0.errors import ProviderFailure, RequestError
from t0.functions.base import FunctionOutput
from t0.inference.context import Context
from t0.models.call import ModelResult
from t0.types.inference import Answer, RawEntry
from t0.types.model import Usage
from t0.variants.base import VariantResult


def build_answer(context: Context, result: VariantResult, output: FunctionOutput) -> Answer:
    include, calls = context.request.include, result.calls
    return Answer(
        inference_id=context.inference_id,
        episode_id=context.episode_id,
        variant_name=result.variant_name,
        output=output.output,
        usage=total_usage(calls),
        finish_reason=calls[-1].finish_reason,
        raw_usage=[e for c in calls for e in usage_entries(c)] if include.raw_usage else None,
        raw_response=raw_responses(context, calls) if include.raw_response else None,
        original_response=calls[-1].raw_response if include.original_response else None,
    )


_FREE = Usage(input_tokens=0, output_tokens=0)
"""What a call that was answered from the inference cache adds."""


def total_usage(calls: Sequence[ModelResult]) -> Usage:
    """Sums over the calls, unknown as soon as one part is; the cache fields sum what is known."""
    if len(calls) == 1 and not calls[0].cached:
        return calls[0].usage
    usages = [_FREE if c.cached else c.usage for c in calls]
    return Usage(
        input_tokens=_sum_or_none(u.input_tokens for u in usages),
        output_tokens=_sum_or_none(u.output_tokens for u in usages),
        provider_cache_read_input_tokens=_sum_known(u.provider_cache_read_input_tokens for u in usages),
        provider_cache_write_input_tokens=_sum_known(u.provider_cache_write_input_tokens for u in usages),
        cost=_total_cost(calls),
    )


def _sum_or_none(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _sum_known(values: Iterable[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None


def _total_cost(calls: Sequence[ModelResult]) -> float | None:
    costs = [c.cost for c in calls if c.cost is not None]
    return float(sum(costs)) if costs and len(costs) == len(calls) else None


# -- raw lists ---------------------------------------------------------------------------------------------------------


def usage_entries(call: ModelResult) -> list[RawEntry]:
    return [] if call.cached else call.usage_entries()


def raw_responses(context: Context, calls: Sequence[ModelResult]) -> list[RawEntry]:
    """Failed variants first, then each call's failed attempts followed by the call itself."""
    entries = failed_responses(context.failed_variants.values())
    for call in calls:
        entries += failed_responses(call.failures)
        if not call.cached:
            entries.append(call.response_entry())
    return entries


def failed_responses(errors: Iterable[RequestError]) -> list[RawEntry]:
    return [failed_entry(f) for e in errors for f in e.provider_failures() if f.raw_response is not None]


def failed_entry(failure: ProviderFailure) -> RawEntry:
    return RawEntry(provider_type=failure.provider_type, api_type=failure.api_type, data=failure.raw_response)
