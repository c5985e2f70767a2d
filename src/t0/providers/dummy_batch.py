"""Batches of the test provider: they start, and that is all."""

from collections.abc import Mapping, Sequence

import msgspec

from t0._core import uuid7
from t0.errors import UnsupportedProviderForBatch
from t0.providers.batch import BatchProvider, Steps
from t0.providers.dummy import Dummy
from t0.types.batch import BatchState, StartedBatch
from t0.types.model import ModelRequest


class DummyBatches(BatchProvider, Dummy):
    def batch_row(self, inference_id: str, call: ModelRequest) -> str:
        return msgspec.json.encode({"custom_id": inference_id, "body": "raw request"}).decode()

    def start_batch(self, rows: Sequence[str], credentials: Mapping[str, str]) -> Steps[StartedBatch]:
        self._credential.value(credentials)
        yield from ()
        params = {"file_id": uuid7.new(), "batch_id": uuid7.new()}
        return StartedBatch(params=params, raw_request="raw request", raw_response="raw response")

    def poll_batch(self, params: Mapping[str, object]) -> Steps[BatchState]:
        raise UnsupportedProviderForBatch(self.type)
