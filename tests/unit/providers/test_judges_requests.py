"""What is sent to the vendors that publish an SDK, judged by its typed parameters."""

import json
from typing import Any

import pytest

from t0.types.content import File, ModelMessage, Text, Thought, ToolCall, ToolResult
from t0.types.params import ChatCompletionParams
from t0.types.tools import SpecificTool
from unit.providers.sdk_judges import JUDGES, complaints, take_out
from unit.providers.vendors import VENDORS, Vendor, tool_config

JUDGED = [v for v in VENDORS if str(v) in JUDGES]
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "additionalProperties": False}
SAMPLING = {"max_tokens": 100, "temperature": 0.5, "top_p": 0.9}
CONVERSATION = [
    ModelMessage("user", [Text("Weather in Bern?"), Text("And in Rom?")]),
    ModelMessage(
        "assistant",
        [
            Text("One moment"),
            ToolCall("c1", "weather", '{"city":"Bern"}'),
            ToolCall("c2", "weather", '{"city":"Rom"}'),
        ],
    ),
    ModelMessage("user", [ToolResult("weather", "sunny", "c1"), ToolResult("weather", "rain", "c2")]),
]
IMAGE = File(mime_type="image/png", data="iVBORw0KGgo=", detail="low")
THOUGHT = Thought("Let me think", "S")

CALLS: dict[str, dict[str, Any]] = {
    "text": {},
    "system": {"system": "Be brief"},
    "streamed": {"stream": True},
    "sampling": {"params": ChatCompletionParams(**SAMPLING)},
    "penalties": {
        "params": ChatCompletionParams(
            max_tokens=9, seed=7, presence_penalty=0.1, frequency_penalty=0.2, stop_sequences=["END"]
        )
    },
    "effort": {"params": ChatCompletionParams(max_tokens=9, reasoning_effort="high", verbosity="low")},
    "budget": {"params": ChatCompletionParams(max_tokens=2000, thinking_budget_tokens=1024)},
    "tier": {"params": ChatCompletionParams(max_tokens=9, service_tier="auto")},
    "json_on": {"json_mode": "on", "function_type": "json", "output_schema": SCHEMA},
    "json_strict": {"json_mode": "strict", "function_type": "json", "output_schema": SCHEMA},
    "tools_auto": {"tools": tool_config()},
    "tools_required": {"tools": tool_config(choice="required")},
    "tools_none": {"tools": tool_config(choice="none")},
    "tools_specific": {"tools": tool_config(choice=SpecificTool("weather"))},
    "tools_allowed": {"tools": tool_config(allowed=["weather"])},
    "tools_one_at_a_time": {"tools": tool_config(parallel_tool_calls=False)},
    "tool_results": {"tools": tool_config(), "messages": CONVERSATION},
    "image": {"messages": [ModelMessage("user", [Text("What is this?"), IMAGE])]},
    "image_url": {
        "messages": [ModelMessage("user", [Text("?"), File(url="https://a.example/b.png", mime_type="image/png")])]
    },
    "pdf": {"messages": [ModelMessage("user", [File(mime_type="application/pdf", data="JVBERi0=", filename="a.pdf")])]},
    "thought": {
        "messages": [
            ModelMessage("user", [Text("q")]),
            ModelMessage("assistant", [THOUGHT, Text("a")]),
            ModelMessage("user", [Text("n")]),
        ]
    },
}

BEYOND: dict[tuple[str, str], set[str]] = {
    # An earlier answer goes back as plain `output_text`, without the id, status and annotations that it came with.
    ("openai_responses", "tool_results"): {"input"},
    ("openai_responses", "thought"): {"input"},
    # `detail` may be left out; the types want it.
    ("openai_responses", "image_url"): {"input"},
    # OpenAI's `allowed_tools`.
    ("groq", "tools_allowed"): {"tool_choice"},
    # Files go as OpenAI's `file` parts.
    ("mistral", "pdf"): {"messages"},
    ("together", "pdf"): {"messages"},
    # The schema stands beside the type `json_object`.
    ("together", "json_on"): {"response_format"},
    ("together", "json_strict"): {"response_format"},
    # OpenAI's forms of a named tool and of tool calls without an `index`.
    ("together", "tools_specific"): {"tool_choice"},
    ("together", "tool_results"): {"messages"},
}
"""What goes out on purpose though the SDK's types do not have it: `(vendor, call)` → keys of the body."""


def sent(vendor: Vendor, call: dict[str, Any]) -> dict[str, Any]:
    return json.loads(vendor.provider().request(vendor.call(**call), {}).body)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("vendor", JUDGED, ids=str)
def test_the_sdk_knows_what_is_sent(vendor: Vendor, call: str) -> None:
    body = sent(vendor, CALLS[call])
    assert complaints(JUDGES[str(vendor)], body) == BEYOND.get((str(vendor), call), set()), body


@pytest.mark.parametrize("vendor", JUDGED, ids=str)
def test_what_judges_do_not_see_is_sent(vendor: Vendor) -> None:
    bodies = [sent(vendor, call) for call in CALLS.values()]
    hidden = JUDGES[str(vendor)].beyond
    assert [p for p in hidden if not any(take_out(b, p.split(".")) for b in bodies)] == []


def test_every_judge_has_a_vendor() -> None:
    assert {str(v) for v in JUDGED} == JUDGES.keys()


SPOILT: dict[str, tuple[dict[str, Any], set[str]]] = {
    "unknown_key": ({"surprise": 1}, {"surprise"}),
    "unknown_role": ({"messages": [{"role": "nobody", "content": "Hi"}]}, {"messages"}),
    "wrong_type": ({"stream": "perhaps"}, {"stream"}),
}


@pytest.mark.parametrize(("change", "refused"), SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("vendor", [v for v in JUDGED if str(v) != "openai_responses"], ids=str)
def test_a_judge_refuses(vendor: Vendor, change: dict[str, Any], refused: set[str]) -> None:
    assert complaints(JUDGES[str(vendor)], sent(vendor, {}) | change) == refused
