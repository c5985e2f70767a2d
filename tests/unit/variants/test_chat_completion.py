"""What a chat-completion variant asks of its model."""

import pytest

from kit import chat, make, model, run, says, variant
from t0.types.params import ChatCompletionParams
from t0.variants.chat_completion import merged_params

OWN = ChatCompletionParams(temperature=0.5, max_tokens=9, json_mode="on")

MERGED = {
    "nothing given": (OWN, ChatCompletionParams(), OWN),
    "nothing own": (ChatCompletionParams(), OWN, OWN),
    "the request wins": (
        OWN,
        ChatCompletionParams(temperature=0.0, seed=1),
        ChatCompletionParams(temperature=0.0, max_tokens=9, seed=1, json_mode="on"),
    ),
    "an empty list is given": (
        ChatCompletionParams(stop_sequences=["x"]),
        ChatCompletionParams(stop_sequences=[]),
        ChatCompletionParams(stop_sequences=[]),
    ),
}


@pytest.mark.parametrize(("own", "given", "expected"), MERGED.values(), ids=MERGED)
def test_parameters_of_request_and_variant(own, given, expected):
    before = (repr(own), repr(given))
    assert merged_params(own, given) == expected
    assert (repr(own), repr(given)) == before


def bodies(folder, config, *requests):
    kit = make(folder, config, *[says()] * len(requests))

    async def ask():
        for request in requests:
            await kit.infer(**request)

    run(ask())
    return kit


def test_extra_body_of_the_variant_and_of_the_request(tmp_path):
    config = model() + chat(
        variant("v", 'extra_body = [{ pointer = "/a", value = 1 }, { pointer = "/b", value = 1 }]\n'),
        variant("w"),
    )
    changes = [
        {"pointer": "/b", "value": 2},
        {"pointer": "/c", "value": 3, "variant_name": "w"},
        {"pointer": "/d", "value": 4, "variant_name": "v"},
        {"pointer": "/e", "value": 5, "model_name": "m", "provider_name": "p"},
    ]
    kit = bodies(tmp_path, config, {"variant_name": "v", "extra_body": changes})
    body = kit.transport.bodies[0]
    assert {k: v for k, v in body.items() if len(k) == 1} == {"a": 1, "b": 2, "d": 4, "e": 5}


def test_extra_headers_of_the_request(tmp_path):
    headers = [{"name": "x-a", "value": "1"}, {"name": "x-b", "value": "2", "variant_name": "w"}]
    config = model() + chat(variant("v"), variant("w"))
    kit = bodies(tmp_path, config, {"variant_name": "v", "extra_headers": headers})
    assert [(k, v) for k, v in kit.transport.requests[0].headers if k.startswith("x-")] == [("x-a", "1")]


def test_a_request_does_not_change_the_next_one(tmp_path):
    config = model() + chat(variant("v", "temperature = 0.5"))
    changed = {
        "params": {"chat_completion": {"temperature": 1, "seed": 3}},
        "extra_body": [{"pointer": "/x", "value": 1}],
        "additional_tools": [{"name": "t", "description": "d", "parameters": {}}],
        "tags": {"a": "b"},
    }
    kit = bodies(tmp_path, config, {}, changed, {})
    first, _, third = kit.transport.bodies
    assert third == first
    assert [r.row.tags for r in kit.records] == [{}, {"a": "b"}, {}]
