"""The gateway of a worker."""

import pytest

from kit import SMALL, make, model, run, says
from t0.errors import ConfigError, InvalidInferenceTarget, UnknownFunction
from t0.types.record import CountRecord, Record


@pytest.fixture
def kit(tmp_path):
    return make(tmp_path, SMALL)


def test_functions_by_name(kit):
    assert kit.gateway.function("f").name == "f"
    with pytest.raises(UnknownFunction) as caught:
        kit.gateway.function("zz")
    assert (caught.value.status, caught.value.text) == (404, "Unknown function: zz")


def test_the_built_in_function_has_no_variants(kit):
    function = kit.gateway.function("tensorzero::default")
    assert (function.name, function.type, dict(function.variants)) == ("tensorzero::default", "chat", {})


def test_the_function_of_a_model_is_made_once(kit):
    function = kit.gateway.function_of_model("m")
    assert (function.name, list(function.variants)) == ("tensorzero::default", ["m"])
    assert kit.gateway.function_of_model("m") is function
    assert kit.gateway.function_of_model("dummy::good") is not function


def test_the_functions_of_very_many_models_are_forgotten(kit):
    first = kit.gateway.function_of_model("dummy::0")
    for i in range(1, 1100):
        kit.gateway.function_of_model(f"dummy::{i}")
    assert kit.gateway.function_of_model("dummy::0") is not first


def test_unknown_models(kit):
    with pytest.raises(InvalidInferenceTarget) as caught:
        kit.gateway.function_of_model("zz")
    assert caught.value.text == "Invalid inference target: Invalid model name: Model name 'zz' not found in model table"


def test_models_by_name_may_use_configured_tools(tmp_path):
    tools = '[tools.t]\ndescription = "d"\nparameters = "any.json"\n'
    kit = make(tmp_path, model() + tools, says(), files={"any.json": "{}"})
    run(kit.infer(model_name="m", allowed_tools=["t"]))
    assert [t["function"]["name"] for t in kit.transport.bodies[0]["tools"]] == ["t"]


def test_an_unusable_configuration(tmp_path):
    with pytest.raises(ConfigError) as caught:
        make(tmp_path, SMALL + "zz = 1\n")
    assert caught.value.key == "functions.f.variants.v.zz"


@pytest.mark.parametrize("stores", [True, False])
def test_whether_anything_is_stored(tmp_path, stores):
    assert make(tmp_path, SMALL, stores=stores).gateway.stores is stores


def test_records_go_to_the_writer(kit):
    record = Record(count=CountRecord(endpoint="embeddings"))
    kit.gateway.append(record)
    assert kit.records == [record]
    assert kit.writer.waited == []
