"""The draw of a variant with the standard library. Run as a script, it prints tests/golden/sampling.csv."""

import csv
import hashlib
import sys
import uuid
from collections.abc import Sequence
from typing import TextIO

NAMES = [
    "",
    "a",
    "draft_email",
    "extract",
    "tensorzero::default",
    "name, with a comma",
    "grüße",
    "函数",
    "🙂",
    # SHA-256 pads to blocks of 64 bytes, and the episode takes 16: the last name of one block, the first of two, …
    *("n" * size for size in (38, 39, 40, 47, 48, 63, 64, 65, 102, 103, 104, 127, 128, 1000)),
]
EPISODES = [
    *(f"01950000-0000-7000-8000-00000000000{n}" for n in range(1, 5)),
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0197c5a0-8a35-7f42-9c3b-5d1e8f60a7b4",
]


def uniform(function_name: str, episode_id: str) -> float:
    digest = hashlib.sha256(function_name.encode() + uuid.UUID(episode_id).bytes).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def pick_weighted(u: float, weights: Sequence[float]) -> int:
    total, reached, last = 0.0, 0.0, -1
    for weight in weights:
        total += weight
    for index, weight in enumerate(weights):
        reached += weight
        if weight > 0:
            last = index
            if reached > u * total:
                return index
    return last


def write_golden(out: TextIO) -> None:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["function_name", "episode_id", "u"])
    rows.writerows([name, episode, uniform(name, episode)] for name in NAMES for episode in EPISODES)


if __name__ == "__main__":
    write_golden(sys.stdout)
