"""Complete answers and their records, from the body of the request on, on both faces."""

import json

import pytest

from kit import HI as INPUT
from kit import (
    FakeReader,
    answers,
    breaks,
    calls,
    chat,
    fails,
    json_function,
    make,
    model,
    renamed,
    run,
    says,
    untimed,
    variant,
)
from processes import completion
from t0.errors import ConnectionLost

CONFIG = (
    model("m", "p", "q")
    + model("priced", provider_keys='cost = [{ pointer = "/usage/prompt_tokens", cost_per_million = 2.5 }]')
    + chat(variant("v", "temperature = 0.5"), keys='tools = ["t"]')
    + chat(variant("v", model="priced", function="p"), name="p")
    + json_function(keys='output_schema = "answer.json"')
    + '[tools.t]\ndescription = "d"\nparameters = "any.json"\n'
)
ANSWER_SCHEMA = {"type": "object", "required": ["answer"]}
FILES = {"any.json": '{"type":"object"}', "answer.json": json.dumps(ANSWER_SCHEMA)}
TOOL = {"description": "d", "parameters": {"type": "object"}, "name": "t", "strict": False}
USAGE = {"input_tokens": 11, "output_tokens": 7, "cost": None}


def answered(folder, body, *replies, path="/inference", config=CONFIG, **options):
    """Status, body and records."""
    kit = make(folder, config, *replies, files=FILES, **options)
    answer = run(kit.call(path, {"input": INPUT, **body}))
    return answer.status, renamed(answer.json()), [untimed(r) for r in kit.records], kit


def native(content, **more):
    return {
        "inference_id": "<1>",
        "episode_id": "<2>",
        "variant_name": "v",
        "content": content,
        "usage": USAGE,
        "finish_reason": "stop",
        **more,
    }


TEXT = {"type": "text", "text": "Hello"}


def call(name, arguments, judged_name, judged_arguments, id_="call_0"):
    return {
        "type": "tool_call",
        "id": id_,
        "raw_name": name,
        "raw_arguments": arguments,
        "name": judged_name,
        "arguments": judged_arguments,
    }


CHAT = {
    "text": (says(), native([TEXT])),
    "empty text": (says(""), native([{"type": "text", "text": ""}])),
    "no usage": (
        answers({"content": "Hello"}, usage=None),
        native([TEXT], usage={"input_tokens": None, "output_tokens": None, "cost": None}),
    ),
    "cut": (answers({"content": "Hello"}, finish_reason="length"), native([TEXT], finish_reason="length")),
    "tool call": (calls(("t", '{"a":1}')), native([call("t", '{"a":1}', "t", {"a": 1})], finish_reason="tool_call")),
    "invented tool": (calls(("zz", "{}")), native([call("zz", "{}", None, None)], finish_reason="tool_call")),
    "arguments not JSON": (calls(("t", "{")), native([call("t", "{", "t", None)], finish_reason="tool_call")),
    "arguments that do not validate": (
        calls(("t", "[]")),
        native([call("t", "[]", "t", None)], finish_reason="tool_call"),
    ),
    "several": (
        calls(("t", "{}"), ("t", "{}")),
        native([call("t", "{}", "t", {}), call("t", "{}", "t", {}, "call_1")], finish_reason="tool_call"),
    ),
}


@pytest.mark.parametrize(("reply", "expected"), CHAT.values(), ids=CHAT)
def test_chat_functions(tmp_path, reply, expected):
    assert answered(tmp_path, {"function_name": "f"}, reply)[:2] == (200, expected)


def json_answer(raw, parsed, **more):
    return {**{k: v for k, v in native([]).items() if k != "content"}, "output": {"raw": raw, "parsed": parsed}, **more}


JSON = {
    "valid": (says('{"answer":1}'), json_answer('{"answer":1}', {"answer": 1})),
    "not JSON": (says("Hello"), json_answer("Hello", None)),
    "not the schema": (says('{"other":1}'), json_answer('{"other":1}', None)),
    "empty": (says(""), json_answer("", None)),
    "nothing": (answers({"content": None}), json_answer(None, None)),
    "tool call": (
        calls(("respond", '{"answer":1}')),
        json_answer('{"answer":1}', {"answer": 1}, finish_reason="tool_call"),
    ),
}


@pytest.mark.parametrize(("reply", "expected"), JSON.values(), ids=JSON)
def test_json_functions(tmp_path, reply, expected):
    assert answered(tmp_path, {"function_name": "j"}, reply)[:2] == (200, expected)


DYNAMIC = {
    "fits": ({"type": "string"}, '"a"', "a"),
    "fits not": ({"type": "string"}, "1", None),
    "null fits": ({"type": "null"}, "null", None),
    "not a schema": ({"type": "zz"}, '"a"', None),
    "any": (True, "1", 1),
}


@pytest.mark.parametrize(("schema", "raw", "parsed"), DYNAMIC.values(), ids=DYNAMIC)
def test_the_schema_of_the_request_replaces_that_of_the_function(tmp_path, schema, raw, parsed):
    body = {"function_name": "j", "output_schema": schema}
    status, answer, records, _ = answered(tmp_path, body, says(raw))
    assert (status, answer) == (200, json_answer(raw, parsed))
    assert records[0]["row"]["output_schema"] == schema


def test_costs_are_computed(tmp_path):
    status, answer, records, _ = answered(tmp_path, {"function_name": "p"}, says())
    assert (status, answer["usage"]) == (200, {**USAGE, "cost": 0.0000275})
    assert records[0]["row"]["model_inferences"][0]["cost"] == "0.0000275"


def test_models_by_name(tmp_path):
    status, answer, records, _ = answered(tmp_path, {"model_name": "m"}, says())
    assert (status, answer) == (200, native([TEXT], variant_name="m"))
    assert (records[0]["count"]["function_name"], records[0]["count"]["model_name"]) == ("tensorzero::default", "m")
    assert (records[0]["row"]["function_name"], records[0]["row"]["variant_name"]) == ("tensorzero::default", "m")


def test_the_openai_face_answers_the_same(tmp_path):
    body = {"model": "tensorzero::function_name::f", "messages": INPUT["messages"]}
    status, answer, records, kit = answered(tmp_path, body, says(), path="/openai/v1/chat/completions")
    assert (status, answer) == (
        200,
        {
            "id": "<1>",
            "episode_id": "<2>",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
            "created": "<now>",
            "model": "tensorzero::function_name::f::variant_name::v",
            "system_fingerprint": "",
            "service_tier": None,
            "object": "chat.completion",
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "tensorzero_cost": None},
        },
    )
    again = make(tmp_path / "again", CONFIG, says(), files=FILES)
    run(again.call("/inference", {"function_name": "f", "input": INPUT}))
    assert (records, kit.transport.bodies) == ([untimed(again.records[0])], again.transport.bodies)


# -- json mode `tool` --------------------------------------------------------------------------------------------------


def test_json_mode_tool_answers_with_the_arguments(tmp_path):
    body = {
        "function_name": "p",
        "params": {"chat_completion": {"json_mode": "tool"}},
        "output_schema": {"type": "object"},
    }
    status, answer, _, kit = answered(tmp_path, body, calls(("respond", '{"a": 1}')))
    assert (status, answer["content"]) == (200, [{"type": "text", "text": '{"a": 1}'}])
    sent = kit.transport.bodies[0]
    assert [t["function"]["name"] for t in sent["tools"]] == ["respond"]
    assert sent["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "respond"}}


# -- records -----------------------------------------------------------------------------------------------------------

COUNT = {
    "kind": "count",
    "endpoint": "inference",
    "function_name": "f",
    "variant_name": "v",
    "inferences": 1,
    "input_tokens": 11,
    "output_tokens": 7,
    "overhead_s": "<time>",
}
ROW = {
    "kind": "inference",
    "function_type": "chat",
    "id": "<1>",
    "episode_id": "<2>",
    "function_name": "f",
    "variant_name": "v",
    "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
    "output": [TEXT],
    "params": {"temperature": 0.5},
    "processing_time_ms": "<time>",
    "tools": {
        "config": {
            "tools": [TOOL],
            "custom_tools": [],
            "provider_tools": [],
            "choice": "auto",
            "parallel_tool_calls": None,
            "allowed": None,
        },
        "static_names": ["t"],
    },
    "model_inferences": [
        {
            "id": "<3>",
            "model_name": "m",
            "model_provider_name": "p",
            "raw_request": "<as sent>",
            "raw_response": json.dumps(completion("Hello")),
            "system": None,
            "input_messages": None,
            "output": [TEXT],
            "input_tokens": 11,
            "output_tokens": 7,
            "response_time_ms": "<time>",
            "finish_reason": "stop",
        }
    ],
    "snapshot_hash": "1234",
}


def test_the_record_of_a_chat_inference(tmp_path):
    _, _, records, kit = answered(tmp_path, {"function_name": "f"}, says())
    call = records[0]["row"]["model_inferences"][0]
    assert call["raw_request"] == kit.transport.requests[0].body.decode()
    call["raw_request"] = "<as sent>"
    assert records == [{"count": COUNT, "row": ROW}]


def test_messages_that_differ_from_the_input_are_recorded_beside_it(tmp_path):
    raw = {"messages": [{"role": "user", "content": [{"type": "raw_text", "value": "Hi"}]}]}
    _, _, records, _ = answered(tmp_path, {"function_name": "f", "input": raw}, says())
    row = records[0]["row"]
    sent = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert (row["input"], row["model_inferences"][0]["input_messages"]) == (raw, sent)


def test_the_record_of_a_json_inference(tmp_path):
    reply = answers({"content": '{"answer":1}', "reasoning": "hm"})
    records = answered(tmp_path, {"function_name": "j", "tags": {"a": "b"}, "internal": True}, reply)[2]
    row = {k: v for k, v in records[0]["row"].items() if k != "model_inferences"}
    assert row == {
        **{k: v for k, v in ROW.items() if k not in ("tools", "model_inferences")},
        "function_type": "json",
        "function_name": "j",
        "output": {"raw": '{"answer":1}', "parsed": {"answer": 1}},
        "output_schema": ANSWER_SCHEMA,
        "params": {"json_mode": "on"},
        "tags": {"a": "b", "tensorzero::internal": "true"},
        "auxiliary_content": [{"type": "thought", "text": "hm", "provider_type": "vllm"}],
    }


def test_what_a_request_adds_to_its_record(tmp_path):
    body = {
        "function_name": "f",
        "variant_name": "v",
        "namespace": "ns",
        "tags": {"a": "b"},
        "credentials": {"k": "secret"},
        "params": {"chat_completion": {"temperature": 1, "seed": 5}},
        "extra_body": [{"pointer": "/x", "value": 1, "model_name": "m"}, {"pointer": "/y", "delete": True}],
        "extra_headers": [{"name": "x", "value": "secret"}],
        "additional_tools": [{"name": "u", "description": "e", "parameters": {}}],
        "tool_choice": {"specific": "u"},
    }
    records = answered(tmp_path, body, says())[2]
    row = records[0]["row"]
    assert row["tags"] == {"a": "b", "tensorzero::namespace": "ns", "tensorzero::variant_pinned": "v"}
    assert row["params"] == {"temperature": 1.0, "seed": 5}
    assert row["extra_body"] == [{"pointer": "/x", "value": 1, "model_name": "m"}, {"pointer": "/y", "delete": True}]
    assert row["tools"]["static_names"] == ["t"]
    assert row["tools"]["config"]["tools"] == [TOOL, {**TOOL, "name": "u", "description": "e", "parameters": {}}]
    assert row["tools"]["config"]["choice"] == {"specific": "u"}
    assert "secret" not in json.dumps(records)


def test_a_dry_run_leaves_no_record(tmp_path):
    status, _, records, kit = answered(tmp_path, {"function_name": "f", "dryrun": True}, says())
    assert (status, records, len(kit.transport.requests)) == (200, [], 1)


def test_without_a_database_only_the_count_is_kept(tmp_path):
    assert answered(tmp_path, {"function_name": "f"}, says(), stores=False)[2] == [{"count": COUNT}]


FAILED = {k: v for k, v in COUNT.items() if k not in ("variant_name", "input_tokens", "output_tokens")}


def test_a_failed_inference_is_counted(tmp_path):
    body = {"function_name": "f"}
    status, _, records, _ = answered(tmp_path, body, fails(500, "no"), breaks(ConnectionLost("gone")))
    assert (status, records) == (502, [{"count": FAILED}])


def test_a_failed_dry_run_leaves_no_record(tmp_path):
    body = {"function_name": "f", "dryrun": True}
    status, _, records, _ = answered(tmp_path, body, fails(500, "no"), fails(500, "no"))
    assert (status, records) == (502, [])


SYNCHRONOUS = "[gateway.observability]\nasync_writes = false\n"
BATCHED = f"{SYNCHRONOUS}batch_writes = {{ enabled = true }}\n"


@pytest.mark.parametrize(
    ("keys", "waited"),
    [("", []), (SYNCHRONOUS, [1]), (BATCHED, [])],
    ids=["asynchronous", "synchronous", "batched"],
)
def test_synchronous_writes_are_waited_for(tmp_path, keys, waited):
    kit = answered(tmp_path, {"function_name": "f"}, says(), config=keys + CONFIG, reader=FakeReader())[3]
    assert kit.writer.waited == waited
