"""The judge beside the plain reference is `clickhouse-connect`, which reads what the server sends."""

import re
import uuid
from decimal import Decimal
from io import BytesIO

import pytest
from clickhouse_connect.driver.ctypes import RespBuffCls
from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.transform import NativeTransform

from reference import native as reference
from t0._core.native import Column, head

ID = "0196aaaa-1234-7000-8fff-0123456789ab"


class Source:
    """One answer of a server, as the driver reads it."""

    last_message = None
    exception_tag = None

    def __init__(self, body: bytes) -> None:
        self.gen = iter([body])

    def close(self) -> None: ...


def block(**columns) -> bytes:
    made = []
    for name, (kind, values) in columns.items():
        column = Column(name, kind)
        column.extend(values)
        made.append(column)
    return head(len(made), len(made[0])) + b"".join(piece for column in made for piece in column.pieces())


def driver_rows(body: bytes) -> list[tuple]:
    return list(NativeTransform.parse_response(RespBuffCls(Source(body)), QueryContext()).result_rows)


def test_the_driver_reads_every_type():
    body = block(
        id=("UUID", [ID, ID.upper()]),
        text=("String", ["Grüße", b"bytes"]),
        maybe=("Nullable(String)", [None, ""]),
        flag=("Bool", [True, False]),
        maybe_flag=("Nullable(Bool)", [False, None]),
        number=("UInt32", [0, 2**32 - 1]),
        maybe_number=("Nullable(UInt32)", [None, 7]),
        wide=("UInt256", ["0", str(2**256 - 1)]),
        maybe_wide=("Nullable(UInt256)", [str(2**200 + 1), None]),
        real=("Float32", [0.5, -3]),
        cost=("Decimal(18, 9)", ["-0.000000001", "999999999.999999999"]),
        texts=("Array(String)", [[], ["a", b"bc"]]),
        tags=("Map(String, String)", [{"k": "v", "": "ü"}, {}]),
    )
    first = (
        uuid.UUID(ID),
        "Grüße",
        None,
        True,
        False,
        0,
        None,
        0,
        2**200 + 1,
        0.5,
        Decimal("-1E-9"),
        [],
        {"k": "v", "": "ü"},
    )
    second = (
        uuid.UUID(ID),
        "bytes",
        "",
        False,
        None,
        2**32 - 1,
        7,
        2**256 - 1,
        None,
        -3.0,
        Decimal("999999999.999999999"),
        ["a", "bc"],
        {},
    )
    assert driver_rows(body) == [first, second]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("UUID", "0196aaaa", "'0196aaaa'"),
        ("UUID", 5, "5"),
        ("UUID", None, "None"),
        ("String", None, "None"),
        ("String", 5, "5"),
        ("String", bytearray(b"x"), r"bytearray\(b'x'\)"),
        ("String", "\ud800", r"'\\ud800'"),
        ("Nullable(String)", 5, "5"),
        ("Bool", 1, "1"),
        ("Bool", None, "None"),
        ("UInt32", -1, "-1"),
        ("UInt32", 2**32, "4294967296"),
        ("UInt32", 2**80, "1208925819614629174706176"),
        ("UInt32", True, "True"),
        ("UInt32", 1.0, "1.0"),
        ("Nullable(UInt32)", "1", "'1'"),
        ("UInt256", "-1", "'-1'"),
        ("UInt256", "1_0", "'1_0'"),
        ("UInt256", "", "''"),
        ("UInt256", "١", "'١'"),
        ("UInt256", 1, "1"),
        ("UInt256", str(2**256), f"'{2**256}'"),
        ("Float32", "1", "'1'"),
        ("Float32", True, "True"),
        ("Decimal(18, 9)", "1000000000.000000000", "'1000000000.000000000'"),
        ("Decimal(18, 9)", "1", "'1'"),
        ("Decimal(18, 9)", "1.5", "'1.5'"),
        ("Decimal(18, 9)", ".000000000", "'.000000000'"),
        ("Decimal(18, 9)", "1_0.000000000", "'1_0.000000000'"),
        ("Decimal(18, 9)", "NaN", "'NaN'"),
        ("Decimal(18, 9)", 1, "1"),
        ("Array(String)", None, "None"),
        ("Array(String)", ("a",), r"\('a',\)"),
        ("Array(String)", ["a", None], r"\['a', None\]"),
        ("Map(String, String)", [], r"\[\]"),
        ("Map(String, String)", {"a": 1}, r"{'a': 1}"),
        ("Map(String, String)", {1: "a"}, r"{1: 'a'}"),
    ],
)
def test_what_does_not_fit_is_named(kind, value, shown):
    with pytest.raises(ValueError, match=f"^`c` is {shown}, expected {re.escape(kind)}$"):
        Column("c", kind).extend([value])


def test_a_long_value_is_shown_in_part():
    with pytest.raises(ValueError) as caught:
        Column("c", "UUID").extend(["x" * 10_000])
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "kind",
    ["Int8", "", "Nullable(", "Nullable(Array(String))", "Nullable(Map(String, String))", "Nullable(Nullable(Bool))"],
)
def test_other_types_are_refused(kind):
    with pytest.raises(
        ValueError, match=rf"^the type of `c` is `{re.escape(kind)}`, expected Nullable or one of String"
    ):
        Column("c", kind)


def test_a_float_beyond_the_range_is_infinite():
    assert driver_rows(block(x=("Float32", [1e300, -1e300]))) == [(float("inf"),), (float("-inf"),)]


def test_large_columns_come_in_pieces():
    column = Column("c", "String")
    column.extend(["x" * 300_000] * 2)
    pieces = list(column.pieces())
    assert [len(piece) for piece in pieces] == [9, 262_144, 262_144, 75_718]
    assert reference.rows(head(1, 2) + b"".join(pieces)) == ({"c": "String"}, [{"c": "x" * 300_000}] * 2)
    assert (len(column), column.size) == (2, 600_006)


def test_what_was_sent_may_be_sent_again():
    column = Column("c", "Nullable(UInt32)")
    column.extend([1, None])
    assert list(column.pieces()) == list(column.pieces())


def test_nothing_is_added_while_pieces_are_held():
    column = Column("c", "String")
    column.extend(["a"])
    pieces = list(column.pieces())
    with pytest.raises(BufferError, match="the column is being sent"):
        column.extend(["b"])
    assert (len(column), b"".join(pieces[1:])) == (1, b"\1a")
    del pieces
    column.extend(["b"])
    assert b"".join(column.pieces()).endswith(b"\1a\1b")


def test_pieces_that_are_held_keep_what_they_show():
    column = Column("c", "Nullable(String)")
    column.extend(["a", None])
    pieces = list(column.pieces())
    sent = b"".join(pieces)
    column.clear()
    column.extend(["b", "c"])
    assert b"".join(pieces) == sent
    assert b"".join(column.pieces()).endswith(b"\0\0\1b\1c")


def test_undo_takes_back_the_last_values_only():
    column = Column("c", "Map(String, String)")
    column.undo()
    column.extend([{"a": "b"}])
    sent = b"".join(column.pieces())
    column.extend([{"c": "d"}, {}])
    column.undo()
    column.undo()
    assert (len(column), b"".join(column.pieces())) == (1, sent)


def test_a_block_without_rows():
    assert reference.rows(block(a=("String", []), b=("Array(String)", []), c=("Nullable(UUID)", []))) == (
        {"a": "String", "b": "Array(String)", "c": "Nullable(UUID)"},
        [],
    )


@pytest.mark.parametrize("numbers", [(0, 0), (1, 127), (2, 128), (300, 2**62)], ids=str)
def test_head(numbers):
    source = BytesIO(head(*numbers))
    assert (reference.varint(source), reference.varint(source), source.read()) == (*numbers, b"")


@pytest.mark.parametrize("numbers", [(-1, 0), (0, -1)], ids=str)
def test_head_refuses_negative_numbers(numbers):
    with pytest.raises(ValueError, match="expected at least 0"):
        head(*numbers)
