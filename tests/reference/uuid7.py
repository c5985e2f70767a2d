"""UUIDv7 with the standard library."""

import os
import re
import time
import uuid

CANONICAL = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SPELLING = re.compile(rf"{CANONICAL}|\{{{CANONICAL}\}}|(?-i:urn:uuid:){CANONICAL}|[0-9a-f]{{32}}", re.IGNORECASE)


def new() -> str:
    bits = int.from_bytes(os.urandom(10), "big")
    return assemble(time.time_ns() // 1_000_000, bits >> 68, bits & (1 << 62) - 1)


def assemble(unix_ms: int, rand_a: int, rand_b: int) -> str:
    return str(uuid.UUID(int=unix_ms << 80 | 7 << 76 | rand_a << 64 | 2 << 62 | rand_b))


def parse(text: str) -> str:
    if not text.isascii() or SPELLING.fullmatch(text) is None:
        raise ValueError(text)
    return str(uuid.UUID(text))
