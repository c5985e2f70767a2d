import hashlib

import pytest
import xxhash

from t0._core import cache_key


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "material"),
    [
        (None, b"N"),
        (True, b"T"),
        (False, b"F"),
        (1, b"i\x01\0\0\0\0\0\0\0"),
        (-1, b"i\xff\xff\xff\xff\xff\xff\xff\xff"),
        (2**63 - 1, b"i\xff\xff\xff\xff\xff\xff\xff\x7f"),
        (2**63, b"I\x09\0\0\0\0\0\0\0\x80\0"),
        (-(2**63) - 1, b"I\x09\xff\xff\xff\xff\xff\xff\xff\x7f\xff"),
        (1.0, b"d\0\0\0\0\0\0\xf0\x3f"),
        (-0.0, b"d\0\0\0\0\0\0\0\x80"),
        ("", b"s\0"),
        ("é", b"s\x02\xc3\xa9"),
        ("x" * 128, b"s\x80\x01" + b"x" * 128),
        (b"\0", b"b\x01\0"),
        ([], b"l\0"),
        ((None, [True]), b"l\x02Nl\x01T"),
        ({}, b"m\0"),
        ({"b": 1, "a": None}, b"m\x02s\x01aNs\x01bi\x01\0\0\0\0\0\0\0"),
    ],
    ids=repr,
)
def test_the_form_of_each_type(value, material):
    assert cache_key.material(value) == material


def test_values_that_look_alike_differ():
    alike = [1, 1.0, True, "1", b"1", [1], {"1": 1}, "[1]", [[1]], ["1", ""], ["", "1"], 0, 0.0, -0.0, False, "", None]
    assert len({cache_key.material(value) for value in alike}) == len(alike)


def test_neither_key_order_nor_a_tuple_nor_a_subclass_makes_a_difference():
    first = cache_key.material({"model": "m", "stop": ["a", "b"], "é": 1})
    assert cache_key.material({"é": 1, "stop": ("a", "b"), Text("model"): Text("m")}) == first


def test_a_form_longer_than_the_inline_buffer():
    text = "prompt " * 10_000
    assert cache_key.material([text, text]) == b"l\x02" + 2 * (b"s\xf0\xa2\x04" + text.encode())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1: 2}, "a cache key holds a dict key of type `int`, expected `str`"),
        ({None: 2, "a": 1}, "a cache key holds a dict key of type `NoneType`, expected `str`"),
        ([{1}], "a cache key holds a value of type `set`, expected a plain JSON value or bytes"),
        ({"a": bytearray()}, "a cache key holds a value of type `bytearray`, expected a plain JSON value or bytes"),
    ],
    ids=["key-int", "key-none", "set", "bytearray"],
)
def test_other_types_are_refused(value, message):
    with pytest.raises(TypeError) as caught:
        cache_key.material(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"k": v}], ids=["list", "tuple", "dict"])
def test_nesting_is_bounded(wrap):
    value = None
    for _ in range(512):
        value = wrap(value)
    assert cache_key.material(value).endswith(b"N")
    with pytest.raises(ValueError) as caught:
        cache_key.material(wrap(value))
    assert str(caught.value) == "a cache key is nested deeper than 512 levels"


@pytest.mark.parametrize("item", [[], (), {}], ids=["list", "tuple", "dict"])
def test_many_values_side_by_side_are_not_nested(item):
    assert cache_key.material([item] * 1_000) == b"l\xe8\x07" + cache_key.material(item) * 1_000


def test_a_value_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested deeper"):
        cache_key.material(endless)


def test_a_lone_surrogate_is_refused():
    with pytest.raises(UnicodeEncodeError):
        cache_key.material({"a": "\ud800"})


def test_a_digest_is_two_xxh3_of_128_bits():
    material = cache_key.material({"model": "m"})
    seeds = (0, 0x9E3779B97F4A7C15)
    assert cache_key.digest(material) == "".join(xxhash.xxh3_128(material, seed=seed).hexdigest() for seed in seeds)


def test_a_digest_stays_the_same_forever():
    assert cache_key.digest(b"") == "99aa06d3014798d86001c324468d497fd142977a2cca554b4ca5176998171787"


def test_the_short_key_is_the_first_8_bytes_little_endian():
    assert cache_key.short_key("0100000000000080" + "ff" * 24) == 0x8000000000000001


@pytest.mark.parametrize("digest", ["", "ab", "a" * 63, hashlib.sha512().hexdigest()], ids=len)
def test_a_short_key_needs_a_whole_digest(digest):
    with pytest.raises(ValueError) as caught:
        cache_key.short_key(digest)
    assert str(caught.value) == f"digest has {len(digest)} characters, expected 64 hexadecimal digits"
