import json
import re

import pytest

from t0._core import request


def test_the_recorded_refusal(golden):
    calls = json.loads((golden / "cases/openai/body_parsing.json").read_text())["calls"]
    call = next(call for call in calls if call.get("name") == "deep nesting")
    recorded = call["recorded"]["answer"]["body"]["error"]["message"]
    with pytest.raises(ValueError) as caught:
        request.check(call["raw_body"].encode())
    assert re.search(r"recursion limit exceeded at line \d+ column \d+", recorded).group() == str(caught.value)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'], ids=["arrays", "objects", "both"])
def test_127_levels_pass_and_128_do_not(opening):
    levels = opening.count(b"[") + opening.count(b"{")
    request.check(opening * (127 // levels))
    with pytest.raises(ValueError, match="recursion limit exceeded"):
        request.check(opening * 128)


@pytest.mark.parametrize(
    ("body", "max_depth", "place"),
    [
        (b"[[", 1, "line 1 column 2"),
        (b"[\n  {}]", 1, "line 2 column 3"),
        (b'{"\xc3\xa9": [1, {}]}', 2, "line 1 column 12"),
        (b'{"a": "\n\n", "b": []}', 1, "line 3 column 9"),
        (b'["\\"", []]', 1, "line 1 column 8"),
        (b'["\\\\\\"", []]', 1, "line 1 column 10"),
        (b"[]", 0, "line 1 column 1"),
    ],
    ids=["array", "second-line", "bytes-not-characters", "after-string", "escaped-quote", "escaped-both", "limit-0"],
)
def test_the_error_shows_the_bracket(body, max_depth, place):
    with pytest.raises(ValueError) as caught:
        request.check(body, max_depth)
    assert str(caught.value) == f"recursion limit exceeded at {place}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b'"[["',
        b'["[{", "\\"[{", "\\\\", "]"]',
        b"[[], {}, [], {}]",
        b"[[]] [[[[",
        b"]]]][[[[",
        b'["',
        b'["\\',
        b'["\\"',
        b'["[[[',
        b'[\0"[[["]',
    ],
)
def test_what_does_not_nest_passes_however_malformed(body):
    request.check(body, 2)


def test_a_bracket_behind_a_long_string_is_seen():
    body = b'["' + b"\\" * 100_000 + b'", [["' + b"[" * 100_000 + b'"]]]'
    request.check(body, 3)
    with pytest.raises(ValueError, match="line 1 column 100007"):
        request.check(body, 2)


@pytest.mark.parametrize(
    ("body", "offset", "place"),
    [
        (b"", 0, (1, 0)),
        (b"abc", 0, (1, 0)),
        (b"abc", 3, (1, 3)),
        (b"a\nb", 1, (1, 1)),
        (b"a\nb", 2, (2, 0)),
        (b"a\nb", 3, (2, 1)),
        (b"a\r\nb", 3, (2, 0)),
        (b"\n\n\n", 3, (4, 0)),
        (b"\xc3\xa9x", 3, (1, 3)),
    ],
)
def test_line_and_column(body, offset, place):
    assert request.line_and_column(body, offset) == place


@pytest.mark.parametrize("offset", [-1, 4])
def test_an_offset_outside_the_body_is_refused(offset):
    with pytest.raises(ValueError) as caught:
        request.line_and_column(b"abc", offset)
    assert str(caught.value) == f"offset is {offset}, expected 0 to 3"


@pytest.mark.parametrize("body", [None, "[]", bytearray(b"[]")], ids=["none", "str", "bytearray"])
def test_only_bytes_are_checked(body):
    with pytest.raises(TypeError):
        request.check(body)
