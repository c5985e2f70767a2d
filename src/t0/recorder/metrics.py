"""What `/metrics` shows: the reference's counters and histogram, and the recorder's own state."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from t0._core.log_ring import Ring
from t0.types.record import CountRecord

DEFAULT_BUCKETS = (0.001, 0.01, 0.1)

Labels = tuple[tuple[str, str], ...]
"""Sorted; a label that does not apply is left out, so series of one metric differ in their labels."""


def _labels(**values: str | None) -> Labels:
    return tuple(sorted((k, v) for k, v in values.items() if v is not None))


class Counts:
    """Running totals of what `CountRecord`s say. No buckets means no histogram.

    PERF: a record adds to the totals of those with the same names; labels are put together when somebody asks.
    """

    def __init__(self, buckets: Sequence[float] = DEFAULT_BUCKETS) -> None:
        self._buckets = tuple(buckets)
        self._totals: dict[tuple[str | None, ...], _Totals] = {}

    def add(self, count: CountRecord) -> None:
        names = (count.endpoint, count.function_name, count.model_name, count.metric_name, count.variant_name)
        totals = self._totals.get(names)
        if totals is None:
            totals = self._totals[names] = _Totals(_Histogram(self._buckets))
        totals.requests += count.requests
        if count.inferences:
            totals.inferences += count.inferences
            totals.input_tokens += count.input_tokens
            totals.output_tokens += count.output_tokens
        if count.overhead_s is not None:
            totals.overhead.observe(count.overhead_s)

    def metrics(self) -> Iterator[Metric]:
        """The families that have samples: a gateway without requests shows none."""
        requests: defaultdict[Labels, int] = defaultdict(int)
        inferences: defaultdict[Labels, int] = defaultdict(int)
        tokens: defaultdict[str, int] = defaultdict(int)
        overhead: dict[Labels, _Histogram] = {}
        # A copy, since records are counted while somebody asks.
        for (endpoint, function, model, metric, variant), totals in list(self._totals.items()):
            if totals.requests:
                labels = _labels(endpoint=endpoint, function_name=function, model_name=model, metric_name=metric)
                requests[labels] += totals.requests
            if totals.inferences:
                inferences[_labels(endpoint=endpoint, function_name=function, model_name=model)] += totals.inferences
                tokens["input"] += totals.input_tokens
                tokens["output"] += totals.output_tokens
            if totals.overhead.count and self._buckets:
                labels = _labels(function_name=function, variant_name=variant)
                overhead.setdefault(labels, _Histogram(self._buckets)).add(totals.overhead)
        yield from _counter("tensorzero_requests", "Requests handled by TensorZero", requests)
        yield from _counter("tensorzero_inferences", "Inferences performed by TensorZero", inferences)
        for kind, total in tokens.items():
            text = f"{kind.capitalize()} tokens consumed by TensorZero inferences"
            yield from _counter(f"tensorzero_{kind}_tokens", text, {(): total})
        if overhead:
            yield _overhead_metric(overhead)


@dataclass(slots=True)
class _Totals:
    overhead: "_Histogram"
    requests: int = 0
    inferences: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _Histogram:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def add(self, other: "_Histogram") -> None:
        """Adds what `other`, of the same bounds, has observed."""
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self._sum += other._sum

    def add_samples(self, metric: Metric, labels: dict[str, str]) -> None:
        total = 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            metric.add_sample(f"{metric.name}_bucket", {**labels, "le": str(bound)}, total)
        metric.add_sample(f"{metric.name}_sum", labels, self._sum)
        metric.add_sample(f"{metric.name}_count", labels, total)


def _overhead_metric(overhead: dict[Labels, _Histogram]) -> Metric:
    name = "tensorzero_inference_latency_overhead_seconds"
    metric = Metric(name, "Time of a request not spent waiting for model providers", "histogram")
    for labels, histogram in overhead.items():
        histogram.add_samples(metric, dict(labels))
    return metric


def _counter(name: str, text: str, totals: dict[Labels, int]) -> Iterator[Metric]:
    if totals:
        metric = Metric(name, text, "counter")
        for labels, total in totals.items():
            metric.add_sample(f"{name}_total", dict(labels), total)
        yield metric


# -- the recorder's own state ------------------------------------------------------------------------------------------


@dataclass
class Health:
    """What the recorder has done since it started."""

    stored_rows: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    rejected_rows: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    insert_failures: int = 0
    last_insert_time: float = 0.0
    """Unix seconds; 0 before the first."""

    def metrics(self) -> Iterator[Metric]:
        yield _by_label("t0_recorder_rows", "Rows stored", "table", self.stored_rows)
        yield _by_label("t0_recorder_rejected_rows", "Rows the database refused", "table", self.rejected_rows)
        yield _single("t0_recorder_insert_failures", "counter", "Failed attempts to insert", self.insert_failures)
        yield _single(
            "t0_recorder_last_insert_timestamp_seconds", "gauge", "Time of the last insert", self.last_insert_time
        )


def _by_label(name: str, text: str, label: str, totals: dict[str, int]) -> Metric:
    metric = Metric(name, text, "counter")
    for value, total in totals.items():
        metric.add_sample(f"{name}_total", {label: value}, total)
    return metric


def _single(name: str, kind: str, text: str, value: float) -> Metric:
    metric = Metric(name, text, kind)
    metric.add_sample(f"{name}_total" if kind == "counter" else name, {}, value)
    return metric


_RING_COUNTERS = (
    ("records", "Records appended"),
    ("payload_bytes", "Bytes appended"),
    ("spilled", "Records put into spill files because the ring was full"),
    ("dropped", "Rows dropped because write_queue_capacity was reached"),
    ("spill_failed", "Records lost because no spill file could be written"),
    ("corrupted", "Damaged stretches passed over"),
)


def ring_metrics(rings: Iterable[tuple[int, Ring]]) -> Iterator[Metric]:
    """Counters and lag of each ring, labelled with its slot."""
    rings = list(rings)
    for attribute, text in _RING_COUNTERS:
        totals = {str(slot): getattr(ring, attribute) for slot, ring in rings}
        yield _by_label(f"t0_ring_{attribute}", text, "ring", totals)
    lag_records = Metric("t0_ring_lag_records", "Records not stored yet", "gauge")
    lag_bytes = Metric("t0_ring_lag_bytes", "Bytes of the ring that are in use", "gauge")
    for slot, ring in rings:
        lag_records.add_sample(lag_records.name, {"ring": str(slot)}, ring.queued)
        lag_bytes.add_sample(lag_bytes.name, {"ring": str(slot)}, ring.head - ring.tail)
    yield from (lag_records, lag_bytes)


def spill_metrics(files: int, size: int, damaged: int) -> Iterator[Metric]:
    """The backlog on the disk, and the records of it that were passed over."""
    yield _single("t0_recorder_spill_files", "gauge", "Spill files not stored yet", files)
    yield _single("t0_recorder_spill_bytes", "gauge", "Bytes in spill files not stored yet", size)
    yield _single("t0_recorder_spill_corrupted", "counter", "Damaged records of spill files passed over", damaged)


class _Fixed(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(metrics: Iterable[Metric]) -> bytes:
    """The Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(list(metrics)))
    return generate_latest(registry)
