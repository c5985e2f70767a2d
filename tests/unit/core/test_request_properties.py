import json

from hypothesis import given
from hypothesis import strategies as st

from reference import request as reference
from t0._core import request

BODIES = st.text('[]{}"\\ab\n,:', max_size=60).map(str.encode) | st.binary(max_size=40)
LEAVES = st.none() | st.integers() | st.text(max_size=8) | st.text('"\\[]{}', max_size=8)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def _depth(value):
    match value:
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case list():
            return 1 + max(map(_depth, value), default=0)
        case _:
            return 0


def _refusal(body, max_depth):
    try:
        request.check(body, max_depth)
    except ValueError as error:
        return str(error)
    return None


@given(BODIES, st.integers(0, 6))
def test_any_bytes_are_judged_as_by_the_reference(body, max_depth):
    excess = reference.excess(body, max_depth)
    expected = None
    if excess is not None:
        expected = "recursion limit exceeded at line {} column {}".format(*reference.line_and_column(body, excess + 1))
    assert _refusal(body, max_depth) == expected


@given(VALUES, st.integers(0, 4), st.sampled_from([None, 1]))
def test_json_passes_exactly_up_to_its_depth(value, max_depth, indent):
    body = json.dumps(value, indent=indent).encode()
    assert (_refusal(body, max_depth) is None) is (_depth(value) <= max_depth)


@given(st.text("a\n\ré", max_size=20).map(str.encode), st.data())
def test_line_and_column(body, data):
    offset = data.draw(st.integers(0, len(body)))
    assert request.line_and_column(body, offset) == reference.line_and_column(body, offset)
