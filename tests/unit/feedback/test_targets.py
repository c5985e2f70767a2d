"""How long a feedback's target is looked for."""

import time

import pytest

from kit import FakeReader, run_timed
from t0._core import uuid7
from t0.errors import InvalidRequest, InvalidUuid, RequestError
from t0.feedback.targets import wait_for_episode, wait_for_inference, wait_s
from t0.storage.reader import Target

NOW = 1_800_000_000.0
EPISODE = "01950000-0000-7000-8000-00000000000b"
OLD = "01950000-0000-7000-8000-00000000000a"


def made(seconds_ago, workflow=False):
    offset = 10_000_000_000 if workflow else 0
    return uuid7.new_at(int((NOW - seconds_ago + offset) * 1000))


WAITS = {
    "now": (made(0), 6.0),
    "two seconds old": (made(2), 4.0),
    "five seconds old": (made(5), 1.0),
    "an hour old": (made(3600), 1.0),
    "in the future": (made(-100), 6.0),
    "workflow now": (made(0, workflow=True), 6.0),
    "workflow two seconds old": (made(2, workflow=True), 4.0),
}


@pytest.mark.parametrize(("target_id", "seconds"), WAITS.values(), ids=WAITS)
def test_a_target_is_waited_for_until_it_is_six_seconds_old(target_id, seconds):
    assert wait_s(target_id, NOW) == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("version", [0, 1, 4, 6, 8])
def test_ids_of_other_versions_have_no_age(version):
    target_id = f"11111111-1111-{version}111-8111-111111111111"
    with pytest.raises(InvalidUuid) as caught:
        wait_s(target_id, NOW)
    assert caught.value.text == f"Failed to parse UUID as v7: {target_id}"


def looked(wait, reader, target_id):
    async def look():
        try:
            return await wait(reader, target_id)
        except RequestError as e:
            return e

    return run_timed(look())


def reader(target_id, visible_after=0):
    found = FakeReader({target_id: Target("f", "chat", "v", EPISODE)})
    found.visible_after = visible_after
    return found


def test_what_is_there_is_found_at_once():
    known = reader(OLD)
    found, took_s = looked(wait_for_inference, known, OLD)
    assert (found, known.looks) == (Target("f", "chat", "v", EPISODE), 1)
    assert took_s < 0.5


def test_what_becomes_visible_is_found():
    fresh = uuid7.new()
    found, took_s = looked(wait_for_inference, reader(fresh, visible_after=5), fresh)
    assert found == Target("f", "chat", "v", EPISODE)
    assert 0.5 < took_s < 6


def test_what_never_comes_is_looked_for_to_the_end():
    known = reader(EPISODE)
    error, took_s = looked(wait_for_inference, known, OLD)
    assert (type(error), error.text) == (InvalidRequest, f"Inference ID: {OLD} does not exist")
    assert took_s == pytest.approx(1.0, abs=0.2)
    assert known.looks > 2


def test_a_fresh_target_gets_its_time():
    fresh = uuid7.new_at(int(time.time() * 1000))
    error, took_s = looked(wait_for_episode, reader(OLD), fresh)
    assert (type(error), error.text) == (InvalidRequest, f"Episode ID: {fresh} does not exist")
    assert took_s == pytest.approx(6.0, abs=0.5)


def test_episodes_are_found():
    known = reader(OLD, visible_after=2)
    assert looked(wait_for_episode, known, EPISODE)[0] is None
    assert known.looks == 3


def test_without_a_database_nothing_is_found():
    error, _ = looked(wait_for_inference, None, OLD)
    assert error.text == f"Inference ID: {OLD} does not exist"
