"""Usage over all model calls, and the raw lists of complete answers."""

from decimal import Decimal

import pytest

from kit import HI as INPUT
from kit import breaks, chat, fails, json_function, make, model, renamed, run, says, variant
from processes import completion
from t0.errors import ConnectFailed
from t0.inference.response import total_usage
from t0.models.call import ModelResult
from t0.types.inference import RawEntry
from t0.types.model import ModelRequest, Usage
from t0.types.params import ChatCompletionParams

# -- usage -------------------------------------------------------------------------------------------------------------


def result(usage, cost=None, **fields):
    """A model call with this usage; its cost in dollars, as text."""
    price = None if cost is None else Decimal(cost)
    usage.cost = None if price is None else float(price)
    plain = {
        "request": ModelRequest(model_name="m", messages=[], params=ChatCompletionParams()),
        "model_name": "m",
        "provider_name": "p",
        "provider_type": "vllm",
        "api_type": "chat_completions",
        "raw_request": "{}",
        "raw_response": "{}",
        "output": [],
        "raw_usage": [],
        "finish_reason": None,
        "response_time_ms": 1,
    }
    return ModelResult(**{**plain, "usage": usage, "cost": price, **fields})


SUMS = {
    "one": ([result(Usage(1, 2, 3, 4), "0.5")], Usage(1, 2, 3, 4, 0.5)),
    "two": ([result(Usage(1, 2), "0.1"), result(Usage(10, 20), "0.2")], Usage(11, 22, cost=0.3)),
    "unknown tokens": ([result(Usage(1, None), "1"), result(Usage(2, 3), "1")], Usage(3, None, cost=2.0)),
    "unknown cost": ([result(Usage(1, 2), "1"), result(Usage(1, 2))], Usage(2, 4)),
    "zero is known": ([result(Usage(0, 0), "0"), result(Usage(0, 0), "0")], Usage(0, 0, cost=0.0)),
    "known cache tokens": (
        [result(Usage(1, 1, 5)), result(Usage(1, 1, None, 6)), result(Usage(1, 1, 7))],
        Usage(3, 3, 12, 6),
    ),
    "none": ([], Usage(0, 0)),
}


@pytest.mark.parametrize(("calls", "expected"), SUMS.values(), ids=SUMS)
def test_usages_are_summed(calls, expected):
    assert total_usage(calls) == expected


# -- raw lists ---------------------------------------------------------------------------------------------------------

ID = "01950000-0000-7000-8000-000000000001"
ENTRY = {"provider_type": "vllm", "api_type": "chat_completions"}


def test_the_entries_of_one_call_share_its_id():
    call = result(Usage(), raw_usage=[{"a": 1}, {"a": 2}])
    usages, response = call.usage_entries(), call.response_entry()
    id_ = call.model_inference_id()
    assert [*usages, response] == [
        RawEntry(model_inference_id=id_, data={"a": 1}, **ENTRY),
        RawEntry(model_inference_id=id_, data={"a": 2}, **ENTRY),
        RawEntry(model_inference_id=id_, data="{}", **ENTRY),
    ]


CONFIG = model("m", "p", "q") + chat(variant("v"), variant("w")) + json_function()
ALL = {"include_raw_response": True, "include_raw_usage": True, "include_original_response": True}
EPISODE = "01950000-0000-7000-8000-000000000003"
"""With it, `f` tries `w` after `v`."""


def answered(folder, *replies, path="/inference", **body):
    kit = make(folder, CONFIG, *replies)
    return renamed(run(kit.call(path, {"function_name": "f", "input": INPUT, **body})).json())


def raw_of(text):
    return says(text).body.decode()


def own(data):
    return {"model_inference_id": "<3>", **ENTRY, "data": data}


def failed(text):
    return {**ENTRY, "data": text}


USAGE = completion("")["usage"]


@pytest.mark.parametrize("function", ["f", "j"])
def test_all_raw_data(tmp_path, function):
    answer = answered(tmp_path, says("{}"), function_name=function, **ALL)
    assert {k: v for k, v in answer.items() if "raw_" in k or "original" in k} == {
        "raw_usage": [own(USAGE)],
        "raw_response": [own(raw_of("{}"))],
        "original_response": raw_of("{}"),
    }


def test_nothing_raw_unless_it_is_asked_for(tmp_path):
    assert set(answered(tmp_path, says())) == {
        "inference_id",
        "episode_id",
        "variant_name",
        "content",
        "usage",
        "finish_reason",
    }


def test_failed_variants_come_before_failed_providers(tmp_path):
    replies = [fails(400, "1"), breaks(ConnectFailed("no answer")), fails(500, "2"), says()]
    answer = answered(tmp_path, *replies, episode_id=EPISODE, include_raw_response=True)
    assert answer["raw_response"] == [failed("1"), failed("2"), own(raw_of("Hello"))]


def test_retries_are_failed_attempts(tmp_path):
    config = model() + chat(variant("v", "retries = { num_retries = 1 }"))
    kit = make(tmp_path, config, fails(500, "1"), says())
    body = {"function_name": "f", "input": INPUT, "include_raw_response": True}
    answer = renamed(run(kit.call("/inference", body)).json())
    assert answer["raw_response"] == [failed("1"), own(raw_of("Hello"))]


FAILURES = [fails(400, "1"), breaks(ConnectFailed("no answer")), fails(500, "2"), fails(500, "3")]


@pytest.mark.parametrize("fields", [{}, {"stream": True}], ids=["complete", "streamed"])
def test_what_providers_said_when_all_failed(tmp_path, fields):
    answer = answered(tmp_path, *FAILURES, include_raw_response=True, **fields)
    assert (set(answer), answer["raw_response"]) == (
        {"error", "raw_response"},
        [failed("1"), failed("2"), failed("3")],
    )


def test_what_providers_said_in_the_openai_form(tmp_path):
    body = {
        "model": "tensorzero::function_name::f",
        "messages": [],
        "tensorzero::include_raw_response": True,
    }
    answer = answered(tmp_path, *FAILURES, path="/openai/v1/chat/completions", **body)
    assert (set(answer), set(answer["error"])) == ({"error", "tensorzero_raw_response"}, {"message"})
    assert answer["tensorzero_raw_response"] == [failed("1"), failed("2"), failed("3")]


def test_no_list_when_no_provider_said_anything(tmp_path):
    replies = [breaks(ConnectFailed("no"))] * 4
    assert set(answered(tmp_path, *replies, include_raw_response=True)) == {"error"}
