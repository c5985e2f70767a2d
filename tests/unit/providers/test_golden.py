"""The recorded requests and answers of the reference, provider by provider."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from t0.errors import ProviderFailure
from t0.types.model import Usage
from unit.providers.replay import CASES, Exchange, exchanges, outcome, shown_block

IGNORED_HEADERS = {"user-agent", "x-title", "http-referer", "host", "x-amz-date"}

NAMES = sorted(
    f"{folder}/{path.stem}"
    for folder in ("providers", "basics", "params", "tools", "extra", "stream")
    for path in (CASES / folder).glob("*.json")
)
EXCHANGES = exchanges(NAMES)

DEVIATIONS = frozenset(
    {
        "providers/anthropic_stream[1]",
        "providers/bedrock_bearer_claude_tools_json[13]",
        "providers/bedrock_sigv4_text[14]",
        "providers/fireworks_text_params[6] cached",
        "providers/gcp_vertex_anthropic_stream[1]",
        "providers/gcp_vertex_gemini_text[4] RECITATION",
        "providers/gcp_vertex_gemini_tools[13]",
        "providers/google_ai_studio_tools[13]",
        "providers/mistral_prompt_mode[1] unknown content part",
        "providers/mistral_stream[2] tool deltas without name",
        "providers/openrouter_reasoning_details[2]",
        "providers/discard_unknown_chunks_responses[0]",
        "providers/responses_files_thoughts[3]",
        "providers/responses_stream_odd[0]",
        "providers/responses_stream_odd[2]",
        "providers/responses_stream_odd[4]",
        "providers/responses_stream_odd[5]",
        "providers/responses_text[7]",
        "providers/responses_tools[7]",
        "providers/sagemaker_tgi[1]",
        "providers/tgi_json_files_thoughts[3]",
        "providers/tgi_tools[0]",
        "providers/tgi_tools[13] parallel",
        "providers/together_text_params[14] content_filter",
        "providers/vllm_stream[1]",
        "providers/xai_stream[1]",
    }
)
"""Where t0 answers better than the recording; the reasons stand in `tests/golden/deviations.json`."""


def test_most_recorded_calls_are_replayed() -> None:
    assert len(EXCHANGES) > 400


@pytest.mark.parametrize("exchange", EXCHANGES, ids=[e.id for e in EXCHANGES])
def test_recorded_exchange(exchange: Exchange) -> None:
    request, answer = outcome(exchange)
    recorded = exchange.sent[0] if exchange.sent else None
    difference = request_difference(request, recorded) or answer_difference(exchange, answer)
    if exchange.id in DEVIATIONS:
        assert difference, "no difference any more"
    else:
        assert not difference, difference


def request_difference(request: dict[str, Any] | None, recorded: dict[str, Any] | None) -> str | None:
    if request is None or recorded is None:
        return None if request is recorded else f"sent {request}, recorded {recorded}"
    for key in ("method", "path"):
        if request[key] != recorded[key]:
            return f"{key}: {request[key]} instead of {recorded[key]}"
    if request["query"] != recorded.get("query", ""):
        return f"query: {request['query']}"
    if not same(request["body"], recorded["body"]):
        return f"body: {json.dumps(request['body'])}\n  instead of {json.dumps(recorded['body'])}"
    headers = {k: unsigned(v) for k, v in request["headers"].items() if k not in IGNORED_HEADERS}
    expected = {k: v for k, v in recorded["headers"].items() if k not in IGNORED_HEADERS}
    return None if headers == expected else f"headers: {headers} instead of {expected}"


def unsigned(value: str) -> str:
    """A header's value; of an AWS signature what recordings keep of it."""
    return re.sub(r"/\d{8}/", "/<date>/", value.partition(",")[0]) if value.startswith("AWS4-") else value


def answer_difference(exchange: Exchange, answer: Any) -> str | None:
    recorded = exchange.answer
    if answer is None:
        return None
    if recorded["status"] != 200:
        return text_difference(exchange, answer, recorded["body"]["error"])
    if isinstance(answer, str):
        return f"failed: {answer}"
    if exchange.call.stream:
        return stream_difference(exchange, answer, recorded["events"])
    body = recorded["body"]
    blocks = [shown_block(b) for b in answer.output]
    if exchange.call.function_type == "chat":
        expected = [{k: v for k, v in b.items() if not is_parsed(b, k)} for b in body["content"]]
        name_made_up_ids(blocks, expected)
        if blocks != expected:
            return f"content: {blocks} instead of {expected}"
    else:
        texts = [b.get("text", b.get("raw_arguments")) for b in blocks if b["type"] in ("text", "tool_call")]
        if texts[-1:] != [t for t in [body["output"]["raw"]] if t is not None]:
            return f"output: {texts} instead of {body['output']}"
    if answer.finish_reason != body.get("finish_reason"):
        return f"finish_reason: {answer.finish_reason}"
    if shown_usage(answer.usage) != body["usage"]:
        return f"usage: {shown_usage(answer.usage)} instead of {body['usage']}"
    if "raw_usage" in body and answer.raw_usage != body["raw_usage"][0]["data"]:
        return f"raw_usage: {answer.raw_usage}"
    return None


def name_made_up_ids(blocks: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Gives UUIDs that are new in each answer the recorded name, each its own."""
    names = {e["id"]: b["id"] for b, e in zip(blocks, expected, strict=False) if "id" in e and "id" in b}
    for block in blocks:
        made_up = [name for name, found in names.items() if name.startswith("<uuid7-") and found == block.get("id")]
        if len(made_up) == 1 and UUID(block["id"]).version == 7:
            block["id"] = made_up[0]


def is_parsed(block: dict[str, Any], key: str) -> bool:
    """Whether the key is the gateway's reading of a tool call."""
    return block["type"] == "tool_call" and key in ("name", "arguments")


def text_difference(exchange: Exchange, answer: Any, recorded: str) -> str | None:
    if not isinstance(answer, str) and not isinstance(answer, list):
        return f"succeeded: {answer}"
    if isinstance(answer, list):
        chunks = [c for c in answer if isinstance(c, ProviderFailure)]
        if not answer and "Stream ended before first chunk" in recorded:
            return None
        answer = chunks[0].text if chunks and answer[0] is chunks[0] else f"{answer}"
    expected = recorded.partition(": p: ")[2] or recorded
    if exchange.has:
        wanted = [h.partition(": p: ")[2] or h for h in exchange.has]
        return None if all(w in answer for w in wanted) else f"error: {answer} without {wanted}"
    return None if answer == expected else f"error: {answer} instead of {expected}"


def stream_difference(exchange: Exchange, items: list[Any], events: list[Any]) -> str | None:
    errors = [i.text for i in items if isinstance(i, ProviderFailure)]
    recorded_errors = [e["error"] for e in events if "error" in e]
    if len(errors) != len(recorded_errors) or not all(
        same_error(exchange, e, r) for e, r in zip(errors, recorded_errors, strict=True)
    ):
        return f"errors: {errors} instead of {recorded_errors}"
    chunks = [i for i in items if not isinstance(i, ProviderFailure)]
    if exchange.call.function_type == "chat":
        blocks = [shown_block(b) for c in chunks for b in c.content]
        expected = [b for e in events if isinstance(e, dict) for b in e.get("content", [])]
    else:
        blocks = [t for c in chunks for b in c.content if (t := getattr(b, "text", getattr(b, "raw_arguments", "")))]
        expected = [e["raw"] for e in events if isinstance(e, dict) and e.get("raw")]
    if blocks != expected:
        return f"content: {blocks} instead of {expected}"
    last = next(e for e in reversed(events) if isinstance(e, dict))
    reasons = [c.finish_reason for c in chunks if c.finish_reason]
    if (reasons[-1] if reasons else None) != last.get("finish_reason"):
        return f"finish_reason: {reasons}"
    usage = merged_usage([c.usage for c in chunks if c.usage is not None])
    if shown_usage(usage) != last["usage"]:
        return f"usage: {shown_usage(usage)} instead of {last['usage']}"
    raw = [r["data"] for e in events if isinstance(e, dict) for r in e.get("raw_usage", [])]
    found = [c.raw_usage for c in chunks if c.raw_usage is not None]
    return f"raw_usage: {found} instead of {raw}" if raw and raw != found else None


def same_error(exchange: Exchange, text: str, recorded: str) -> bool:
    return all(h in text for h in exchange.has) if exchange.has else text == recorded


def merged_usage(usages: list[Usage]) -> Usage:
    fields = Usage.__struct_fields__
    found = {f: [v for u in usages if (v := getattr(u, f)) is not None] for f in fields}
    return Usage(**{f: max(v) if v else None for f, v in found.items()})


def shown_usage(usage: Usage) -> dict[str, Any]:
    shown = {f: getattr(usage, f) for f in Usage.__struct_fields__}
    return {k: v for k, v in shown.items() if v is not None or not k.startswith("provider_")}


def same(a: Any, b: Any) -> bool:
    """Equal, numbers within single precision."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return type(a) is type(b) and a == b
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b))
