import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from t0._core import uuid7

CANONICAL = "0197c5a0-8a35-7f42-9c3b-5d1e8f60a7b4"
BAD_CHARACTER = "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found "

FORK = """
import os, sys
from t0._core import uuid7

before = [uuid7.new() for _ in range(3)]
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, "\\n".join(uuid7.new() for _ in range(200)).encode())
    os._exit(0)
ours = [uuid7.new() for _ in range(200)]
os.wait()
os.close(writer)
theirs = os.fdopen(reader).read().split("\\n")
assert len({*before, *ours, *theirs}) == 403
assert [*before, *ours] == sorted([*before, *ours])
assert [*before, *theirs] == sorted([*before, *theirs])
print("all different")
"""


def test_a_new_id_is_a_version_7_of_now():
    earliest = time.time_ns() // 1_000_000
    text = uuid7.new()
    parsed = uuid.UUID(text)
    assert text == str(parsed)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert earliest <= uuid7.unix_ms(text) <= time.time_ns() // 1_000_000


def test_new_ids_go_up():
    ids = [uuid7.new() for _ in range(20_000)]
    assert ids == sorted(set(ids))


def test_threads_share_no_id():
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [uuid7.new() for _ in range(2_000)], range(4)))
    assert len({text for batch in batches for text in batch}) == 8_000
    assert all(batch == sorted(batch) for batch in batches)


def test_a_forked_child_makes_ids_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("all different\n", "")


def test_two_generators_draw_different_bits():
    assert uuid7.Generator().new(1) != uuid7.Generator().new(1)


@pytest.mark.parametrize("now", [1_000, 999, 0], ids=["stands-still", "one-back", "far-back"])
def test_a_clock_that_does_not_advance_counts_on(now):
    ids = uuid7.Generator()
    first = ids.new(1_000)
    second = ids.new(now)
    assert first < second
    assert uuid7.unix_ms(second) == 1_000
    step = (uuid.UUID(second).int - uuid.UUID(first).int) & (1 << 62) - 1
    assert 1 <= step <= 1 << 32


def test_reseeding_keeps_the_order_and_leaves_the_sequence():
    ids = uuid7.Generator()
    first = ids.new(1_000)
    ids.reseed()
    second = ids.new(1_000)
    assert first < second
    assert uuid7.unix_ms(second) == 1_001


@pytest.mark.parametrize("unix_ms", [0, 1, 1_735_689_600_000, 11_735_689_600_000, 2**48 - 1])
def test_an_id_of_a_given_time(unix_ms):
    text = uuid7.new_at(unix_ms)
    parsed = uuid.UUID(text)
    assert (text, parsed.version, parsed.variant) == (str(parsed), 7, uuid.RFC_4122)
    assert uuid7.unix_ms(text) == parsed.int >> 80 == unix_ms
    assert text != uuid7.new_at(unix_ms)


@pytest.mark.parametrize("make", [uuid7.new_at, uuid7.Generator().new], ids=["new_at", "Generator.new"])
@pytest.mark.parametrize("unix_ms", [-1, 2**48])
def test_a_time_that_does_not_fit_is_refused(make, unix_ms):
    with pytest.raises(ValueError) as caught:
        make(unix_ms)
    assert str(caught.value) == f"unix_ms is {unix_ms}, expected 0 to 281474976710655"


@pytest.mark.parametrize(
    "spelling",
    [
        CANONICAL,
        CANONICAL.upper(),
        CANONICAL.replace("-", ""),
        CANONICAL.replace("-", "").upper(),
        f"{{{CANONICAL}}}",
        f"urn:uuid:{CANONICAL}",
        f"urn:uuid:{CANONICAL.upper()}",
    ],
    ids=["hyphenated", "upper-case", "simple", "simple-upper-case", "braced", "urn", "urn-upper-case"],
)
def test_every_spelling_parses_to_the_canonical_one(spelling):
    assert uuid7.parse(spelling) == CANONICAL
    assert uuid7.version(spelling) == 7
    assert uuid7.unix_ms(spelling) == 0x0197C5A08A35
    assert uuid7.to_bytes(spelling) == bytes.fromhex("0197c5a08a357f429c3b5d1e8f60a7b4")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "invalid length: expected length 32 for simple format, found 0", id="empty"),
        pytest.param("abc", "invalid length: expected length 32 for simple format, found 3", id="short"),
        pytest.param(
            CANONICAL.replace("-", "") + "0",
            "invalid length: expected length 32 for simple format, found 33",
            id="long",
        ),
        pytest.param("0" * 36, "invalid length: expected length 32 for simple format, found 36", id="no-hyphens"),
        pytest.param("not-a-uuid", BAD_CHARACTER + "`n` at 1", id="word"),
        pytest.param("0197c5a0-8a35-7f42-9c3b_5d1e8f60a7b4", BAD_CHARACTER + "`_` at 24", id="underscore"),
        pytest.param("0197c5a08a357f429c3b5d1e8f60a7bg", BAD_CHARACTER + "`g` at 32", id="simple-not-hex"),
        pytest.param("0197c5a0-8a35-7f42-9c3b-5d1e8f60a7é", BAD_CHARACTER + "`é` at 35", id="not-ascii"),
        pytest.param(f" {CANONICAL}", BAD_CHARACTER + "` ` at 1", id="space"),
        pytest.param(f"{{{CANONICAL}", BAD_CHARACTER + "`{` at 1", id="open-brace"),
        pytest.param(f"URN:UUID:{CANONICAL}", BAD_CHARACTER + "`U` at 1", id="urn-in-capitals"),
        pytest.param(f"{{{CANONICAL[:-1]}x}}", BAD_CHARACTER + "`x` at 37", id="braced-not-hex"),
        pytest.param(f"urn:uuid:x{CANONICAL[1:]}", BAD_CHARACTER + "`x` at 10", id="urn-not-hex"),
        pytest.param("{}", "invalid group count: expected 5, found 1", id="empty-braces"),
        pytest.param(
            f"{{{CANONICAL.replace('-', '')}}}", "invalid group count: expected 5, found 1", id="braced-simple"
        ),
        pytest.param(
            f"urn:uuid:{CANONICAL.replace('-', '')}", "invalid group count: expected 5, found 1", id="urn-simple"
        ),
        pytest.param("0197c5a0-8a35-7f42-9c3b5d1e8f60a7b4", "invalid group count: expected 5, found 4", id="groups"),
        pytest.param("-" * 36, "invalid group count: expected 5, found 37", id="only-hyphens"),
        pytest.param(
            "0197c5a-08a35-7f42-9c3b-5d1e8f60a7b4",
            "invalid group length in group 0: expected 8, found 7",
            id="first-hyphen-early",
        ),
        pytest.param(
            "0197c5a0-8a35-7f42-9c3b5-d1e8f60a7b4",
            "invalid group length in group 3: expected 4, found 5",
            id="last-hyphen-late",
        ),
        pytest.param(f"{CANONICAL}0", "invalid group length in group 4: expected 12, found 13", id="one-too-many"),
    ],
)
def test_other_texts_are_refused_in_the_words_of_the_uuid_crate(text, message):
    for read in (uuid7.parse, uuid7.version, uuid7.unix_ms, uuid7.to_bytes):
        with pytest.raises(ValueError) as caught:
            read(text)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("00000000-0000-0000-0000-000000000000", 0),
        ("936da01f-9abd-4d9d-80c7-02af85c822a8", 4),
        (CANONICAL, 7),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 15),
    ],
)
def test_the_version_field(text, version):
    assert uuid7.version(text) == version


@pytest.mark.parametrize("value", [None, 7, CANONICAL.encode()], ids=["none", "int", "bytes"])
def test_only_text_is_parsed(value):
    with pytest.raises(TypeError):
        uuid7.parse(value)
