"""Files on their way to a provider: file name suffixes, data URIs, and the parts of chat completions."""

import mimetypes
from collections.abc import Mapping
from typing import Any, Literal

from t0.errors import BadFileFetch, InvalidMessage
from t0.providers.notices import warn_once
from t0.types.content import File

PartKind = Literal["image_url", "file", "input_audio"]

_SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "audio/midi": "mid",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/m4a": "m4a",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/amr": "amr",
    "audio/aac": "aac",
    "audio/x-aac": "aac",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/x-dsf": "dsf",
    "audio/x-ape": "ape",
    "audio/webm": "webm",
}


def suffix(mime_type: str) -> str:
    """The file name suffix for `mime_type`, without its dot. Raises `InvalidMessage` when there is none."""
    known = _SUFFIXES.get(mime_type)
    if known is not None:
        return known
    guess = mimetypes.guess_extension(mime_type)
    if guess is None:
        if mime_type.startswith("audio/"):
            supported = ", ".join(m for m in _SUFFIXES if m.startswith("audio/"))
            raise InvalidMessage(f"Unsupported audio MIME type: {mime_type}. Supported types: {supported}")
        raise InvalidMessage(f"Mime type {mime_type} has no filetype suffix")
    warn_once(f"Guessed the suffix `{guess}` for files of type `{mime_type}`")
    return guess.removeprefix(".")


def payload(file: File) -> tuple[str, str]:
    """The MIME type and base64 data of a file. Raises `BadFileFetch` for one that was not fetched."""
    if file.data is None or file.mime_type is None:
        raise BadFileFetch(file.url or "", "the file's content is not there")
    return file.mime_type, file.data


def image_forwarded(file: File, *, fetch: bool) -> bool:
    """Whether chat completions take the file by its URL: images, and what may be one, unless all files are fetched."""
    if file.url is None or fetch:
        return False
    return file.mime_type is None or file.mime_type.startswith("image/")


def url_forwarded(file: File, *, fetch: bool) -> bool:
    """Whether vendors that take any file by its URL get this one so: its type must be known."""
    return file.url is not None and file.mime_type is not None and not fetch


def chat_part(file: File, *, fetch: bool, detail: bool, kinds: Mapping[str, PartKind], label: str) -> dict[str, Any]:
    """The content part of chat completions for `file`. `kinds` overrides the part's kind by MIME type."""
    if image_forwarded(file, fetch=fetch):
        assert file.url is not None
        return _image(file.url, file, detail, label)
    mime_type, data = payload(file)
    kind = kinds.get(mime_type) or _kind(mime_type)
    if kind == "image_url":
        return _image(f"data:{mime_type};base64,{data}", file, detail, label)
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": {"data": data, "format": suffix(mime_type)}}
    name = file.filename or f"input.{suffix(mime_type)}"
    return {"type": "file", "file": {"filename": name, "file_data": f"data:{mime_type};base64,{data}"}}


def _kind(mime_type: str) -> PartKind:
    if mime_type.startswith("image/"):
        return "image_url"
    return "input_audio" if mime_type.startswith("audio/") else "file"


def _image(url: str, file: File, detail: bool, label: str) -> dict[str, Any]:
    image: dict[str, Any] = {"url": url}
    if file.detail is not None:
        if detail:
            image["detail"] = file.detail
        else:
            warn_once(f"{label} does not support the `detail` of images, so it will be ignored.")
    return {"type": "image_url", "image_url": image}
