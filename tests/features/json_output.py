"""Features of answers in JSON."""

from features.base import HELLO, Feature, Json, both, calls, says
from features.setup import NUMBER
from features.tools import function_tool, offered

TEXT_NUMBER: Json = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}


def json_features() -> list[Feature]:
    good: Json = {"replies": (says('{"n":7}'),), "said": {"raw": '{"n":7}', "parsed": {"n": 7}}, "function": "extract"}
    instructed = [{"role": "system", "content": "Respond using JSON."}, HELLO]
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
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "response", "strict": True, "schema": schema},
        }
    }


def respond_tool(schema: Json) -> Json:
    tool = {**function_tool("respond", "Respond to the user using the output schema provided."), "parameters": schema}
    return offered(tool, choice={"type": "function", "function": {"name": "respond"}})
