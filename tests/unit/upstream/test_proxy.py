import pytest

from t0.errors import ConfigError
from t0.upstream.base import Url
from t0.upstream.proxy import ProxyRules

HTTP, HTTPS = "http://api.example/", "https://api.example/"

VARIABLES = [
    ({}, None, None),
    ({"HTTP_PROXY": "http://p:1"}, "http://p:1", None),
    ({"https_proxy": "http://p:1"}, None, "http://p:1"),
    ({"ALL_PROXY": "http://p:1"}, "http://p:1", "http://p:1"),
    ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "https://q:2"}, "http://p:1", "https://q:2"),
    ({"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:2"}, None, "http://p:1"),
    ({"HTTP_PROXY": "", "http_proxy": "p:1"}, "http://p:1", None),
    ({"HTTP_PROXY": "http://u:s@p:1"}, "http://u:s@p:1", None),
    ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None, None),
]


@pytest.mark.parametrize(("env", "http", "https"), VARIABLES, ids=[" ".join(case[0]) or "none" for case in VARIABLES])
def test_which_variable_names_the_proxy(env, http, https):
    rules = ProxyRules.from_env(env)
    assert (rules.proxy_for(Url.parse(HTTP)), rules.proxy_for(Url.parse(HTTPS))) == (http, https)
    assert rules.any == (http is not None or https is not None)


@pytest.mark.parametrize(
    ("exempt", "url", "direct"),
    [
        ("", "http://h/", False),
        ("*", "http://h/", True),
        ("h", "http://h/", True),
        ("h", "http://H/", True),
        ("h", "http://x.h/", True),
        ("h", "http://xh/", False),
        (".h", "http://x.h/", True),
        (".h", "http://h/", True),
        ("*.h", "http://x.h/", True),
        ("a, h ,b", "http://h/", True),
        ("h:80", "http://h/", True),
        ("h:81", "http://h/", False),
        ("h:81", "http://h:81/", True),
        ("127.0.0.1", "http://127.0.0.1:5/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://h/", False),
        ("10.0.0.1:80", "http://10.0.0.1/", True),
        ("::1", "http://[::1]/", True),
        ("[::1]:80", "http://[::1]/", True),
        ("[::1]:81", "http://[::1]/", False),
        ("fd00::/8", "http://[fd12::1]/", True),
        (",,.", "http://h/", False),
    ],
)
def test_who_is_exempt(exempt, url, direct):
    rules = ProxyRules.from_env({"HTTP_PROXY": "http://p", "no_proxy": exempt})
    assert rules.proxy_for(Url.parse(url)) == (None if direct else "http://p")


def test_a_proxy_that_cannot_be_used():
    with pytest.raises(ConfigError) as caught:
        ProxyRules.from_env({"ALL_PROXY": "socks5://user:secret@p:1"})
    assert str(caught.value) == "`ALL_PROXY` has the scheme `socks5`; expected an http or https URL with a host"
