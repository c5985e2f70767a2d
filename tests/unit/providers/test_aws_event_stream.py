"""Event streams: messages, checksums, limits, and what a broken one does to an answer."""

import struct
from typing import Any
from zlib import crc32

import pytest

from t0.errors import ProviderFailure
from t0.providers.aws.event_stream import MAX_HEADERS_BYTES, MAX_PAYLOAD_BYTES, BadEventStream, Message, Parser
from t0.types.content import TextChunk
from unit.providers.aws_frames import event, exception, frame, header, texts
from unit.providers.replay import make_provider
from unit.providers.vendors import Vendor

BEDROCK = Vendor("aws_bedrock", {"model_id": "m", "region": "us-east-1", "api_key": "dynamic::k"})


def prelude(length: int, headers_length: int) -> bytes:
    lengths = struct.pack(">II", length, headers_length)
    return lengths + struct.pack(">I", crc32(lengths))


def test_all_types_of_headers() -> None:
    headers = b"".join(
        [
            header("yes", 0, b""),
            header("no", 1, b""),
            header("byte", 2, b"\xff"),
            header("short", 3, b"\x80\x00"),
            header("int", 4, b"\x00\x00\x01\x00"),
            header("long", 5, b"\xff" * 8),
            header("bytes", 6, b"\x00\x01"),
            header("text", 7, "Zürich".encode()),
            header("time", 8, b"\x00\x00\x01\x8b\xcf\xe5\x68\x00"),
            header("uuid", 9, bytes(range(16))),
        ]
    )
    assert list(Parser().feed(frame(headers, b"payload"))) == [
        Message(
            {
                "yes": True,
                "no": False,
                "byte": -1,
                "short": -32768,
                "int": 256,
                "long": -1,
                "bytes": b"\x00\x01",
                "text": "Zürich",
                "time": 1_700_000_000_000,
                "uuid": bytes(range(16)),
            },
            b"payload",
        )
    ]


def test_a_message_without_headers_and_payload() -> None:
    assert list(Parser().feed(frame(b"", b""))) == [Message({}, b"")]


GOOD = event("messageStart", {"role": "assistant"})


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"\xff" + GOOD[1:], "the prelude has the checksum", id="prelude"),
        pytest.param(GOOD[:-8] + b"XXXX" + GOOD[-4:], "the message has the checksum", id="payload"),
        pytest.param(GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "the message has the checksum", id="message checksum"),
        pytest.param(prelude(15, 0), "a payload of -1 bytes", id="shorter than a message can be"),
        pytest.param(prelude(20, 5), "a payload of -1 bytes", id="headers longer than the message"),
        pytest.param(
            prelude(2**32 - 1, MAX_HEADERS_BYTES + 1), "headers of 131073 bytes, at most 131072", id="long headers"
        ),
        pytest.param(
            prelude(MAX_PAYLOAD_BYTES + 17, 0), "a payload of 25165825 bytes, at most 25165824", id="long payload"
        ),
        pytest.param(b"data: {}\n\n   ", "the prelude has the checksum", id="server-sent events"),
        pytest.param(frame(b"\x03ab", b""), "the headers end inside a header", id="name cut"),
        pytest.param(frame(b"\x01a\x07\x00\x05abc", b""), "the headers end inside a header", id="value cut"),
        pytest.param(frame(b"\x01a", b""), "the headers end inside a header", id="type cut"),
        pytest.param(frame(b"\x01a\x0a", b""), "a header has the unknown type 10", id="type"),
        pytest.param(frame(b"\x01\xff\x00", b""), "a header is not UTF-8 text", id="name not text"),
        pytest.param(frame(header("a", 7, b"\xff"), b""), "a header is not UTF-8 text", id="value not text"),
        pytest.param(frame(header("a", 0, b"") * 2, b""), "the header `a` is there twice", id="twice"),
    ],
)
def test_what_is_no_event_stream(data: bytes, error: str) -> None:
    parser = Parser()
    assert list(parser.feed(GOOD)) != []
    with pytest.raises(BadEventStream, match=error):
        list(parser.feed(data))


# -- answers -----------------------------------------------------------------------------------------------------------


def decoded(*data: bytes) -> list[Any]:
    decoder = BEDROCK.provider().decoder(BEDROCK.call(stream=True))
    items = [item for piece in data for item in decoder.feed(piece)]
    return [i.text if isinstance(i, ProviderFailure) else i.content for i in [*items, *decoder.end()]]


TEXT = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}})
FATAL = "Inference stream closed due to error from aws_bedrock server: The event stream cannot be read: "


def test_an_exception_ends_the_stream() -> None:
    assert decoded(TEXT + exception("throttlingException", {"message": "slow"}) + TEXT, TEXT) == [
        [TextChunk("0", "a")],
        "Error from aws_bedrock server: AWS Bedrock streaming exception: throttlingException",
    ]


def test_an_error_message_ends_the_stream() -> None:
    error = frame(texts(message_type="error", error_code="InternalError", error_message="gone"), b"")
    assert decoded(error, TEXT) == ["Error from aws_bedrock server: AWS Bedrock streaming error: InternalError: gone"]


def test_the_failure_keeps_the_payload() -> None:
    [failure] = BEDROCK.provider().decoder(BEDROCK.call()).feed(exception("x", {"message": "slow"}))
    assert isinstance(failure, ProviderFailure)
    assert failure.raw_response == '{"message": "slow"}'


def test_a_broken_message_ends_the_stream_after_the_good_ones() -> None:
    broken = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
    [text, error] = decoded(TEXT + broken + TEXT, TEXT)
    assert text == [TextChunk("0", "a")]
    assert error.startswith(FATAL + "the message has the checksum ")


def test_a_stream_that_ends_inside_a_message() -> None:
    assert decoded(TEXT, TEXT[:-1]) == [[TextChunk("0", "a")], FATAL + "it ended inside a message"]


def test_a_bad_payload_is_only_an_error_event() -> None:
    [bad, text] = decoded(event("contentBlockDelta", b"{bad"), TEXT)
    assert bad.startswith("Error from aws_bedrock server: Error parsing message: ")
    assert bad.endswith(", Data: {bad")
    assert text == [TextChunk("0", "a")]


@pytest.mark.parametrize(
    ("status", "content_type", "opens"),
    [
        (200, "application/vnd.amazon.eventstream", True),
        (200, "text/event-stream", False),
        (200, "", False),
        (429, "application/vnd.amazon.eventstream", False),
    ],
)
def test_what_opens_a_stream(status: int, content_type: str, opens: bool) -> None:
    assert BEDROCK.provider().opens_stream(status, {"content-type": content_type}) == opens


def test_errors_of_a_stream_that_did_not_open() -> None:
    provider = make_provider("p", {"type": "aws_bedrock", **BEDROCK.table})
    text = "Error from aws_bedrock server: AWS Bedrock "
    assert provider.stream_failure(429, {}, b"no").text == text + "returned error status 429 Too Many Requests: no"
    html = provider.stream_failure(200, {"content-type": "text/html"}, b"<p>")
    assert html.text == text + "answered with `text/html` instead of an event stream: <p>"
