"""What a batch provider is: a pure mapping, as `providers.base` describes it, for calls that are answered later.

To start a batch, or to look after it, may take several exchanges. A method that needs them is a generator: it yields a
request, is sent the 2xx answer to it, and so on until it returns its result. `models.batch` does the sending.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from t0.config.credentials import CredentialStore
from t0.providers.base import Provider
from t0.types.batch import BatchOutput, BatchState, StartedBatch
from t0.types.model import ModelRequest
from t0.upstream.base import HttpRequest, HttpResponse

T = TypeVar("T")
Steps = Generator[HttpRequest, HttpResponse, T]


class BatchProvider(Provider):
    """One `[models.M.providers.P]` entry, as batches use it."""

    def __init__(self, name: str, config: Any, credentials: CredentialStore, settings: Any = None) -> None:
        """`settings` is `[provider_types.T.batch]`, if there is one. Raises as `Provider` does."""
        super().__init__(name, config, credentials)
        self.settings = settings

    def batch_row(self, inference_id: str, call: ModelRequest) -> str:
        """The line that asks for one inference. Raises what `request` raises."""
        raise NotImplementedError

    def start_batch(self, rows: Sequence[str], credentials: Mapping[str, str]) -> Steps[StartedBatch]:
        """Has the provider begin. Raises `RequestError`."""
        raise NotImplementedError

    def poll_batch(self, params: Mapping[str, Any]) -> Steps[BatchState]:
        """How the batch stands; `params` are those of `StartedBatch`. Raises `RequestError`."""
        raise NotImplementedError

    def fetch_output(self, output: str) -> Steps[bytes]:
        """The results of a completed batch; `output` is that of `BatchState`. Raises `RequestError`."""
        raise NotImplementedError

    def read_output(self, content: bytes, model_name: str) -> Iterator[BatchOutput]:
        """The results in `content`, one by one, without those that cannot be read."""
        raise NotImplementedError
