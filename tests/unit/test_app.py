"""The application: paths, methods, encodings, headers, errors that nobody foresaw."""

import gzip
import logging

import brotli
import pytest
import zstandard

from kit import HI, SMALL, FakeReader, ask, breaks, delta, make, run, says, serving, sse, streams
from t0.routes.body import MAX_BODY_BYTES
from t0.routes.table import PARAMETERIZED, ROUTES
from t0.version import VERSION

JSON = {"content-type": "application/json", "x-tensorzero-gateway-version": VERSION}
BODY = {"function_name": "f", "input": HI}


def call(folder, path, body=None, method="POST", *, config=SMALL, replies=(), **options):
    answer = run(make(folder, config, *replies).call(path, body, method, **options))
    assert answer.headers["x-tensorzero-gateway-version"] == VERSION
    assert method == "HEAD" or int(answer.headers["content-length"]) == len(answer.body)
    return answer


UNKNOWN = [
    ("GET", "/"),
    ("POST", "/inference/"),
    ("POST", "/Inference"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/openai/v1/completions"),
    ("GET", "/openai/v1/models"),
    ("DELETE", "/nope/a b"),
]


@pytest.mark.parametrize(("method", "path"), UNKNOWN, ids=[f"{m} {p}" for m, p in UNKNOWN])
def test_unknown_paths(tmp_path, method, path):
    answer = call(tmp_path, path, b"{", method, query=b"a=b")
    expected = f'{{"error":"Route not found: {method} {path}"}}'
    assert (answer.status, answer.body.decode()) == (404, expected)
    assert answer.headers == {**JSON, "content-length": str(len(expected))}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", [*ROUTES, *PARAMETERIZED])
def test_wrong_methods(tmp_path, path, method):
    route = ROUTES.get(path) or PARAMETERIZED[path]
    if route.handler(method) is not None:
        assert method in route.methods or method == "HEAD"
        return
    answer = call(tmp_path, path, b"{", method)
    allowed = [m for known in route.methods for m in ([known, "HEAD"] if known == "GET" else [known])]
    assert (answer.status, answer.body) == (405, b"")
    assert answer.headers == {
        "allow": ",".join(allowed),
        "content-length": "0",
        "x-tensorzero-gateway-version": VERSION,
    }


def test_head_goes_with_get(tmp_path):
    get, head = (call(tmp_path / m, "/status", method=m) for m in ("GET", "HEAD"))
    assert (get.status, get.headers) == (head.status, head.headers)
    assert (bool(get.body), head.body) == (True, b"")


ENCODED = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "identity": lambda body: body,
}


@pytest.mark.parametrize("coding", ENCODED)
def test_bodies_may_be_encoded(tmp_path, coding):
    body = ENCODED[coding](b'{"function_name":"f","input":{}}')
    answer = call(tmp_path, "/inference", body, replies=[says()], headers=[("content-encoding", coding)])
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/inference", "/openai/v1/chat/completions", "/feedback"])
def test_other_encodings(tmp_path, path):
    answer = call(tmp_path, path, b"{}", headers=[("content-encoding", "deflate")])
    assert (answer.status, answer.body) == (415, b"")
    assert answer.headers["accept-encoding"] == "gzip,br,zstd"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_the_type_of_the_body_does_not_matter(tmp_path, content_type):
    headers = [] if content_type is None else [("content-type", content_type)]
    assert call(tmp_path, "/inference", BODY, replies=[says()], headers=headers).status == 200


TOO_LONG = "Failed to buffer the request body: length limit exceeded (413 Payload Too Large)"
NOT_JSON = "Failed to parse the request body as JSON: Input data was truncated at line 1 column 0 (400 Bad Request)"
ERRORS = {
    "/inference": lambda text: {"error": text},
    "/feedback": lambda text: {"error": text},
    "/batch_inference": lambda text: {"error": text},
    "/openai/v1/chat/completions": lambda text: {"error": {"message": text}},
    "/openai/v1/embeddings": lambda text: {"error": {"message": text}},
}


@pytest.mark.parametrize("path", ERRORS)
def test_the_shape_of_errors_is_that_of_the_route(tmp_path, path):
    kit = make(tmp_path, SMALL)

    async def ask_all():
        async with serving(kit.gateway) as app:
            return await ask(app, "POST", path, b""), await ask(app, "POST", path, bytes(MAX_BODY_BYTES + 1))

    answers = run(ask_all())
    assert [(a.status, a.json()) for a in answers] == [
        (400, ERRORS[path](NOT_JSON)),
        (400, ERRORS[path](TOO_LONG)),
    ]


OPENAI_BODY = {"model": "tensorzero::function_name::f", "messages": []}


@pytest.mark.parametrize(
    ("path", "body"), [("/inference", BODY), ("/openai/v1/chat/completions", OPENAI_BODY)], ids=["native", "openai"]
)
def test_what_nobody_foresaw_is_an_internal_error(tmp_path, path, body, caplog):
    kit = make(tmp_path, SMALL, breaks(RuntimeError("oh")))
    with caplog.at_level(logging.ERROR, logger="t0"):
        answer = run(kit.call(path, body))
    assert (answer.status, answer.json()) == (500, ERRORS[path]("Internal error: RuntimeError: oh"))
    assert [r.getMessage() for r in caplog.records] == [f"POST {path} failed"]


def test_a_stream_that_nobody_foresaw_ends(tmp_path, caplog):
    kit = make(tmp_path, SMALL, streams(sse(delta("a")), RuntimeError("oh")))
    with caplog.at_level(logging.ERROR, logger="t0"):
        answer = run(kit.call("/inference", {**BODY, "stream": True}))
    assert (answer.status, len(answer.events())) == (200, 1)
    assert [r.getMessage() for r in caplog.records] == ["an event stream failed"]


# -- base path ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["/gateway/x", "/gateway/x/"])
def test_the_base_path_comes_before_every_route(tmp_path, base):
    config = f'[gateway]\nbase_path = "{base}"\n{SMALL}'

    async def ask_all():
        kit = make(tmp_path, config, says())
        async with serving(kit.gateway) as app:
            paths = ["/gateway/x/inference", "/inference", "/gateway/x", "/gateway/xinference", "/gateway/inference"]
            return [(await ask(app, "POST", path, BODY)).status for path in paths]

    assert run(ask_all()) == [200, 404, 404, 404, 404]


def test_unknown_paths_are_named_with_the_base_path(tmp_path):
    config = f'[gateway]\nbase_path = "/x"\n{SMALL}'
    assert call(tmp_path, "/x/y", config=config).json() == {"error": "Route not found: POST /x/y"}


# -- operations --------------------------------------------------------------------------------------------------------


def test_status(tmp_path):
    answer = call(tmp_path, "/status", method="GET")
    assert (answer.status, answer.json()) == (200, {"status": "ok", "version": VERSION, "config_hash": "1234"})


@pytest.mark.parametrize(
    ("stores", "healthy", "status", "clickhouse"),
    [(True, True, 200, "ok"), (True, False, 503, "error"), (False, False, 200, "ok")],
    ids=["healthy", "not healthy", "not in use"],
)
def test_health(tmp_path, stores, healthy, status, clickhouse):
    reader = FakeReader() if stores else None
    if reader is not None:
        reader.healthy = healthy
    answer = run(make(tmp_path, SMALL, reader=reader, stores=stores).call("/health", method="GET"))
    states = dict.fromkeys(("gateway", "postgres", "valkey", "valkey_cache"), "ok")
    assert (answer.status, answer.json()) == (status, {**states, "clickhouse": clickhouse})


def test_metrics_without_a_recorder(tmp_path):
    answer = call(tmp_path, "/metrics", method="GET")
    assert (answer.status, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert answer.body.startswith(b"# the recorder does not answer: ")
