"""The recorder's time, and its wish to stop."""

import threading
import time


class Clock:
    """Setting `stop` ends its sleeps and asks the recorder to finish."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if self.stopping:
            time.sleep(seconds)
        else:
            self._stop.wait(seconds)
