import uuid

from hypothesis import given
from hypothesis import strategies as st

from reference import uuid7 as reference
from t0._core import uuid7

CLOCKS = st.lists(st.integers(0, 3) | st.integers(0, 2**48 - 1_000), min_size=1, max_size=30)
SPELLINGS = ("{}", "{{{}}}", "urn:uuid:{}")


@given(CLOCKS)
def test_ids_go_up_whatever_the_clock_does(clock):
    generator = uuid7.Generator()
    ids = [generator.new(unix_ms) for unix_ms in clock]
    assert ids == sorted(set(ids))
    latest = [max(clock[: i + 1]) for i in range(len(clock))]
    assert [uuid7.unix_ms(text) for text in ids] == latest


@given(CLOCKS, st.data())
def test_ids_go_up_across_reseeds(clock, data):
    generator = uuid7.Generator()
    ids = []
    for unix_ms in clock:
        if data.draw(st.booleans()):
            generator.reseed()
        ids.append(generator.new(unix_ms))
    assert ids == sorted(set(ids))


@given(st.uuids(), st.sampled_from(SPELLINGS), st.booleans())
def test_all_readings_agree_with_the_standard_library(value, spelling, upper):
    digits = str(value).upper() if upper else str(value)
    text = spelling.format(digits)
    assert uuid7.parse(text) == str(value)
    assert uuid7.to_bytes(text) == value.bytes
    assert uuid7.unix_ms(text) == value.int >> 80
    assert uuid7.version(text) == value.int >> 76 & 15


def _outcome(parse, text):
    try:
        return parse(text)
    except ValueError:
        return None


@given(st.uuids().map(str), st.integers(0, 45), st.integers(0, 3), st.text("0aF-{}g\0é", max_size=3))
def test_a_damaged_id_is_judged_as_by_the_reference(text, at, removed, inserted):
    damaged = text[:at] + inserted + text[at + removed :]
    assert _outcome(uuid7.parse, damaged) == _outcome(reference.parse, damaged)


@given(st.text())
def test_any_text_is_a_uuid_or_a_value_error(text):
    assert _outcome(uuid7.parse, text) == _outcome(reference.parse, text)


@given(st.integers(0, 2**48 - 1))
def test_an_id_of_a_given_time_has_that_time(unix_ms):
    value = uuid.UUID(uuid7.new_at(unix_ms))
    assert (value.int >> 80, value.version, value.variant) == (unix_ms, 7, uuid.RFC_4122)
