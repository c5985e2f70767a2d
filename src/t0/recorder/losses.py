"""What workers lost and cannot say themselves: they only count, in their rings."""

import logging

from t0.recorder.sources import Sources

logger = logging.getLogger("t0.recorder")

_MEANING = {
    "dropped": "%d rows were dropped: the queue held `write_queue_capacity` rows",
    "spill_failed": "%d records were lost: the ring was full and the spill file could not be written (disk full?)",
    "corrupted": "%d damaged records were passed over",
}


class LossWatch:
    """Reports losses since the last report. What was lost before it was made is in the metrics only."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._seen = self._totals()

    def _totals(self) -> dict[str, int]:
        rings = [ring for _, ring in self._sources.rings()]
        totals = {name: sum(getattr(ring, name) for ring in rings) for name in _MEANING}
        totals["corrupted"] += self._sources.damaged
        return totals

    def report(self) -> None:
        """Logs each kind of loss that grew, as an error."""
        totals = self._totals()
        for name, text in _MEANING.items():
            if (lost := totals[name] - self._seen[name]) > 0:
                logger.error(text, lost)
        self._seen = totals
