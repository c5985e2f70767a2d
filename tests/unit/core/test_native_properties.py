import struct
import uuid
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from reference import native as reference
from t0._core.native import Column, head

TEXTS = st.text(max_size=40)
FLOATS = st.floats(width=32, allow_nan=False)
VALUES = {
    "String": TEXTS,
    "UUID": st.uuids().map(str),
    "Bool": st.booleans(),
    "UInt32": st.integers(0, 2**32 - 1),
    "UInt256": st.integers(0, 2**256 - 1).map(str),
    "Float32": FLOATS,
    "Decimal(18, 9)": st.decimals(-(10**9) + 1, 10**9 - 1, places=9).map("{:.9f}".format),
    "Array(String)": st.lists(TEXTS, max_size=4),
    "Map(String, String)": st.dictionaries(TEXTS, TEXTS, max_size=4),
}
NULLABLE = {f"Nullable({kind})": st.none() | values for kind, values in VALUES.items() if "String)" not in kind}
KINDS = st.sampled_from(sorted({**VALUES, **NULLABLE}.items(), key=lambda item: item[0]))
COLUMNS = KINDS.flatmap(lambda item: st.tuples(st.just(item[0]), st.lists(st.lists(item[1], max_size=6), max_size=4)))
ODD = st.none() | st.integers() | st.floats() | TEXTS | st.lists(st.none()) | st.dictionaries(TEXTS, st.integers())


def _sent(column):
    return reference.rows(head(1, len(column)) + b"".join(column.pieces()))


@given(COLUMNS)
def test_every_value_is_read_back_however_the_values_were_added(drawn):
    kind, parts = drawn
    column = Column("c", kind)
    for part in parts:
        column.extend(part)
    values = [value for part in parts for value in part]
    assert _sent(column) == ({"c": kind}, [{"c": value} for value in values])
    column.clear()
    column.extend(values)
    assert _sent(column) == ({"c": kind}, [{"c": value} for value in values])


@given(COLUMNS, st.lists(ODD, max_size=3))
def test_a_refused_value_leaves_no_trace(drawn, odd):
    kind, parts = drawn
    column, values = Column("c", kind), [value for part in parts for value in part]
    column.extend(values)
    with suppress(ValueError):
        column.extend([*values, *odd])
        column.undo()
    assert _sent(column) == ({"c": kind}, [{"c": value} for value in values])


@given(st.uuids())
def test_uuids_are_two_words(value: uuid.UUID):
    column = Column("c", "UUID")
    column.extend([str(value)])
    words = struct.pack("<QQ", value.int >> 64, value.int & (2**64 - 1))
    assert list(column.pieces()) == [b"\1c\4UUID", words]
