"""Features of what is stored, and of what the answer tells of the provider."""

from features.base import Feature, Json, both, compact, says

EPISODE = "0192e2a0-0000-7000-8000-000000000001"
USAGE: Json = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


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
            native={"include_aggregated_response": True},
            openai=None,
            native_words="`include_aggregated_response`",
            openai_words="no such field: OpenAI's clients join the chunks themselves",
            modes=("streamed",),
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
