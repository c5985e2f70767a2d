"""Rows of model calls as a block, beside the driver's own encoder and the lines of JSON that a server takes as well."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform

from reference import native as reference
from t0.recorder.tables import Block, ModelInference, column_types, columns

SIZES = {"2 kB": 400, "100 kB": 33_000}
ROWS = 256


def _rows(size: int) -> list[ModelInference]:
    text = "x" * size
    return [
        ModelInference(
            id=f"0196aaaa-0000-7000-8000-{number:012}",
            inference_id=f"0196aaaa-0000-7000-8001-{number:012}",
            raw_request=text,
            raw_response=text,
            system=None,
            input_messages=text.encode(),
            output=b'[{"type":"text","text":"Hello"}]',
            input_tokens=3,
            output_tokens=5,
            provider_cache_read_input_tokens=None,
            provider_cache_write_input_tokens=None,
            cost="0.000120000",
            response_time_ms=12,
            ttft_ms=None,
            model_name="m",
            model_provider_name="p",
            cached=False,
            finish_reason="stop",
            function_name="f",
            variant_name="v",
            snapshot_hash=str(2**200),
        )
        for number in range(ROWS)
    ]


def _as_block(rows: list[ModelInference], block: Block) -> Iterator[bytes | memoryview]:
    block.clear()
    block.extend(rows)
    return block.pieces()


def _with_driver(rows: list[ModelInference], block: Block) -> Iterator[bytes]:
    types = column_types(ModelInference)
    own = {"cost": Decimal, "snapshot_hash": int}
    data = [[own.get(name, _text)(getattr(row, name)) for row in rows] for name in types]
    context = InsertContext(
        block.table, list(types), list(map(get_from_name, types.values())), data, column_oriented=True
    )
    return NativeTransform.build_insert(context)


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def _as_lines(rows: list[ModelInference], block: Block) -> Iterator[bytes]:
    yield msgspec.json.Encoder().encode_lines(map(columns, rows))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("encode", [_as_block, _with_driver, _as_lines], ids=["kernel", "driver", "json"])
def test_rows(benchmark, encode, size):
    benchmark.group = f"native {ROWS} rows of {size}"
    rows, block = _rows(size), Block(ModelInference)
    expected = [columns(row) for row in rows]
    sent = b"".join(encode(rows, block)).split(b"FORMAT Native\n", 1)[-1]
    if encode is _as_lines:
        assert msgspec.json.Decoder().decode_lines(sent) == expected
    else:
        assert reference.rows(sent)[1] == expected
    benchmark(lambda: sum(map(len, encode(rows, block))))
