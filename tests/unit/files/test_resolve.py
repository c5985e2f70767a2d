"""The files of one request: what providers get, what is fetched how often, and what the row holds."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from t0.config.schema.limits import FilesystemStorage
from t0.errors import BadFileFetch, InternalError, InvalidRequest, ObjectStoreUnconfigured
from t0.files import resolve
from t0.files.resolve import RequestFiles
from t0.files.service import Files
from t0.files.stored import object_key
from t0.types.content import File, Input, InputMessage, ModelMessage, StoragePath, Text
from t0.types.inference import InferenceRequest
from t0.types.model import ModelRequest
from t0.types.params import ChatCompletionParams
from t0.types.record import InferenceRecord, ModelInferenceRecord
from unit.files.web import Page, Web, files, request

T = TypeVar("T")

URL = "http://files.example.com/a"
PNG = b"\x89PNG\r\n\x1a\n\0\0"
DATA = base64.b64encode(PNG).decode()
KEY = object_key(DATA, "image/png")
WEB = {URL: Page(PNG)}


class Forwards:
    """A provider that passes URLs on, or does not."""

    def __init__(self, forwards: bool) -> None:
        self._forwards = forwards

    def forwards_url(self, file: File, call: ModelRequest) -> bool:
        return self._forwards and file.url is not None and not call.fetch_and_encode_files


PASSES: Any = Forwards(True)
TAKES_BYTES: Any = Forwards(False)


def call_of(given: InferenceRequest) -> ModelRequest:
    """The model call that a variant without templates makes of a request."""
    messages = [ModelMessage(m.role, list(m.content)) for m in given.input.messages]
    return ModelRequest(model_name="m", messages=messages, params=ChatCompletionParams())


def row_of(given: InferenceRequest, *calls: ModelRequest, raw: str = "{}") -> InferenceRecord:
    return InferenceRecord(
        function_type="chat",
        id="i",
        episode_id="e",
        function_name="f",
        variant_name="v",
        input=given.input,
        output=[],
        params=ChatCompletionParams(),
        processing_time_ms=1,
        model_inferences=[
            ModelInferenceRecord(
                id="m",
                model_name="m",
                model_provider_name="p",
                raw_request=raw,
                raw_response="{}",
                system=None,
                input_messages=c.messages,
                output=[],
                input_tokens=1,
                output_tokens=1,
                response_time_ms=1,
            )
            for c in calls
        ],
    )


def begun(service: Files, given: InferenceRequest) -> RequestFiles:
    found = service.of(given, [])
    assert found is not None
    return found


def sent(service: Files, given: InferenceRequest, provider: Any = TAKES_BYTES) -> list[File]:
    """The files that `provider` is given for `given`."""

    async def run() -> ModelRequest:
        return await begun(service, given).for_provider(provider, call_of(given))

    return [b for m in asyncio.run(run()).messages for b in m.content if isinstance(b, File)]


def stored(service: Files, given: InferenceRequest, provider: Any = TAKES_BYTES, raw: str = "{}") -> InferenceRecord:
    """The row after one call of `provider`; what was to be uploaded is."""

    async def run() -> InferenceRecord:
        found = begun(service, given)
        call = await found.for_provider(provider, call_of(given))
        row = row_of(given, call, raw=raw)
        await found.store(row)
        await service.close()
        return row

    return asyncio.run(run())


@pytest.fixture
def disk(tmp_path: Path) -> FilesystemStorage:
    return FilesystemStorage(path=str(tmp_path))


def put(disk: FilesystemStorage, key: str, data: bytes) -> StoragePath:
    where = Path(disk.path) / key
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(data)
    return StoragePath({"type": "filesystem", "path": disk.path}, key)


# -- which requests have files -----------------------------------------------------------------------------------------


def test_a_request_without_files() -> None:
    assert files(Web({}), storage=None).of(request(), []) is None


@pytest.mark.parametrize("file", [File(url=URL), File(data=DATA, mime_type="image/png")], ids=["url", "base64"])
def test_files_need_a_decision_about_storage(file: File) -> None:
    with pytest.raises(ObjectStoreUnconfigured, match="a `file` content block"):
        files(Web({}), storage=None).of(request(file), [])


# -- what providers get ------------------------------------------------------------------------------------------------


def test_a_url_that_is_passed_on_is_not_fetched() -> None:
    web = Web(WEB)
    assert sent(files(web), request(File(url=URL)), PASSES) == [File(url=URL)]
    assert web.asked == []


@pytest.mark.parametrize(
    ("service", "provider"),
    [
        pytest.param({}, TAKES_BYTES, id="provider takes no URLs"),
        pytest.param({"fetch_all": True}, PASSES, id="all files are fetched"),
    ],
)
def test_a_url_that_is_fetched(service: dict[str, bool], provider: Any) -> None:
    file = File(url=URL, detail="low", filename="x")
    expected = File(data=DATA, mime_type="image/png", detail="low", filename="x")
    assert sent(files(Web(WEB), **service), request(file), provider) == [expected]


def test_the_given_mime_type_wins() -> None:
    assert sent(files(Web(WEB)), request(File(url=URL, mime_type="image/x"))) == [File(mime_type="image/x", data=DATA)]


def test_base64_is_passed_on_as_it_is() -> None:
    file = File(data="!!!", mime_type="image/png")
    assert sent(files(Web({})), request(file), PASSES)[0] is file


def test_the_order_of_the_blocks_is_kept() -> None:
    given = request(File(url=URL), File(data="AAAA", mime_type="image/png"))
    given.input.messages.append(InputMessage("assistant", [Text("what?")]))

    async def run() -> ModelRequest:
        return await begun(files(Web(WEB)), given).for_provider(TAKES_BYTES, call_of(given))

    assert asyncio.run(run()).messages == [
        ModelMessage(
            "user", [Text("look"), File(data=DATA, mime_type="image/png"), File(data="AAAA", mime_type="image/png")]
        ),
        ModelMessage("assistant", [Text("what?")]),
    ]


def test_a_file_in_storage_is_read(disk: FilesystemStorage) -> None:
    """Its source URL is not passed on: the file may be gone from there."""
    file = File(url=URL, mime_type="image/png", storage_path=put(disk, "k", PNG))
    web = Web({})
    assert sent(files(web, disk), request(file), PASSES) == [File(data=DATA, mime_type="image/png")]
    assert web.asked == []


def test_a_file_in_storage_that_comes_with_its_bytes(disk: FilesystemStorage) -> None:
    file = File(url=URL, mime_type="image/png", data="AAAA", storage_path=StoragePath({"type": "disabled"}, "k"))
    assert sent(files(Web({}), None), request(file), PASSES) == [File(data="AAAA", mime_type="image/png")]


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ({"type": "disabled"}, InvalidRequest, "Object store was disabled"),
        (
            {"type": "filesystem", "path": "/etc"},
            InvalidRequest,
            "`/etc` is not the path of the configured `[object_storage]`",
        ),
        ({"type": "ftp"}, InvalidRequest, "Error parsing storage path: kind: unknown variant `ftp`, expected one of "),
        (None, InternalError, "Internal error: Error getting object: Object at location "),
    ],
    ids=["disabled", "other folder", "unknown", "missing object"],
)
def test_files_that_no_store_has(disk: FilesystemStorage, kind: Any, error: Any, text: str) -> None:
    where = StoragePath(kind or {"type": "filesystem", "path": disk.path}, "passwd")
    with pytest.raises(error) as caught:
        sent(files(Web({}), disk), request(File(mime_type="image/png", storage_path=where)))
    assert caught.value.text.startswith(text)


def test_a_file_of_unknown_type() -> None:
    with pytest.raises(BadFileFetch) as caught:
        sent(files(Web({URL: Page(b"plain")})), request(File(url=URL)))
    assert caught.value.text == f"Error fetching file from {URL}: its MIME type is not known, set `mime_type`"


# -- several attempts --------------------------------------------------------------------------------------------------


def attempts(web: Web, *given: File, run: Callable[[RequestFiles, ModelRequest], Awaitable[T]], **options: Any) -> T:
    async def start() -> T:
        service, made = files(web, **options), request(*given)
        try:
            return await run(begun(service, made), call_of(made))
        finally:
            await service.close()

    return asyncio.run(start())


def test_a_file_is_fetched_once_for_all_attempts() -> None:
    web = Web(WEB)

    async def run(found: RequestFiles, call: ModelRequest) -> list[ModelRequest]:
        both = await asyncio.gather(*(found.for_provider(TAKES_BYTES, call) for _ in range(2)))
        return [*both, await found.for_provider(TAKES_BYTES, call)]

    first, *others = attempts(web, File(url=URL), run=run)
    assert [c.messages for c in others] == [first.messages] * 2
    assert web.asked == [URL]


def test_what_failed_is_tried_again_by_the_next_attempt() -> None:
    web = Web({URL: Page(b"busy", status=503)})

    async def run(found: RequestFiles, call: ModelRequest) -> ModelRequest:
        with pytest.raises(BadFileFetch, match="HTTP error 503 Service Unavailable: busy"):
            await found.for_provider(TAKES_BYTES, call)
        web.pages[URL] = Page(PNG)
        return await found.for_provider(TAKES_BYTES, call)

    assert attempts(web, File(url=URL), run=run).messages[0].content[1] == File(data=DATA, mime_type="image/png")


def test_an_attempt_that_is_given_up_leaves_the_fetch_to_the_next() -> None:
    async def run() -> list[str]:
        gate = asyncio.Event()
        web = Web({URL: Page(PNG, gate=gate)})
        given = request(File(url=URL))
        found, call = begun(files(web), given), call_of(given)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await found.for_provider(TAKES_BYTES, call)
        gate.set()
        await found.for_provider(TAKES_BYTES, call)
        return web.asked

    assert asyncio.run(run()) == [URL]


def test_files_are_fetched_side_by_side() -> None:
    async def run() -> list[str]:
        both, other = asyncio.Barrier(2), URL + "2"
        web = Web({URL: Page(PNG, gate=both), other: Page(PNG, gate=both)})
        given = request(File(url=URL), File(url=other))
        await begun(files(web), given).for_provider(TAKES_BYTES, call_of(given))
        return web.asked

    assert asyncio.run(asyncio.wait_for(run(), 5)) == [URL, URL + "2"]


def test_waiting_counts_as_time_spent_outside() -> None:
    exchanges: list[tuple[float, float]] = []
    given = request(File(url=URL), File(url=URL))

    async def run() -> None:
        found = files(Web(WEB)).of(given, exchanges)
        assert found is not None
        for _ in range(2):
            await found.for_provider(TAKES_BYTES, call_of(given))

    asyncio.run(run())
    ((begin, end),) = exchanges
    assert end > begin


# -- the row -----------------------------------------------------------------------------------------------------------


def place(disk: FilesystemStorage | None, key: str = KEY) -> StoragePath:
    return StoragePath({"type": "disabled"} if disk is None else {"type": "filesystem", "path": disk.path}, key)


def expected_row(given: InferenceRequest, file: File, raw: str = "{}") -> InferenceRecord:
    """The row whose input and call both hold `file`."""
    content: list[Any] = [Text("look"), file]
    made = row_of(given, ModelRequest(model_name="m", messages=[ModelMessage("user", content)], params=None), raw=raw)  # type: ignore[arg-type]
    made.input = Input(messages=[InputMessage("user", content)])
    return made


def test_base64_is_stored(disk: FilesystemStorage) -> None:
    given = request(File(data=DATA, mime_type="image/png", detail="low", filename="x"))
    row = stored(files(Web({}), disk), given, raw=f'{{"data":"{DATA}"}}')
    file = File(mime_type="image/png", storage_path=place(disk), detail="low", filename="x")
    assert row == expected_row(given, file, '{"data":"<TENSORZERO_FILE_0>"}')
    assert (Path(disk.path) / KEY).read_bytes() == PNG


@pytest.mark.parametrize("provider", [PASSES, TAKES_BYTES], ids=["passed on", "fetched"])
def test_a_url_is_stored(disk: FilesystemStorage, provider: Any) -> None:
    web, given = Web(WEB), request(File(url=URL))
    raw = f'{{"data":"{DATA}"}}' if provider is TAKES_BYTES else '{"url":"…"}'
    row = stored(files(web, disk), given, provider, raw)
    file = File(url=URL, mime_type="image/png", storage_path=place(disk))
    assert row == expected_row(given, file, raw.replace(DATA, "<TENSORZERO_FILE_0>"))
    assert web.asked == [URL]
    assert (Path(disk.path) / KEY).read_bytes() == PNG


def test_the_fetch_for_storage_begins_with_the_request(disk: FilesystemStorage) -> None:
    web = Web(WEB)

    async def run(found: RequestFiles, call: ModelRequest) -> list[str]:
        await asyncio.sleep(0)
        return list(web.asked)

    assert attempts(web, File(url=URL), run=run, storage=disk) == [URL]


@pytest.mark.parametrize(
    ("dryrun", "options"),
    [(True, {}), (False, {"stores": False})],
    ids=["dry run", "observability off"],
)
def test_nothing_is_fetched_for_a_row_that_is_not_written(
    dryrun: bool, options: dict[str, bool], disk: FilesystemStorage
) -> None:
    web = Web(WEB)
    given = request(File(url=URL), dryrun=dryrun)
    assert sent(files(web, disk, **options), given, PASSES) == [File(url=URL)]
    assert web.asked == []


def test_disabled_storage_keeps_the_key_of_what_was_seen() -> None:
    given = request(File(data=DATA, mime_type="image/png"))
    assert stored(files(Web({})), given) == expected_row(given, File(mime_type="image/png", storage_path=place(None)))


def test_disabled_storage_fetches_nothing_for_the_row() -> None:
    web, given = Web(WEB), request(File(url=URL))
    assert stored(files(web), given, PASSES) == expected_row(given, File(url=URL))
    assert web.asked == []


def test_a_file_in_storage_keeps_its_place(disk: FilesystemStorage) -> None:
    file = File(url=URL, mime_type="image/png", storage_path=put(disk, "k", PNG))
    given = request(file)
    row = stored(files(Web({}), disk), given, raw=f'{{"data":"{DATA}"}}')
    assert row == expected_row(given, file, '{"data":"<TENSORZERO_FILE_0>"}')
    assert [p.name for p in Path(disk.path).iterdir()] == ["k"]


def test_a_file_that_cannot_be_fetched_is_stored_without_a_place(
    disk: FilesystemStorage, caplog: pytest.LogCaptureFixture
) -> None:
    given = request(File(url=URL))
    assert stored(files(Web({}), disk), given, PASSES) == expected_row(given, File(url=URL))
    assert [r.getMessage() for r in caplog.records] == [
        f"file `{URL}` is not stored: Error fetching file from {URL}: "
        "Could not connect to http://files.example.com: refused"
    ]


def test_the_answer_does_not_wait_long_for_storage(
    disk: FilesystemStorage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_LONGEST_WAIT_S", 0.01)
    given = request(File(url=URL))

    async def run() -> InferenceRecord:
        service = files(Web({URL: Page(PNG, gate=asyncio.Event())}), disk)
        found = begun(service, given)
        row = row_of(given, await found.for_provider(PASSES, call_of(given)))
        await found.store(row)
        await service.close()
        return row

    assert asyncio.run(run()) == expected_row(given, File(url=URL))
    assert [r.getMessage() for r in caplog.records] == [
        f"file `{URL}` is not stored: it did not come within 0.01 s of the answer"
    ]


def test_a_failed_request_ends_its_fetches(disk: FilesystemStorage) -> None:
    async def run() -> list[bool]:
        service = files(Web({URL: Page(PNG, gate=asyncio.Event())}), disk)
        found = begun(service, request(File(url=URL)))
        fetches = asyncio.all_tasks() - {asyncio.current_task()}
        found.cancel()
        ended, _ = await asyncio.wait(fetches, timeout=5)
        return [t.cancelled() for t in ended]

    assert asyncio.run(run()) == [True]


def test_a_file_of_an_example_is_read_and_keeps_its_place(disk: FilesystemStorage) -> None:
    """Messages may hold files that the request did not bring."""
    example = File(mime_type="image/png", storage_path=put(disk, "k", PNG))
    given = request(File(data="AAAA", mime_type="image/png"))

    async def run() -> tuple[ModelRequest, InferenceRecord]:
        found, call = begun(files(Web({}), disk, stores=False), given), call_of(given)
        call.messages.insert(0, ModelMessage("user", [example]))
        made = await found.for_provider(TAKES_BYTES, call)
        row = row_of(given, made)
        await found.store(row)
        return made, row

    made, row = asyncio.run(run())
    assert made.messages[0] == ModelMessage("user", [File(data=DATA, mime_type="image/png")])
    assert row.model_inferences[0].input_messages[0] == ModelMessage("user", [example])
