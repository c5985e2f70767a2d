"""Batches end to end: started at a mock provider, polled through restarts, stored once."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from processes import Gateway, MockProvider, Store, completion, free_port, select, wait_for_rows, wait_until

CONFIG = """
[models.m]
routing = ["broken", "p"]

[models.m.providers.broken]
type = "vllm"
model_name = "m"
api_base = "{mock}/broken/"
api_key_location = "none"

[models.m.providers.p]
type = "openai"
model_name = "served"
api_base = "{mock}/v1/"
api_key_location = "none"
cost = [{ pointer = "/usage/prompt_tokens", cost_per_unit = 1.0 }]
batch_cost = [{ pointer = "/usage/prompt_tokens", cost_per_unit = BATCH_COST }]

[models.dynamic]
routing = ["p"]
providers.p = { type = "openai", model_name = "m", api_base = "{mock}/v1/", api_key_location = "dynamic::k" }

[models.vllm]
routing = ["p"]
providers.p = { type = "vllm", model_name = "m", api_base = "{mock}/", api_key_location = "none" }

[functions.f]
type = "chat"
tools = ["weather"]
system_schema = "system.json"

[functions.f.variants.v]
type = "chat_completion"
model = "m"
system_template = "system.minijinja"
temperature = 0.25

[functions.extract]
type = "json"
output_schema = "answer.json"

[functions.extract.variants.v]
type = "chat_completion"
model = "m"
json_mode = "strict"

[functions.dynamic]
type = "chat"
variants.v = { type = "chat_completion", model = "dynamic" }

[functions.unsupported]
type = "chat"
variants.a = { type = "chat_completion", model = "vllm" }
variants.b = { type = "chat_completion", model = "vllm" }

[functions.counted]
type = "chat"
variants.v = { type = "chat_completion", model = "m" }

[functions.dummy]
type = "chat"
variants.v = { type = "chat_completion", model = "dummy::x" }

[tools.weather]
description = "Find the weather"
parameters = "weather.json"
"""
FILES = {
    "system.json": '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}',
    "system.minijinja": "You are {{ name }}.",
    "answer.json": '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}',
    "weather.json": '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}',
}
EXTRA_TOOL = {"name": "extra", "description": "More", "parameters": {"type": "object"}}
ROUTE = "/batch_inference"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The database outlives the gateways."""
    with Store(tmp_path_factory.mktemp("store"), free_port()) as running:
        yield running


def launch(folder: Path, store: Store, provider: MockProvider, batch_cost: float = 0.5, *args: str) -> Gateway:
    config = CONFIG.replace("{mock}", provider.url).replace("BATCH_COST", str(batch_cost))
    env = {"TENSORZERO_CLICKHOUSE_URL": store.url}
    return Gateway(folder, config, files=FILES, env=env, args=args)


@pytest.fixture(scope="module")
def gateway(store: Store, provider: MockProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with launch(tmp_path_factory.mktemp("gateway"), store, provider, 0.5, "--workers", "2") as running:
        yield running


# -- the provider's part -----------------------------------------------------------------------------------------------


UPLOADED = {"when": {"path": "/v1/files"}, "json": {"id": "file-1"}}
STARTED = {"when": {"path": "/v1/batches"}, "json": {"id": "batch-1", "status": "validating"}}


def state(status: str, **more: Any) -> dict[str, Any]:
    return {"when": {"path": "/v1/batches/batch-1"}, "json": {"id": "batch-1", "status": status, **more}}


DONE = state("completed", output_file_id="out")


def results(*lines: Any) -> dict[str, Any]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return {"when": {"path": "/v1/files/out/content"}, "text": text}


def answered(inference_id: str, text: str | None, **message: Any) -> dict[str, Any]:
    body = completion("")
    body["choices"][0]["message"] = {"role": "assistant", "content": text, **message}
    return {"custom_id": inference_id, "response": {"status_code": 200, "body": body}}


def chat_input(text: str) -> dict[str, Any]:
    return {"system": {"name": "Ada"}, "messages": [{"role": "user", "content": text}]}


def start(gateway: Gateway, provider: MockProvider, **fields: Any) -> dict[str, Any]:
    """A batch of two, unless `inputs` says otherwise."""
    provider.play(UPLOADED, STARTED)
    inputs = [chat_input("first"), chat_input("second")]
    started: dict[str, Any] = gateway.post(ROUTE, {"function_name": "f", "inputs": inputs, **fields})
    return started


def poll(gateway: Gateway, started: dict[str, Any]) -> Any:
    return gateway.get(f"{ROUTE}/{started['batch_id']}")


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(HTTPError) as caught:
        call()
    return caught.value.status, caught.value.read().decode()


def rows(store: Store, table: str, where: str, columns: str = "*") -> list[dict[str, Any]]:
    return select(store.url, f"SELECT {columns} FROM {table} WHERE {where}")


def members(started: dict[str, Any], column: str = "inference_id") -> str:
    return f"{column} IN ({', '.join(repr(i) for i in started['inference_ids'])}) ORDER BY toUInt128({column})"


# -- start -------------------------------------------------------------------------------------------------------------


def test_start_is_stored_before_it_is_answered(gateway: Gateway, store: Store, provider: MockProvider) -> None:
    episode = "0193b9a0-0000-7000-8000-000000000000"
    started = start(
        gateway,
        provider,
        episode_ids=[None, episode],
        variant_name="v",
        tags=[{"a": "b"}, None],
        params={"chat_completion": {"temperature": [0.5, None]}},
        additional_tools=[None, [EXTRA_TOOL]],
    )
    assert started["episode_ids"][1] == episode
    stored = rows(store, "BatchModelInference", members(started))
    sent = [json.loads(row.pop("raw_request")) for row in stored]
    assert [(s["custom_id"], s["body"]["temperature"]) for s in sent] == [
        (started["inference_ids"][0], 0.5),
        (started["inference_ids"][1], 0.25),
    ]
    weather = {
        "description": "Find the weather",
        "parameters": json.loads(FILES["weather.json"]),
        "name": "weather",
        "strict": False,
    }
    extra = {"description": "More", "parameters": {"type": "object"}, "name": "extra", "strict": False}
    common = {
        "batch_id": started["batch_id"],
        "function_name": "f",
        "variant_name": "v",
        "system": "You are Ada.",
        "model_name": "m",
        "model_provider_name": "p",
        "output_schema": None,
        "dynamic_provider_tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": None,
        "snapshot_hash": gateway.get("/status")["config_hash"],
    }
    pinned = {"tensorzero::variant_pinned": "v"}

    def texts(text: str) -> dict[str, str]:
        message = f'[{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}]'
        return {"input": f'{{"system":{{"name":"Ada"}},"messages":{message}}}', "input_messages": message}

    def tools(*available: Any) -> str:
        content = {"tools_available": available, "tool_choice": "auto", "parallel_tool_calls": None}
        return json.dumps(content, separators=(",", ":"))

    assert stored == [
        {
            **common,
            **texts("first"),
            "inference_id": started["inference_ids"][0],
            "episode_id": started["episode_ids"][0],
            "inference_params": '{"chat_completion":{"temperature":0.5}}',
            "tags": {"a": "b", **pinned},
            "tool_params": tools(weather),
            "dynamic_tools": [],
            "allowed_tools": '{"tools":["weather"],"choice":"function_default"}',
        },
        {
            **common,
            **texts("second"),
            "inference_id": started["inference_ids"][1],
            "episode_id": episode,
            "inference_params": '{"chat_completion":{"temperature":0.25}}',
            "tags": pinned,
            "tool_params": tools(weather, extra),
            "dynamic_tools": [json.dumps({"type": "function", **extra}, separators=(",", ":"))],
            "allowed_tools": '{"tools":["weather","extra"],"choice":"function_default"}',
        },
    ]
    request = '{"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h"}'
    assert rows(store, "BatchRequest", f"batch_id = '{started['batch_id']}'", "* EXCEPT id") == [
        {
            "batch_id": started["batch_id"],
            "batch_params": '{"file_id":"file-1","batch_id":"batch-1"}',
            "model_name": "m",
            "model_provider_name": "p",
            "status": "pending",
            "errors": [],
            "raw_request": request,
            "raw_response": '{"id":"batch-1","status":"validating"}',
            "function_name": "f",
            "variant_name": "v",
            "snapshot_hash": common["snapshot_hash"],
        }
    ]


def test_the_upload_holds_the_rows(gateway: Gateway, provider: MockProvider) -> None:
    started = start(gateway, provider)
    upload, create = provider.requests
    assert (upload["path"], create["path"]) == ("/v1/files", "/v1/batches")
    lines = [json.loads(line) for line in upload["body"].splitlines() if line.startswith("{")]
    assert [line["custom_id"] for line in lines] == started["inference_ids"]
    assert [line["body"]["messages"][-1]["content"] for line in lines] == ["first", "second"]


ONE = [chat_input("a")]
EPISODE = "0193b9a0-0000-7000-8000-000000000001"
"""Draws variant `b` of `unsupported` first."""
NO_BATCHES = "All model providers failed to infer with errors: p: Unsupported model provider for batch inference: vllm"
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no_inputs": ({"inputs": []}, 400, "No inputs provided"),
    "unknown_function": ({"function_name": "nope"}, 404, "Unknown function: nope"),
    "unknown_variant": ({"variant_name": "nope"}, 404, "Unknown variant: nope"),
    "bad_input": (
        {"inputs": [chat_input("a"), {"messages": []}]},
        400,
        "Input at index 1 failed validation: `input.system` is empty but a system template is present.",
    ),
    "old_episode": (
        {"episode_ids": ["00000000-0000-7000-8000-000000000000"]},
        400,
        "Input at index 0 failed validation: Invalid Episode ID: Timestamp is too early",
    ),
    "workflow_episode": (
        {"episode_ids": ["0a9e4a2c-1800-7000-8000-000000000000"]},
        400,
        "Input at index 0 failed validation: Invalid Episode ID: Timestamp is in the future",
    ),
    "nil_episode": (
        {"episode_ids": ["00000000-0000-0000-0000-000000000000"]},
        400,
        "Input at index 0 failed validation: Failed to parse UUID as v7: 00000000-0000-0000-0000-000000000000",
    ),
    "unknown_tool": ({"allowed_tools": [["nope"]]}, 400, "Tool not found: nope"),
    "file_without_object_storage": (
        {
            "inputs": [
                {
                    "system": {"name": "Ada"},
                    "messages": [
                        {
                            "role": "user",
                            "content": [{"type": "file", "file_type": "url", "url": "http://127.0.0.1:9/a.png"}],
                        }
                    ],
                }
            ]
        },
        500,
        "Object storage is not configured.",
    ),
    "unsupported_provider": (
        {"function_name": "unsupported", "variant_name": "a", "inputs": [{"messages": []}]},
        500,
        NO_BATCHES,
    ),
    "no_variant_left": (
        {"function_name": "unsupported", "episode_ids": [EPISODE], "inputs": [{"messages": []}]},
        502,
        f"All variants failed with errors: b: {NO_BATCHES}\na: {NO_BATCHES}",
    ),
}


@pytest.mark.parametrize(("fields", "status", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(gateway: Gateway, fields: dict[str, Any], status: int, text: str) -> None:
    found, body = refused(lambda: gateway.post(ROUTE, {"function_name": "f", "inputs": ONE, **fields}))
    assert (found, json.loads(body)["error"][: len(text)]) == (status, text)


def test_the_only_variants_error_is_not_wrapped(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"when": {"path": "/v1/files"}, "status": 401, "text": "no"})
    text = (
        "All model providers failed to infer with errors: broken: Unsupported model provider for batch inference: "
        "vllm, p: Error 401 Unauthorized from openai client: no"
    )
    found = refused(lambda: gateway.post(ROUTE, {"function_name": "f", "inputs": ONE}))
    assert (found[0], json.loads(found[1])) == (500, {"error": text})


def test_without_a_database(provider: MockProvider, tmp_path: Path) -> None:
    with Gateway(tmp_path, "[gateway]\nobservability.enabled = false") as off:
        text = (
            "Batch inference requires observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )
        for call in (
            lambda: off.post(ROUTE, {"function_name": "f", "inputs": ONE}),
            lambda: off.get(f"{ROUTE}/0193b9a0-0000-7000-8000-000000000000"),
        ):
            status, body = refused(call)
            assert (status, json.loads(body)) == (400, {"error": text})


# -- poll --------------------------------------------------------------------------------------------------------------


def test_from_start_to_end(gateway: Gateway, store: Store, provider: MockProvider) -> None:
    started = start(gateway, provider, tags=[{"a": "b"}, None])
    first, second = started["inference_ids"]
    provider.play(state("in_progress"))
    assert poll(gateway, started) == {"status": "pending"}
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city":1}'}}
    # In any order, with lines that cannot be read or belong to nobody.
    provider.play(
        DONE, results(answered(second, None, tool_calls=[call]), "{bad", answered(first, "Hi"), answered("x", "?"))
    )
    usage = {"input_tokens": 11, "output_tokens": 7, "cost": 5.5}
    said = [{"type": "text", "text": "Hi"}]
    called = [
        {
            "type": "tool_call",
            "id": "c",
            "raw_name": "weather",
            "raw_arguments": '{"city":1}',
            "name": "weather",
            "arguments": None,
        }
    ]
    items = [
        {
            "inference_id": inference_id,
            "episode_id": episode_id,
            "variant_name": "v",
            "content": content,
            "usage": usage,
            "finish_reason": "stop",
        }
        for inference_id, episode_id, content in zip(
            started["inference_ids"], started["episode_ids"], (said, called), strict=True
        )
    ]
    whole = {"status": "completed", "batch_id": started["batch_id"], "inferences": items}
    assert poll(gateway, started) == whole
    provider.play()  # from now on it is not asked any more
    assert poll(gateway, started) == whole
    assert gateway.get(f"{ROUTE}/{started['batch_id']}/inference/{second}") == {**whole, "inferences": items[1:]}
    assert provider.requests == []
    _check_rows(store, started, [said, called])


def _check_rows(store: Store, started: dict[str, Any], contents: list[Any]) -> None:
    batch = rows(store, "BatchModelInference", members(started))
    inferences = rows(store, "ChatInference", members(started, "id"))
    copied = ("function_name", "variant_name", "episode_id", "input", "inference_params", "tags", "tool_params")
    more = ("dynamic_tools", "allowed_tools", "tool_choice", "parallel_tool_calls", "snapshot_hash")
    assert [{c: row[c] for c in (*copied, *more)} for row in inferences] == [
        {c: row[c] for c in (*copied, *more)} for row in batch
    ]
    assert [json.loads(row["output"]) for row in inferences] == contents
    assert [(r["processing_time_ms"], r["ttft_ms"], r["extra_body"]) for r in inferences] == [(None, None, "[]")] * 2
    calls = rows(store, "ModelInference", members(started))
    shared = ("function_name", "variant_name", "system", "input_messages", "raw_request", "model_name")
    assert [{c: row[c] for c in (*shared, "model_provider_name", "snapshot_hash")} for row in calls] == [
        {c: row[c] for c in (*shared, "model_provider_name", "snapshot_hash")} for row in batch
    ]
    plain = ("input_tokens", "output_tokens", "response_time_ms", "ttft_ms", "cached", "finish_reason", "cost")
    assert [[row[c] for c in plain] for row in calls] == [[11, 7, None, None, False, "stop", 5.5]] * 2
    assert [json.loads(row["raw_response"])["id"] for row in calls] == ["chatcmpl-1"] * 2
    states = rows(store, "BatchRequest", f"batch_id = '{started['batch_id']}' ORDER BY toUInt128(id)", "status")
    assert [row["status"] for row in states] == ["pending", "pending", "completed"]


def test_json_functions(gateway: Gateway, store: Store, provider: MockProvider) -> None:
    inputs = [{"messages": [{"role": "user", "content": "a"}]}] * 3
    schemas = [None, {"type": "object", "required": ["m"]}, None]
    started = start(gateway, provider, function_name="extract", inputs=inputs, output_schemas=schemas)
    one, two, three = started["inference_ids"]
    provider.play(DONE, results(answered(one, '{"n":1}'), answered(two, '{"n":1}'), answered(three, "prose")))
    outputs = [
        {"raw": '{"n":1}', "parsed": {"n": 1}},
        {"raw": '{"n":1}', "parsed": None},
        {"raw": "prose", "parsed": None},
    ]
    whole = poll(gateway, started)
    assert [item["output"] for item in whole["inferences"]] == outputs
    assert poll(gateway, started) == whole
    stored = rows(store, "JsonInference", members(started, "id"), "output, output_schema, auxiliary_content, tags")
    own = FILES["answer.json"]
    assert [(json.loads(r["output"]), r["output_schema"], r["auxiliary_content"]) for r in stored] == [
        (outputs[0], own, "[]"),
        (outputs[1], '{"type":"object","required":["m"]}', "[]"),
        (outputs[2], own, "[]"),
    ]


def test_partial_results(gateway: Gateway, provider: MockProvider) -> None:
    started = start(gateway, provider)
    failed = {"custom_id": started["inference_ids"][0], "response": {"status_code": 400, "body": {"error": {}}}}
    provider.play(DONE, results(failed, answered(started["inference_ids"][1], "Hi")))
    whole = poll(gateway, started)
    assert [item["inference_id"] for item in whole["inferences"]] == started["inference_ids"][1:]
    assert poll(gateway, started) == whole
    missing = gateway.get(f"{ROUTE}/{started['batch_id']}/inference/{started['inference_ids'][0]}")
    assert missing == {"status": "completed", "batch_id": started["batch_id"], "inferences": []}


def test_failed_at_the_provider(gateway: Gateway, store: Store, provider: MockProvider) -> None:
    started = start(gateway, provider)
    provider.play(state("failed", errors={"data": [{"code": "bad"}]}))
    assert poll(gateway, started) == {"status": "failed"}
    provider.play()
    assert poll(gateway, started) == {"status": "failed"}
    stored = rows(store, "BatchRequest", f"batch_id = '{started['batch_id']}' AND status = 'failed'", "errors")
    assert stored == [{"errors": ['{"code":"bad"}']}]


def test_results_without_one_answer_fail_the_batch(gateway: Gateway, provider: MockProvider) -> None:
    started = start(gateway, provider)
    provider.play(DONE, results("{bad", answered("0193b9a0-0000-7000-8000-000000000000", "of another batch")))
    text = "Error from openai server: The results of the batch hold no answer that can be read"
    assert refused(lambda: poll(gateway, started)) == (500, json.dumps({"error": text}, separators=(",", ":")))
    assert poll(gateway, started) == {"status": "failed"}


def test_an_unreachable_provider_fails_the_poll_only(gateway: Gateway, provider: MockProvider) -> None:
    started = start(gateway, provider)
    busy = {"when": {"path": "/v1/batches/batch-1"}, "status": 503, "text": "busy"}
    lost = {"when": {"path": "/v1/files/out/content"}, "status": 503, "text": "busy"}
    provider.play(busy, DONE, lost, DONE, results(answered(started["inference_ids"][0], "Hi")))
    for _ in range(2):
        assert refused(lambda: poll(gateway, started)) == (500, '{"error":"Error from openai server: busy"}')
    assert poll(gateway, started)["status"] == "completed"


def test_credentials_of_the_start_are_not_there_to_poll(gateway: Gateway, provider: MockProvider) -> None:
    fields = {"function_name": "dynamic", "inputs": [{"messages": []}], "credentials": {"k": "sk-given"}}
    started = start(gateway, provider, **fields)
    assert [r["headers"]["authorization"] for r in provider.requests] == ["Bearer sk-given"] * 2
    status, body = refused(lambda: poll(gateway, started))
    assert (status, json.loads(body)) == (
        400,
        {"error": "API key missing for provider OpenAI: Dynamic api key `k` is missing"},
    )


def test_dummy_batches_can_only_be_started(gateway: Gateway, provider: MockProvider) -> None:
    started = start(gateway, provider, function_name="dummy", inputs=[{"messages": []}])
    text = "Unsupported model provider for batch inference: dummy"
    assert refused(lambda: poll(gateway, started)) == (500, json.dumps({"error": text}, separators=(",", ":")))


def test_ids(gateway: Gateway, provider: MockProvider) -> None:
    started, nobody = start(gateway, provider), "0193b9a0-0000-7000-8000-000000000000"
    for path, missing in (
        (nobody, nobody),
        (f"{started['batch_id']}/inference/{nobody}", nobody),
        (f"{nobody}/inference/{started['inference_ids'][0]}", started["inference_ids"][0]),
    ):
        found = refused(lambda path=path: gateway.get(f"{ROUTE}/{path}"))
        assert found == (404, f'{{"error":"Batch request not found for id: {missing}"}}')
    status, text = refused(lambda: gateway.get(f"{ROUTE}/x"))
    assert (status, text[:13]) == (400, "Invalid URL: ")
    provider.play(state("in_progress"))
    upper = started["batch_id"].upper().replace("-", "")
    assert gateway.get(f"{ROUTE}/{upper}/inference/{started['inference_ids'][0]}") == {"status": "pending"}


def test_many_polls_at_the_end_store_the_results_once(gateway: Gateway, store: Store, provider: MockProvider) -> None:
    """They go to two workers, and all see the provider's `completed`."""
    started = start(gateway, provider)
    slow = {**results(*(answered(i, "Hi") for i in started["inference_ids"])), "delay_ms": 200, "repeat": True}
    provider.play({**DONE, "repeat": True}, slow)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: poll(gateway, started), range(16)))
    assert {json.dumps(answer) for answer in answers} == {json.dumps(answers[0])}
    assert [r["path"] for r in provider.requests].count("/v1/files/out/content") == 1
    assert len(rows(store, "ChatInference", members(started, "id"))) == 2
    assert len(rows(store, "ModelInference", members(started))) == 2


# -- restarts ----------------------------------------------------------------------------------------------------------


def test_another_gateway_with_other_prices_finishes_the_batch(
    store: Store, provider: MockProvider, tmp_path: Path
) -> None:
    """Priced by the configuration of the start; the gateway that polls has neither the function nor that price."""
    with launch(tmp_path / "one", store, provider, 2.0) as gateway:
        started = start(gateway, provider)
        gateway.stop(signal.SIGKILL)
    with launch(tmp_path / "two", store, provider, 3.0) as gateway:
        provider.play(DONE, results(answered(started["inference_ids"][0], "Hi")))
        assert [i["usage"]["cost"] for i in poll(gateway, started)["inferences"]] == [22.0]


def test_results_stored_before_a_crash_are_not_stored_again(
    gateway: Gateway, store: Store, provider: MockProvider
) -> None:
    """As after a crash behind the last insert but that of the state: the batch is still pending."""
    started = start(gateway, provider)
    lines = results(*(answered(i, "Hi") for i in started["inference_ids"]))
    provider.play(DONE, lines)
    first = poll(gateway, started)
    mutation = f"ALTER TABLE BatchRequest DELETE WHERE batch_id = '{started['batch_id']}' AND status = 'completed'"
    command(store, mutation)
    provider.play(DONE, lines)
    assert poll(gateway, started) == first
    assert len(rows(store, "ChatInference", members(started, "id"))) == 2
    assert len(rows(store, "ModelInference", members(started))) == 2


def command(store: Store, sql: str) -> None:
    import clickhouse_connect

    client = clickhouse_connect.get_client(dsn=store.url)
    try:
        client.command(sql, settings={"mutations_sync": 2})
    finally:
        client.close()


def test_rows_that_are_not_visible_yet_leave_the_batch_pending(
    gateway: Gateway, store: Store, provider: MockProvider
) -> None:
    started = start(gateway, provider)
    command(store, f"ALTER TABLE BatchModelInference DELETE WHERE batch_id = '{started['batch_id']}'")
    provider.play(DONE)
    assert poll(gateway, started) == {"status": "pending"}
    assert len(rows(store, "BatchRequest", f"batch_id = '{started['batch_id']}'")) == 1


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_what_is_counted(gateway: Gateway, provider: MockProvider) -> None:
    """Requests that are valid, whether the provider takes them or not."""
    fields: dict[str, Any] = {"function_name": "counted", "inputs": [{"messages": []}] * 2}
    start(gateway, provider, **fields)
    refused(lambda: gateway.post(ROUTE, {**fields, "inputs": []}))
    provider.play()
    refused(lambda: gateway.post(ROUTE, fields))
    labels = '{endpoint="batch_inference",function_name="counted"}'
    wanted = {f"tensorzero_requests_total{labels} 2.0", f"tensorzero_inferences_total{labels} 4.0"}
    wait_until(lambda: wanted <= set(metrics(gateway)), "two requests with four inputs")


def metrics(gateway: Gateway) -> Sequence[str]:
    with urlopen(gateway.url + "/metrics", timeout=10) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    return lines


def test_the_embedded_store_takes_batches(provider: MockProvider, start_gateway: Callable[..., Gateway]) -> None:
    config = CONFIG.replace("{mock}", provider.url).replace("BATCH_COST", "0.5")
    gateway = start_gateway(config, files=FILES)
    wait_for_rows(gateway.store_url, "SELECT 1 AS one FROM system.tables WHERE name = 'BatchIdByInferenceIdView'")
    started = start(gateway, provider)
    provider.play(DONE, results(*(answered(i, "Hi") for i in started["inference_ids"])))
    assert [i["inference_id"] for i in poll(gateway, started)["inferences"]] == started["inference_ids"]
