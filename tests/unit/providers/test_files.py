"""Files on their way to a provider."""

from typing import Any

import pytest

from t0.errors import BadFileFetch, InvalidMessage
from t0.providers.files import chat_part, image_forwarded, payload, suffix, url_forwarded
from t0.types.content import File

URL = "https://files.example.com/a"


def part(file: File, *, fetch: bool = False, detail: bool = True, kinds: Any = None) -> Any:
    return chat_part(file, fetch=fetch, detail=detail, kinds=kinds or {}, label="Test")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        pytest.param(File(url=URL), {"type": "image_url", "image_url": {"url": URL}}, id="URL of unknown type"),
        pytest.param(
            File(url=URL, mime_type="image/png", detail="low"),
            {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
            id="URL of an image",
        ),
        pytest.param(
            File(mime_type="image/webp", data="AA=="),
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AA=="}},
            id="image",
        ),
        pytest.param(
            File(mime_type="audio/x-wav", data="AA=="),
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            id="audio",
        ),
        pytest.param(
            File(mime_type="application/pdf", data="AA=="),
            {"type": "file", "file": {"filename": "input.pdf", "file_data": "data:application/pdf;base64,AA=="}},
            id="document",
        ),
        pytest.param(
            File(mime_type="text/plain", data="AA==", filename="notes.md"),
            {"type": "file", "file": {"filename": "notes.md", "file_data": "data:text/plain;base64,AA=="}},
            id="document with a name",
        ),
    ],
)
def test_parts(file: File, expected: Any) -> None:
    assert part(file) == expected


def test_detail_is_dropped_where_it_is_not_taken() -> None:
    file = File(url=URL, detail="high")
    assert part(file, detail=False) == {"type": "image_url", "image_url": {"url": URL}}


def test_kinds_are_overridden_by_type() -> None:
    pdf = File(mime_type="application/pdf", data="AA==")
    assert part(pdf, kinds={"application/pdf": "image_url"})["type"] == "image_url"


@pytest.mark.parametrize(
    ("file", "fetch", "image", "any_type"),
    [
        (File(url=URL), False, True, False),
        (File(url=URL, mime_type="image/png"), False, True, True),
        (File(url=URL, mime_type="image/png"), True, False, False),
        (File(url=URL, mime_type="application/pdf"), False, False, True),
        (File(mime_type="image/png", data="AA=="), False, False, False),
    ],
    ids=["unknown type", "image", "image to be fetched", "document", "no URL"],
)
def test_forwarding(file: File, fetch: bool, image: bool, any_type: bool) -> None:
    assert image_forwarded(file, fetch=fetch) is image
    assert url_forwarded(file, fetch=fetch) is any_type


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("image/jpeg", "jpg"),
        ("audio/mp4", "m4a"),
        ("audio/x-aiff", "aiff"),
        ("text/html", "html"),
        ("image/svg+xml", "svg"),
    ],
)
def test_suffixes(mime_type: str, expected: str) -> None:
    assert suffix(mime_type) == expected


@pytest.mark.parametrize(
    ("mime_type", "message"),
    [
        ("application/x-nothing", "Mime type application/x-nothing has no filetype suffix"),
        ("audio/x-nothing", "Unsupported audio MIME type: audio/x-nothing. Supported types: audio/midi, "),
    ],
)
def test_types_without_suffix(mime_type: str, message: str) -> None:
    with pytest.raises(InvalidMessage) as error:
        suffix(mime_type)
    assert error.value.text.startswith(message)


def test_a_file_that_was_not_fetched() -> None:
    with pytest.raises(BadFileFetch, match=f"^Error fetching file from {URL}: "):
        payload(File(url=URL, mime_type="application/pdf"))
