"""Arbitrary bytes into the answer and the request parser: our error or a value, the same for every split; no crash.

    python tests/fuzz/http1.py [seconds] [seed]

Mutates sound answers and requests. Meant for kernels built with T0_SANITIZE=address,undefined, where an over-read ends
the run.
"""

import random
import sys
import time
from collections.abc import Callable

from t0._core.http1 import RequestParser, ResponseParser
from t0.errors import MalformedRequest, MalformedResponse

LIMIT = 200

ANSWERS = [
    b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5;a=b\r\nhello\r\n0\r\nt: 1\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3, 3\r\n\r\nabcHTTP",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 500 x\r\n\r\nuntil the end",
]
REQUESTS = [
    b"POST /a?b HTTP/1.1\r\nhost: h\r\ncontent-type: a/b\r\ncontent-length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5;a=b\r\nhello\r\n0\r\nt: 1\r\n\r\n",
    b"GET http://h/ HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 3, 3\r\n\r\nabcGET",
    b"\r\n\r\nOPTIONS * HTTP/1.1\r\nhost:\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
]
SPICE = [b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b",", b";", b"0", b"f" * 20, b"9" * 25, b"\x00", b"\xff", b"chunked"]


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randrange(6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at:at] = rng.choice(SPICE)
            case 1:
                del data[at : at + rng.randrange(1, 9)]
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                data[at:at] = rng.choice(seeds)[: rng.randrange(40)]
    return bytes(data)


def answer(pieces: list[bytes]) -> object:
    parser = ResponseParser(LIMIT)
    try:
        body = b"".join([parser.feed(piece) for piece in pieces])
        parser.feed_eof()
    except MalformedResponse as error:
        return str(error)
    return parser.status, parser.headers, body, parser.complete, parser.reusable


def requests(pieces: list[bytes]) -> object:
    """All requests in the pieces, one after the other, up to the first error."""
    parser = RequestParser(LIMIT)
    seen: list[object] = []
    waiting, body = pieces[::-1], b""
    try:
        while waiting:
            body += parser.feed(waiting.pop())
            if parser.complete:
                seen.append((parser.method, parser.target, parser.headers, body, parser.minor, parser.reusable))
                waiting += [parser.surplus] if parser.surplus else []
                parser.start()
                body = b""
    except MalformedRequest as error:
        return [*seen, (str(error), error.status)]
    return [*seen, (parser.method, parser.target, parser.headers, body, parser.has_head, parser.expects_continue)]


def compare(rng: random.Random, seeds: list[bytes], outcome: Callable[[list[bytes]], object]) -> None:
    """Raises `AssertionError` with the bytes that showed a difference."""
    data = mutated(rng, seeds)
    cut = rng.randrange(len(data) + 1)
    whole = outcome([data])
    assert outcome([data[:cut], data[cut:]]) == whole, data
    assert outcome([data[i : i + 1] for i in range(len(data))]) == whole, data


def run(seconds: float, seed: int) -> int:
    """Gives the number of answers tried, and of requests."""
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        compare(rng, ANSWERS, answer)
        compare(rng, REQUESTS, requests)
        tried += 1
    return tried


if __name__ == "__main__":
    seconds, seed = (*map(int, sys.argv[1:]), *(10, 0)[len(sys.argv) - 1 :])
    print(f"seed {seed}: {run(seconds, seed)} answers and as many requests without a difference")
