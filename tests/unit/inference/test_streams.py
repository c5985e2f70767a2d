"""Streamed answers: the order of their events, errors in their middle, their end and their record."""

import json

import msgspec
import pytest

from kit import HI as INPUT
from kit import (
    Client,
    chat,
    completion_events,
    delta,
    fails,
    json_function,
    make,
    model,
    renamed,
    run,
    run_timed,
    serving,
    sse,
    streams,
    tells,
    untimed,
    variant,
)
from t0.errors import ConnectionLost, UpstreamTimeout

CONFIG = (
    model("m", "p", "q")
    + chat(keys='tools = ["t"]')
    + chat(name="plain")
    + json_function(keys='output_schema = "answer.json"')
    + '[tools.t]\ndescription = "d"\nparameters = "any.json"\n'
)
FILES = {"any.json": '{"type":"object"}', "answer.json": '{"type":"object","required":["answer"]}'}
IDS = {"inference_id": "<1>", "episode_id": "<2>", "variant_name": "v"}
USAGE = {"input_tokens": 11, "output_tokens": 7, "cost": None}
UNKNOWN = {"input_tokens": None, "output_tokens": None, "cost": None}


def streamed(folder, *replies, path="/inference", config=CONFIG, **body):
    """The events, renamed, and the kit."""
    kit = make(folder, config, *replies, files=FILES)
    target = {} if {"function_name", "model"} & set(body) else {"function_name": "plain"}
    answer = run(kit.call(path, {**target, "input": INPUT, "stream": True, **body}))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream"), answer.body
    assert answer.headers["cache-control"] == "no-cache"
    return renamed(answer.events()), kit


def chunk(*content, **more):
    return {**IDS, "content": list(content), **more}


def text(value, id_="0"):
    return {"type": "text", "id": id_, "text": value}


def final(usage=USAGE, finish_reason="stop", **more):
    ends = {} if finish_reason is None else {"finish_reason": finish_reason}
    return chunk(usage=usage, **ends, **more)


END = [*(sse(e) for e in completion_events()[:-1]), sse("[DONE]")]
"""What ends a stream of the provider: the finish reason, the usage, the mark."""


# -- chunk by chunk ----------------------------------------------------------------------------------------------------


def test_one_event_for_each_chunk_and_one_at_the_end(tmp_path):
    events, _ = streamed(tmp_path, tells("Hel", "lo"))
    assert events == [chunk(text("Hel")), chunk(text("lo")), final(), "[DONE]"]


def test_chunks_that_arrive_together_are_events_of_their_own(tmp_path):
    events, _ = streamed(tmp_path, streams(b"".join(sse(e) for e in completion_events("a", "b"))))
    assert events == [chunk(text("a")), chunk(text("b")), final(), "[DONE]"]


ODD = {
    "nothing but the end": (END, [final()]),
    "empty text": ([sse(delta("")), *END], [chunk(text("")), final()]),
    "without content": ([sse(delta(role="assistant")), *END], [final()]),
    "no finish reason": ([sse(delta("a"))], [chunk(text("a")), final(UNKNOWN, None)]),
    "no mark": ([sse(delta("a", "length"))], [chunk(text("a")), final(UNKNOWN, "length")]),
    "the last finish reason counts": (
        [sse(delta("a", "length")), sse(delta("b", "stop"))],
        [chunk(text("a")), chunk(text("b")), final(UNKNOWN)],
    ),
    "the largest usage counts": (
        [
            sse(delta("a") | {"usage": {"prompt_tokens": 11, "completion_tokens": 1}}),
            sse(delta("b", "stop") | {"usage": {"prompt_tokens": 5, "completion_tokens": 7}}),
        ],
        [chunk(text("a")), chunk(text("b")), final()],
    ),
    "what follows the mark is ignored": (
        [sse(delta("a", "stop"), "[DONE]"), sse(delta("b"))],
        [chunk(text("a")), final(UNKNOWN)],
    ),
    "split anywhere": (
        [bytes([b]) for b in sse(delta("ä"), *completion_events()[:-1], "[DONE]")],
        [chunk(text("ä")), final()],
    ),
}


@pytest.mark.parametrize(("parts", "expected"), ODD.values(), ids=ODD)
def test_odd_streams(tmp_path, parts, expected):
    assert streamed(tmp_path, streams(*parts))[0] == [*expected, "[DONE]"]


def tool(index, **fields):
    return {"tool_calls": [{"index": index, **fields}]}


CALLS = streams(
    sse(delta(None, **tool(0, id="x", function={"name": "t", "arguments": ""}))),
    sse(delta(None, **tool(0, function={"arguments": '{"a"'}))),
    sse(delta(None, **tool(0, function={"arguments": ":1}"}))),
    sse(delta(None, "tool_calls", **tool(1, id="y", function={"name": "zz", "arguments": "{}"}))),
)


def call(id_, name, arguments):
    return {"type": "tool_call", "id": id_, "raw_name": name, "raw_arguments": arguments}


def test_tool_calls_are_named_once_and_judged_at_the_end(tmp_path):
    events, kit = streamed(tmp_path, CALLS, function_name="f", include_aggregated_response=True)
    whole = [
        {**call("x", "t", '{"a":1}'), "name": "t", "arguments": {"a": 1}},
        {**call("y", "zz", "{}"), "name": None, "arguments": None},
    ]
    assert events == [
        chunk(call("x", "t", "")),
        chunk(call("x", "", '{"a"')),
        chunk(call("x", "", ":1}")),
        chunk(call("y", "zz", "{}")),
        final(UNKNOWN, "tool_call", aggregated_response=whole),
        "[DONE]",
    ]
    assert renamed(kit.records[0].row.output) == whole


# -- json functions ----------------------------------------------------------------------------------------------------


def raw(value, **more):
    return {**IDS, "raw": value, **more}


def raw_final(usage=USAGE, **more):
    return raw("", usage=usage, finish_reason="stop", **more)


def test_json_functions_stream_their_text(tmp_path):
    reply = tells('{"answer"', "", ":1}")
    events, kit = streamed(tmp_path, reply, function_name="j", include_aggregated_response=True)
    whole = {"raw": '{"answer":1}', "parsed": {"answer": 1}}
    assert events == [raw('{"answer"'), raw(":1}"), raw_final(aggregated_response=whole), "[DONE]"]
    assert renamed(kit.records[0].row.output) == whole


def test_thoughts_of_json_functions_are_kept_aside(tmp_path):
    reply = streams(sse(delta(None, reasoning="hm")), sse(delta('{"answer":1}', "stop")))
    events, kit = streamed(tmp_path, reply, function_name="j")
    assert events == [raw('{"answer":1}'), raw_final(UNKNOWN), "[DONE]"]
    assert renamed(kit.records[0].row.auxiliary_content) == [{"type": "thought", "text": "hm", "provider_type": "vllm"}]


def test_json_mode_tool_streams_the_arguments_as_text(tmp_path):
    params = {"chat_completion": {"json_mode": "tool"}}
    events, kit = streamed(tmp_path, CALLS, params=params, output_schema={}, include_aggregated_response=True)
    texts = [chunk(text(t, i)) for t, i in (("", "x"), ('{"a"', "x"), (":1}", "x"), ("{}", "y"))]
    whole = [{"type": "text", "text": '{"a":1}'}, {"type": "text", "text": "{}"}]
    assert events == [*texts, final(UNKNOWN, "tool_call", aggregated_response=whole), "[DONE]"]
    assert renamed(kit.records[0].row.output) == whole


# -- raw data ----------------------------------------------------------------------------------------------------------

A, B = sse(delta("a")), sse(delta("b", "stop") | {"usage": {"prompt_tokens": 11, "completion_tokens": 7}})


def payload(event):
    return event.decode().removeprefix("data: ").rstrip("\n")


def test_raw_data_of_each_chunk(tmp_path):
    events, _ = streamed(
        tmp_path, streams(A, B), include_raw_response=True, include_raw_usage=True, include_original_response=True
    )
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    entry = {
        "model_inference_id": "<3>",
        "provider_type": "vllm",
        "api_type": "chat_completions",
        "data": usage,
    }
    assert events == [
        chunk(text("a"), raw_chunk=payload(A), original_chunk=payload(A)),
        chunk(text("b"), raw_usage=[entry], raw_chunk=payload(B), original_chunk=payload(B)),
        final(),
        "[DONE]",
    ]


def test_chunks_without_content_are_sent_for_their_raw_data(tmp_path):
    empty = sse(delta(role="assistant"))
    events, _ = streamed(tmp_path, streams(empty, A), include_raw_response=True)
    assert events == [
        chunk(raw_chunk=payload(empty)),
        chunk(text("a"), raw_chunk=payload(A)),
        final(UNKNOWN, None),
        "[DONE]",
    ]


def failed(text_):
    return {"provider_type": "vllm", "api_type": "chat_completions", "data": text_}


def test_raw_answers_of_failed_attempts_come_first(tmp_path):
    """Those of variants, then those of providers, in chunks of the gateway's own."""
    config = model("m", "p", "q") + chat(variant("v"), variant("w"))
    episode = "01950000-0000-7000-8000-000000000003"
    kit = make(tmp_path, config, fails(400, "1"), fails(500, "2"), fails(503, "3"), streams(A))
    body = {"function_name": "f", "input": INPUT, "stream": True, "episode_id": episode, "include_raw_response": True}
    events = renamed(run(kit.call("/inference", body)).events())
    assert [e.get("raw_response") for e in events[:-1]] == [[failed("1"), failed("2")], [failed("3")], None, None]
    assert [e["content"] for e in events[:-1]] == [[], [], [text("a")], []]


def test_raw_answers_before_a_json_stream(tmp_path):
    reply = tells("{}")
    events, _ = streamed(tmp_path, fails(400, "1"), reply, function_name="j", include_raw_response=True)
    assert events[0] == raw("", raw_response=[failed("1")])


# -- errors in the middle ----------------------------------------------------------------------------------------------


def test_an_unreadable_event_is_an_error_and_the_stream_goes_on(tmp_path):
    events, kit = streamed(tmp_path, streams(A, sse("{oh"), B))
    error = events[1].pop("error")
    assert events == [chunk(text("a")), {}, chunk(text("b")), final(), "[DONE]"]
    assert error.startswith("Error from vllm server: Error parsing chunk. Error: ")
    assert renamed(kit.records[0].row.output) == [{"type": "text", "text": "ab"}]


def test_the_unreadable_text_is_told_when_raw_data_is_asked_for(tmp_path):
    events, _ = streamed(tmp_path, streams(A, sse("{oh"), B), include_raw_response=True)
    assert (set(events[1]), events[1]["raw_chunk"]) == ({"error", "raw_chunk"}, "{oh")


BREAKS = {
    "lost": (ConnectionLost("gone"), "Inference stream closed due to error from vllm server: gone"),
    "too slow": (
        UpstreamTimeout("late", limit="read"),
        "Inference stream closed due to error from vllm server: Request timed out due to "
        "`gateway.global_outbound_http_timeout_ms`. Consider increasing this value in your configuration if you "
        "expect inferences to take longer to complete.",
    ),
}


@pytest.mark.parametrize(("error", "text_"), BREAKS.values(), ids=BREAKS)
def test_a_broken_stream_ends_with_an_error_and_the_final_chunk(tmp_path, error, text_):
    events, kit = streamed(tmp_path, streams(A, error))
    assert events == [chunk(text("a")), {"error": text_}, final(UNKNOWN, None), "[DONE]"]
    assert renamed(kit.records[0].row.output) == [{"type": "text", "text": "a"}]
    assert [s.is_closed for s in kit.transport.streams] == [True]


def test_errors_in_the_openai_form(tmp_path):
    body = {"model": "tensorzero::function_name::plain", "messages": [], "stream_options": {"include_usage": True}}
    events, _ = streamed(tmp_path, streams(A, ConnectionLost("gone")), path="/openai/v1/chat/completions", **body)
    assert events[1] == {"error": {"message": "Inference stream closed due to error from vllm server: gone"}}
    assert [e if isinstance(e, str) else e.get("choices", [{}])[0].get("delta") for e in events] == [
        {"role": "assistant", "content": "a"},
        None,
        {},
        "[DONE]",
    ]
    assert events[2]["usage"] == {"tensorzero_cost": None}


@pytest.mark.parametrize("level", ["provider", "model", "variant"])
def test_a_deadline_in_the_middle(tmp_path, level):
    keys = "timeouts = { streaming = { total_ms = 200 } }"
    config = {
        "provider": model(provider_keys=keys) + chat(name="plain"),
        "model": model(keys=keys) + chat(name="plain"),
        "variant": model() + chat(variant("v", keys, function="plain"), name="plain"),
    }[level]
    subject = {"provider": "Model provider p", "model": "Model m", "variant": "Variant `v`"}[level]
    events, kit = streamed(tmp_path, streams(A, 10.0, B), config=config)
    assert events == [
        chunk(text("a")),
        {"error": f"{subject} timed out due to configured `streaming.total_ms` timeout (200ms)"},
        final(UNKNOWN, None),
        "[DONE]",
    ]
    assert [s.is_closed for s in kit.transport.streams] == [True]
    assert renamed(kit.records[0].row.output) == [{"type": "text", "text": "a"}]


def test_the_time_to_the_first_chunk_does_not_bound_the_rest(tmp_path):
    config = model(keys="timeouts = { streaming = { ttft_ms = 200 } }") + chat(name="plain")
    events, _ = streamed(tmp_path, streams(A, 10.0, B), config=config)
    assert events == [chunk(text("a")), chunk(text("b")), final(), "[DONE]"]


# -- records -----------------------------------------------------------------------------------------------------------


def test_the_record_of_a_stream(tmp_path):
    _, kit = streamed(tmp_path, streams(A, B))
    record = untimed(kit.records[0])
    sent = kit.transport.requests[0].body.decode()
    assert record == {
        "count": {
            "kind": "count",
            "endpoint": "inference",
            "function_name": "plain",
            "variant_name": "v",
            "inferences": 1,
            "input_tokens": 11,
            "output_tokens": 7,
            "overhead_s": "<time>",
        },
        "row": {
            "kind": "inference",
            "function_type": "chat",
            "id": "<1>",
            "episode_id": "<2>",
            "function_name": "plain",
            "variant_name": "v",
            "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
            "output": [{"type": "text", "text": "ab"}],
            "params": {},
            "processing_time_ms": "<time>",
            "ttft_ms": "<time>",
            "model_inferences": [
                {
                    "id": "<3>",
                    "model_name": "m",
                    "model_provider_name": "p",
                    "raw_request": sent,
                    "raw_response": f"{payload(A)}\n{payload(B)}",
                    "system": None,
                    "input_messages": None,
                    "output": [{"type": "text", "text": "ab"}],
                    "input_tokens": 11,
                    "output_tokens": 7,
                    "response_time_ms": "<time>",
                    "ttft_ms": "<time>",
                    "finish_reason": "stop",
                }
            ],
            "snapshot_hash": "1234",
        },
    }
    assert json.loads(sent)["stream"] is True


def test_a_dry_run_leaves_no_record(tmp_path):
    assert streamed(tmp_path, streams(A, B), dryrun=True)[1].records == []


def test_the_record_is_there_before_the_final_chunk_is(tmp_path):
    kit = make(tmp_path, CONFIG, streams(A, B), files=FILES)

    async def follow():
        stream = await kit.infer(function_name="plain", stream=True)
        seen = []
        while not stream.ended:
            seen.append(([event.final for event in await stream.next()], len(kit.records)))
        return seen

    assert run(follow()) == [([False], 0), ([False], 0), ([True], 1)]


# -- clients -----------------------------------------------------------------------------------------------------------

BODY = {"function_name": "plain", "input": INPUT, "stream": True}


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_the_stream_of_a_client_that_has_left_is_driven_to_its_end_and_recorded(tmp_path, after):
    kit = make(tmp_path, CONFIG, streams(A, 60.0, B), files=FILES)

    async def leave():
        async with serving(kit.gateway) as app:
            client = Client(app, leaves_after=after)
            client.send("POST", "/inference", b"", (), msgspec.json.encode(BODY))
            await client.ended
            return client.pieces

    assert run(leave()) == after
    assert renamed(kit.records[0].row.output) == [{"type": "text", "text": "ab"}]
    assert [s.is_closed for s in kit.transport.streams] == [True]


@pytest.mark.parametrize(
    ("silence_s", "comments"), [(14.0, 0), (16.0, 1), (31.0, 2), (50.0, 3)], ids=["14 s", "16 s", "31 s", "50 s"]
)
def test_a_comment_after_every_15_seconds_of_silence(tmp_path, silence_s, comments):
    kit = make(tmp_path, CONFIG, streams(A, silence_s, B), files=FILES)
    answer, took_s = run_timed(kit.call("/inference", BODY))
    assert answer.events().count(":") == comments
    assert [e for e in renamed(answer.events()) if e != ":"] == [chunk(text("a")), chunk(text("b")), final(), "[DONE]"]
    assert took_s == pytest.approx(silence_s, abs=1)


def test_every_event_moves_the_next_comment_on(tmp_path):
    kit = make(tmp_path, CONFIG, streams(A, 10.0, A, 10.0, A, 10.0, B), files=FILES)
    assert run(kit.call("/inference", BODY)).events().count(":") == 0
