"""One gateway with the embedded store for the tests of the official clients."""

from collections.abc import Iterator

import pytest

from processes import Gateway, MockProvider

CONFIG = """
[models.m]
routing = ["p"]

[models.m.providers.p]
type = "openai"
model_name = "m"
api_base = "{mock}/v1/"
api_key_location = "none"

[functions.f]
type = "chat"

[functions.f.variants.v]
type = "chat_completion"
model = "m"

[functions.extract]
type = "json"
output_schema = "answer.json"

[functions.extract.variants.v]
type = "chat_completion"
model = "m"
json_mode = "on"

[metrics.useful]
type = "boolean"
level = "inference"
optimize = "max"

[metrics.turns]
type = "float"
level = "episode"
optimize = "min"
"""

ANSWER_SCHEMA = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'


@pytest.fixture(scope="module")
def gateway(provider: MockProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose models are answered by `provider`, with the store that it starts itself."""
    folder, config = tmp_path_factory.mktemp("gateway"), CONFIG.replace("{mock}", provider.url)
    with Gateway(folder, config, files={"answer.json": ANSWER_SCHEMA}) as running:
        yield running
