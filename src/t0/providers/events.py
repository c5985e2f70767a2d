"""Decoding a streamed answer that comes as server-sent events."""

from collections.abc import Iterable

from t0._core.sse import Parser
from t0.errors import ProviderFailure
from t0.providers.base import Provider
from t0.types.model import Chunk


class EventDecoder:
    """The frame of a `StreamDecoder`; subclasses map one event. `event:` names are ignored, the data tells its kind."""

    done = False

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._parser = Parser()

    def on_event(self, data: bytes) -> Chunk | None:
        """The chunk for one event's data, None when it says nothing. Raises `ProviderFailure`."""
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Chunk | ProviderFailure]:
        if self.done:
            return []
        try:
            events = self._parser.feed(data)
        except ValueError as e:
            self.done = True
            return [self._fatal(str(e))]
        return self._chunks(events)

    def end(self) -> list[Chunk | ProviderFailure]:
        if self.done:
            return []
        chunks = self._chunks(self._parser.end())
        self.done = True
        return chunks

    def _chunks(self, events: Iterable[bytes]) -> list[Chunk | ProviderFailure]:
        chunks: list[Chunk | ProviderFailure] = []
        for data in events:
            try:
                chunk = self.on_event(data)
            except ProviderFailure as failure:
                chunks.append(failure)
            else:
                if chunk is not None:
                    chunks.append(chunk)
            if self.done:
                break
        return chunks

    def _fatal(self, message: str) -> ProviderFailure:
        return ProviderFailure("fatal_stream", message, self._provider.type, api_type=self._provider.api_type)


def event_text(data: bytes) -> str:
    """The event as it is kept for raw responses; bytes that are not UTF-8 show as replacement characters."""
    return data.decode("utf-8", "replace")
