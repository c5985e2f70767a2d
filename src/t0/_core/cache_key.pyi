from typing import Any

def material(value: Any) -> bytes:
    """The canonical bytes of a plain value: two values share them only if they are the same JSON of the same types.

    `value` is built of None, bool, int, float, str, bytes, list, tuple and dict with str keys. The order of keys is of
    no matter; a tuple counts as a list; 1, 1.0, True and "1" all differ, and so do 0.0 and -0.0. Raises TypeError for
    any other type, ValueError beyond 512 levels, UnicodeEncodeError for a str with a lone surrogate.
    """

def digest(material: bytes) -> str:
    """64 lower-case hexadecimal digits: two XXH3-128 of different seeds.

    Not cryptographic: a collision can be forged, so whoever serves a hit compares the material too.
    """

def short_key(digest: str) -> int:
    """The first 8 bytes of a digest as a little-endian u64. Raises ValueError unless it has 64 digits."""
