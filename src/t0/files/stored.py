"""How files appear in stored rows: by their place, never with their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import blake3

from t0.errors import InvalidMessage
from t0.providers.files import suffix
from t0.types.content import File, InputMessage, ModelMessage


def object_key(data: str, mime_type: str) -> str:
    """The key of the file with the base64 text `data`: equal files have the same, whatever their names."""
    return f"observability/files/{blake3.blake3(data.encode()).hexdigest()}{_extension(mime_type)}"


def _extension(mime_type: str) -> str:
    try:
        return f".{suffix(mime_type)}"
    except InvalidMessage:
        return ""


def files_in(messages: Iterable[InputMessage | ModelMessage]) -> Iterator[File]:
    for message in messages:
        for block in message.content:
            if isinstance(block, File):
                yield block


def without_payloads(raw_request: str, messages: Iterable[InputMessage | ModelMessage]) -> str:
    """The request body with `<TENSORZERO_FILE_i>` in place of the i-th file that was sent as base64.

    A payload is a whole JSON string, or the end of one (`data:…;base64,…`); so short ones cannot hit other text.
    """
    payloads = [f.data for f in files_in(messages) if f.data]
    for i, data in enumerate(payloads):
        for before in ('"', ","):
            raw_request = raw_request.replace(f'{before}{data}"', f'{before}<TENSORZERO_FILE_{i}>"')
    return raw_request
