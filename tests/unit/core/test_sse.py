import pytest

from t0._core import sse

STREAMS = [
    pytest.param(b"", [], id="empty"),
    pytest.param(b"data: a\n\n", [b"a"], id="lf"),
    pytest.param(b"data: a\r\n\r\n", [b"a"], id="crlf"),
    pytest.param(b"data: a\r\r", [b"a"], id="cr"),
    pytest.param(b"data: a\r\n\rdata: b\n\r\n", [b"a", b"b"], id="mixed-line-ends"),
    pytest.param(b"data: a\n\ndata: b\n\n", [b"a", b"b"], id="two"),
    pytest.param(b"\n\n\ndata: a\n\n\n\n", [b"a"], id="blank-lines"),
    pytest.param(b"data: a\ndata: b\ndata:\ndata: c\n\n", [b"a\nb\n\nc"], id="data-of-many-lines"),
    pytest.param(b"data:a\n\ndata:  b\n\n", [b"a", b" b"], id="one-space-removed"),
    pytest.param(b"data: a: b \n\n", [b"a: b "], id="colon-in-data"),
    pytest.param(b"data\n\ndata:\n\ndata: \n\n", [b"", b"", b""], id="empty-data"),
    pytest.param(b"data\ndata\n\n", [b"\n"], id="empty-lines-joined"),
    pytest.param(b": hello\n\n:\n\n", [], id="comments"),
    pytest.param(b"event: ping\nid: 1\nretry: 10\n\n", [], id="no-data"),
    pytest.param(b"id: 1\nevent: delta\n: c\ndata: a\nretry: 1\n\n", [b"a"], id="other-fields"),
    pytest.param(b" data: a\nDATA: b\ndatax: c\ndat: d\n\n", [], id="not-the-data-field"),
    pytest.param(b"\xef\xbb\xbfdata: a\n\n", [b"a"], id="byte-order-mark"),
    pytest.param(b"\xef\xbb\xbf\n\xef\xbb\xbfdata: a\n\n", [], id="a-second-mark-is-no-mark"),
    pytest.param(b"\xef\xbbdata: a\n\n", [], id="half-a-mark"),
    pytest.param(b"data: \xff\0\xe2\x80\xa8\n\n", [b"\xff\0\xe2\x80\xa8"], id="any-bytes"),
    pytest.param(b'data: {"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"], id="openai"),
    pytest.param(b"data: a\n\ndata: b", [b"a", b"b"], id="unterminated-line"),
    pytest.param(b"data: a\ndata: b\n", [b"a\nb"], id="unterminated-event"),
    pytest.param(b"data: a\r", [b"a"], id="ends-in-cr"),
    pytest.param(b"data: a\n\n: bye", [b"a"], id="unterminated-comment"),
]


@pytest.mark.parametrize(("stream", "payloads"), STREAMS)
def test_a_stream_in_one_piece(stream, payloads):
    parser = sse.Parser()
    assert parser.feed(stream) + parser.end() == payloads


@pytest.mark.parametrize(("stream", "payloads"), STREAMS)
def test_a_stream_byte_by_byte(stream, payloads):
    parser = sse.Parser()
    events = [event for i in range(len(stream)) for event in parser.feed(stream[i : i + 1])]
    assert events + parser.end() == payloads


def test_an_event_comes_with_the_chunk_that_completes_it():
    parser = sse.Parser()
    chunks = [b"da", b"ta: a\r", b"\n\r", b"\ndata: b\n\ndata: c", b"", b"\n", b"\n"]
    assert [parser.feed(chunk) for chunk in chunks] == [[], [], [b"a"], [b"b"], [], [], [b"c"]]
    assert parser.end() == []


def test_a_line_feed_much_after_its_carriage_return_is_no_blank_line():
    parser = sse.Parser()
    assert [parser.feed(chunk) for chunk in [b"data: a\r", b"", b"\n", b"data: b\n\n"]] == [[], [], [], [b"a\nb"]]


def test_the_end_empties_the_parser():
    parser = sse.Parser()
    parser.feed(b"data: a\nda")
    assert parser.end() == [b"a"]
    assert parser.end() == []


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: 12345\n\n"],
        [b"data: 123456"],
        [b": 12345678901"],
        [b"data:", b" 1234", b"56"],
        [b"data:1\ndata:2\ndata:3\ndata:4\ndata:5\ndata:6\ndata:7\n"],
    ],
    ids=["whole-line", "partial-line", "comment", "partial-line-in-pieces", "data-of-many-lines"],
)
def test_an_event_beyond_the_limit_is_refused(chunks):
    parser = sse.Parser(max_event_bytes=10)
    with pytest.raises(ValueError) as caught:
        [parser.feed(chunk) for chunk in chunks]
    assert str(caught.value) == "an event has more than 10 bytes"


def test_events_of_the_limit_pass_again_and_again():
    parser = sse.Parser(max_event_bytes=10)
    stream = b"data: 1234\n\n" + b"data:1\ndata:2\ndata:3\ndata:4\ndata:56\n\n" + b": a comment"[:10] + b"\n"
    assert parser.feed(stream * 3) == [b"1234", b"1\n2\n3\n4\n56"] * 3


def test_an_uninitialised_parser_parses():
    assert sse.Parser.__new__(sse.Parser).feed(b"data: a\n\n") == [b"a"]


@pytest.mark.parametrize("data", [None, "data: a\n\n", bytearray(b"data: a\n\n")], ids=["none", "str", "bytearray"])
def test_only_bytes_are_fed(data):
    with pytest.raises(TypeError):
        sse.Parser().feed(data)


@pytest.mark.parametrize(
    ("payloads", "stream"),
    [
        ([], b""),
        ([b""], b"data: \n\n"),
        ([b'{"a":1}'], b'data: {"a":1}\n\n'),
        ([b"a", b"[DONE]"], b"data: a\n\ndata: [DONE]\n\n"),
    ],
    ids=["none", "empty", "one", "two"],
)
def test_encode(payloads, stream):
    assert sse.encode(payloads) == stream


@pytest.mark.parametrize("payload", [b"a\nb", b"a\r"], ids=["lf", "cr"])
def test_a_payload_of_two_lines_is_refused(payload):
    with pytest.raises(ValueError) as caught:
        sse.encode([b"a", payload])
    assert str(caught.value) == f"an event's payload is {payload!r}, expected one line"


@pytest.mark.parametrize("payloads", [None, ["a"], [None], (b"a",)], ids=["none", "str", "none-inside", "tuple"])
def test_only_a_list_of_bytes_is_encoded(payloads):
    with pytest.raises(TypeError):
        sse.encode(payloads)
