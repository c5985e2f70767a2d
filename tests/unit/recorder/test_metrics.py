import re

from t0._core.log_ring import HEADER_BYTES, Ring, initialize
from t0.recorder.metrics import Counts, Health, exposition, ring_metrics, spill_metrics
from t0.types.record import CountRecord


def samples(metrics) -> list[str]:
    return [line for line in exposition(metrics).decode().splitlines() if not line.startswith("#")]


def counted(*records: CountRecord, buckets=(0.001, 0.01, 0.1)) -> list[str]:
    counts = Counts(buckets)
    for record in records:
        counts.add(record)
    return samples(counts.metrics())


def test_before_the_first_request_there_is_no_series():
    assert counted() == []


def test_labels_that_do_not_apply_are_left_out():
    assert counted(
        CountRecord(endpoint="inference", function_name="f", inferences=1, input_tokens=10, output_tokens=2),
        CountRecord(endpoint="inference", function_name="f", inferences=1, input_tokens=5),
        CountRecord(endpoint="inference", function_name="tensorzero::d", model_name="m", inferences=1),
        CountRecord(endpoint="batch_inference", function_name="f", inferences=3),
        CountRecord(endpoint="embeddings", model_name="e", inferences=2),
        CountRecord(endpoint="feedback", metric_name="solved"),
    ) == [
        'tensorzero_requests_total{endpoint="inference",function_name="f"} 2.0',
        'tensorzero_requests_total{endpoint="inference",function_name="tensorzero::d",model_name="m"} 1.0',
        'tensorzero_requests_total{endpoint="batch_inference",function_name="f"} 1.0',
        'tensorzero_requests_total{endpoint="embeddings",model_name="e"} 1.0',
        'tensorzero_requests_total{endpoint="feedback",metric_name="solved"} 1.0',
        'tensorzero_inferences_total{endpoint="inference",function_name="f"} 2.0',
        'tensorzero_inferences_total{endpoint="inference",function_name="tensorzero::d",model_name="m"} 1.0',
        'tensorzero_inferences_total{endpoint="batch_inference",function_name="f"} 3.0',
        'tensorzero_inferences_total{endpoint="embeddings",model_name="e"} 2.0',
        "tensorzero_input_tokens_total 15.0",
        "tensorzero_output_tokens_total 2.0",
    ]


def test_a_failed_request_is_counted_without_an_inference():
    assert counted(CountRecord(endpoint="inference", function_name="f")) == [
        'tensorzero_requests_total{endpoint="inference",function_name="f"} 1.0'
    ]


NAME = "tensorzero_inference_latency_overhead_seconds"


def test_the_histogram_has_cumulative_buckets():
    overheads = [0.0005, 0.001, 0.0011, 0.5]
    assert counted(
        *(
            CountRecord(endpoint="inference", requests=0, function_name="f", variant_name="v", overhead_s=s)
            for s in overheads
        )
    ) == [
        f'{NAME}_bucket{{function_name="f",le="0.001",variant_name="v"}} 2.0',
        f'{NAME}_bucket{{function_name="f",le="0.01",variant_name="v"}} 3.0',
        f'{NAME}_bucket{{function_name="f",le="0.1",variant_name="v"}} 3.0',
        f'{NAME}_bucket{{function_name="f",le="+Inf",variant_name="v"}} 4.0',
        f'{NAME}_sum{{function_name="f",variant_name="v"}} {sum(overheads)}',
        f'{NAME}_count{{function_name="f",variant_name="v"}} 4.0',
    ]


def test_the_variant_is_left_out_where_several_were_tried():
    record = CountRecord(endpoint="inference", requests=0, function_name="f", overhead_s=0.25)
    assert counted(record, buckets=(0.5,)) == [
        f'{NAME}_bucket{{function_name="f",le="0.5"}} 1.0',
        f'{NAME}_bucket{{function_name="f",le="+Inf"}} 1.0',
        f'{NAME}_sum{{function_name="f"}} 0.25',
        f'{NAME}_count{{function_name="f"}} 1.0',
    ]


def test_no_buckets_switch_the_histogram_off():
    assert counted(CountRecord(endpoint="inference", requests=0, overhead_s=0.25), buckets=()) == []


def test_help_and_type_are_shown():
    counts = Counts()
    counts.add(CountRecord(endpoint="feedback", metric_name="m"))
    assert exposition(counts.metrics()).decode() == (
        "# HELP tensorzero_requests_total Requests handled by TensorZero\n"
        "# TYPE tensorzero_requests_total counter\n"
        'tensorzero_requests_total{endpoint="feedback",metric_name="m"} 1.0\n'
    )


def test_label_values_are_escaped():
    assert counted(CountRecord(endpoint="feedback", metric_name='a"b\\c\nd')) == [
        'tensorzero_requests_total{endpoint="feedback",metric_name="a\\"b\\\\c\\nd"} 1.0'
    ]


def test_the_recorders_own_state():
    health = Health()
    health.stored_rows["ChatInference"] += 7
    health.rejected_rows["ModelInference"] += 1
    health.insert_failures += 2
    health.last_insert_time = 1234.5
    assert samples(health.metrics()) == [
        't0_recorder_rows_total{table="ChatInference"} 7.0',
        't0_recorder_rejected_rows_total{table="ModelInference"} 1.0',
        "t0_recorder_insert_failures_total 2.0",
        "t0_recorder_last_insert_timestamp_seconds 1234.5",
    ]


def test_rings_show_their_counters_and_lag():
    buffer = bytearray(HEADER_BYTES + 4096)
    initialize(buffer)
    ring = Ring(buffer)
    ring.append(b"x" * 100)
    ring.append(b"x" * 10)
    ring.commit(128)
    ring.spilled, ring.dropped, ring.spill_failed = 1, 2, 3
    assert samples(ring_metrics([(4, ring)])) == [
        't0_ring_records_total{ring="4"} 2.0',
        't0_ring_payload_bytes_total{ring="4"} 110.0',
        't0_ring_spilled_total{ring="4"} 1.0',
        't0_ring_dropped_total{ring="4"} 2.0',
        't0_ring_spill_failed_total{ring="4"} 3.0',
        't0_ring_corrupted_total{ring="4"} 0.0',
        't0_ring_lag_records{ring="4"} 1.0',
        't0_ring_lag_bytes{ring="4"} 32.0',
    ]


def test_the_backlog_on_the_disk():
    assert samples(spill_metrics(2, 300, 1)) == [
        "t0_recorder_spill_files 2.0",
        "t0_recorder_spill_bytes 300.0",
        "t0_recorder_spill_corrupted_total 1.0",
    ]


def test_every_metric_is_documented(root):
    counts, health = Counts(), Health()
    counts.add(CountRecord(endpoint="inference", inferences=1, overhead_s=0.1))
    metrics = [*counts.metrics(), *health.metrics(), *ring_metrics([]), *spill_metrics(0, 0, 0)]
    names = {f"{m.name}_total" if m.type == "counter" else m.name for m in metrics}
    manual = (root / "docs" / "observability.md").read_text()
    assert set(re.findall(r"`((?:tensorzero|t0)_[a-z_]+)`", manual)) == names
