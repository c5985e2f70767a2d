"""Error texts of bodies that are not JSON, or whose fields do not fit."""

import json

import pytest

from t0.errors import JsonRequest
from t0.routes import native, openai_wire
from t0.routes.decode import described

NOT_JSON = {
    "empty": (b"", "Input data was truncated at line 1 column 0"),
    "cut off": (b'{"input":{', "Input data was truncated at line 1 column 10"),
    "on a later line": (b'{\n "input": x}', "invalid character at line 2 column 10"),
    "trailing text": (b'{"input":{}} x', "trailing characters at line 1 column 14"),
    "NaN": (b'{"input":{},"params":NaN}', "invalid character at line 1 column 21"),
    "Infinity": (b'{"input":{},"params":Infinity}', "invalid character at line 1 column 21"),
    "single quotes": (b"{'input':{}}", "object keys must be strings at line 1 column 1"),
    "unpaired surrogate": (b'{"input":{},"namespace":"\\ud800"}', "Input data was truncated at line 1 column 33"),
    "broken behind a field that does not fit": (b'{"stream":5, oh}', "object keys must be strings at line 1 column 13"),
    "not UTF-8": (b'{"input":"\xff"}', "'utf-8' codec can't decode byte 0xff in position 10: invalid start byte"),
    "not UTF-8 in an unknown field": (
        b'{"model":"m","messages":[],"x":"\xff"}',
        "'utf-8' codec can't decode byte 0xff in position 32: invalid start byte",
    ),
    "nested too deep": (b"[" * 128 + b"]" * 128, "recursion limit exceeded at line 1 column 128"),
    "number of a field too large": (
        b'{"input":{},"params":{"chat_completion":{"top_p":1e400}}}',
        "number out of range",
    ),
    "number too large": (b'{"input":{},"output_schema":1e400}', "number out of range"),
    "integer of many digits": (b'{"input":{},"output_schema":' + b"9" * 5000 + b"}", "number out of range"),
}


def refusal(body, parse=native.parse):
    with pytest.raises(JsonRequest) as caught:
        parse(body)
    assert caught.value.status == 400
    return caught.value.text


@pytest.mark.parametrize(("body", "reason"), NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json(body, reason):
    parse = openai_wire.parse if b"messages" in body else native.parse
    assert refusal(body, parse) == f"Failed to parse the request body as JSON: {reason} (400 Bad Request)"


PARAMS = (
    "expected one of `temperature`, `max_tokens`, `seed`, `top_p`, `presence_penalty`, `frequency_penalty`, "
    "`json_mode`, `stop_sequences`, `reasoning_effort`, `service_tier`, `thinking_budget_tokens`, `verbosity`"
)
INPUT = {"input": {}}


def params(**fields):
    return {**INPUT, "params": {"chat_completion": fields}}


def message(**fields):
    return {"input": {"messages": [{"role": "user", "content": "a"}, fields]}}


NATIVE = {
    "a sequence": ([], "invalid type: sequence, expected a map"),
    "null": (None, "invalid type: null, expected a map"),
    "a string": ("a", 'invalid type: string "a", expected a map'),
    "nothing": ({}, "missing field `input`"),
    "unknown field": ({**INPUT, "zz": 1}, "unknown field `zz`"),
    "function_name": ({**INPUT, "function_name": 1}, "function_name: invalid type: integer `1`, expected a string"),
    "stream": ({**INPUT, "stream": "yes"}, 'stream: invalid type: string "yes", expected a boolean'),
    "dryrun": ({**INPUT, "dryrun": 0}, "dryrun: invalid type: integer `0`, expected a boolean"),
    "internal null": ({**INPUT, "internal": None}, "internal: invalid type: null, expected a boolean"),
    "tags null": ({**INPUT, "tags": None}, "tags: invalid type: null, expected a map"),
    "tags a sequence": ({**INPUT, "tags": ["a"]}, "tags: invalid type: sequence, expected a map"),
    "a tag": ({**INPUT, "tags": {"a": "b", "c": 1}}, "tags[...]: invalid type: integer, expected a string"),
    "a tag null": ({**INPUT, "tags": {"a": None}}, "tags[...]: invalid type: null, expected a string"),
    "credentials null": ({**INPUT, "credentials": None}, "credentials: invalid type: null, expected a map"),
    "cache_options null": ({**INPUT, "cache_options": None}, "cache_options: invalid type: null, expected a map"),
    "cache mode": (
        {**INPUT, "cache_options": {"enabled": "zz"}},
        "cache_options.enabled: unknown variant `zz`, expected one of `on`, `off`, `read_only`, `write_only`",
    ),
    "max_age_s": (
        {**INPUT, "cache_options": {"max_age_s": -1}},
        "cache_options.max_age_s: invalid value: integer `-1`, expected u32",
    ),
    "allowed_tools": (
        {**INPUT, "allowed_tools": [1]},
        "allowed_tools[0]: invalid type: integer `1`, expected a string",
    ),
    "extra_body null": ({**INPUT, "extra_body": None}, "extra_body: invalid type: null, expected a sequence"),
    "extra_body entry": ({**INPUT, "extra_body": ["a"]}, 'extra_body[0]: invalid type: string "a", expected a map'),
    "extra_headers null": ({**INPUT, "extra_headers": None}, "extra_headers: invalid type: null, expected a sequence"),
    "provider_tools null": (
        {**INPUT, "provider_tools": None},
        "provider_tools: invalid type: null, expected a sequence",
    ),
    "tool_choice": (
        {**INPUT, "tool_choice": 1.5},
        "tool_choice: invalid type: floating point `1.5`, expected a string",
    ),
    "tool_choice unknown": (
        {**INPUT, "tool_choice": "off"},
        "tool_choice: unknown variant `off`, expected one of `none`, `auto`, `required`, `specific`",
    ),
    "tool_choice key": ({**INPUT, "tool_choice": {"a": 1}}, "tool_choice.a: unknown field `a`, expected `specific`"),
    "params null": ({**INPUT, "params": None}, "params: invalid type: null, expected a map"),
    "params empty": ({**INPUT, "params": {}}, "params: missing field `chat_completion`"),
    "params unknown": (
        {**INPUT, "params": {"chat_completion": {}, "zz": {}}},
        "params.zz: unknown field `zz`, expected `chat_completion`",
    ),
    "parameter unknown": (params(zz=1), f"params.chat_completion.zz: unknown field `zz`, {PARAMS}"),
    "temperature": (
        params(temperature="a"),
        'params.chat_completion.temperature: invalid type: string "a", expected f32',
    ),
    "max_tokens negative": (
        params(max_tokens=-1),
        "params.chat_completion.max_tokens: invalid value: integer `-1`, expected u32",
    ),
    "seed too large": (
        params(seed=2**32),
        "params.chat_completion.seed: invalid value: integer `4294967296`, expected u32",
    ),
    "seed beyond 64 bits": (
        params(seed=10**20),
        "params.chat_completion.seed: invalid value: integer `100000000000000000000`, expected u32",
    ),
    "seed with a fraction": (
        params(seed=5.0),
        "params.chat_completion.seed: invalid type: floating point `5.0`, expected u32",
    ),
    "thinking budget": (
        params(thinking_budget_tokens=-(2**31) - 1),
        "params.chat_completion.thinking_budget_tokens: invalid value: integer `-2147483649`, expected i32",
    ),
    "json_mode": (
        params(json_mode="zz"),
        "params.chat_completion.json_mode: unknown variant `zz`, "
        "expected one of `off`, `on`, `strict`, `tool`, `implicit_tool`",
    ),
    "service_tier": (
        params(service_tier="zz"),
        "params.chat_completion.service_tier: unknown variant `zz`, "
        "expected one of `auto`, `default`, `priority`, `flex`",
    ),
    "stop": (
        params(stop_sequences=["a", False]),
        "params.chat_completion.stop_sequences[1]: invalid type: boolean `false`, expected a string",
    ),
    "input": ({"input": "a"}, 'input: invalid type: string "a", expected a map'),
    "input unknown": ({"input": {"zz": 1}}, "input.zz: unknown field `zz`, expected `system` or `messages`"),
    "system": ({"input": {"system": 1}}, "input.system: invalid type: integer `1`, expected a string"),
    "messages null": ({"input": {"messages": None}}, "input.messages: invalid type: null, expected a sequence"),
    "role": (
        message(role="system", content="a"),
        "input.messages[1].role: unknown variant `system`, expected `user` or `assistant`",
    ),
    "no role": (message(content="a"), "input.messages[1]: missing field `role`"),
    "no content": (message(role="user"), "input.messages[1]: missing field `content`"),
    "content": (
        message(role="user", content=1),
        "input.messages[1].content: invalid type: integer `1`, expected a string",
    ),
    "message unknown": (
        message(role="user", content="a", zz=1),
        "input.messages[1].zz: unknown field `zz`, expected `role` or `content`",
    ),
    "namespace empty": ({**INPUT, "namespace": ""}, "namespace: Namespace identifier cannot be empty"),
    "namespace reserved": (
        {**INPUT, "namespace": "tensorzero::x"},
        "namespace: Namespace cannot start with `tensorzero::`: tensorzero::x",
    ),
    "episode_id": (
        {**INPUT, "episode_id": "zz"},
        "episode_id: UUID parsing failed: invalid character: expected an optional prefix of `urn:uuid:` followed by "
        "[0-9a-fA-F-], found `z` at 1",
    ),
}


@pytest.mark.parametrize(("body", "text"), NATIVE.values(), ids=NATIVE)
def test_native_fields(body, text):
    assert refusal(json.dumps(body).encode()) == text


CALL = {"model": "tensorzero::function_name::f", "messages": []}

OPENAI = {
    "no messages": ({"model": "m"}, "missing field `messages`"),
    "no model": ({"messages": []}, "missing field `model`"),
    "messages null": ({**CALL, "messages": None}, "messages: invalid type: null, expected a sequence"),
    "role": (
        {**CALL, "messages": [{"role": "x", "content": "a"}]},
        "messages[0].role: unknown variant `x`, expected one of `system`, `developer`, `user`, `assistant`, `tool`",
    ),
    "tool call": (
        {**CALL, "messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]}]},
        "messages[0].tool_calls[0]: missing field `function`",
    ),
    "n": ({**CALL, "n": -1}, "n: invalid value: integer `-1`, expected u32"),
    "stop": ({**CALL, "stop": 1}, "stop: invalid type: integer `1`, expected a string"),
    "response_format a string": (
        {**CALL, "response_format": "text"},
        'response_format: invalid type: string "text", expected a map',
    ),
    "response_format type": (
        {**CALL, "response_format": {"type": "xml"}},
        "response_format.type: unknown variant `xml`, expected one of `text`, `json_object`, `json_schema`",
    ),
    "json_schema without a name": (
        {**CALL, "response_format": {"type": "json_schema", "json_schema": {}}},
        "response_format.json_schema: missing field `name`",
    ),
    "json_schema absent": (
        {**CALL, "response_format": {"type": "json_schema"}},
        "response_format: missing field `json_schema`",
    ),
    "tags null": ({**CALL, "tensorzero::tags": None}, "tensorzero::tags: invalid type: null, expected a map"),
    "params": (
        {**CALL, "tensorzero::params": {"chat_completion": {"zz": 1}}},
        f"tensorzero::params.chat_completion.zz: unknown field `zz`, {PARAMS}",
    ),
    "namespace": (
        {**CALL, "tensorzero::namespace": ""},
        "tensorzero::namespace: Namespace identifier cannot be empty",
    ),
    "episode_id": (
        {**CALL, "tensorzero::episode_id": ""},
        "tensorzero::episode_id: UUID parsing failed: invalid length: expected length 32 for simple format, found 0",
    ),
    "stream_options": (
        {**CALL, "stream_options": {"include_usage": None}},
        "stream_options.include_usage: invalid type: null, expected a boolean",
    ),
}


@pytest.mark.parametrize(("body", "text"), OPENAI.values(), ids=OPENAI)
def test_openai_fields(body, text):
    assert refusal(json.dumps(body).encode(), openai_wire.parse) == text


def test_the_last_of_equal_keys_wins():
    assert native.parse(b'{"input":{},"stream":true,"stream":false,"namespace":"a","namespace":"b"}').namespace == "b"


def test_nesting_of_127_is_taken():
    body = b'{"input":{},"output_schema":' + b"[" * 126 + b"]" * 126 + b"}"
    assert native.parse(body).output_schema is not None


def test_integers_are_numbers():
    body = {"input": {}, "params": {"chat_completion": {"temperature": 1, "top_p": 0}}}
    assert native.parse(json.dumps(body).encode()).params.temperature == 1.0


DESCRIBED = [
    (None, "null"),
    (True, "boolean `true`"),
    (-3, "integer `-3`"),
    (0.5, "floating point `0.5`"),
    ("a", 'string "a"'),
    ([1], "sequence"),
    ({"a": 1}, "map"),
]


@pytest.mark.parametrize(("value", "text"), DESCRIBED, ids=[text for _, text in DESCRIBED])
def test_values_by_their_json_names(value, text):
    assert described(value) == text
