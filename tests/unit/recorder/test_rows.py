"""Whole rows, for every kind of block, tool, parameter and feedback."""

import msgspec
import pytest

from t0.recorder.rows import rows
from t0.recorder.tables import columns
from t0.types.content import (
    File,
    Input,
    InputMessage,
    JsonOutput,
    ModelMessage,
    RawText,
    StoragePath,
    SummaryText,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolCallOutput,
    ToolResult,
    Unknown,
)
from t0.types.extra import ExtraBody
from t0.types.params import ChatCompletionParams
from t0.types.record import HumanFeedback, ToolRecord
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ProviderToolScope, SpecificTool, ToolConfig

ID, EPISODE, CALL = (f"0196aaaa-0000-7000-8000-{n:012}" for n in range(3))
DISK = StoragePath(kind={"type": "filesystem", "path": "/data"}, path="observability/files/9f2c.png")


def lines(record) -> list[tuple[str, dict]]:
    return [(r.table, columns(r)) for r in rows(record)]


def chat_row(**changes) -> dict:
    return {
        "id": ID,
        "function_name": "f",
        "variant_name": "v",
        "episode_id": EPISODE,
        "input": '{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}',
        "output": '[{"type":"text","text":"Hello"}]',
        "inference_params": '{"chat_completion":{}}',
        "processing_time_ms": 15,
        "ttft_ms": None,
        "tags": {},
        "extra_body": "[]",
        "snapshot_hash": None,
        "tool_params": "",
        "dynamic_tools": [],
        "dynamic_provider_tools": [],
        "allowed_tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        **changes,
    }


def json_row(**changes) -> dict:
    shared = ("tool_params", "dynamic_tools", "dynamic_provider_tools", "allowed_tools", "tool_choice")
    row = {name: value for name, value in chat_row().items() if name not in (*shared, "parallel_tool_calls")}
    return {**row, **changes}


def model_row(**changes) -> dict:
    return {
        "id": CALL,
        "inference_id": ID,
        "raw_request": "{}",
        "raw_response": "{}",
        "system": None,
        "input_messages": '[{"role":"user","content":[{"type":"text","text":"Hi"}]}]',
        "output": '[{"type":"text","text":"Hello"}]',
        "input_tokens": 3,
        "output_tokens": 5,
        "provider_cache_read_input_tokens": None,
        "provider_cache_write_input_tokens": None,
        "cost": None,
        "response_time_ms": 12,
        "ttft_ms": None,
        "model_name": "m",
        "model_provider_name": "p",
        "cached": False,
        "finish_reason": None,
        "function_name": "f",
        "variant_name": "v",
        "snapshot_hash": None,
        **changes,
    }


def test_a_chat_inference_and_its_model_calls(build):
    record = build.inference(
        id=ID,
        episode_id=EPISODE,
        ttft_ms=7,
        tags={"user": "ü"},
        snapshot_hash="123456789012345678901234567890",
        extra_body=[
            ExtraBody(pointer="/a", value=None),
            ExtraBody(pointer="/b", delete=True, model_name="m", provider_name="p"),
        ],
        model_inferences=[
            build.model_call(
                id=CALL,
                system="Be brief",
                cost="0.0001234567891",
                ttft_ms=4,
                finish_reason="stop",
                provider_cache_read_input_tokens=0,
                provider_cache_write_input_tokens=2,
            ),
            build.model_call(id=CALL, cached=True, response_time_ms=0, cost="0", input_tokens=0, output_tokens=None),
        ],
    )
    same = {"snapshot_hash": "123456789012345678901234567890"}
    assert lines(record) == [
        (
            "ChatInference",
            chat_row(
                **same,
                ttft_ms=7,
                tags={"user": "ü"},
                extra_body='[{"pointer":"/a","value":null},'
                '{"pointer":"/b","delete":true,"model_name":"m","provider_name":"p"}]',
            ),
        ),
        (
            "ModelInference",
            model_row(
                **same,
                system="Be brief",
                cost="0.000123457",
                ttft_ms=4,
                finish_reason="stop",
                provider_cache_read_input_tokens=0,
                provider_cache_write_input_tokens=2,
            ),
        ),
        (
            "ModelInference",
            model_row(
                **same, cached=True, response_time_ms=0, cost="0.000000000", input_tokens=None, output_tokens=None
            ),
        ),
    ]


def test_a_json_inference(build):
    record = build.inference(
        function_type="json",
        id=ID,
        episode_id=EPISODE,
        output=JsonOutput(raw='{"n":1}', parsed={"n": 1}),
        output_schema={"type": "object", "properties": {"n": {"type": "integer"}}},
        auxiliary_content=[Thought(text="hm", signature="s")],
    )
    assert lines(record) == [
        (
            "JsonInference",
            json_row(
                output='{"raw":"{\\"n\\":1}","parsed":{"n":1}}',
                output_schema='{"type":"object","properties":{"n":{"type":"integer"}}}',
                auxiliary_content='[{"type":"thought","text":"hm","signature":"s"}]',
            ),
        )
    ]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        pytest.param(JsonOutput(raw="no json", parsed=None), '{"raw":"no json","parsed":null}', id="invalid"),
        pytest.param(JsonOutput(raw=None, parsed=None), '{"raw":null,"parsed":null}', id="no_output"),
    ],
)
def test_json_output_keeps_both_keys(build, output, text):
    record = build.inference(function_type="json", output=output, output_schema={})
    (_, row), *_ = lines(record)
    assert (row["output"], row["output_schema"], row["auxiliary_content"]) == (text, "{}", "[]")


INPUT_BLOCKS = {
    "text": (Text("é\n"), '{"type":"text","text":"é\\n"}'),
    "template": (
        Template(name="user", arguments={"city": "Oslo"}),
        '{"type":"template","name":"user","arguments":{"city":"Oslo"}}',
    ),
    "raw_text": (RawText("{{ x }}"), '{"type":"raw_text","value":"{{ x }}"}'),
    "tool_call": (
        ToolCall(id="c1", name="get_weather", arguments='{"city":"Oslo"}'),
        '{"type":"tool_call","id":"c1","name":"get_weather","arguments":"{\\"city\\":\\"Oslo\\"}"}',
    ),
    "tool_result": (
        ToolResult(name="get_weather", result="7C", id="c1"),
        '{"type":"tool_result","name":"get_weather","result":"7C","id":"c1"}',
    ),
    "thought_without_text": (Thought(text=None), '{"type":"thought","text":null}'),
    "whole_thought": (
        Thought(text="t", signature="s", summary=[SummaryText("x")], provider_type="anthropic", extra_data={"a": 1}),
        '{"type":"thought","text":"t","signature":"s","summary":[{"type":"summary_text","text":"x"}],'
        '"provider_type":"anthropic","extra_data":{"a":1}}',
    ),
    "unknown": (Unknown(data={"x": [1]}), '{"type":"unknown","data":{"x":[1]}}'),
    "scoped_unknown": (
        Unknown(data=1, model_name="m", provider_name="p"),
        '{"type":"unknown","data":1,"model_name":"m","provider_name":"p"}',
    ),
    "stored_file": (
        File(mime_type="image/png", data="AAAA", storage_path=DISK),
        '{"type":"file","source_url":null,"mime_type":"image/png","storage_path":'
        '{"kind":{"type":"filesystem","path":"/data"},"path":"observability/files/9f2c.png"}}',
    ),
    "fetched_file": (
        File(
            url="https://example.com/a",
            mime_type="image/png",
            data="AAAA",
            detail="low",
            filename="a",
            storage_path=DISK,
        ),
        '{"type":"file","source_url":"https://example.com/a","mime_type":"image/png","storage_path":'
        '{"kind":{"type":"filesystem","path":"/data"},"path":"observability/files/9f2c.png"},'
        '"detail":"low","filename":"a"}',
    ),
    "url_never_fetched": (
        File(url="https://example.com/a"),
        '{"type":"file","source_url":"https://example.com/a","mime_type":"application/octet-stream",'
        '"storage_path":{"kind":{"type":"disabled"},"path":""}}',
    ),
}
MODEL_BLOCKS = {k: v for k, v in INPUT_BLOCKS.items() if k not in ("template", "raw_text")}


@pytest.mark.parametrize(("block", "text"), INPUT_BLOCKS.values(), ids=INPUT_BLOCKS)
def test_input_blocks(build, block, text):
    record = build.inference(
        id=ID, episode_id=EPISODE, input=Input(messages=[InputMessage("assistant", [Text("a"), block])])
    )
    expected = '{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"},' + text + "]}]}"
    assert lines(record) == [("ChatInference", chat_row(input=expected))]


@pytest.mark.parametrize(("block", "text"), MODEL_BLOCKS.values(), ids=MODEL_BLOCKS)
def test_model_input_blocks(build, block, text):
    call = build.model_call(id=CALL, input_messages=[ModelMessage("user", [block])])
    record = build.inference(id=ID, episode_id=EPISODE, model_inferences=[call])
    assert lines(record)[1] == (
        "ModelInference",
        model_row(input_messages='[{"role":"user","content":[' + text + "]}]"),
    )


@pytest.mark.parametrize(
    ("system", "text"),
    [
        pytest.param("Be terse", '{"system":"Be terse","messages":[]}', id="text"),
        pytest.param({"tone": "dry"}, '{"system":{"tone":"dry"},"messages":[]}', id="arguments"),
        pytest.param(None, '{"messages":[]}', id="none"),
    ],
)
def test_system(build, system, text):
    record = build.inference(id=ID, episode_id=EPISODE, input=Input(system=system, messages=[]))
    assert lines(record) == [("ChatInference", chat_row(input=text))]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        pytest.param(
            ToolCallOutput(id="c1", raw_name="get", raw_arguments='{"a":1}', name="get", arguments={"a": 1}),
            '{"type":"tool_call","id":"c1","raw_name":"get","raw_arguments":"{\\"a\\":1}","name":"get","arguments":{"a":1}}',
            id="tool_call",
        ),
        pytest.param(
            ToolCallOutput(id="c1", raw_name="nope", raw_arguments="{", name=None, arguments=None),
            '{"type":"tool_call","id":"c1","raw_name":"nope","raw_arguments":"{","name":null,"arguments":null}',
            id="invalid_tool_call",
        ),
        pytest.param(Thought(text="t"), '{"type":"thought","text":"t"}', id="thought"),
        pytest.param(Unknown(data={}), '{"type":"unknown","data":{}}', id="unknown"),
    ],
)
def test_output_blocks(build, block, text):
    record = build.inference(id=ID, episode_id=EPISODE, output=[block])
    assert lines(record) == [("ChatInference", chat_row(output=f"[{text}]"))]


@pytest.mark.parametrize("system", [None, 'Be "brief"', {"tone": "dry"}])
def test_a_call_whose_messages_are_those_of_the_input(build, system):
    messages = [InputMessage("user", [Text('Say "Hi"\n')]), InputMessage("assistant", [File(url="http://a/b.png")])]
    calls = [build.model_call(input_messages=None), build.model_call(), build.model_call(input_messages=[])]
    record = build.inference(input=Input(system=system, messages=messages), model_inferences=calls)
    (_, inference), *models = lines(record)
    given = msgspec.json.decode(inference["input"])
    assert list(given) == ["messages"] if system is None else ["system", "messages"]
    assert given.get("system") == system
    stored = [msgspec.json.decode(row["input_messages"]) for _, row in models]
    assert stored == [given["messages"], [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], []]


def test_model_output_keeps_the_models_own_tool_calls(build):
    call = build.model_call(id=CALL, output=[ToolCall(id="c1", name="get", arguments="{")])
    record = build.inference(id=ID, episode_id=EPISODE, model_inferences=[call])
    expected = '[{"type":"tool_call","id":"c1","name":"get","arguments":"{"}]'
    assert lines(record)[1] == ("ModelInference", model_row(output=expected))


def test_every_parameter_is_stored_and_unset_ones_are_not(build):
    params = ChatCompletionParams(
        temperature=0.5,
        max_tokens=100,
        seed=7,
        top_p=0.25,
        presence_penalty=0.0,
        frequency_penalty=-1.0,
        json_mode="strict",
        stop_sequences=["x"],
        reasoning_effort="low",
        service_tier="flex",
        thinking_budget_tokens=10,
        verbosity="high",
    )
    record = build.inference(id=ID, episode_id=EPISODE, params=params)
    expected = (
        '{"chat_completion":{"temperature":0.5,"max_tokens":100,"seed":7,"top_p":0.25,"presence_penalty":0.0,'
        '"frequency_penalty":-1.0,"json_mode":"strict","stop_sequences":["x"],"reasoning_effort":"low",'
        '"service_tier":"flex","thinking_budget_tokens":10,"verbosity":"high"}}'
    )
    assert lines(record) == [("ChatInference", chat_row(inference_params=expected))]


STATIC = FunctionTool(description="d", parameters={"type": "object"}, name="static", strict=True)
DYNAMIC = FunctionTool(description="e", parameters={}, name="dynamic")


def tools(**changes) -> ToolRecord:
    fields = {"tools": [STATIC, DYNAMIC], "custom_tools": [], "provider_tools": [], "choice": "auto"}
    return ToolRecord(config=ToolConfig(**{**fields, **changes}), static_names=["static"])


TOOL_CASES = {
    "static_and_dynamic": (
        tools(parallel_tool_calls=True),
        {
            "dynamic_tools": [
                '{"type":"function","description":"e","parameters":{},"name":"dynamic","strict":false}',
            ],
            "dynamic_provider_tools": [],
            "allowed_tools": '{"tools":["static","dynamic"],"choice":"function_default"}',
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "tool_params": '{"tools_available":['
            '{"description":"d","parameters":{"type":"object"},"name":"static","strict":true},'
            '{"description":"e","parameters":{},"name":"dynamic","strict":false}],'
            '"tool_choice":"auto","parallel_tool_calls":true}',
        },
    ),
    "custom_and_provider_tools": (
        tools(
            tools=[],
            custom_tools=[
                CustomTool(name="c"),
                CustomTool(name="g", description="d", format={"type": "text"}),
            ],
            provider_tools=[
                ProviderTool(scope=None, tool={"type": "web_search"}),
                ProviderTool(scope=ProviderToolScope(model_name="m", provider_name="p"), tool={}),
                ProviderTool(scope=ProviderToolScope(model_name="m"), tool={}),
            ],
            choice="required",
        ),
        {
            "dynamic_tools": [
                '{"type":"openai_custom","name":"c"}',
                '{"type":"openai_custom","name":"g","description":"d","format":{"type":"text"}}',
            ],
            "dynamic_provider_tools": [
                '{"scope":null,"tool":{"type":"web_search"}}',
                '{"scope":{"model_name":"m","provider_name":"p"},"tool":{}}',
                '{"scope":{"model_name":"m"},"tool":{}}',
            ],
            "allowed_tools": '{"tools":["static","c","g"],"choice":"function_default"}',
            "tool_choice": "required",
            "parallel_tool_calls": None,
            "tool_params": '{"tools_available":[],"tool_choice":"required","parallel_tool_calls":null}',
        },
    ),
    "explicitly_allowed": (
        tools(tools=[STATIC], allowed=[], choice=SpecificTool(specific="static"), parallel_tool_calls=False),
        {
            "dynamic_tools": [],
            "dynamic_provider_tools": [],
            "allowed_tools": '{"tools":[],"choice":"explicit"}',
            "tool_choice": '{"specific":"static"}',
            "parallel_tool_calls": False,
            "tool_params": '{"tools_available":['
            '{"description":"d","parameters":{"type":"object"},"name":"static","strict":true}],'
            '"tool_choice":{"specific":"static"},"parallel_tool_calls":false}',
        },
    ),
}


@pytest.mark.parametrize(("record", "columns"), TOOL_CASES.values(), ids=TOOL_CASES)
def test_tool_columns(build, record, columns):
    assert lines(build.inference(id=ID, episode_id=EPISODE, tools=record)) == [("ChatInference", chat_row(**columns))]


@pytest.mark.parametrize(
    ("table", "fields", "columns"),
    [
        pytest.param(
            "BooleanMetricFeedback",
            {"metric_name": "solved", "value": True},
            {"target_id": EPISODE, "metric_name": "solved", "value": True},
            id="boolean",
        ),
        pytest.param(
            "FloatMetricFeedback",
            {"metric_name": "score", "value": 0.5},
            {"target_id": EPISODE, "metric_name": "score", "value": 0.5},
            id="float",
        ),
        pytest.param(
            "CommentFeedback",
            {"target_type": "episode", "value": "nice"},
            {"target_id": EPISODE, "target_type": "episode", "value": "nice"},
            id="comment",
        ),
        pytest.param(
            "DemonstrationFeedback",
            {"value": [{"type": "text", "text": "x"}]},
            {"inference_id": EPISODE, "value": '[{"type":"text","text":"x"}]'},
            id="demonstration",
        ),
        pytest.param(
            "DemonstrationFeedback",
            {"value": '{"raw":"1","parsed":1}'},
            {"inference_id": EPISODE, "value": '{"raw":"1","parsed":1}'},
            id="demonstration_as_text",
        ),
    ],
)
def test_feedback(build, table, fields, columns):
    record = build.feedback(table=table, id=ID, target_id=EPISODE, tags={"a": "b"}, snapshot_hash="7", **fields)
    assert lines(record) == [(table, {"id": ID, **columns, "tags": {"a": "b"}, "snapshot_hash": "7"})]


def test_human_feedback_has_a_row_of_its_own(build):
    record = build.feedback(
        table="FloatMetricFeedback",
        id=ID,
        target_id=EPISODE,
        metric_name="score",
        value=0.5,
        human_feedback=HumanFeedback(
            datapoint_id=CALL, output="[]", value="0.5", evaluator_inference_id="0196aaaa-0000-7000-8000-000000000009"
        ),
    )
    assert lines(record)[1] == (
        "StaticEvaluationHumanFeedback",
        {
            "metric_name": "score",
            "datapoint_id": CALL,
            "output": "[]",
            "value": "0.5",
            "feedback_id": ID,
            "evaluator_inference_id": "0196aaaa-0000-7000-8000-000000000009",
        },
    )


def test_rows_are_found_by_their_id_and_by_what_sorts_the_table(build):
    record = build.inference(id=ID, episode_id=EPISODE, model_inferences=[build.model_call(id=CALL)])
    assert [(r.table, r.unique_id, r.sort_key) for r in rows(record)] == [
        ("ChatInference", ID, EPISODE),
        ("ModelInference", CALL, ID),
    ]
