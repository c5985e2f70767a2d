"""Aggregates by minute, filled as rows arrive: feedback by variant, latencies, tokens and cost by model and variant."""

from t0.storage.migrations.ddl import COUNT, NAME, Table, View

# Part of the column types, and of the answers of the routes that read them.
QUANTILES: tuple[float, ...] = (
    0.001,
    0.005,
    *(n / 100 for n in range(1, 10)),
    *(n / 100 for n in range(10, 91, 2)),
    *(n / 100 for n in range(91, 100)),
    *(n / 1000 for n in range(991, 1000)),
)
_TDIGEST = f"quantilesTDigest({', '.join(map(str, QUANTILES))})"
_TDIGEST_STATE = _TDIGEST.replace("quantilesTDigest", "quantilesTDigestState")
_DIGEST = f"AggregateFunction({_TDIGEST}, Nullable(UInt32))"
_SUM = "AggregateFunction(sum, Nullable(UInt32))"

# `count` ignores its argument's value; the type of the column names one.
_COUNT_STATE = "countState(toUInt32(1))"
_TOKENS = ("input_tokens", "output_tokens", "provider_cache_read_input_tokens", "provider_cache_write_input_tokens")
_SUMS = ",\n    ".join(f"sumState({name}) AS total_{name}" for name in _TOKENS)
_COSTS = "sumState(cost) AS total_cost, countState(cost) AS count_with_cost"


def _totals(latency: str) -> dict[str, str]:
    return {
        "minute": "DateTime",
        f"{latency}_quantiles": _DIGEST,
        "ttft_ms_quantiles": _DIGEST,
        **{f"total_{name}": _SUM for name in _TOKENS},
        "count": "AggregateFunction(count, UInt32)",
        "total_cost": "AggregateFunction(sum, Nullable(Decimal(18, 9)))",
        "count_with_cost": "AggregateFunction(count, Nullable(Decimal(18, 9)))",
    }


TABLES = (
    Table(
        name="FeedbackByVariantStatistics",
        columns={
            "function_name": NAME,
            "variant_name": NAME,
            "metric_name": NAME,
            "minute": "DateTime",
            "feedback_mean": "AggregateFunction(avg, Float32)",
            "feedback_variance": "AggregateFunction(varSampStable, Float32)",
            "count": COUNT,
        },
        engine="AggregatingMergeTree",
        order_by=("function_name", "metric_name", "variant_name", "minute"),
    ),
    Table(
        name="ModelProviderStatistics",
        columns={"model_name": NAME, "model_provider_name": NAME, **_totals("response_time_ms")},
        engine="AggregatingMergeTree",
        order_by=("model_name", "model_provider_name", "minute"),
    ),
    Table(
        name="VariantStatistics",
        columns={"function_name": NAME, "variant_name": NAME, **_totals("processing_time_ms")},
        engine="AggregatingMergeTree",
        order_by=("function_name", "variant_name", "minute"),
    ),
    Table(
        name="CumulativeUsage",
        columns={"type": NAME, "count": "UInt64"},
        engine="SummingMergeTree",
        order_by=("type",),
    ),
)


def _feedback_view(kind: str) -> View:
    source = f"{kind}MetricFeedbackByVariant"
    return View(
        name=f"{source}StatisticsView",
        target="FeedbackByVariantStatistics",
        select=f"""
SELECT function_name, variant_name, metric_name, toStartOfMinute(UUIDv7ToDateTime(uint_to_uuid(id_uint))) AS minute,
    avgState(toFloat32(value)) AS feedback_mean, varSampStableState(toFloat32(value)) AS feedback_variance,
    count() AS count
FROM {source}
GROUP BY function_name, variant_name, metric_name, minute""",
    )


def _latency_view(kind: str) -> View:
    return View(
        name=f"VariantStatistics{kind}View",
        target="VariantStatistics",
        select=f"""
SELECT function_name, variant_name, toStartOfMinute(UUIDv7ToDateTime(id)) AS minute,
    {_TDIGEST_STATE}(processing_time_ms) AS processing_time_ms_quantiles,
    {_TDIGEST_STATE}(ttft_ms) AS ttft_ms_quantiles,
    {_COUNT_STATE} AS count
FROM {kind}Inference
GROUP BY function_name, variant_name, minute""",
    )


VIEWS = (
    _feedback_view("Boolean"),
    _feedback_view("Float"),
    View(
        name="ModelProviderStatisticsView",
        target="ModelProviderStatistics",
        select=f"""
SELECT model_name, model_provider_name, toStartOfMinute(UUIDv7ToDateTime(id)) AS minute,
    {_TDIGEST_STATE}(response_time_ms) AS response_time_ms_quantiles,
    {_TDIGEST_STATE}(ttft_ms) AS ttft_ms_quantiles,
    {_SUMS},
    {_COUNT_STATE} AS count,
    {_COSTS}
FROM ModelInference
GROUP BY model_name, model_provider_name, minute""",
    ),
    View(
        name="VariantStatisticsModelView",
        target="VariantStatistics",
        select=f"""
SELECT function_name, variant_name, toStartOfMinute(UUIDv7ToDateTime(id)) AS minute,
    {_SUMS},
    {_COSTS}
FROM ModelInference
WHERE function_name != ''
GROUP BY function_name, variant_name, minute""",
    ),
    _latency_view("Chat"),
    _latency_view("Json"),
    View(
        name="CumulativeUsageView",
        target="CumulativeUsage",
        select="""
SELECT usage.1 AS type, sum(usage.2) AS count
FROM ModelInference
ARRAY JOIN [
    ('input_tokens', toUInt64(ifNull(input_tokens, 0))),
    ('output_tokens', toUInt64(ifNull(output_tokens, 0))),
    ('model_inferences', toUInt64(1))
] AS usage
WHERE input_tokens IS NOT NULL
GROUP BY type""",
    ),
)
