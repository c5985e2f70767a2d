from collections.abc import Iterator
from typing import Any, Self, final

@final
class Column:
    """A column of a block, growing by a value for each row.

    The server converts a column to the type that it has in the table, so texts do for names and enums.

    | type                                       | values                                                       |
    |--------------------------------------------|--------------------------------------------------------------|
    | `String`                                   | `str`, or `bytes` of text that is encoded already            |
    | `UUID`                                     | `str`, in the spellings that `uuid7.parse` takes             |
    | `Bool`                                     | `bool`                                                       |
    | `UInt32`                                   | `int` from 0 to 2**32 - 1                                    |
    | `UInt256`                                  | `str`, decimal                                               |
    | `Float32`                                  | `float` or `int`; beyond its range infinite                  |
    | `Decimal(18, 9)`                           | `str` with nine digits after the point                       |
    | `Array(String)`, `Map(String, String)`     | `list`, `dict` of `str` or `bytes`                           |
    | `Nullable(T)` of those but the last two    | `None` as well                                               |

    Format: https://clickhouse.com/docs/interfaces/formats/Native.
    """

    def __new__(cls, name: str, type: str) -> Self:
        """Raises ValueError for another type."""

    def __len__(self) -> int: ...
    @property
    def size(self) -> int:
        """The bytes of all values so far."""

    def extend(self, values: list[Any]) -> None:
        """Adds all of the values, or none: raises ValueError for one that does not fit, and names it."""

    def undo(self) -> None:
        """Takes back the last `extend`; without one, or done already, nothing happens."""

    def clear(self) -> None:
        """Forgets all values. The memory stays, for the next ones, unless pieces of it are still held."""

    def pieces(self) -> Iterator[memoryview]:
        """What is sent, in parts of 256 KiB at most, as views of the column's memory.

        As long as they are held, adding a value raises BufferError.
        """

def head(columns: int, rows: int) -> bytes:
    """The first bytes of a block; its columns follow. Raises ValueError for negative numbers."""
