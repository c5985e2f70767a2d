"""What a caller can ask for, in the words of both inference routes, and what must then happen.

Each `Feature` is a row of docs/features.md, and four tests in tests/compat/test_features.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from processes import completion, completion_events

Json = dict[str, Any]

HELLO: Json = {"role": "user", "content": "Hello"}
HI: Json = {"type": "text", "text": "Hi"}
PLACE: Json = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
NUMBER: Json = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TEXT_NUMBER: Json = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}
EPISODE = "0192e2a0-0000-7000-8000-000000000001"
PNG = "iVBORw0KGgo="
USAGE: Json = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}

CONFIG = """
[gateway]
observability.batch_writes = { enabled = true, flush_interval_ms = 20 }

[object_storage]
type = "disabled"

[models.m]
routing = ["p"]
providers.p = {server}

[models.keyed]
routing = ["p"]
providers.p = { type = "openai", model_name = "m", api_base = "{mock}/v1/", api_key_location = "dynamic::key" }

[models.thinker]
routing = ["p"]
providers.p = { type = "vllm", model_name = "m", api_base = "{mock}/v1/", api_key_location = "none" }

[models.two]
routing = ["a", "b"]
providers.a = {server}
providers.b = {server}

[models.slow]
routing = ["a", "b"]
providers.b = {server}

[models.slow.providers.a]
type = "openai"
model_name = "m"
api_base = "{mock}/v1/"
api_key_location = "none"
timeouts = { non_streaming.total_ms = 50, streaming.ttft_ms = 50 }

[models.shop]
routing = ["p"]
namespace = "shop"
providers.p = {server}

[tools.weather]
description = "Tells the weather"
parameters = "place.json"

[tools.map]
description = "Shows a map"
parameters = "place.json"

[functions.f]
type = "chat"
variants.v = { type = "chat_completion", model = "m" }

[functions.tooled]
type = "chat"
tools = ["weather", "map"]
variants.v = { type = "chat_completion", model = "m" }

[functions.letter]
type = "chat"

[functions.letter.variants.v]
type = "chat_completion"
model = "m"
templates.order.path = "order.minijinja"

[functions.styled]
type = "chat"

[functions.styled.variants.v]
type = "chat_completion"
model = "m"
templates.system.path = "system.minijinja"

[functions.wrapped]
type = "chat"

[functions.wrapped.variants.v]
type = "chat_completion"
model = "m"
input_wrappers.user = "wrapper.minijinja"

[functions.extract]
type = "json"
output_schema = "number.json"
variants.v = { type = "chat_completion", model = "m", json_mode = "on" }

[functions.retried]
type = "chat"
variants.v = { type = "chat_completion", model = "m", retries = { num_retries = 1, max_delay_s = 0.1 } }

[functions.falling]
type = "chat"
experimentation = { type = "static", candidate_variants = { first = 1.0 }, fallback_variants = ["second"] }

[functions.falling.variants]
first = { type = "chat_completion", model = "m" }
second = { type = "chat_completion", model = "m", temperature = 0.5 }
"""
_SERVER = '{ type = "openai", model_name = "m", api_base = "{mock}/v1/", api_key_location = "none" }'
FILES = {
    "place.json": json.dumps(PLACE),
    "number.json": json.dumps(NUMBER),
    "system.minijinja": "Write in {{ language }}.",
    "order.minijinja": "Order {{ number }}",
    "wrapper.minijinja": "<{{ user_text }}>",
}


def config(mock_url: str) -> str:
    return CONFIG.replace("{server}", _SERVER).replace("{mock}", mock_url)


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What each face sends beside a model and a message that says hello, and what comes of it on all of them.

    `sent` are the bodies that the provider gets, where they differ from the one that just says hello. `said` is what
    the native face answers.
    """

    name: str
    native_words: str
    """How the face asks for it; where `native` is None, why it does not."""
    openai_words: str
    native: Json | None = field(default_factory=dict)
    openai: Json | None = field(default_factory=dict)
    function: str = "f"
    model: str | None = None
    """Called instead of the function."""
    replies: Sequence[tuple[Json, Json]] = ()
    """The provider's complete and streamed replies; by default one that says `Hi`."""
    sent: Sequence[Json] = ({},)
    openai_sent: Sequence[Json] | None = None
    """Where the faces differ."""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Headers of every request to the provider; None for one that is not sent."""
    said: Any = (HI,)
    finish_reason: str = "stop"
    usage: tuple[int, int] = (11, 7)
    variant: str = "v"
    raw: Json = field(default_factory=dict)
    raw_streamed: Json = field(default_factory=dict)
    stored: Json | None = None
    """Columns of the row in `ChatInference`; `{}` when there must be no row, None when it does not matter."""
    cached: bool = False
    """Whether the call is made twice, and answered from the cache the second time."""


# -- replies of the provider -------------------------------------------------------------------------------------------


def reply(message: Json, deltas: Sequence[Json], finish_reason: str = "stop") -> tuple[Json, Json]:
    """The complete and the streamed form of an answer."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    head, *_, usage, done = completion_events("")
    events = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}
    return {"json": completion("", choices=[choice])}, {"sse": [*events, end, usage, done]}


def says(text: str) -> tuple[Json, Json]:
    return {"json": completion(text)}, {"sse": completion_events(text[:1], text[1:])}


def calls(*wanted: tuple[str, str, str]) -> tuple[Json, Json]:
    """An answer that calls tools: id, name, arguments."""
    whole = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in wanted]
    deltas = []
    for index, (id_, name, arguments) in enumerate(wanted):
        first = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": arguments[:3]}}
        deltas.append({"tool_calls": [first]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": arguments[3:]}}]})
    return reply({"content": None, "tool_calls": whole}, deltas, "tool_calls")


def fails() -> tuple[Json, Json]:
    return ({"status": 500, "json": {"error": {"message": "out of order"}}},) * 2


def late() -> tuple[Json, Json]:
    complete, streamed = says("Hi")
    return {**complete, "delay_ms": 150}, {**streamed, "delay_ms": 150}


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- requests ----------------------------------------------------------------------------------------------------------


def user(*content: Any) -> Json:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> Json:
    return {"role": "assistant", "content": list(content)}


def both(name: str, *, words: str | None = None, **more: Any) -> Feature:
    """A feature whose fields have the native name with the prefix `tensorzero::` on the OpenAI face."""
    fields = more.pop("fields")
    names = [words] if words else list(fields)
    return Feature(
        name=name,
        native=fields,
        openai={f"tensorzero::{k}": v for k, v in fields.items()},
        native_words=", ".join(f"`{n}`" for n in names),
        openai_words=", ".join(f"`tensorzero::{n}`" for n in names),
        **more,
    )


def content(name: str, native: Sequence[Json], openai: Sequence[Json], words: tuple[str, str], **more: Any) -> Feature:
    """A feature of the messages."""
    return Feature(
        name=name,
        native={"input": {"messages": native}},
        openai={"messages": openai},
        native_words=words[0],
        openai_words=words[1],
        **more,
    )


def function_tool(name: str, description: str) -> Json:
    return {"name": name, "description": description, "parameters": PLACE, "strict": False}


def offered(*tools: Json, choice: Any = "auto", **more: Any) -> Json:
    """What the provider gets of function tools."""
    wire = []
    for tool in tools:
        strict = tool["strict"]
        wire.append(
            {"type": "function", "function": {k: v for k, v in tool.items() if k != "strict"}, "strict": strict}
        )
    return {"tools": wire, "tool_choice": choice, **more}


def call_block(id_: str, name: str, arguments: str, *, known: bool = True) -> Json:
    parsed = {"name": name, "arguments": json.loads(arguments)} if known else {"name": None, "arguments": None}
    return {"type": "tool_call", "id": id_, "raw_name": name, "raw_arguments": arguments, **parsed}


WEATHER = function_tool("weather", "Tells the weather")
MAP = function_tool("map", "Shows a map")
TIME = function_tool("time", "Tells the time")
ROME = '{"place":"Rome"}'
CALLED = call_block("c1", "weather", ROME)
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ROME}}
CODE: Json = {"name": "code", "description": "Runs code"}


def text_features() -> list[Feature]:
    turns = [HELLO, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Sing"}]
    system = {"role": "system", "content": "Be brief"}
    styled = {"messages": [{"role": "system", "content": "Write in French."}, HELLO]}
    style = {"language": "French"}
    return [
        Feature(name="text", native_words="`content`: a string", openai_words="`content`: a string"),
        content(
            "text blocks",
            [user({"type": "text", "text": "Hello"})],
            [user({"type": "text", "text": "Hello"})],
            ("block `text`", "part `text`"),
        ),
        content(
            "templates",
            [user({"type": "template", "name": "order", "arguments": {"number": 7}})],
            [user({"type": "tensorzero::template", "name": "order", "arguments": {"number": 7}})],
            ("block `template`", "part `tensorzero::template`"),
            function="letter",
            sent=({"messages": [{"role": "user", "content": "Order 7"}]},),
        ),
        content(
            "text past the templates",
            [user({"type": "raw_text", "value": "Hello"}, {"type": "text", "text": "Bye"})],
            [user({"type": "tensorzero::raw_text", "value": "Hello"}, {"type": "text", "text": "Bye"})],
            ("block `raw_text`", "part `tensorzero::raw_text`"),
            function="wrapped",
            sent=({"messages": [user({"type": "text", "text": "Hello"}, {"type": "text", "text": "<Bye>"})]},),
        ),
        Feature(
            name="system text",
            native={"input": {"system": "Be brief", "messages": [HELLO]}},
            openai={"messages": [system, HELLO]},
            native_words="`input.system`: a string",
            openai_words="role `system` or `developer`",
            sent=({"messages": [system, HELLO]},),
        ),
        Feature(
            name="system template",
            native={"input": {"system": style, "messages": [HELLO]}},
            openai={
                "messages": [
                    {
                        "role": "system",
                        "content": [{"type": "tensorzero::template", "name": "system", "arguments": style}],
                    },
                    HELLO,
                ]
            },
            native_words="`input.system`: an object",
            openai_words="role `system`, part `tensorzero::template`",
            function="styled",
            sent=(styled,),
        ),
        content("several turns", turns, turns, ("`input.messages`", "`messages`"), sent=({"messages": turns},)),
        *file_features(),
        unknown_feature(),
    ]


def file_features() -> list[Feature]:
    data_url, url = f"data:image/png;base64,{PNG}", "https://example.com/cat.png"
    found = []
    for name, native, address, words in (
        ("image by base64", {"file_type": "base64", "data": PNG, "mime_type": "image/png"}, data_url, "a `data:` URL"),
        ("image by URL", {"file_type": "url", "url": url, "mime_type": "image/png"}, url, "`url`"),
    ):
        image = {"type": "image_url", "image_url": {"url": address, "detail": "low"}}
        found.append(
            content(
                name,
                [user({"type": "file", **native, "detail": "low"})],
                [user(image)],
                (f"block `file`, `{native['file_type']}`", f"part `image_url`, {words}"),
                sent=({"messages": [user(image)]},),
            )
        )
    return found


def unknown_feature() -> Feature:
    odd = {"type": "odd", "x": 1}
    extra = {"role": "assistant", "content": "Yes?", "tensorzero_extra_content": [{"type": "unknown", "data": odd}]}
    return content(
        "blocks that only the provider knows",
        [HELLO, assistant({"type": "unknown", "data": odd}, {"type": "text", "text": "Yes?"})],
        [HELLO, extra],
        ("block `unknown`", "`tensorzero_extra_content` of an assistant message"),
        sent=({"messages": [HELLO, {"role": "assistant", "content": [odd, {"type": "text", "text": "Yes?"}]}]},),
    )


def thought_features() -> list[Feature]:
    thought = {"type": "thought", "text": "Hmm", "provider_type": "vllm"}
    extra = {"role": "assistant", "content": "Yes?", "tensorzero_extra_content": [thought]}
    replayed = {"role": "assistant", "content": "Yes?", "reasoning": "Hmm"}
    thinks = reply({"content": "Hi", "reasoning": "Hmm"}, [{"reasoning": "Hm"}, {"reasoning": "m"}, {"content": "Hi"}])
    return [
        Feature(
            name="thoughts in the answer",
            native_words="always",
            openai_words="always, in `tensorzero_extra_content`",
            model="thinker",
            variant="thinker",
            replies=(thinks,),
            said=(thought, HI),
        ),
        content(
            "thoughts sent back",
            [HELLO, assistant(thought, {"type": "text", "text": "Yes?"})],
            [HELLO, extra],
            ("block `thought`", "`tensorzero_extra_content` of an assistant message"),
            model="thinker",
            variant="thinker",
            sent=({"messages": [HELLO, replayed]},),
        ),
    ]


def tool_features() -> list[Feature]:
    called = {"replies": (calls(("c1", "weather", ROME)),), "said": (CALLED,), "finish_reason": "tool_call"}
    tooled = {"function": "tooled", **called}
    time = {"type": "function", "function": TIME}
    return [
        Feature(
            name="configured tools",
            native_words="of the function",
            openai_words="of the function",
            sent=(offered(WEATHER, MAP),),
            **tooled,
        ),
        Feature(
            name="additional tools",
            native={"additional_tools": [TIME]},
            openai={"tools": [time]},
            native_words="`additional_tools`",
            openai_words="`tools`",
            sent=(offered(WEATHER, MAP, TIME),),
            **tooled,
        ),
        Feature(
            name="allowed tools",
            native={"allowed_tools": ["map"]},
            openai={"tool_choice": allowed_choice("map")},
            native_words="`allowed_tools`",
            openai_words="`tool_choice`: `allowed_tools`",
            sent=(offered(WEATHER, MAP, choice=allowed_choice("map")),),
            **tooled,
        ),
        *[
            Feature(
                name=f"tool choice `{mode}`",
                native={"tool_choice": mode},
                openai={"tool_choice": mode},
                native_words="`tool_choice`",
                openai_words="`tool_choice`",
                sent=(offered(WEATHER, MAP, choice=mode),),
                **(tooled if mode != "none" else {"function": "tooled"}),
            )
            for mode in ("auto", "required", "none")
        ],
        Feature(
            name="one tool chosen",
            native={"tool_choice": {"specific": "weather"}},
            openai={"tool_choice": {"type": "function", "function": {"name": "weather"}}},
            native_words="`tool_choice`: `specific`",
            openai_words="`tool_choice`: `function`",
            sent=(offered(WEATHER, MAP, choice={"type": "function", "function": {"name": "weather"}}),),
            **tooled,
        ),
        Feature(
            name="parallel tool calls",
            native={"parallel_tool_calls": True},
            openai={"parallel_tool_calls": True},
            native_words="`parallel_tool_calls`",
            openai_words="`parallel_tool_calls`",
            function="tooled",
            sent=(offered(WEATHER, MAP, parallel_tool_calls=True),),
            replies=(calls(("c1", "weather", ROME), ("c2", "map", ROME)),),
            said=(CALLED, call_block("c2", "map", ROME)),
            finish_reason="tool_call",
        ),
        custom_tool_feature(),
        Feature(
            name="a tool that the model made up",
            native_words="`name` is null",
            openai_words="as any other call",
            function="tooled",
            sent=(offered(WEATHER, MAP),),
            replies=(calls(("c1", "oracle", ROME)),),
            said=(call_block("c1", "oracle", ROME, known=False),),
            finish_reason="tool_call",
        ),
        tool_result_feature(),
    ]


def allowed_choice(name: str) -> Json:
    tools = [{"type": "function", "function": {"name": name}}]
    return {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}


def custom_tool_feature() -> Feature:
    """OpenAI's streams are read for function calls only, so the streamed answer is a text."""
    wire = {"type": "custom", "custom": CODE}
    return Feature(
        name="custom tools of OpenAI",
        native={"additional_tools": [{"type": "openai_custom", **CODE}]},
        openai={"tools": [wire]},
        native_words="`additional_tools`: `openai_custom`",
        openai_words="`tools`: `custom`",
        sent=({"tools": [wire], "tool_choice": "auto"},),
    )


def tool_result_feature() -> Feature:
    """On the OpenAI face a result is JSON text, as in TensorZero, so a string has its quotes."""
    call = {"role": "assistant", "tool_calls": [OPENAI_CALL]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    native = [
        HELLO,
        assistant({"type": "tool_call", "id": "c1", "name": "weather", "arguments": json.loads(ROME)}),
        user({"type": "tool_result", "id": "c1", "name": "weather", "result": "sunny"}),
    ]
    tools = offered(WEATHER, MAP)
    return content(
        "tool results",
        native,
        [HELLO, call, result],
        ("blocks `tool_call`, `tool_result`", "`tool_calls`, role `tool`"),
        function="tooled",
        sent=({"messages": [HELLO, call, result], **tools},),
        openai_sent=({"messages": [HELLO, call, {**result, "content": '"sunny"'}], **tools},),
    )


def json_features() -> list[Feature]:
    good = {"replies": (says('{"n":7}'),), "said": {"raw": '{"n":7}', "parsed": {"n": 7}}, "function": "extract"}
    instructed = [{"role": "system", "content": "Respond using JSON.\n\n"}, HELLO]
    on = {"response_format": {"type": "json_object"}, "messages": instructed}
    return [
        Feature(name="json function", native_words="always", openai_words="always", sent=(on,), **good),
        both("json mode `off`", fields=json_mode("off"), words="params", **good),
        both("json mode `strict`", fields=json_mode("strict"), words="params", sent=(json_schema(NUMBER),), **good),
        both(
            "json mode `tool`",
            fields=json_mode("tool"),
            words="params",
            sent=(respond_tool(NUMBER),),
            **{**good, "replies": (calls(("c1", "respond", '{"n":7}')),), "finish_reason": "tool_call"},
        ),
        Feature(
            name="schema of the request",
            native={"output_schema": TEXT_NUMBER, **json_mode("strict")},
            openai={
                "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": TEXT_NUMBER}}
            },
            native_words="`output_schema`",
            openai_words="`response_format`: `json_schema`",
            sent=(json_schema(TEXT_NUMBER),),
            **{**good, "said": {"raw": '{"n":7}', "parsed": None}},
        ),
        Feature(
            name="JSON from a chat function",
            native=json_mode("on"),
            openai={"response_format": {"type": "json_object"}},
            native_words="`params`: `json_mode`",
            openai_words="`response_format`",
            sent=(on,),
            replies=(says('{"n":7}'),),
            said=({"type": "text", "text": '{"n":7}'},),
        ),
        Feature(
            name="an answer that breaks the schema",
            native_words="`parsed` is null",
            openai_words="as any other answer",
            function="extract",
            sent=(on,),
            replies=(says("seven"),),
            said={"raw": "seven", "parsed": None},
        ),
    ]


def json_mode(mode: str) -> Json:
    return {"params": {"chat_completion": {"json_mode": mode}}}


def json_schema(schema: Json) -> Json:
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "response", "strict": True, "schema": schema}}
    }


def respond_tool(schema: Json) -> Json:
    tool = {"name": "respond", "description": "", "parameters": schema, "strict": False}
    return offered(tool, choice={"type": "function", "function": {"name": "respond"}}, parallel_tool_calls=False)


def parameter_features() -> list[Feature]:
    sampling = {"temperature": 0.5, "top_p": 0.75, "presence_penalty": 0.25, "frequency_penalty": 0.125, "seed": 7}
    other = {"reasoning_effort": "low", "verbosity": "low", "service_tier": "flex"}
    sent = {**sampling, **other, "max_completion_tokens": 9, "stop": ["."]}
    return [
        Feature(
            name="parameters",
            native={
                "params": {"chat_completion": {**sampling, **other, "max_tokens": 9, "stop_sequences": ["."]}}
            },
            openai={**sampling, **other, "max_completion_tokens": 9, "stop": ["."]},
            native_words="`params`",
            openai_words="OpenAI's fields, or `tensorzero::params`",
            sent=(sent,),
        ),
        both(
            "late changes to the body",
            fields={"extra_body": [{"pointer": "/user", "value": "u"}, {"pointer": "/model", "value": "other"}]},
            sent=({"user": "u", "model": "other"},),
        ),
        both(
            "late changes to the headers",
            fields={"extra_headers": [{"name": "x-one", "value": "1"}, {"name": "content-type", "delete": True}]},
            headers={"x-one": "1", "content-type": None},
        ),
        both(
            "credentials of the request",
            fields={"credentials": {"key": "sk-1"}},
            model="keyed",
            variant="keyed",
            headers={"authorization": "Bearer sk-1"},
        ),
    ]


def path_features() -> list[Feature]:
    return [
        Feature(
            name="a model without a function",
            native_words="`model_name`",
            openai_words="`model`: `tensorzero::model_name::…`",
            model="m",
            variant="m",
        ),
        both("a pinned variant", fields={"variant_name": "second"}, function="falling", variant="second", sent=(WARM,)),
        Feature(
            name="retries",
            native_words="of the variant",
            openai_words="of the variant",
            function="retried",
            replies=(fails(), says("Hi")),
            sent=({}, {}),
        ),
        Feature(
            name="another provider after a failure",
            native_words="of the model",
            openai_words="of the model",
            model="two",
            variant="two",
            replies=(fails(), says("Hi")),
            sent=({}, {}),
        ),
        Feature(
            name="another variant after a failure",
            native_words="of the function",
            openai_words="of the function",
            function="falling",
            variant="second",
            replies=(fails(), says("Hi")),
            sent=({}, WARM),
        ),
        Feature(
            name="time limits",
            native_words="of provider, model, variant",
            openai_words="of provider, model, variant",
            model="slow",
            variant="slow",
            replies=(late(), says("Hi")),
            sent=({}, {}),
        ),
        both(
            "a variant of the request",
            fields={
                "dryrun": True,
                "internal_dynamic_variant_config": {"type": "chat_completion", "model": "m", "temperature": 0.5},
            },
            words="internal_dynamic_variant_config",
            variant="tensorzero::dynamic_variant",
            sent=(WARM,),
        ),
        both("answers from the cache", fields={}, words="cache_options", cached=True, usage=(0, 0)),
    ]


WARM: Json = {"temperature": 0.5}


def record_features() -> list[Feature]:
    plain = {"tags": {}, "variant_name": "v", "function_name": "f"}
    return [
        both("tags", fields={"tags": {"who": "me"}}, stored={**plain, "tags": {"who": "me"}}),
        both("an episode", fields={"episode_id": EPISODE}, stored={**plain, "episode_id": EPISODE}),
        both(
            "a namespace",
            fields={"namespace": "shop"},
            model="shop",
            variant="shop",
            stored={
                "tags": {"tensorzero::namespace": "shop"},
                "variant_name": "shop",
                "function_name": "tensorzero::default",
            },
        ),
        both("nothing stored", fields={"dryrun": True}, stored={}),
        both(
            "the provider's usage",
            fields={"include_raw_usage": True},
            raw={"raw_usage": [{"provider_type": "openai", "api_type": "chat_completions", "data": USAGE}]},
            raw_streamed={"raw_usage": [[{"provider_type": "openai", "api_type": "chat_completions", "data": USAGE}]]},
        ),
        *raw_features(),
        Feature(
            name="the whole answer at the end of a stream",
            native=None,
            openai=None,
            native_words="`include_aggregated_response`",
            openai_words="",
        ),
    ]


def raw_features() -> list[Feature]:
    complete, streamed = says("Hi")
    text, events = compact(complete["json"]), [compact(e) for e in streamed["sse"][:-1]]
    entry = {"provider_type": "openai", "api_type": "chat_completions", "data": text}
    return [
        both(
            "the provider's answer",
            fields={"include_raw_response": True},
            raw={"raw_response": [entry]},
            raw_streamed={"raw_chunk": events},
        ),
        both(
            "the provider's answer, the old way",
            fields={"include_original_response": True},
            raw={"original_response": text},
            raw_streamed={"original_chunk": events},
        ),
    ]


FEATURES = [
    *text_features(),
    *thought_features(),
    *tool_features(),
    *json_features(),
    *parameter_features(),
    *path_features(),
    *record_features(),
]
