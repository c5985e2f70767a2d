"""OpenAI's batch API: a file of chat completions goes up, a file of answers comes down."""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from t0.config.credentials import CredentialStore
from t0.errors import ProviderFailure
from t0.providers.base import USER_AGENT, HeaderItems, endpoint
from t0.providers.batch import BatchProvider, Steps
from t0.providers.json_provider import UNREADABLE, body_text
from t0.providers.openai import OpenAI
from t0.types.batch import BatchOutput, BatchState, BatchStatus, StartedBatch
from t0.types.content import OutputBlock
from t0.types.model import ModelRequest
from t0.types.params import ChatCompletionParams
from t0.upstream.base import HttpRequest, HttpResponse

ENDPOINT = "/v1/chat/completions"

_STATUSES: dict[str, BatchStatus] = {
    "validating": "pending",
    "in_progress": "pending",
    "finalizing": "pending",
    "completed": "completed",
}
"""All others are failures."""


class WireFile(Struct):
    id: str


class WireErrors(Struct):
    data: list[Raw] | None = None


class WireBatch(Struct):
    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: WireErrors | None = None


class WireAnswer(Struct):
    body: Raw


class WireRow(Struct):
    custom_id: str
    response: WireAnswer


_files = msgspec.json.Decoder(WireFile)
_batches = msgspec.json.Decoder(WireBatch)
_rows = msgspec.json.Decoder(WireRow)
_encode = msgspec.json.Encoder().encode


class OpenAIBatches(BatchProvider, OpenAI):
    def __init__(self, name: str, config: Any, credentials: CredentialStore, settings: Any = None) -> None:
        # Batches are made of chat completions, whichever API single calls use.
        config = replace(config, api_type="chat_completions", content_type_overrides={})
        super().__init__(name, config, credentials, settings)

    def batch_row(self, inference_id: str, call: ModelRequest) -> str:
        row = {"custom_id": inference_id, "method": "POST", "url": ENDPOINT, "body": self.body(call)}
        return _encode(row).decode()

    def start_batch(self, rows: Sequence[str], credentials: Mapping[str, str]) -> Steps[StartedBatch]:
        key = self.credential.value(credentials)
        uploaded = yield self._upload(rows, key)
        file = self._decoded(_files, uploaded)
        wanted = {"input_file_id": file.id, "endpoint": ENDPOINT, "completion_window": "24h"}
        request = self._request("POST", "batches", key, _encode(wanted), "application/json")
        answer = yield request
        batch = self._decoded(_batches, answer)
        return StartedBatch(
            params={"file_id": file.id, "batch_id": batch.id},
            raw_request=request.body.decode(),
            raw_response=body_text(answer.body),
            errors=_errors(batch),
        )

    def poll_batch(self, params: Mapping[str, Any]) -> Steps[BatchState]:
        request = self._request("GET", f"batches/{params['batch_id']}", self.credential.value({}))
        answer = yield request
        batch = self._decoded(_batches, answer)
        return BatchState(
            status=_status(batch),
            raw_request=str(request.url),
            raw_response=body_text(answer.body),
            output=batch.output_file_id or "",
            errors=_errors(batch),
        )

    def fetch_output(self, output: str) -> Steps[bytes]:
        answer = yield self._request("GET", f"files/{output}/content", self.credential.value({}))
        return answer.body

    def read_output(self, content: bytes, model_name: str) -> Iterator[BatchOutput]:
        # Names the model of unknown blocks; what was asked is not needed to read an answer.
        call = ModelRequest(model_name=model_name, messages=[], params=ChatCompletionParams())
        for line in BytesIO(content):
            try:
                row = _rows.decode(line)
                body = bytes(row.response.body)
                response = self.response(call, {}, body)
            except (*UNREADABLE, ProviderFailure):
                continue
            yield BatchOutput(inference_id=row.custom_id, response=response, raw_response=body_text(body))

    def thoughts(self, message: Any) -> list[OutputBlock]:
        return []  # as in the reference: batches give no thoughts

    # -- exchanges -----------------------------------------------------------------------------------------------------

    def _upload(self, rows: Sequence[str], key: str | None) -> HttpRequest:
        boundary = uuid4().hex
        purpose = _part(boundary, 'name="purpose"') + b"batch\r\n"
        head = _part(boundary, 'name="file"; filename="data.jsonl"', "application/json")
        body = b"".join((purpose, head, "\n".join(rows).encode(), f"\r\n--{boundary}--\r\n".encode()))
        return self._request("POST", "files", key, body, f"multipart/form-data; boundary={boundary}")

    def _request(
        self, method: str, path: str, key: str | None, body: bytes = b"", content_type: str | None = None
    ) -> HttpRequest:
        kind: HeaderItems = () if content_type is None else (("content-type", content_type),)
        auth = self.auth_headers(key) if key is not None else ()
        headers = (*kind, ("accept", "*/*"), USER_AGENT, *auth)
        return HttpRequest(method, endpoint(self.api_base(), path), headers, body)

    def _decoded(self, decoder: msgspec.json.Decoder[Any], answer: HttpResponse) -> Any:
        try:
            return decoder.decode(answer.body)
        except UNREADABLE as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", body_text(answer.body)) from e


def _part(boundary: str, disposition: str, content_type: str | None = None) -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n".encode()


def _status(batch: WireBatch) -> BatchStatus:
    status = _STATUSES.get(batch.status, "failed")
    # Without an output file not one call was answered.
    return "failed" if status == "completed" and batch.output_file_id is None else status


def _errors(batch: WireBatch) -> list[str]:
    return [bytes(e).decode() for e in (batch.errors and batch.errors.data) or ()]
