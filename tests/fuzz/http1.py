"""Arbitrary bytes into the answer parser: our error or a value, the same for every split; never a crash.

    python tests/fuzz/http1.py [seconds] [seed]

Mutates sound answers. Meant for kernels built with T0_SANITIZE=address,undefined, where an over-read ends the run.
"""

import random
import sys
import time

from t0._core.http1 import ResponseParser
from t0.errors import MalformedResponse

SEEDS = [
    b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5;a=b\r\nhello\r\n0\r\nt: 1\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3, 3\r\n\r\nabcHTTP",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 500 x\r\n\r\nuntil the end",
]
SPICE = [b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b",", b";", b"0", b"f" * 20, b"9" * 25, b"\x00", b"\xff", b"chunked"]


def mutated(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(SEEDS))
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
                data[at:at] = rng.choice(SEEDS)[: rng.randrange(40)]
    return bytes(data)


def outcome(pieces: list[bytes]) -> object:
    parser = ResponseParser(200)
    try:
        body = b"".join([parser.feed(piece) for piece in pieces])
        parser.feed_eof()
    except MalformedResponse as error:
        return str(error)
    return parser.status, parser.headers, body, parser.complete, parser.reusable


def run(seconds: float, seed: int) -> int:
    """Gives the number of answers tried. Raises `AssertionError` with the answer that showed a difference."""
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        data = mutated(rng)
        cut = rng.randrange(len(data) + 1)
        whole = outcome([data])
        assert outcome([data[:cut], data[cut:]]) == whole, data
        assert outcome([data[i : i + 1] for i in range(len(data))]) == whole, data
        tried += 1
    return tried


if __name__ == "__main__":
    seconds, seed = (*map(int, sys.argv[1:]), *(10, 0)[len(sys.argv) - 1 :])
    print(f"seed {seed}: {run(seconds, seed)} answers without a difference")
