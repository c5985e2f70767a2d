"""Downloads: what is followed, what is refused, and which MIME type comes of it."""

import asyncio

import pytest

from t0.errors import BadFileFetch
from t0.files import fetch
from t0.files.fetch import Download, download
from unit.files.web import Page, Web

URL = "http://files.example.com/a"
PNG = b"\x89PNG\r\n\x1a\n\0\0"


def get(web: Web, url: str = URL, max_bytes: int = 100) -> Download:
    return asyncio.run(download(web, url, max_bytes))


def refusal(web: Web, url: str = URL, max_bytes: int = 100) -> str:
    with pytest.raises(BadFileFetch) as caught:
        get(web, url, max_bytes)
    return caught.value.text


@pytest.mark.parametrize(
    ("body", "stated", "expected"),
    [
        pytest.param(PNG, "image/jpeg", "image/png", id="the first bytes decide"),
        pytest.param(b"plain", "text/plain", "text/plain", id="else the server"),
        pytest.param(b"plain", "Text/Plain; charset=utf-8", "text/plain", id="without parameters"),
        pytest.param(b"plain", None, None, id="nobody knows"),
        pytest.param(b"", "", None, id="empty"),
    ],
)
def test_mime_type(body: bytes, stated: str | None, expected: str | None) -> None:
    headers = {} if stated is None else {"content-type": stated}
    assert get(Web({URL: Page(body, headers=headers)})) == Download(body, expected)


def test_parts_are_joined_and_the_exchange_is_closed() -> None:
    web = Web({URL: Page(PNG[:3], PNG[3:])})
    assert get(web) == Download(PNG, "image/png")
    assert [o.closed for o in web.opened] == [True]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        pytest.param("https://other.example.com/b?c=d", "https://other.example.com/b?c=d", id="absolute"),
        pytest.param("/b", "http://files.example.com/b", id="path"),
        pytest.param("b", "http://files.example.com/b", id="relative"),
        pytest.param("//other.example.com/b", "http://other.example.com/b", id="without scheme"),
    ],
)
def test_redirects_are_followed(status: int, location: str, target: str) -> None:
    web = Web({URL: Page(b"moved", status=status, headers={"location": location}), target: Page(PNG)})
    assert get(web) == Download(PNG, "image/png")
    assert web.asked == [URL, target]
    assert [o.closed for o in web.opened] == [True, True]


def test_a_circle_of_redirects_ends() -> None:
    web = Web({URL: Page(status=302, headers={"location": URL})})
    assert refusal(web) == f"Error fetching file from {URL}: it was redirected more than 10 times"
    assert len(web.asked) == 11


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        pytest.param(Page(b"gone", status=404), "HTTP error 404 Not Found: gone", id="status"),
        pytest.param(
            Page(b"x" * 600, b"y" * 600, status=500),
            "HTTP error 500 Internal Server Error: " + "x" * 600 + "y" * 400,
            id="long error",
        ),
        pytest.param(Page(b"", status=304), "HTTP error 304 Not Modified: ", id="not modified"),
        pytest.param(Page(b"", status=302), "HTTP error 302 Found: ", id="redirect to nowhere"),
        pytest.param(
            Page(status=302, headers={"location": "file:///etc/passwd"}),
            "`file:///etc/passwd` is not an absolute http or https URL",
            id="redirect to a file",
        ),
        pytest.param(
            Page(status=302, headers={"location": "http://elsewhere.example.com/"}),
            "Could not connect to http://elsewhere.example.com: refused",
            id="redirect to a dead host",
        ),
        pytest.param(Page(b"x" * 60, b"y" * 60), "the file is longer than 100 bytes", id="too long"),
    ],
)
def test_refused(page: Page, reason: str) -> None:
    assert refusal(Web({URL: page})) == f"Error fetching file from {URL}: {reason}"


def test_a_file_of_the_greatest_length_is_taken() -> None:
    assert get(Web({URL: Page(b"x" * 60, b"y" * 40)})).body == b"x" * 60 + b"y" * 40


def test_no_more_is_read_than_shows_that_a_file_is_too_long() -> None:
    web = Web({URL: Page(*[b"x" * 60] * 100)})
    refusal(web)
    assert len(web.opened[0]._rest) == 98
    assert web.opened[0].closed


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://files.example.com/a", "`ftp://files.example.com/a` is not an absolute http or https URL"),
        (
            "http://user:secret@files.example.com/a",
            "The URL of host `files.example.com` carries a user name; put credentials in a header",
        ),
    ],
    ids=["other scheme", "user name"],
)
def test_only_plain_web_addresses_are_fetched(url: str, reason: str) -> None:
    web = Web({})
    assert refusal(web, url) == f"Error fetching file from {url}: {reason}"
    assert web.asked == []


def test_a_server_that_stays_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.01)
    web = Web({URL: Page(PNG, gate=asyncio.Event())})
    assert refusal(web) == f"Error fetching file from {URL}: the download took longer than 0.01 s"
