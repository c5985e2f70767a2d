"""The models by name."""

import pytest

from kit import make, model, run, says
from t0.errors import ConfigError, InferenceError, RequestError


@pytest.fixture
def kit(tmp_path):
    return make(tmp_path, model("m", "p", "q", keys='namespace = "ns"'), says())


def test_configured_models(kit):
    found = kit.gateway.models.get("m")
    assert (found.name, found.namespace, [p.name for p in found.providers]) == ("m", "ns", ["p", "q"])
    assert kit.gateway.models.find("m") is found


@pytest.mark.parametrize("name", ["zz", "zz::gpt", "", "::", "vllm::x"])
def test_unknown_models(kit, name):
    assert kit.gateway.models.find(name) is None
    with pytest.raises(ConfigError, match=f"Model name '{name}' not found in model table"):
        kit.gateway.models.get(name)


@pytest.mark.parametrize("name", ["openai::gpt", "anthropic::claude", "dummy::good", "openai::responses::gpt"])
def test_shorthand_models_are_made_once(kit, name):
    found = kit.gateway.models.find(name)
    assert found is not None
    assert (found.name, kit.gateway.models.find(name)) == (name, found)


def test_a_shorthand_model_answers(kit):
    answer = run(kit.infer(model_name="dummy::input_five_output_six"))
    assert (answer.variant_name, answer.usage.input_tokens) == ("dummy::input_five_output_six", 5)


def test_a_shorthand_model_needs_its_credential_when_it_is_called(kit):
    with pytest.raises(RequestError) as caught:
        run(kit.infer(model_name="openai::gpt"))
    assert caught.value.text == (
        "All variants failed with errors: openai::gpt: API key missing for provider OpenAI: "
        "Environment variable `OPENAI_API_KEY` is missing"
    )


def test_a_shorthand_model_with_its_credential(tmp_path):
    kit = make(tmp_path, "", says(), env={"OPENAI_API_KEY": "abc"})
    run(kit.infer(model_name="openai::gpt"))
    request = kit.transport.requests[0]
    assert (str(request.url), kit.transport.models) == ("https://api.openai.com/v1/chat/completions", ["gpt"])
    assert dict(request.headers)["authorization"] == "Bearer abc"


def test_a_configured_model_needs_its_credential_at_start(tmp_path):
    config = model().replace('"none"', '"env::MISSING"')
    with pytest.raises(ConfigError) as caught:
        make(tmp_path, config)
    assert caught.value.key == "models.m.providers.p"
    assert "Environment variable `MISSING` is missing" in str(caught.value)


def test_batches_of_a_provider_that_is_gone(kit):
    with pytest.raises(InferenceError, match="Model `m` with provider `zz` is not in the configuration"):
        kit.gateway.models.batch_provider("m", "zz")
