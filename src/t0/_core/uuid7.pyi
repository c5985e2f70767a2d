from typing import final

@final
class Generator:
    """A source of UUIDv7 that only goes up, whatever its clock does.

    Random bits come from the operating system. Threads may share it.
    """

    def __init__(self) -> None: ...
    def new(self, unix_ms: int) -> str:
        """The next id for a clock that shows `unix_ms`: canonical text, greater than every id before.

        A clock that stands still or goes back yields ids that count on from the last one, so its time may be later than
        `unix_ms`. Raises ValueError outside 0 to 2**48 - 1.
        """

    def reseed(self) -> None:
        """Takes new random bits and leaves the sequence that a forked process would share; ids still go up."""

def new() -> str:
    """A new UUIDv7 from the current time, hyphenated lower-case, greater than every one this process made before.

    Threads may call it. A forked child draws its own random bits.
    """

def new_at(unix_ms: int) -> str:
    """A UUIDv7 of the given time, random in all other bits; two of the same time are in no order.

    Raises ValueError outside 0 to 2**48 - 1.
    """

def parse(text: str) -> str:
    """The canonical text (hyphenated, lower-case) of a UUID of any version.

    Accepts what Rust's `uuid` crate does: hyphenated, 32 digits, `{hyphenated}` and `urn:uuid:hyphenated`, with digits
    of any case. Raises ValueError with that crate's text otherwise.
    """

def version(text: str) -> int:
    """The version field of a UUID, 0 to 15. Raises ValueError as `parse` does."""

def unix_ms(text: str) -> int:
    """The first 48 bits of a UUID: for version 7 its time in Unix milliseconds. Raises ValueError as `parse` does."""

def to_bytes(text: str) -> bytes:
    """The 16 bytes of a UUID, most significant first. Raises ValueError as `parse` does."""
