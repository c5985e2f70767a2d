"""Every feature on every face, complete and streamed: what the provider gets, what the caller gets, what is stored."""

import json
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from features import FEATURES, page
from features.base import HELLO, Feature, Json, cells, says
from features.setup import FILES, config
from processes import Gateway, MockProvider, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
ROUTES = {"native": "/inference", "openai": "/openai/v1/chat/completions"}
NATIVE_REASONS = {"tool_calls": "tool_call"}
RAW_KEYS = ("raw_usage", "raw_response", "original_response", "raw_chunk", "original_chunk")


@pytest.fixture(scope="module")
def gateway(provider: MockProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("features")
    with Gateway(folder, config(provider.url), files=FILES, args=["--workers", "1"]) as running:
        yield running


@dataclass(frozen=True)
class Cell:
    """A feature on one face, complete or streamed."""

    feature: Feature
    face: str
    mode: str
    number: int

    @property
    def streamed(self) -> bool:
        return self.mode == "streamed"

    @property
    def id(self) -> str:
        return "-".join([*self.feature.name.replace("`", "").split(), self.face, self.mode])

    def request(self, **more: Any) -> Json:
        """The body; `more` fields are named as on the native face."""
        feature = self.feature
        stream: Json = {}
        if self.face == "native":
            target = {"model_name": feature.model} if feature.model else {"function_name": feature.function}
            if self.streamed:
                stream = {"stream": True, "include_aggregated_response": True}
            return {**target, "input": {"messages": [HELLO]}, **stream, **feature.native, **more}
        name = f"model_name::{feature.model}" if feature.model else f"function_name::{feature.function}"
        if self.streamed:
            stream = {"stream": True, "stream_options": {"include_usage": True}}
        fields = {**(feature.openai or {}), **{f"tensorzero::{k}": v for k, v in more.items()}}
        return {"model": f"tensorzero::{name}", "messages": [HELLO], **stream, **fields}

    def script(self) -> list[Json]:
        return [reply[self.streamed] for reply in self.feature.replies or (says("Hi"),)]

    def bodies(self, **more: Any) -> list[Json]:
        """What the provider must get."""
        feature = self.feature
        sent = feature.openai_sent if self.face == "openai" and feature.openai_sent is not None else feature.sent
        stream: Json = {"stream": self.streamed}
        if self.streamed:
            stream["stream_options"] = {"include_usage": True}
        return [{"model": "m", "messages": [HELLO], **stream, **body, **more} for body in sent]


def all_cells() -> list[Cell]:
    places = [(feature, face, mode) for feature in FEATURES for face, mode in cells(feature)]
    return [Cell(feature, face, mode, number) for number, (feature, face, mode) in enumerate(places)]


@pytest.mark.parametrize("cell", [pytest.param(c, id=c.id) for c in all_cells()])
def test_feature(cell: Cell, gateway: Gateway, provider: MockProvider) -> None:
    provider.play(*cell.script())
    if cell.feature.cached:
        check_cached(cell, gateway, provider)
        return
    if cell.feature.error:
        check_error(cell, gateway)
        check_requests(cell, provider.requests)
        return
    answer = answer_of(gateway, cell, cell.request())
    check_answer(cell, answer)
    check_requests(cell, provider.requests)
    if cell.feature.stored is not None:
        check_stored(cell, gateway, provider, answer["inference_id"])


def check_error(cell: Cell, gateway: Gateway) -> None:
    with pytest.raises(HTTPError) as caught:
        answer_of(gateway, cell, cell.request())
    with caught.value as answer:
        status, body = answer.code, json.load(answer)
    text = cell.feature.error[cell.streamed]
    assert (status, body) == (502, {"error": text if cell.face == "native" else {"message": text}})


def check_answer(cell: Cell, answer: Json, usage: tuple[int, int] | None = None) -> None:
    feature = cell.feature
    said = feature.said if isinstance(feature.said, dict) else list(feature.said)
    assert {k: v for k, v in answer.items() if k != "inference_id"} == {
        "episode_id": feature.native.get("episode_id", answer["episode_id"]),
        "variant": feature.variant,
        "said": said if cell.face == "native" else message_of(said),
        "finish_reason": feature.finish_reason,
        "usage": usage or feature.usage,
        "raw": feature.raw_streamed if cell.streamed else feature.raw,
    }


def check_requests(cell: Cell, requests: Sequence[Json], **more: Any) -> None:
    assert [r["body"] for r in requests] == cell.bodies(**more)
    wanted = cell.feature.headers
    assert [{name: r["headers"].get(name) for name in wanted} for r in requests] == [wanted] * len(requests)


def check_stored(cell: Cell, gateway: Gateway, provider: MockProvider, inference_id: str) -> None:
    """A row that must not be there is looked for when that of a later inference has come."""
    if wanted := cell.feature.stored:
        assert wait_until(lambda: rows(gateway, inference_id, wanted), "the row") == [wanted]
        return
    provider.play(*cell.script())
    later = answer_of(gateway, cell, {k: v for k, v in cell.request().items() if not k.endswith("dryrun")})
    wait_until(lambda: rows(gateway, later["inference_id"], ["id"]), "the later row")
    assert rows(gateway, inference_id, ["id"]) == []


def rows(gateway: Gateway, inference_id: str, columns: Iterable[str]) -> list[Json]:
    sql = f"SELECT {', '.join(columns)} FROM ChatInference WHERE id = '{inference_id}' FORMAT JSONEachRow"
    return [json.loads(line) for line in query(gateway.store_url(), sql).splitlines()]


def query(url: str, sql: str) -> str:
    """Over HTTP as it is: a client of the database would ask for its settings first, each time."""
    parts = urlsplit(url)
    login = {"x-clickhouse-user": parts.username or "", "x-clickhouse-key": parts.password or ""}
    address = f"http://{parts.hostname}:{parts.port}/?database={parts.path.strip('/')}"
    with urllib.request.urlopen(urllib.request.Request(address, sql.encode(), login), timeout=10) as answer:
        return str(answer.read().decode())


def check_cached(cell: Cell, gateway: Gateway, provider: MockProvider) -> None:
    """The provider has one reply, so a later answer can only come from the cache; the seed keeps the cells apart."""
    params = {"chat_completion": {"seed": cell.number}}
    writes = cell.request(params=params, cache_options={"enabled": "write_only"})
    reads = cell.request(params=params, cache_options={"enabled": "read_only"})
    check_answer(cell, answer_of(gateway, cell, writes), usage=(11, 7))
    check_requests(cell, provider.requests, seed=cell.number)

    def read() -> Json | None:
        try:
            return answer_of(gateway, cell, reads)
        except HTTPError:
            return None

    check_answer(cell, wait_until(read, "an answer from the cache"))


# -- answers in one form -----------------------------------------------------------------------------------------------


def answer_of(gateway: Gateway, cell: Cell, request: Json) -> Json:
    """Content, reason, usage and raw data of an answer. What is said stays in the words of the face."""
    events = send(gateway.url + ROUTES[cell.face], request, cell.streamed)
    complete, streamed = {"native": (native_answer, native_stream), "openai": (openai_answer, openai_stream)}[cell.face]
    raw = [(key, e[name]) for e in events for key in RAW_KEYS for name in (key, f"tensorzero_{key}") if name in e]
    whole = streamed(events) if cell.streamed else complete(events)
    return {**whole, "raw": joined_raw(raw, cell.streamed)}


def send(url: str, body: Json, streamed: bool) -> list[Json]:
    """The answer, or the events of a stream up to `[DONE]`."""
    http = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(http, timeout=10) as answer:
        text = answer.read().decode()
    if not streamed:
        return [json.loads(text)]
    *events, done, end = text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def native_answer(events: list[Json]) -> Json:
    [answer] = events
    said = answer["content"] if "content" in answer else answer["output"]
    return native(answer, said, answer)


def native_stream(events: list[Json]) -> Json:
    """The whole answer of the last event, to which the chunks must add up."""
    *chunks, last = events
    said = last["aggregated_response"]
    if "raw" in last:
        assert "".join(c["raw"] for c in chunks) == said["raw"]
    else:
        assert joined_blocks([b for c in chunks for b in c["content"]]) == [plain_block(b) for b in said]
    return native(events[0], said, last)


def native(head: Json, said: Any, end: Json) -> Json:
    usage = (end["usage"]["input_tokens"], end["usage"]["output_tokens"])
    ids = {key: head[key] for key in ("inference_id", "episode_id")}
    return {**ids, "variant": head["variant_name"], "said": said, "finish_reason": end["finish_reason"], "usage": usage}


def joined_blocks(chunks: list[Json]) -> list[Json]:
    """The blocks whose chunks these are."""
    blocks: dict[tuple[str, str], Json] = {}
    for chunk in chunks:
        block = blocks.setdefault((chunk["type"], chunk["id"]), {"type": chunk["type"]})
        for key in ("text", "raw_name", "raw_arguments"):
            if chunk.get(key) is not None:
                block[key] = block.get(key, "") + chunk[key]
        if chunk["type"] == "tool_call":
            block["id"] = chunk["id"]
    return list(blocks.values())


def plain_block(block: Json) -> Json:
    """What of a block the chunks tell."""
    return {k: v for k, v in block.items() if k not in ("name", "arguments", "provider_type")}


def openai_answer(events: list[Json]) -> Json:
    [answer] = events
    [choice] = answer["choices"]
    message = dict(choice["message"])
    assert message.pop("role") == "assistant"
    return openai(answer, message, choice["finish_reason"], answer["usage"])


def openai_stream(events: list[Json]) -> Json:
    choices = [choice for e in events for choice in e["choices"]]
    deltas = [dict(c["delta"]) for c in choices]
    assert [d.pop("role", None) for d in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
    assert [e["usage"] for e in events[:-1]] == [None] * (len(events) - 1)
    return openai(events[0], joined_deltas(deltas), choices[-1]["finish_reason"], events[-1]["usage"])


def openai(head: Json, message: Json, finish_reason: str, usage: Json) -> Json:
    variant = head["model"].rpartition("::variant_name::")[2].removeprefix("tensorzero::model_name::")
    tokens = (usage["prompt_tokens"], usage["completion_tokens"])
    reason = NATIVE_REASONS.get(finish_reason, finish_reason)
    ids = {"inference_id": head["id"], "episode_id": head["episode_id"]}
    return {**ids, "variant": variant, "said": message, "finish_reason": reason, "usage": tokens}


def joined_deltas(deltas: list[Json]) -> Json:
    """The message whose deltas these are."""
    texts = [d["content"] for d in deltas if "content" in d]
    message: Json = {"content": "".join(texts) if texts else None}
    for delta in deltas:
        for part in delta.get("tool_calls", []):
            calls = message.setdefault("tool_calls", [])
            if part["index"] == len(calls):
                calls.append({"id": part["id"], "type": part["type"], "function": {"name": "", "arguments": ""}})
            for key, text in part["function"].items():
                calls[part["index"]]["function"][key] += text
        for part in delta.get("tensorzero_extra_content", []):
            extra = message.setdefault("tensorzero_extra_content", [])
            if extra and extra[-1]["insert_index"] == part["insert_index"]:
                extra[-1]["text"] += part["text"]
            else:
                extra.append({k: v for k, v in part.items() if v is not None and k != "id"})
    return message


def message_of(said: Any) -> Json:
    """The OpenAI message that says the same as the native answer."""
    if isinstance(said, dict):
        return {"content": said["raw"]}
    texts = [b["text"] for b in said if b["type"] == "text"]
    calls = [
        {"id": b["id"], "type": "function", "function": {"name": b["raw_name"], "arguments": b["raw_arguments"]}}
        for b in said
        if b["type"] == "tool_call"
    ]
    extra = [{**b, "insert_index": i} for i, b in enumerate(said) if b["type"] in ("thought", "unknown")]
    message: Json = {"content": "".join(texts) if texts else None}
    return message | ({"tool_calls": calls} if calls else {}) | ({"tensorzero_extra_content": extra} if extra else {})


def joined_raw(found: list[tuple[str, Any]], streamed: bool) -> Json:
    """Raw data by key, without the ids of model inferences; that of a stream as a list."""
    raw: Json = {}
    for key, value in found:
        if isinstance(value, list):
            value = [{k: v for k, v in entry.items() if k != "model_inference_id"} for entry in value]
        if streamed:
            raw.setdefault(key, []).append(value)
        else:
            raw[key] = value
    return raw


# -- the page ----------------------------------------------------------------------------------------------------------


def test_page_is_current() -> None:
    """To renew it, write `features.page()` into the file."""
    assert PAGE.read_text() == page()
