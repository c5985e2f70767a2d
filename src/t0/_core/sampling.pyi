"""The deterministic draw of a variant.

The stream is a promise: the same function and episode give the same `uniform` value forever, on every machine and in
every release, and the same value picks the same index. TensorZero's gateway draws the same values.
"""

from collections.abc import Sequence

def uniform(function_name: str, episode_id: str) -> float:
    """The draw of a function in an episode, in [0, 1): a multiple of 2**-32.

    The first four bytes, big-endian, of SHA-256 over the name in UTF-8 and the 16 bytes of the episode id, divided by
    2**32. Raises ValueError when `episode_id` is not a UUID.
    """

def pick_uniform(u: float, n: int) -> int:
    """The index floor(u * n) of `n` equal candidates. Raises ValueError unless 0 <= u < 1 and n >= 1."""

def pick_weighted(u: float, weights: Sequence[float]) -> int:
    """The index of the first candidate whose cumulated weight exceeds u * total; -1 when no weight is positive.

    A weight of 0 is never picked; where rounding leaves no candidate, the last positive one is. Weights are added from
    left to right. Raises ValueError unless 0 <= u < 1 and all weights are finite and not negative.
    """
