"""The socket that serves the recorder's metrics: connect, read the text, end of file."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger("t0.recorder")

_MAX_ADDRESS_BYTES = 100
_SEND_TIMEOUT_S = 5.0


def socket_path(data_dir: Path) -> Path:
    return data_dir / "recorder" / "metrics.sock"


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The path as a socket address, which must be short: Linux reaches the same place through an open folder."""
    if len(os.fsencode(path)) <= _MAX_ADDRESS_BYTES or not Path("/proc/self/fd").exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def scrape(data_dir: Path, timeout_s: float = 5.0) -> bytes:
    """The metrics in the Prometheus text format. Raises `OSError` (`TimeoutError` too) when no recorder answers."""
    async with asyncio.timeout(timeout_s):
        with _address(socket_path(data_dir)) as address:
            reader, writer = await asyncio.open_unix_connection(address)
        try:
            return await reader.read()
        finally:
            writer.close()


class MetricsServer:
    """Answers each connection with `text()`, in a thread of its own, until `close`."""

    def __init__(self, data_dir: Path, text: Callable[[], bytes]) -> None:
        self._path = socket_path(data_dir)
        self._text = text
        self._listener = self._listen()
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def _listen(self) -> socket.socket:
        """A listening socket; its name appears, in the place of a killed recorder's, only once it accepts."""
        listener = socket.socket(socket.AF_UNIX)
        unready = self._path.with_suffix(".new")
        unready.unlink(missing_ok=True)
        with _address(unready) as address:
            listener.bind(address)
        unready.chmod(0o600)
        listener.listen()
        unready.rename(self._path)
        return listener

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_SEND_TIMEOUT_S)
        try:
            connection.sendall(self._text())
        except OSError as error:
            logger.warning("a reader of the metrics went away: %s", error)
        except Exception:
            logger.exception("the metrics could not be made")

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in `accept`.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._path.unlink(missing_ok=True)
