"""Files through a running gateway: to the provider, into object storage, into rows, and back out."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import blake3
import pytest

from fake_s3 import FakeS3
from processes import Gateway, MockProvider, StartFailed, completion, completion_events, wait_for_rows, wait_until

CONFIG = """
[models.m]
routing = ["p"]

[models.m.providers.p]
type = "openai"
model_name = "m"
api_base = "{mock}/v1/"
api_key_location = "none"

[functions.f]
type = "chat"

[functions.f.variants.v]
type = "chat_completion"
model = "m"

"""


def picture(name: str) -> tuple[str, str]:
    """An image of its own for a test: its base64 text, and the key it is stored under."""
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + name.encode()).decode()
    return data, f"observability/files/{blake3.blake3(data.encode()).hexdigest()}.png"


def ask(gateway: Gateway, *files: dict[str, Any], **more: Any) -> Any:
    content = [{"type": "text", "text": "look"}, *({"type": "file", **f} for f in files)]
    return gateway.post(
        "/inference", {"function_name": "f", "input": {"messages": [{"role": "user", "content": content}]}, **more}
    )


def stored(gateway: Gateway, inference_id: str) -> tuple[Any, Any, Any]:
    """The input of the inference, and the messages and the raw request of its model call."""
    sql = (
        "SELECT c.input AS input, m.input_messages AS messages, m.raw_request AS raw FROM ChatInference c "
        f"JOIN ModelInference m ON m.inference_id = c.id WHERE c.id = '{inference_id}'"
    )
    row = wait_for_rows(gateway.store_url, sql)[0]
    return json.loads(row["input"]), json.loads(row["messages"]), json.loads(row["raw"])


def only_file(blocks: Any) -> Any:
    (message,) = blocks
    text, file = message["content"]
    assert text == {"type": "text", "text": "look"}
    return file


def user_parts(body: Any) -> Any:
    return body["messages"][0]["content"]


def get_object(gateway: Gateway, storage_path: Any) -> tuple[int, Any]:
    text = storage_path if isinstance(storage_path, str) else json.dumps(storage_path)
    route = f"{gateway.url}/internal/object_storage?storage_path={urllib.parse.quote(text)}"
    try:
        with urllib.request.urlopen(route, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        with e:
            return e.code, json.load(e)


# -- a folder ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module")
def gateway(provider: MockProvider, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    storage = f'[object_storage]\ntype = "filesystem"\npath = "{folder}"\n'
    config = CONFIG.replace("{mock}", provider.url) + storage
    with Gateway(tmp_path_factory.mktemp("gateway"), config, args=["--workers", "1"]) as running:
        yield running


@pytest.fixture
def answers(provider: MockProvider) -> Callable[..., None]:
    """Has the provider say hello, and files lie at `{provider.url}/<name>`."""

    def play(**files: str) -> None:
        downloads = [{"when": {"path": f"/{name}"}, "base64": data, "repeat": True} for name, data in files.items()]
        provider.play(*downloads, {"json": completion("Hello"), "repeat": True})

    return play


def at(folder: Path, key: str) -> dict[str, Any]:
    return {"kind": {"type": "filesystem", "path": str(folder)}, "path": key}


def wait_for_object(folder: Path, key: str) -> bytes:
    path = folder / key
    wait_until(path.exists, f"object {key}")
    return path.read_bytes()


def test_the_start_writes_a_probe(gateway: Gateway, folder: Path) -> None:
    assert (folder / ".tensorzero-validate").read_bytes() == b""


def test_base64(gateway: Gateway, folder: Path, provider: MockProvider, answers: Callable[..., None]) -> None:
    data, key = picture("base64")
    answers()
    answer = ask(
        gateway,
        {"file_type": "base64", "data": data, "mime_type": "image/png", "filename": "a.png", "detail": "low"},
    )
    assert user_parts(provider.requests[0]["body"])[1] == {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{data}", "detail": "low"},
    }
    given, messages, raw = stored(gateway, answer["inference_id"])
    file = {
        "type": "file",
        "source_url": None,
        "mime_type": "image/png",
        "storage_path": at(folder, key),
        "detail": "low",
        "filename": "a.png",
    }
    assert (only_file(given["messages"]), only_file(messages)) == (file, file)
    assert user_parts(raw)[1]["image_url"]["url"] == "data:image/png;base64,<TENSORZERO_FILE_0>"
    assert wait_for_object(folder, key) == base64.b64decode(data)


def test_url(gateway: Gateway, folder: Path, provider: MockProvider, answers: Callable[..., None]) -> None:
    """The provider gets the URL; the gateway fetches the file to store it."""
    data, key = picture("url")
    answers(pic=data)
    url = provider.url + "/pic"
    answer = ask(gateway, {"file_type": "url", "url": url})
    bodies = [r["body"] for r in provider.requests if r["method"] == "POST"]
    assert [user_parts(b)[1] for b in bodies] == [{"type": "image_url", "image_url": {"url": url}}]
    assert [r["path"] for r in provider.requests if r["method"] == "GET"] == ["/pic"]
    given, messages, raw = stored(gateway, answer["inference_id"])
    file = {"type": "file", "source_url": url, "mime_type": "image/png", "storage_path": at(folder, key)}
    assert (only_file(given["messages"]), only_file(messages)) == (file, file)
    assert user_parts(raw)[1]["image_url"]["url"] == url
    assert wait_for_object(folder, key) == base64.b64decode(data)


def test_streamed(gateway: Gateway, folder: Path, provider: MockProvider) -> None:
    data, key = picture("streamed")
    provider.play({"sse": completion_events("Hel", "lo")})
    content = [{"type": "text", "text": "look"}, {"type": "file", "data": data, "mime_type": "image/png"}]
    body = {
        "function_name": "f",
        "stream": True,
        "input": {"messages": [{"role": "user", "content": content}]},
    }
    headers = {"content-type": "application/json"}
    call = urllib.request.Request(gateway.url + "/inference", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(call, timeout=30) as answer:
        first = json.loads(answer.readline().removeprefix(b"data: "))
        answer.read()
    given, _, raw = stored(gateway, first["inference_id"])
    assert only_file(given["messages"])["storage_path"] == at(folder, key)
    assert user_parts(raw)[1]["image_url"]["url"] == "data:image/png;base64,<TENSORZERO_FILE_0>"
    assert wait_for_object(folder, key) == base64.b64decode(data)


def test_stored_files_are_given_again(
    gateway: Gateway, folder: Path, provider: MockProvider, answers: Callable[..., None]
) -> None:
    data, key = picture("again")
    answers()
    ask(gateway, {"file_type": "base64", "data": data, "mime_type": "image/png"})
    wait_for_object(folder, key)
    answers()
    pointer = {"file_type": "object_storage_pointer", "mime_type": "image/png", "storage_path": at(folder, key)}
    answer = ask(gateway, pointer)
    (request,) = provider.requests
    assert user_parts(request["body"])[1]["image_url"]["url"] == f"data:image/png;base64,{data}"
    given, _, _ = stored(gateway, answer["inference_id"])
    assert only_file(given["messages"])["storage_path"] == at(folder, key)


def test_a_dry_run_stores_nothing(gateway: Gateway, folder: Path, answers: Callable[..., None]) -> None:
    data, key = picture("dry run")
    other, other_key = picture("no dry run")
    answers()
    ask(gateway, {"file_type": "base64", "data": data, "mime_type": "image/png"}, dryrun=True)
    ask(gateway, {"file_type": "base64", "data": other, "mime_type": "image/png"})
    wait_for_object(folder, other_key)
    assert not (folder / key).exists()


def test_files_that_the_store_does_not_have(gateway: Gateway, folder: Path, answers: Callable[..., None]) -> None:
    answers()
    pointer = {"file_type": "object_storage_pointer", "mime_type": "image/png", "storage_path": at(folder, "nothing")}
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(gateway, pointer)
    with caught.value as e:
        assert (e.code, json.load(e)["error"]) == (
            502,
            "All variants failed with errors: v: All model providers failed to infer with errors: p: Internal error: "
            f"Error getting object: Object at location {folder}/nothing not found: No such file or directory "
            "(os error 2)",
        )


def test_the_route_reads_objects(gateway: Gateway, folder: Path) -> None:
    (folder / "x").write_bytes(b"content")
    assert get_object(gateway, at(folder, "x")) == (
        200,
        {"data": base64.b64encode(b"content").decode(), "reused_object_store": True},
    )


@pytest.mark.parametrize(
    ("storage_path", "status", "error"),
    [
        pytest.param("{", 400, "Error parsing storage path: Input data was truncated", id="not JSON"),
        pytest.param("{}", 400, "Error parsing storage path: Object missing required field `kind`", id="no kind"),
        pytest.param({"kind": {"type": "disabled"}, "path": "x"}, 400, "Object store was disabled", id="disabled"),
        pytest.param(
            {"kind": {"type": "filesystem", "path": "/etc"}, "path": "hosts"},
            400,
            "`/etc` is not the path of the configured `[object_storage]`",
            id="another folder",
        ),
    ],
)
def test_the_route_refuses(gateway: Gateway, storage_path: Any, status: int, error: str) -> None:
    assert get_object(gateway, storage_path) == (status, {"error": error})


def test_the_route_needs_a_path(gateway: Gateway) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        gateway.get("/internal/object_storage")
    with caught.value as e:
        assert (e.code, json.load(e)) == (
            400,
            {"error": "Failed to deserialize query string: missing field `storage_path`"},
        )


@pytest.mark.parametrize("key", ["missing", "../outside"])
def test_the_route_reads_nothing_outside(gateway: Gateway, folder: Path, key: str) -> None:
    (folder.parent / "outside").write_text("secret")
    status, body = get_object(gateway, at(folder, key))
    assert status == 500
    assert body["error"].startswith("Internal error: Error getting object: ")


# -- a bucket ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    server = FakeS3()
    yield server
    server.close()


def bucket(s3: FakeS3) -> dict[str, Any]:
    return {
        "type": "s3_compatible",
        "bucket_name": "files",
        "region": "eu-west-1",
        "endpoint": s3.url,
        "allow_http": True,
    }


S3_KEYS = {"S3_ACCESS_KEY_ID": "KEY", "S3_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "of another key"}
S3_CONFIG = """
[object_storage]
type = "s3_compatible"
bucket_name = "files"
region = "eu-west-1"
endpoint = "env::BUCKET_URL"
allow_http = true
"""


def test_s3(
    s3: FakeS3, provider: MockProvider, answers: Callable[..., None], start_gateway: Callable[..., Gateway]
) -> None:
    data, key = picture("s3")
    config = CONFIG.replace("{mock}", provider.url) + S3_CONFIG
    gateway = start_gateway(config, env={**S3_KEYS, "BUCKET_URL": s3.url}, args=["--workers", "1"])
    assert s3.objects == {"files/.tensorzero-validate": b""}
    answers()
    file = {"file_type": "base64", "data": data, "mime_type": "image/png"}
    answer, _ = ask(gateway, file), ask(gateway, file)
    given, _, _ = stored(gateway, answer["inference_id"])
    assert only_file(given["messages"])["storage_path"] == {"kind": bucket(s3), "path": key}
    assert gateway.stop() == 0, gateway.output()
    assert s3.objects[f"files/{key}"] == base64.b64decode(data)
    puts = [(path, status) for method, path, status in s3.log if method == "PUT"]
    assert sorted(puts) == [
        ("/files/.tensorzero-validate", 200),
        (f"/files/{key}", 200),
        (f"/files/{key}", 412),
    ]
    assert s3.access_keys == {"KEY"}
    assert "was not stored" not in gateway.output()


def test_a_bucket_besides_the_configured_store(s3: FakeS3, provider: MockProvider, tmp_path: Path) -> None:
    """Rows from before a move still name the store of that time."""
    s3.objects["files/old"] = b"old"
    config = CONFIG.replace("{mock}", provider.url) + '[object_storage]\ntype = "disabled"\n'
    with Gateway(tmp_path, "[gateway]\nobservability.enabled = false\n" + config, env=S3_KEYS) as gateway:
        expected = {"data": base64.b64encode(b"old").decode(), "reused_object_store": False}
        assert get_object(gateway, {"kind": bucket(s3), "path": "old"}) == (200, expected)
        status, body = get_object(gateway, {"kind": bucket(s3), "path": "new"})
    assert status == 500
    assert body["error"].startswith("Internal error: Error getting object: ")


# -- starts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "error"),
    [
        pytest.param(
            'type = "s3_compatible"\nbucket_name = "b"\nendpoint = "http://127.0.0.1:1"\nallow_http = true',
            "object_storage: Failed to write `.tensorzero-validate` to object store. "
            "Check that your credentials are configured correctly: ",
            id="unreachable",
        ),
        pytest.param(
            'type = "s3_compatible"\nbucket_name = "b"\nendpoint = "env::NOBODY"',
            "object_storage.endpoint: Environment variable `NOBODY` not found.",
            id="endpoint not set",
        ),
    ],
)
def test_a_store_that_cannot_be_used_stops_the_start(storage: str, error: str, tmp_path: Path) -> None:
    with pytest.raises(StartFailed) as caught:
        Gateway(tmp_path, f"[gateway]\nobservability.enabled = false\n[object_storage]\n{storage}\n", env=S3_KEYS)
    assert str(caught.value).startswith("exit code 1")
    assert error in str(caught.value)
    assert "Debug source" not in str(caught.value)


def test_without_a_decision_files_are_refused(
    provider: MockProvider, answers: Callable[..., None], tmp_path: Path
) -> None:
    answers()
    config = "[gateway]\nobservability.enabled = false\n" + CONFIG.replace("{mock}", provider.url)
    with Gateway(tmp_path, config) as gateway, pytest.raises(urllib.error.HTTPError) as caught:
        ask(gateway, {"file_type": "base64", "data": "AAAA", "mime_type": "image/png"})
    with caught.value as e:
        assert e.code == 500
        assert json.load(e)["error"].startswith("Object storage is not configured. You must configure")
    assert provider.requests == []
