"""Appending to a ring in a file, beside a write to a file; and what a whole record costs the worker."""

import os

import pytest

from t0.recorder import ring_file
from t0.recorder.writer import Writer
from t0.types.content import Input, InputMessage, ModelMessage, Text
from t0.types.params import ChatCompletionParams
from t0.types.record import CountRecord, InferenceRecord, ModelInferenceRecord, Record

SIZES = {"500_B": 500, "2.5_kB": 2500, "100_kB": 100_000}
BODY = '{"model":"m","messages":[{"role":"user","content":"' + "x" * 900 + '"}]}'
CALL = ModelInferenceRecord(
    id="0196aaaa-0000-7000-8000-000000000001",
    model_name="m",
    model_provider_name="p",
    raw_request=BODY,
    raw_response=BODY,
    system=None,
    input_messages=[ModelMessage("user", [Text("Hi")])],
    output=[Text("Hello")],
    input_tokens=3,
    output_tokens=5,
    response_time_ms=12,
)
RECORD = Record(
    count=CountRecord(endpoint="inference", function_name="f", inferences=1, input_tokens=3, output_tokens=5),
    row=InferenceRecord(
        function_type="chat",
        id="0196aaaa-0000-7000-8000-000000000002",
        episode_id="0196aaaa-0000-7000-8000-000000000003",
        function_name="f",
        variant_name="v",
        input=Input(messages=[InputMessage("user", [Text("Hi")])]),
        output=[Text("Hello")],
        params=ChatCompletionParams(),
        processing_time_ms=15,
        model_inferences=[CALL],
    ),
)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_append(benchmark, tmp_path, size):
    benchmark.group = f"log_ring append {size}"
    payload = os.urandom(size)
    file = ring_file.claim(tmp_path, 4 << 20)
    ring = file.ring
    ring.append(payload)
    assert ring.read(1, 0)[0] == [payload]

    def append():
        ring.append(payload)
        ring.commit(ring.head)

    benchmark(append)
    assert (ring.queued, ring.payload_bytes) == (0, ring.records * size)
    file.close()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_write_to_a_file(benchmark, tmp_path, size):
    benchmark.group = f"log_ring append {size}"
    payload = os.urandom(size)
    fd = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    assert benchmark(os.pwrite, fd, payload, 0) == size
    os.close(fd)


def test_append_a_record(benchmark, tmp_path):
    """What observability costs a request in the worker: encode the record, put it into the ring."""
    benchmark.group = "log_ring record"
    writer = Writer(tmp_path, capacity=4 << 20)
    ring = writer._ring

    def append():
        receipt = writer.append(RECORD)
        ring.commit(receipt)

    benchmark(append)
    assert (ring.queued, ring.spilled) == (0, 0)
    writer.close()
