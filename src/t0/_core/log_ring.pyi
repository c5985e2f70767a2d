from typing import Final, Self, final

from typing_extensions import Buffer

HEADER_BYTES: Final = 4096
MIN_CAPACITY: Final = 4096
VERSION: Final = 1

def initialize(buffer: Buffer) -> None:
    """Lays out an empty ring in a writable buffer of `HEADER_BYTES` + capacity bytes (a multiple of 16)."""

def is_initialized(buffer: Buffer) -> bool:
    """Whether a layout was finished here; a buffer of zeros has none."""

def checksum(payload: bytes, seed: int = 0) -> int:
    """XXH64."""

@final
class Ring:
    """A ring of records in a writable buffer, usually a shared mapping of a file.

    One process appends and one other reads and commits; each counter has one of them as its only writer. Raises
    `RingError` for a buffer that holds no ring of this version and size, and, from any member, when the header has
    been damaged since. Holds the buffer until `close`.
    """

    def __new__(cls, buffer: Buffer) -> Self: ...
    def append(self, payload: bytes | bytearray) -> bool:
        """Adds a record; False when there is no room for it now. When it returns, the record survives this process."""

    def read(self, max_bytes: int, position: int, end: int | None = None) -> tuple[list[bytes], int]:
        """The records from `position` on, as far as `end`, and the position after them; does not move the tail.

        Stops before the payloads exceed `max_bytes`, but returns at least one. Damaged records are left out and
        counted in `corrupted`.
        """

    def commit(self, position: int) -> None:
        """Moves the tail to `position`: the producer may now overwrite what lies before it."""

    def close(self) -> None:
        """Releases the buffer; all else then raises `RingError`."""

    @property
    def capacity(self) -> int: ...
    @property
    def head(self) -> int:
        """The position after the newest record."""

    @property
    def tail(self) -> int:
        """The position of the oldest record that was not committed."""

    @property
    def queued(self) -> int:
        """The number of records between tail and head."""

    @property
    def records(self) -> int:
        """Records ever appended."""

    @property
    def payload_bytes(self) -> int:
        """Payload bytes ever appended."""

    @property
    def spilled(self) -> int:
        """Records that the producer put into spill files."""

    @spilled.setter
    def spilled(self, value: int) -> None: ...
    @property
    def dropped(self) -> int:
        """Rows that the producer dropped because the queue was full."""

    @dropped.setter
    def dropped(self, value: int) -> None: ...
    @property
    def spill_failed(self) -> int:
        """Records lost because they could not be written to a spill file."""

    @spill_failed.setter
    def spill_failed(self, value: int) -> None: ...
    @property
    def failing(self) -> bool:
        """Set by the consumer while it cannot store what it reads."""

    @failing.setter
    def failing(self, value: bool) -> None: ...
    @property
    def corrupted(self) -> int:
        """Damaged stretches that `read` passed over."""

    @property
    def corrupted_bytes(self) -> int: ...
