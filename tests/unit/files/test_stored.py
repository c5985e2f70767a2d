"""Keys of stored files, and request bodies without their payloads."""

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t0.files.stored import object_key, without_payloads
from t0.types.content import File, ModelMessage, Text

AAAA = "26c7bb3daaaa0439eb3e5c5270e7c4db05218d8892a0258fbd4911cef5006d23"


@pytest.mark.parametrize(
    ("mime_type", "key"),
    [
        ("image/jpeg", f"observability/files/{AAAA}.jpg"),
        ("audio/x-wav", f"observability/files/{AAAA}.wav"),
        ("text/csv", f"observability/files/{AAAA}.csv"),
        ("application/x-zzz", f"observability/files/{AAAA}"),
        ("audio/x-zzz", f"observability/files/{AAAA}"),
    ],
    ids=["known", "audio", "guessed", "unknown", "unknown audio"],
)
def test_object_key(mime_type: str, key: str) -> None:
    assert object_key("AAAA", mime_type) == key


@given(st.text())
def test_the_key_is_made_of_the_text_and_not_of_what_it_encodes(data: str) -> None:
    assert object_key(data, "image/png") == f"observability/files/{blake3.blake3(data.encode()).hexdigest()}.png"


def image(data: str | None, url: str | None = None) -> File:
    return File(url=url, mime_type="image/png", data=data)


DATA_URI = '{"url":"data:image/png;base64,%s"}'
MENTIONED = '{"text":"iVBOs are iVBO images","data":"%s"}'
FIRST, SECOND = "<TENSORZERO_FILE_0>", "<TENSORZERO_FILE_1>"
A, B = image("AA=="), image("BB==")


@pytest.mark.parametrize(
    ("raw", "files", "expected"),
    [
        pytest.param(DATA_URI % "iVBO", [image("iVBO")], DATA_URI % FIRST, id="data URI"),
        pytest.param('{"data":"AA=="}', [A], f'{{"data":"{FIRST}"}}', id="whole string"),
        pytest.param('["AA==","BB=="]', [A, B], f'["{FIRST}","{SECOND}"]', id="several"),
        pytest.param('["AA==","AA=="]', [A, A], f'["{FIRST}","{FIRST}"]', id="the same file twice"),
        pytest.param('["http://x","BB=="]', [image(None, "http://x"), B], f'["http://x","{FIRST}"]', id="forwarded"),
        pytest.param(MENTIONED % "iVBO", [image("iVBO")], MENTIONED % FIRST, id="text that mentions it"),
        pytest.param('{"text":""}', [image("")], '{"text":""}', id="empty file"),
        pytest.param('{"text":"x"}', [], '{"text":"x"}', id="no file"),
    ],
)
def test_without_payloads(raw: str, files: list[File], expected: str) -> None:
    assert without_payloads(raw, [ModelMessage("user", [Text("look"), f]) for f in files]) == expected
