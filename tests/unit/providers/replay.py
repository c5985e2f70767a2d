"""Plays golden cases against a provider alone: a recorded call becomes a `ModelRequest`, no gateway in between.

Only what the cases of the providers need is understood: chat and json functions with one variant, and plain content.
"""

import base64
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from t0.config.credentials import CredentialStore
from t0.errors import ProviderFailure, RequestError
from t0.providers.base import Provider
from t0.providers.registry import provider_class
from t0.types.content import File, ModelMessage, Text, TextChunk, Thought, ToolCall, ToolResult, Unknown
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.model import Chunk, ModelRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ProviderToolScope, SpecificTool, ToolConfig
from unit.providers.aws_frames import recorded

CASES = Path(__file__).parents[2] / "golden" / "cases"
MOCK = "http://127.0.0.1:9"
RESPOND = "Respond to the user using the output schema provided."


@dataclass
class Exchange:
    """One recorded call of one provider: what went in, what the provider was sent, what the client got."""

    id: str
    provider: Provider
    call: ModelRequest
    sent: list[dict[str, Any]]
    replies: list[dict[str, Any]]
    answer: dict[str, Any]
    has: list[str] = field(default_factory=list)
    credentials: dict[str, str] = field(default_factory=dict)


class NotReplayable(Exception):
    """The recorded call needs more than a provider."""


def exchanges(names: list[str]) -> list[Exchange]:
    """The calls of the named cases (`providers/openai_stream`) that need nothing but one provider."""
    found = []
    for name in names:
        case = json.loads((CASES / f"{name}.json").read_text().replace("{MOCK}", MOCK))
        for number, call in enumerate(case.get("calls", [])):
            try:
                found.append(exchange(case, call, f"{name}[{number}]{' ' + call['name'] if call.get('name') else ''}"))
            except NotReplayable:
                continue
    return found


def exchange(case: dict[str, Any], call: dict[str, Any], label: str) -> Exchange:
    config = tomllib.loads(case["config"])
    if call["route"] != "/inference":
        raise NotReplayable
    body = call["body"]
    function = _function(case, config, body)
    variants = function.get("variants") or {"": {"model": body.get("model_name")}}
    variant = variants.get(body.get("variant_name") or next(iter(variants)))
    if variant is None:
        raise NotReplayable
    model = body.get("model_name") or variant["model"]
    if len(config["models"].get(model, {}).get("routing", [])) != 1:
        raise NotReplayable
    name = config["models"][model]["routing"][0]
    provider = make_provider(name, config["models"][model]["providers"][name], case.get("env", {}))
    request = _model_request(case, config, body, function, variant, model, provider)
    sent = [u for u in call["recorded"]["upstream"] if u["method"] == "POST"]
    replies = [r for r in call["upstream"] if r.get("when", {}).get("host") is None]
    answer = call["recorded"]["answer"]
    if len(sent) > 1 or any(_takes_time(r) for r in replies) or _refused_earlier(answer, sent):
        raise NotReplayable
    _fetch_files(request, provider, call["upstream"])
    return Exchange(label, provider, request, sent, replies, answer, call.get("has", []), body.get("credentials", {}))


def _takes_time(reply: dict[str, Any]) -> bool:
    return "delay_ms" in reply or "gap_ms" in reply or any("__sleep_ms" in e for e in reply.get("sse", []))


def _refused_earlier(answer: dict[str, Any], sent: list[Any]) -> bool:
    """Whether the gateway refused the request before any provider saw it."""
    return not sent and not (answer["status"] == 502 and ": p: " in answer["body"]["error"])


def make_provider(name: str, table: dict[str, Any], env: dict[str, str] | None = None) -> Provider:
    """The provider of one `[models.M.providers.P]` table."""
    cls = provider_class(table["type"])
    config = msgspec.convert(table, type=cls.Config)
    return cls(name, config, CredentialStore(env or {}))


def _function(case: dict[str, Any], config: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    if "function_name" not in body:
        return {"type": "chat"}
    function = config["functions"].get(body["function_name"])
    if function is None:
        raise NotReplayable
    return function


def _model_request(case, config, body, function, variant, model, provider) -> ModelRequest:
    params = dict(body.get("params", {}).get("chat_completion", {}))
    for key in ChatCompletionParams.__struct_fields__:
        if key in variant and key not in params:
            params[key] = variant[key]
    json_mode = params.pop("json_mode", None) or "off"
    schema = body.get("output_schema")
    if schema is None and "output_schema" in function:
        schema = json.loads(case["files"][function["output_schema"]])
    tools = _tools(case, config, body, function)
    if json_mode == "tool":
        json_mode = "off"
        respond = FunctionTool(RESPOND, schema, "respond")
        tools = ToolConfig([respond], [], [], SpecificTool("respond"), body.get("parallel_tool_calls"))
    system = body["input"].get("system")
    if isinstance(system, dict):
        raise NotReplayable
    return ModelRequest(
        model_name=model,
        messages=[_message(m) for m in body["input"].get("messages", [])],
        system=system,
        tools=tools,
        params=msgspec.convert(params, type=ChatCompletionParams),
        json_mode=json_mode,
        function_type=function["type"],
        output_schema=schema,
        stream=body.get("stream", False),
        variant_extra_body=msgspec.convert(variant.get("extra_body", []), type=list[ExtraBody]),
        variant_extra_headers=msgspec.convert(variant.get("extra_headers", []), type=list[ExtraHeader]),
        extra_body=[_extra(e, ExtraBody) for e in body.get("extra_body", []) if _for_variant(e, function)],
        extra_headers=[_extra(e, ExtraHeader) for e in body.get("extra_headers", []) if _for_variant(e, function)],
        fetch_and_encode_files=config.get("gateway", {}).get("fetch_and_encode_input_files_before_inference", False),
    )


def _extra(entry: dict[str, Any], cls: Any) -> Any:
    if "model_provider_name" in entry:
        entry = {k: v for k, v in entry.items() if k not in ("model_name", "model_provider_name")}
    return msgspec.convert(entry, type=cls)


def _for_variant(entry: dict[str, Any], function: dict[str, Any]) -> bool:
    return "variant_name" not in entry or entry["variant_name"] in function.get("variants", {})


def _tools(case, config, body, function) -> ToolConfig | None:
    tools = []
    for name in function.get("tools", []):
        tool = config["tools"][name]
        schema = json.loads(case["files"][tool["parameters"]])
        tools.append(FunctionTool(tool["description"], schema, tool.get("name", name), tool.get("strict", False)))
    for tool in body.get("additional_tools", []):
        if tool.get("type", "function") != "function":
            raise NotReplayable
        tools.append(FunctionTool(tool["description"], tool["parameters"], tool["name"], tool.get("strict") or False))
    custom: list[CustomTool] = []
    provider_tools = [_provider_tool(t) for t in [*function.get("provider_tools", []), *body.get("provider_tools", [])]]
    if not tools and not provider_tools:
        return None
    choice = body.get("tool_choice", function.get("tool_choice", "auto"))
    if isinstance(choice, dict):
        choice = SpecificTool(choice["specific"])
    parallel = body.get("parallel_tool_calls", function.get("parallel_tool_calls"))
    return ToolConfig(tools, custom, provider_tools, choice, parallel, body.get("allowed_tools"))


def _provider_tool(entry: dict[str, Any]) -> ProviderTool:
    scope = entry.get("scope")
    if scope is None:
        return ProviderTool(None, entry["tool"])
    name = scope.get("provider_name") or scope.get("model_provider_name")
    return ProviderTool(ProviderToolScope(scope["model_name"], name), entry["tool"])


def _message(message: dict[str, Any]) -> ModelMessage:
    content = message["content"]
    if isinstance(content, str):
        return ModelMessage(message["role"], [Text(content)])
    return ModelMessage(message["role"], [_block(b) for b in content])


def _block(block: dict[str, Any]) -> Any:
    kind = block["type"]
    if kind == "text" and "text" in block:
        return Text(block["text"])
    if kind == "tool_call":
        arguments = block["arguments"] if "arguments" in block else block["raw_arguments"]
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, separators=(",", ":"))
        return ToolCall(block["id"], block.get("name") or block["raw_name"], arguments)
    if kind == "tool_result":
        return ToolResult(block["name"], block["result"], block["id"])
    if kind == "thought":
        return msgspec.convert({"text": None, **block}, type=Thought)
    if kind == "unknown":
        name = block.get("provider_name") or block.get("model_provider_name")
        return Unknown(block["data"], block.get("model_name"), name)
    if kind == "file" and "file_type" in block:
        fields = {k: block.get(k) for k in ("url", "mime_type", "data", "detail", "filename")}
        return File(**fields)
    raise NotReplayable


def _fetch_files(call: ModelRequest, provider: Provider, replies: list[dict[str, Any]]) -> None:
    """What the gateway does before it asks a provider that does not take a file by its URL."""
    for message in call.messages:
        for block in message.content:
            if isinstance(block, File) and block.url is not None and not provider.forwards_url(block, call):
                path = "/" + block.url.split("/", 3)[3]
                reply = next((r for r in replies if r.get("when", {}).get("path") == path), None)
                if reply is None or "base64" not in reply:
                    raise NotReplayable
                block.url = None
                block.data = base64.b64encode(base64.b64decode(reply["base64"])).decode()
                block.mime_type = block.mime_type or reply.get("headers", {}).get("content-type")


# -- the mock's replies ------------------------------------------------------------------------------------------------


def reply_bytes(reply: dict[str, Any]) -> bytes:
    """The body that the mock sends for `reply`."""
    if "text" in reply:
        return str(reply["text"]).encode()
    if "json" in reply:
        return json.dumps(reply["json"], separators=(",", ":"), ensure_ascii=False).encode()
    if "aws" in reply:
        return b"".join(recorded(e) for e in reply["aws"])
    return b"".join(_event_bytes(e) for e in reply["sse"])


def reply_headers(reply: dict[str, Any]) -> dict[str, str]:
    kinds = {"sse": "text/event-stream", "aws": "application/vnd.amazon.eventstream", "json": "application/json"}
    kind = next((kind for key, kind in kinds.items() if key in reply), "text/plain")
    return {"content-type": kind, **{k.lower(): v for k, v in reply.get("headers", {}).items()}}


def _event_bytes(event: Any) -> bytes:
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    if "__base64" in event:
        return base64.b64decode(event["__base64"])
    if "__raw" in event:
        return str(event["__raw"]).encode()
    if "__sleep_ms" in event:
        return b""
    data = event["data"] if "__event" in event else event
    head = f"event: {event['__event']}\n" if "__event" in event else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data, separators=(',', ':'))}\n\n".encode()


# -- what the client would get -----------------------------------------------------------------------------------------


def outcome(exchange: Exchange) -> tuple[Any, Any]:
    """The request as recorded and the answer as recorded: `(request or None, answer)`; errors are their text."""
    try:
        request = exchange.provider.request(exchange.call, exchange.credentials)
    except RequestError as e:
        return None, e.text
    shown = {
        "method": request.method,
        "path": request.url.target.partition("?")[0],
        "query": request.url.target.partition("?")[2],
        "headers": dict(request.headers),
        "body": json.loads(request.body),
    }
    if not exchange.replies or exchange.replies[0].get("reset"):
        return shown, None
    reply = exchange.replies[0]
    status, headers, body = reply.get("status", 200), reply_headers(reply), reply_bytes(reply)
    try:
        if exchange.call.stream:
            return shown, _streamed(exchange, status, headers, body)
        if status != 200:
            raise exchange.provider.failure(status, headers, body)
        response = exchange.provider.response(exchange.call, headers, body)
    except ProviderFailure as e:
        return shown, e.text
    return shown, response


def _streamed(exchange: Exchange, status: int, headers: dict[str, str], body: bytes) -> list[Chunk | ProviderFailure]:
    if not exchange.provider.opens_stream(status, headers):
        raise exchange.provider.stream_failure(status, headers, body)
    decoder = exchange.provider.decoder(exchange.call)
    return decoder.feed(body) + decoder.end()


def shown_block(block: Any) -> Any:
    """A block as the recorded answers show it."""
    built = msgspec.to_builtins(block)
    if built["type"] == "tool_call" and "arguments" in built:
        return {"type": "tool_call", "id": built["id"], "raw_name": built["name"], "raw_arguments": built["arguments"]}
    if isinstance(block, TextChunk):
        return built
    if built["type"] == "tool_call":
        built["raw_name"] = built["raw_name"] or ""
    if built["type"] == "thought" and built.get("extra_data") is None:
        built.pop("extra_data", None)
    return built
