"""Episode ids, tags, and the time that is the gateway's own."""

import time

import pytest

from kit import FakeReader, make, parsed, run
from t0._core import uuid7
from t0.errors import RequestError
from t0.inference.context import Context, check_episode_id, check_tags, is_workflow_episode
from t0.storage.reader import WorkflowRun

NOW_MS = int(time.time() * 1000)
EARLIEST_MS = 1_579_751_960_000
WORKFLOW = uuid7.new_at(10_000_000_000_000 + NOW_MS)

WITHOUT_TIME = {
    "nil": "00000000-0000-0000-0000-000000000000",
    "version 3": "11111111-1111-3111-8111-111111111111",
    "version 4": "11111111-1111-4111-8111-111111111111",
    "version 8": "11111111-1111-8111-8111-111111111111",
    "max": "ffffffff-ffff-ffff-ffff-ffffffffffff",
}
OTHER_TIMES = {
    "version 1": ("11111111-1111-1111-8111-111111111111", "Version must be 7, got 1"),
    "version 6": ("11111111-1111-6111-8111-111111111111", "Version must be 7, got 6"),
    "too early": (uuid7.new_at(EARLIEST_MS - 1), "Timestamp is too early"),
    "the next hour": (uuid7.new_at(NOW_MS + 3_600_000), "Timestamp is in the future"),
    "just before workflow evaluations": (uuid7.new_at(9_999_999_999_999), "Timestamp is in the future"),
}


def refusal(kit, **request):
    with pytest.raises(RequestError) as caught:
        run(kit.infer(**request))
    return caught.value.status, caught.value.text


@pytest.mark.parametrize("episode_id", WITHOUT_TIME.values(), ids=WITHOUT_TIME)
def test_ids_without_a_time_open_no_episode(tmp_path, episode_id):
    assert refusal(make(tmp_path), episode_id=episode_id) == (400, f"Failed to parse UUID as v7: {episode_id}")


@pytest.mark.parametrize(("episode_id", "text"), OTHER_TIMES.values(), ids=OTHER_TIMES)
def test_ids_of_impossible_times_open_no_episode(tmp_path, episode_id, text):
    assert refusal(make(tmp_path), episode_id=episode_id) == (400, f"Invalid Episode ID: {text}")


@pytest.mark.parametrize("unix_ms", [EARLIEST_MS, NOW_MS], ids=["earliest", "now"])
def test_ids_of_possible_times_open_an_episode(unix_ms):
    check_episode_id(uuid7.new_at(unix_ms))
    assert not is_workflow_episode(uuid7.new_at(unix_ms))


def test_the_future_begins_with_the_next_second():
    second = int(time.time()) + 1
    check_episode_id(uuid7.new_at((second - 1) * 1000 + 999))


def test_a_new_episode_has_an_id_of_its_own_slightly_greater(tmp_path):
    context = Context(make(tmp_path).gateway, parsed())
    assert context.inference_id < context.episode_id
    assert uuid7.version(context.inference_id) == uuid7.version(context.episode_id) == 7


# -- workflow evaluations ----------------------------------------------------------------------------------------------

TWO = """
[models.m]
routing = ["p"]
providers.p = { type = "dummy", model_name = "good" }
[functions.f]
type = "chat"
variants.a = { type = "chat_completion", model = "m" }
variants.b = { type = "chat_completion", model = "m" }
"""
RUN = WorkflowRun({"f": "b", "other": "x"}, {"tensorzero::workflow_evaluation_run_id": "R", "who": "run"})


def ask_in_workflow(folder, **request):
    kit = make(folder, TWO, reader=FakeReader(runs={WORKFLOW: RUN}))
    answer = run(kit.infer(episode_id=WORKFLOW, **request))
    return answer.variant_name, kit.records[0].row.tags


def test_an_episode_of_a_workflow_evaluation_brings_its_pin_and_tags(tmp_path):
    assert ask_in_workflow(tmp_path, tags={"own": "1"}) == (
        "b",
        {
            "tensorzero::workflow_evaluation_run_id": "R",
            "who": "run",
            "own": "1",
            "tensorzero::variant_pinned": "b",
        },
    )


def test_the_request_wins_over_the_workflow_evaluation(tmp_path):
    variant, tags = ask_in_workflow(tmp_path, variant_name="a", tags={"who": "request"})
    assert (variant, tags["who"], tags["tensorzero::variant_pinned"]) == ("a", "request", "a")


@pytest.mark.parametrize("stores", [True, False], ids=["not found", "no database"])
def test_an_unknown_workflow_evaluation(tmp_path, stores):
    assert refusal(make(tmp_path, TWO, stores=stores), episode_id=WORKFLOW) == (
        400,
        f"Workflow evaluation run not found for episode id: {WORKFLOW}",
    )


# -- tags --------------------------------------------------------------------------------------------------------------


def test_reserved_tags_are_for_internal_requests():
    tags = {"a": "b", "tensorzero::x": "y"}
    check_tags(tags, internal=True)
    check_tags({"a": "tensorzero::x", "tensorzero:x": ""}, internal=False)
    with pytest.raises(RequestError) as caught:
        check_tags(tags, internal=False)
    assert (caught.value.status, caught.value.text) == (400, "Tag name cannot start with 'tensorzero::': tensorzero::x")


# -- overhead ----------------------------------------------------------------------------------------------------------

OVERHEADS = {
    "no exchange": ([], 10),
    "one": ([(2, 5)], 7),
    "one after another": ([(1, 2), (4, 8)], 5),
    "overlapping": ([(4, 8), (1, 5)], 3),
    "one within another": ([(1, 9), (2, 3), (8.5, 9)], 2),
    "all the time": ([(0, 10), (0, 10)], 0),
    "begun before": ([(-5, 1), (1, 2)], 8),
}


@pytest.mark.parametrize(("exchanges", "expected"), OVERHEADS.values(), ids=OVERHEADS)
def test_overhead_is_the_time_without_any_exchange(tmp_path, exchanges, expected):
    context = Context(make(tmp_path).gateway, parsed())
    context.started = time.monotonic() - 10
    context.exchanges = [(context.started + begin, context.started + end) for begin, end in exchanges]
    assert context.overhead_s() == pytest.approx(expected, abs=0.5)
