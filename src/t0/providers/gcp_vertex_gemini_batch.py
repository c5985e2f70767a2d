"""Batch prediction on Vertex AI: requests and answers are objects in Cloud Storage."""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from t0._core import uuid7
from t0.config.credentials import CredentialStore
from t0.config.schema.models import GcpBatch
from t0.errors import InferenceError, ProviderFailure
from t0.providers.base import USER_AGENT, HeaderItems, endpoint
from t0.providers.batch import BatchProvider, Steps
from t0.providers.gcp_vertex_gemini import GCPVertexGemini
from t0.providers.json_provider import UNREADABLE, body_text
from t0.types.batch import BatchOutput, BatchState, BatchStatus, StartedBatch
from t0.types.model import ModelRequest
from t0.types.params import ChatCompletionParams
from t0.upstream.base import HttpRequest, HttpResponse, Url

STORAGE = "https://storage.googleapis.com/"
LABEL = "tensorzero::inference_id"

_PENDING = ("PENDING", "RUNNING", "QUEUED", "PAUSED", "UPDATING", "UNSPECIFIED")
_DONE = ("SUCCEEDED", "PARTIALLY_SUCCEEDED")
_STATES: dict[str, BatchStatus] = {
    **{f"JOB_STATE_{name}": "pending" for name in _PENDING},
    **{f"JOB_STATE_{name}": "completed" for name in _DONE},
}
"""All others are failures."""


class WireOutputInfo(Struct, rename="camel"):
    gcs_output_directory: str | None = None


class WireJob(Struct, rename="camel"):
    name: str
    state: str = "JOB_STATE_UNSPECIFIED"
    output_info: WireOutputInfo | None = None
    error: Any = None


class WireRequest(Struct):
    labels: dict[str, str]


class WireRow(Struct):
    request: WireRequest
    response: Raw


_jobs = msgspec.json.Decoder(WireJob)
_rows = msgspec.json.Decoder(WireRow)
_encode = msgspec.json.Encoder().encode


class StorageLogin(GCPVertexGemini):
    """The provider's credential, as Cloud Storage takes it."""

    def audience(self) -> str:
        return STORAGE


class GCPVertexGeminiBatches(BatchProvider, GCPVertexGemini):
    def __init__(self, name: str, config: Any, credentials: CredentialStore, settings: Any = None) -> None:
        super().__init__(name, config, credentials, settings)
        self._storage = StorageLogin(name, config, credentials)

    def batch_row(self, inference_id: str, call: ModelRequest) -> str:
        return _encode({"request": {**self.body(call), "labels": {LABEL: inference_id}}}).decode()

    def start_batch(self, rows: Sequence[str], credentials: Mapping[str, str]) -> Steps[StartedBatch]:
        inputs, outputs = self._prefixes()
        if self.config.model_id is None:
            raise InferenceError("Model ID is required for batch inference (not endpoint ID)")
        batch_id = uuid7.new()
        source = f"{inputs}/tensorzero-batch-input-{batch_id}.jsonl"
        yield self._object("PUT", source, credentials, "\n".join(rows).encode())
        job = {
            "displayName": f"tensorzero-batch-{batch_id}",
            "model": self.config.resource(),
            "inputConfig": {"instancesFormat": "jsonl", "gcs_source": {"uris": source}},
            "outputConfig": {
                "predictionsFormat": "jsonl",
                "gcs_destination": {"outputUriPrefix": f"{outputs}/tensorzero-batch-output-{batch_id}"},
            },
        }
        path = f"projects/{self.config.project_id}/locations/{self.config.location}/batchPredictionJobs"
        request = HttpRequest("POST", self._url(path), self._plain_headers(False, credentials), _encode(job))
        answer = yield request
        started = self._job(answer)
        return StartedBatch(
            params={"job_url_suffix": started.name},
            raw_request=request.body.decode(),
            raw_response=body_text(answer.body),
        )

    def poll_batch(self, params: Mapping[str, Any]) -> Steps[BatchState]:
        request = HttpRequest("GET", self._url(params["job_url_suffix"]), self._plain_headers(False, {}), b"")
        answer = yield request
        job = self._job(answer)
        folder = job.output_info.gcs_output_directory if job.output_info is not None else None
        status = _STATES.get(job.state, "failed")
        return BatchState(
            status="failed" if status == "completed" and folder is None else status,
            raw_request=str(request.url),
            raw_response=body_text(answer.body),
            output=f"{folder.rstrip('/')}/predictions.jsonl" if folder is not None else "",
            errors=[] if job.error is None else [_encode(job.error).decode()],
        )

    def fetch_output(self, output: str) -> Steps[bytes]:
        answer = yield self._object("GET", output, {})
        return answer.body

    def read_output(self, content: bytes, model_name: str) -> Iterator[BatchOutput]:
        # Names the model of unknown blocks; what was asked is not needed to read an answer.
        call = ModelRequest(model_name=model_name, messages=[], params=ChatCompletionParams())
        for line in BytesIO(content):
            try:
                row = _rows.decode(line)
                body = bytes(row.response)
                response, inference_id = self.response(call, {}, body), row.request.labels[LABEL]
            except (*UNREADABLE, ProviderFailure, KeyError):
                continue
            yield BatchOutput(inference_id=inference_id, response=response, raw_response=body_text(body))

    # -- exchanges -----------------------------------------------------------------------------------------------------

    def _prefixes(self) -> tuple[str, str]:
        """Where the input and the output go, as `gs://` URIs without a final slash."""
        settings: GcpBatch | None = self.settings
        if settings is None or settings.input_uri_prefix is None or settings.output_uri_prefix is None:
            raise InferenceError("Missing config section: `[provider_types.gcp_vertex_gemini.batch]`")
        return settings.input_uri_prefix.rstrip("/"), settings.output_uri_prefix.rstrip("/")

    def _url(self, path: str) -> Url:
        return endpoint(self.api_base(), quote(path, safe="/"))

    def _object(self, method: str, uri: str, credentials: Mapping[str, str], body: bytes = b"") -> HttpRequest:
        path = quote(uri.removeprefix("gs://"), safe="/")
        key = self._storage.credential.value(credentials)
        auth = self._storage.auth_headers(key) if key is not None else ()
        kind: HeaderItems = (("content-type", "application/jsonl"),) if body else ()
        return HttpRequest(method, endpoint(STORAGE, path), (*kind, ("accept", "*/*"), USER_AGENT, *auth), body)

    def _job(self, answer: HttpResponse) -> WireJob:
        try:
            return _jobs.decode(answer.body)
        except UNREADABLE as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", body_text(answer.body)) from e
