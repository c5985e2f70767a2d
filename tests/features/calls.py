"""Features of the way to the provider: parameters, credentials, retries, fallbacks, the cache."""

from features.base import Feature, Json, both, fails, says

WARM: Json = {"temperature": 0.5}
_FAILED = "All variants failed with errors: two: All model providers failed to infer with errors: a: {}, b: {}"
_ERRORS = (
    "Error from openai server: ",
    "Inference stream closed due to error from openai server: Invalid status code: 500 Internal Server Error: ",
)


def late() -> tuple[Json, Json]:
    complete, streamed = says("Hi")
    return {**complete, "delay_ms": 150}, {**streamed, "delay_ms": 150}


def parameter_features() -> list[Feature]:
    sampling = {"temperature": 0.5, "top_p": 0.75, "presence_penalty": 0.25, "frequency_penalty": 0.125, "seed": 7}
    other = {"reasoning_effort": "low", "verbosity": "low", "service_tier": "flex"}
    taken_back = [{"name": "x-two", "value": "2"}, {"name": "x-two", "delete": True}]
    sent = {**sampling, **other, "max_completion_tokens": 9, "stop": ["."]}
    return [
        Feature(
            name="parameters",
            native={"params": {"chat_completion": {**sampling, **other, "max_tokens": 9, "stop_sequences": ["."]}}},
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
            fields={"extra_headers": [{"name": "x-one", "value": "1"}, *taken_back]},
            headers={"x-one": "1", "x-two": None},
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
            native_words="of the model provider",
            openai_words="of the model provider",
            model="slow",
            variant="slow",
            replies=(late(), says("Hi")),
            sent=({}, {}),
        ),
        Feature(
            name="a failure of all providers",
            native_words="`error`",
            openai_words="`error.message`",
            model="two",
            replies=(fails(), fails()),
            sent=({}, {}),
            error=tuple(_FAILED.format(*[error + '{"error":{"message":"out of order"}}'] * 2) for error in _ERRORS),
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
