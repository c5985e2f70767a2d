import math

import msgspec
import pytest

from t0.recorder import codec
from t0.types.record import CountRecord, Record


def test_a_record_survives_the_ring(build):
    record = build.record(tags={"a": "ü"}, model_inferences=[build.model_call(cost="0.000123")])
    assert codec.decode(codec.encode(record)) == record


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(10**30, id="integer_beyond_64_bits"),
        pytest.param(-(2**63) - 1, id="integer_below_64_bits"),
        pytest.param([{"n": [2**64]}], id="nested"),
    ],
)
def test_integers_that_messagepack_cannot_hold_survive(build, value):
    record = build.record(function_type="json", output_schema={"const": value})
    payload = codec.encode(record)
    assert payload[:1] == b"["
    assert codec.decode(payload) == record
    assert codec.decode_count(payload) == record.count


def test_a_buffer_holds_the_last_record(build):
    buffer = bytearray(b"x" * 10_000)
    for record in (build.record(tags={"a": "long" * 5000}), build.record(), build.record(output_schema=10**30)):
        codec.encode_into(buffer, record)
        assert codec.decode(bytes(buffer)) == record


def test_lone_surrogates_do_not_cost_the_record(build):
    decoded = codec.decode(codec.encode(build.record(tags={"a\ud800": "b\udfff"})))
    assert decoded.row.tags == {"a?": "b?"}


def test_only_the_count_is_decoded_for_counting(build):
    record = build.record()
    assert codec.decode_count(codec.encode(record)) == record.count
    assert codec.decode_count(codec.encode(Record(row=build.feedback()))) is None


def test_numbers_keep_their_type(build):
    values = [1, 1.0, -0.0, 2**63, 0.1, True, None]
    decoded = codec.decode(codec.encode(build.record(output_schema=values))).row.output_schema
    assert [(type(v), v) for v in decoded] == [(type(v), v) for v in values]
    assert math.copysign(1, decoded[2]) == -1


@pytest.mark.parametrize("payload", [b"", b"[", b"\x92", b"\xff", b"[1,null]", b"\x92\x01\xc0"])
def test_other_bytes_are_a_decode_error(payload):
    with pytest.raises(msgspec.DecodeError):
        codec.decode(payload)


def test_a_count_is_small():
    record = Record(count=CountRecord(endpoint="inference", function_name="f", inferences=1, overhead_s=0.0005))
    assert len(codec.encode(record)) < 100
