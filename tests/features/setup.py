"""The gateway that all features are tried on."""

import json

from features.base import Json

PLACE: Json = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
NUMBER: Json = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CONFIG = """
[gateway.observability]
async_writes = false
batch_writes = { enabled = true, flush_interval_ms = 20 }

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
