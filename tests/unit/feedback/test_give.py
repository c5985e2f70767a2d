"""Feedback: its checks in their order, its values, its records."""

import msgspec
import pytest

from kit import FakeReader, make, model, run, run_timed
from t0._core import uuid7
from t0.errors import StorageUnavailable
from t0.storage.reader import Target
from t0.types.content import JsonOutput
from t0.types.record import CountRecord, FeedbackRecord, HumanFeedback, Record

INFERENCE = "01950000-0000-7000-8000-00000000000a"
EPISODE = "01950000-0000-7000-8000-00000000000b"
OTHER = "01950000-0000-7000-8000-00000000000c"
V4 = "11111111-1111-4111-8111-111111111111"
TARGET = Target("f", "chat", "v", EPISODE)

METRICS = "".join(
    f'[metrics.{name}]\ntype = "{kind}"\noptimize = "max"\nlevel = "{level}"\n'
    for name, kind, level in [
        ("yes", "boolean", "inference"),
        ("much", "float", "inference"),
        ("episode_yes", "boolean", "episode"),
        ("episode_much", "float", "episode"),
    ]
)
UNCHECKED = "[gateway]\nunstable_disable_feedback_target_validation = true\n"


def reader():
    return FakeReader({INFERENCE: TARGET}, {INFERENCE: {"output": '[{"type":"text","text":"a"}]'}})


def give(folder, body, *, config=METRICS, **options):
    """Status, body and kit."""
    kit = make(folder, config, **{"reader": reader(), **options})
    answer = run(kit.call("/feedback", body))
    return answer.status, answer.json(), kit


def on(metric, value, **fields):
    target = {} if {"inference_id", "episode_id"} & set(fields) else {"inference_id": INFERENCE}
    return {"metric_name": metric, "value": value, **target, **fields}


def text(name):
    return f"Feedback value for metric `{name}` must be a "


RESERVED = {"tags": {"tensorzero::x": "y"}}
HUMAN = {"tensorzero::datapoint_id": OTHER, "tensorzero::human_feedback": "true"}
NO_EVALUATOR = (
    "tensorzero::evaluator_inference_id is required when tensorzero::datapoint_id and "
    "tensorzero::human_feedback are provided"
)
BOTH = {"inference_id": INFERENCE, "episode_id": EPISODE}

# In the order of the checks: a mistake and what it is answered. Each request makes all the later mistakes that fit.
REFUSED = {
    "reserved tag": (
        on("zz", [], **BOTH, tags={"tensorzero::x": "y", **HUMAN}),
        400,
        "Tag name cannot start with 'tensorzero::': tensorzero::x",
    ),
    "human without evaluator": (on("zz", [], **BOTH, tags=HUMAN, internal=True), 400, NO_EVALUATOR),
    "both ids": (on("zz", [], **BOTH), 400, "Both episode_id and inference_id cannot be provided"),
    "unknown metric": (on("zz", []), 404, "Unknown metric: zz"),
    "unknown metric, no id": ({"metric_name": "zz", "value": []}, 404, "Unknown metric: zz"),
    "comment without id": (
        {"metric_name": "comment", "value": []},
        400,
        "Exactly one of inference_id or episode_id must be provided",
    ),
    "no id": ({"metric_name": "yes", "value": []}, 400, 'Correct ID was not provided for feedback level "inference".'),
    "other level": (
        on("yes", [], episode_id=EPISODE),
        400,
        'Correct ID was not provided for feedback level "inference".',
    ),
    "other level, episode": (
        on("episode_yes", []),
        400,
        'Correct ID was not provided for feedback level "episode".',
    ),
    "demonstration of an episode": (
        on("demonstration", [], episode_id=EPISODE),
        400,
        'Correct ID was not provided for feedback level "inference".',
    ),
    "not v7": (on("yes", [], inference_id=V4), 400, f"Failed to parse UUID as v7: {V4}"),
    "comment, not v7": (on("comment", [], episode_id=V4), 400, f"Failed to parse UUID as v7: {V4}"),
    "no inference": (on("yes", [], inference_id=OTHER), 400, f"Inference ID: {OTHER} does not exist"),
    "no episode": (on("episode_much", [], episode_id=OTHER), 400, f"Episode ID: {OTHER} does not exist"),
    "comment on nothing": (on("comment", [], episode_id=OTHER), 400, f"Episode ID: {OTHER} does not exist"),
    "demonstration of nothing": (
        on("demonstration", 1, inference_id=OTHER),
        400,
        f"Inference ID: {OTHER} does not exist",
    ),
    "boolean": (on("yes", 1), 400, text("yes") + "boolean"),
    "boolean null": (on("yes", None), 400, text("yes") + "boolean"),
    "boolean text": (on("yes", "true"), 400, text("yes") + "boolean"),
    "float boolean": (on("much", True), 400, text("much") + "number"),
    "float text": (on("much", "1"), 400, text("much") + "number"),
    "float too large": (on("much", 10**400), 400, "Feedback value for metric `much` must fit into 64 bits"),
    "comment a number": (on("comment", 1), 400, "Feedback value for a comment must be a string"),
    "comment null": (on("comment", None), 400, "Feedback value for a comment must be a string"),
}


@pytest.mark.parametrize(("body", "status", "error"), REFUSED.values(), ids=REFUSED)
def test_refused_feedback(tmp_path, body, status, error):
    found, answer, kit = give(tmp_path, body)
    assert (found, answer, kit.records) == (status, {"error": error}, [])


WIRE = {
    "unknown key": ({**on("yes", True), "zz": 1}, "unknown field `zz`"),
    "no metric": ({"value": True, "inference_id": INFERENCE}, "missing field `metric_name`"),
    "no value": ({"metric_name": "yes", "inference_id": INFERENCE}, "missing field `value`"),
    "tags null": (on("yes", True, tags=None), "tags: invalid type: null, expected a map"),
    "internal null": (on("yes", True, internal=None), "internal: invalid type: null, expected a boolean"),
    "inference_id": (
        on("yes", True, inference_id=""),
        "inference_id: UUID parsing failed: invalid length: expected length 32 for simple format, found 0",
    ),
    "episode_id": (on("yes", True, episode_id=1), "episode_id: invalid type: integer `1`, expected a string"),
}


@pytest.mark.parametrize(("body", "error"), WIRE.values(), ids=WIRE)
def test_refused_fields(tmp_path, body, error):
    assert give(tmp_path, body)[:2] == (400, {"error": error})


def test_feedback_needs_observability(tmp_path):
    config = f"[gateway.observability]\nenabled = false\n{METRICS}"
    assert give(tmp_path, on("zz", [], **BOTH), config=config, stores=False, reader=None)[:2] == (
        400,
        {
            "error": "Feedback requires observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        },
    )


def test_a_failing_database_ends_the_wait(tmp_path):
    failing = reader()
    failing.error = StorageUnavailable("Error connecting to ClickHouse: refused")
    kit = make(tmp_path, METRICS, reader=failing)
    answer, took_s = run_timed(kit.call("/feedback", on("yes", True)))
    assert (answer.status, answer.json()) == (503, {"error": "Error connecting to ClickHouse: refused"})
    assert (failing.looks, took_s < 0.5) == (1, True)


# -- records -----------------------------------------------------------------------------------------------------------


def row(table, value, target_id=INFERENCE, **fields):
    return {"table": table, "id": "<id>", "target_id": target_id, "value": value, "snapshot_hash": "1234", **fields}


BOOLEAN, FLOAT, COMMENT = "BooleanMetricFeedback", "FloatMetricFeedback", "CommentFeedback"
GIVEN = {
    "boolean": (on("yes", True), row(BOOLEAN, True, metric_name="yes")),
    "float": (on("much", 0.5), row(FLOAT, 0.5, metric_name="much")),
    "float integer": (on("much", -3), row(FLOAT, -3.0, metric_name="much")),
    "boolean of an episode": (
        on("episode_yes", False, episode_id=EPISODE),
        row(BOOLEAN, False, EPISODE, metric_name="episode_yes"),
    ),
    "comment": (on("comment", "good"), row(COMMENT, "good", target_type="inference")),
    "comment on an episode": (
        on("comment", "", episode_id=EPISODE),
        row(COMMENT, "", EPISODE, target_type="episode"),
    ),
    "id in another form": (
        on("yes", True, inference_id="{" + INFERENCE.upper() + "}"),
        row(BOOLEAN, True, metric_name="yes"),
    ),
    "tags": (on("yes", True, tags={"a": "b"}), row(BOOLEAN, True, metric_name="yes", tags={"a": "b"})),
    "internal": (
        on("yes", True, tags={"tensorzero::x": "y"}, internal=True),
        row(BOOLEAN, True, metric_name="yes", tags={"tensorzero::x": "y", "tensorzero::internal": "true"}),
    ),
}


@pytest.mark.parametrize(("body", "expected"), GIVEN.values(), ids=GIVEN)
def test_records(tmp_path, body, expected):
    status, answer, kit = give(tmp_path, body)
    record = kit.records[0]
    assert (status, set(answer)) == (200, {"feedback_id"})
    assert (uuid7.version(answer["feedback_id"]), record.row.id) == (7, answer["feedback_id"])
    record.row.id = "<id>"
    count = CountRecord(endpoint="feedback", metric_name=body["metric_name"])
    assert kit.records == [Record(count=count, row=FeedbackRecord(**expected))]


def test_a_dry_run_checks_and_records_nothing(tmp_path):
    status, answer, kit = give(tmp_path, on("yes", True, dryrun=True))
    assert (status, set(answer), kit.records) == (200, {"feedback_id"}, [])
    assert give(tmp_path, on("yes", True, dryrun=True, inference_id=OTHER))[0] == 400


def test_targets_may_go_unchecked(tmp_path):
    for body in (on("yes", True, inference_id=OTHER), on("comment", "a", episode_id=V4)):
        status, _, kit = give(tmp_path, body, config=UNCHECKED + METRICS)
        assert (status, kit.reader.looks, len(kit.records)) == (200, 0, 1)


def test_demonstrations_are_always_checked(tmp_path):
    body = on("demonstration", "a", inference_id=OTHER)
    assert give(tmp_path, body, config=UNCHECKED + METRICS)[0] == 400


# -- people ------------------------------------------------------------------------------------------------------------

EVALUATOR = "01950000-0000-7000-8000-00000000000d"
ALL_TAGS = {**HUMAN, "tensorzero::evaluator_inference_id": EVALUATOR}


def human_feedback_of(folder, tags, **fields):
    status, answer, kit = give(folder, on("yes", True, tags=tags, internal=True, **fields))
    return status, kit.records[0].row.human_feedback if kit.records else answer["error"]


def test_feedback_of_a_person_on_a_datapoint(tmp_path):
    assert human_feedback_of(tmp_path, ALL_TAGS) == (
        200,
        HumanFeedback(
            datapoint_id=OTHER,
            output='[{"type":"text","text":"a"}]',
            value="true",
            evaluator_inference_id=EVALUATOR,
        ),
    )


PLAIN_TAGS = {
    "not human": {"tensorzero::datapoint_id": OTHER, "tensorzero::evaluator_inference_id": EVALUATOR},
    "no datapoint": {"tensorzero::human_feedback": "true", "tensorzero::evaluator_inference_id": EVALUATOR},
}


@pytest.mark.parametrize("tags", PLAIN_TAGS.values(), ids=PLAIN_TAGS)
def test_other_feedback_makes_no_such_row(tmp_path, tags):
    assert human_feedback_of(tmp_path, tags) == (200, None)


@pytest.mark.parametrize("key", ["tensorzero::datapoint_id", "tensorzero::evaluator_inference_id"])
def test_tags_that_are_no_ids(tmp_path, key):
    assert human_feedback_of(tmp_path, {**ALL_TAGS, key: "zz"}) == (400, f"Tag `{key}` must be a UUID, got `zz`")


# -- demonstrations ----------------------------------------------------------------------------------------------------

FUNCTIONS = (
    model()
    + '[functions.f]\ntype = "chat"\nvariants.v = { type = "chat_completion", model = "m" }\n'
    + '[functions.j]\ntype = "json"\nvariants.v = { type = "chat_completion", model = "m", json_mode = "on" }\n'
    + '[tools.t]\ndescription = "d"\nparameters = "object.json"\n'
)
FILES = {"object.json": '{"type":"object","required":["a"]}'}
CHAT_ROW = {
    "tool_params": "",
    "dynamic_tools": [
        '{"type":"function","name":"u","description":"","parameters":{"type":"array"}}',
        '{"type":"openai_custom","name":"c"}',
        '{"type":"function","name":"bad","description":"","parameters":{"type":"zz"}}',
    ],
    "allowed_tools": '{"tools":["t","gone"],"mode":"function_default"}',
    "tool_choice": None,
    "parallel_tool_calls": None,
}
JSON_ROW = {"output_schema": '{"type":"object","required":["a"]}'}


def demonstrate(folder, value, *, function="f", row=CHAT_ROW):
    """Status, and the recorded value or the error."""
    kind = "json" if function == "j" else "chat"
    known = FakeReader({INFERENCE: Target(function, kind, "v", EPISODE)}, {INFERENCE: row} if row else {})
    kit = make(folder, FUNCTIONS, files=FILES, reader=known)
    answer = run(kit.call("/feedback", on("demonstration", value)))
    return answer.status, kit.records[0].row.value if kit.records else answer.json()["error"]


def call(name, arguments):
    return {"type": "tool_call", "id": "1", "name": name, "arguments": arguments}


def stored_call(name, arguments, raw):
    return {
        "type": "tool_call",
        "id": "1",
        "raw_name": name,
        "raw_arguments": raw,
        "name": name,
        "arguments": arguments,
    }


DEMONSTRATED = {
    "text": ("Hello", [{"type": "text", "text": "Hello"}]),
    "nothing": ([], []),
    "blocks": (
        [{"type": "text", "text": "a"}, call("t", {"a": 1})],
        [{"type": "text", "text": "a"}, stored_call("t", {"a": 1}, '{"a":1}')],
    ),
    "dynamic tool": ([call("u", [1])], [stored_call("u", [1], "[1]")]),
}


@pytest.mark.parametrize(("value", "stored"), DEMONSTRATED.values(), ids=DEMONSTRATED)
def test_demonstrations_of_chat_functions(tmp_path, value, stored):
    status, found = demonstrate(tmp_path, value)
    assert (status, msgspec.to_builtins(found)) == (200, stored)


BLOCK = (
    "Invalid demonstration content block: expected `text` with `text`, or `tool_call` with `id`, `name` and "
    "`arguments`, got "
)
NEEDS = "Invalid demonstration content block: a `tool_call` needs `id`, `name` and `arguments`"
TOOL = "Demonstration contains invalid tool name"
ARGUMENTS = "Demonstration contains invalid tool call arguments"
SHAPE = "Demonstration must be a string or an array of content blocks"

DEMONSTRATIONS_REFUSED = {
    "number": (1, SHAPE),
    "object": ({"type": "text", "text": "a"}, SHAPE),
    "null": (None, SHAPE),
    "block a string": (["a"], f'{BLOCK}"a"'),
    "block unknown": ([{"type": "raw_text"}], f'{BLOCK}{{"type":"raw_text"}}'),
    "text a number": ([{"type": "text", "text": 1}], f'{BLOCK}{{"type":"text","text":1}}'),
    "call without arguments": ([{"type": "tool_call", "id": "1", "name": "t"}], NEEDS),
    "call without id": ([{"type": "tool_call", "name": "t", "arguments": {}}], NEEDS),
    "unknown tool": ([call("zz", {})], TOOL),
    "removed tool": ([call("gone", {})], TOOL),
    "custom tool": ([call("c", {})], TOOL),
    "arguments": ([call("t", {})], ARGUMENTS),
    "dynamic arguments": ([call("u", {})], ARGUMENTS),
    "tool without a valid schema": ([call("bad", {})], ARGUMENTS),
}


@pytest.mark.parametrize(("value", "error"), DEMONSTRATIONS_REFUSED.values(), ids=DEMONSTRATIONS_REFUSED)
def test_refused_demonstrations(tmp_path, value, error):
    assert demonstrate(tmp_path, value) == (400, error)


def test_tools_of_old_rows(tmp_path):
    old = {**CHAT_ROW, "dynamic_tools": [], "allowed_tools": None, "tool_params": '{"tools_available":[{"name":"t"}]}'}
    assert demonstrate(tmp_path, [call("t", {"a": 1})], row=old)[0] == 200
    assert demonstrate(tmp_path, [call("u", [])], row=old) == (400, TOOL)


def test_demonstrations_of_json_functions(tmp_path):
    stored = JsonOutput('{"a":[1]}', {"a": [1]})
    assert demonstrate(tmp_path, {"a": [1]}, function="j", row=JSON_ROW) == (200, stored)
    assert demonstrate(tmp_path, {}, function="j", row=JSON_ROW) == (
        400,
        "Demonstration does not fit function output schema: JSON Schema validation failed:\n"
        '"a" is a required property\n\nSchema:\n{"type":"object","required":["a"]}',
    )


def test_the_function_must_still_be_there(tmp_path):
    assert demonstrate(tmp_path, "a", function="zz") == (404, "Unknown function: zz")


def test_the_row_must_be_there(tmp_path):
    assert demonstrate(tmp_path, "a", row=None) == (400, f"Inference ID: {INFERENCE} does not exist")
