import random

from hypothesis import given
from hypothesis import strategies as st

from reference import cache_key as reference
from t0._core import cache_key

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers(-(2**200), 2**200)
    | st.sampled_from([0.0, -0.0, 1.0, 2.0])
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "0", "1", "N"])
    | TEXT
    | st.binary(max_size=4)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)


def _shuffled(value, source):
    match value:
        case dict():
            items = [(key, _shuffled(item, source)) for key, item in value.items()]
            source.shuffle(items)
            return dict(items)
        case list():
            return tuple(_shuffled(item, source) for item in value)
        case _:
            return value


@given(VALUES, VALUES)
def test_two_values_share_a_form_only_if_they_are_the_same(first, second):
    same = reference.material(first) == reference.material(second)
    assert (cache_key.material(first) == cache_key.material(second)) is same


@given(
    st.lists(st.none() | st.booleans() | st.sampled_from(["", "N", "T"]) | st.just([]), max_size=3).map(list), VALUES
)
def test_no_form_begins_another(first, second):
    shorter, longer = sorted([cache_key.material(first), cache_key.material(second)], key=len)
    assert shorter == longer or not longer.startswith(shorter)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value, source: random.Random):
    assert cache_key.material(_shuffled(value, source)) == cache_key.material(value)


@given(st.binary())
def test_the_digest_is_hexadecimal_and_starts_with_the_short_key(material):
    digest = cache_key.digest(material)
    raw = bytes.fromhex(digest)
    assert (len(raw), raw.hex()) == (32, digest)
    assert cache_key.short_key(digest) == int.from_bytes(raw[:8], "little")
