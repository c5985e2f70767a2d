import pytest

from t0.errors import ConfigError
from t0.upstream.base import Url

URLS = [
    ("http://h", ("http", "h", 80, "/"), "h", "http://h/"),
    ("https://h/", ("https", "h", 443, "/"), "h", "https://h/"),
    ("https://H.Example:443/V1", ("https", "h.example", 443, "/V1"), "h.example", "https://h.example/V1"),
    ("http://h:443/a", ("http", "h", 443, "/a"), "h:443", "http://h:443/a"),
    ("https://h:8080/a/b?c=d&e#f", ("https", "h", 8080, "/a/b?c=d&e"), "h:8080", "https://h:8080/a/b?c=d&e"),
    ("http://h?a=b", ("http", "h", 80, "/?a=b"), "h", "http://h/?a=b"),
    ("http://[::1]:3000/x", ("http", "::1", 3000, "/x"), "[::1]:3000", "http://[::1]:3000/x"),
    ('http://h/a b/ü?c="%20{}', ("http", "h", 80, "/a%20b/%C3%BC?c=%22%20%7B%7D"), "h", None),
    ("http://h/models/m:generate@1;v=(2)!", ("http", "h", 80, "/models/m:generate@1;v=(2)!"), "h", None),
    ("https://bücher.example/", ("https", "xn--bcher-kva.example", 443, "/"), "xn--bcher-kva.example", None),
]


@pytest.mark.parametrize(("text", "parts", "authority", "shown"), URLS, ids=[case[0] for case in URLS])
def test_an_url_is_split(text, parts, authority, shown):
    url = Url.parse(text)
    assert (url.scheme, url.host, url.port, url.target) == parts
    assert url.origin == parts[:3]
    assert url.authority == authority
    if shown is not None:
        assert str(url) == shown
    assert Url.parse(str(url)) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("h/a", "`h/a` is not an absolute http or https URL"),
        ("ftp://h/", "`ftp://h/` is not an absolute http or https URL"),
        ("http:///a", "`http:///a` is not an absolute http or https URL"),
        ("http://h:x/", "`http://h:x/` is not a URL: Port could not be cast to integer value as 'x'"),
        ("http://h:70000/", "`http://h:70000/` is not a URL: Port out of range 0-65535"),
        ("http://user:secret@h/", "The URL of host `h` carries a user name; put credentials in a header"),
    ],
)
def test_what_is_no_url_of_ours(text, why):
    with pytest.raises(ConfigError) as caught:
        Url.parse(text)
    assert str(caught.value) == why
