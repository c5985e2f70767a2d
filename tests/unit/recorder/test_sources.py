"""What was read can be read again until it is committed."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t0._core.log_ring import HEADER_BYTES
from t0.recorder import ring_file
from t0.recorder.metrics import Counts
from t0.recorder.sources import Sources
from t0.recorder.spill import SpillWriter

PAYLOADS = st.lists(st.binary(min_size=1, max_size=600), max_size=30)


@given(turns=st.lists(st.tuples(PAYLOADS, st.integers(1, 2000)), max_size=6), is_damaged=st.booleans())
def test_chunks_of_a_ring_are_read_again_as_they_were(tmp_path_factory, turns, is_damaged):
    data_dir = tmp_path_factory.mktemp("data")
    file = ring_file.claim(data_dir, 64 * 1024)
    sources = Sources(data_dir, Counts())
    appended, chunks = [], []
    for payloads, max_bytes in turns:
        appended += [p for p in payloads if file.ring.append(p)]
        if is_damaged and appended and not chunks:
            file._mapping[HEADER_BYTES + 16] = appended[0][0] ^ 1
        chunks += sources.read(max_bytes)
    again = [chunk.origin.read_again() for chunk in chunks]
    sources.commit(chunk.origin.commit for chunk in chunks)
    sources.close()
    file.close()
    read = [chunk.payloads for chunk in chunks]
    assert again == read
    assert list(chain.from_iterable(read)) == appended[int(is_damaged) :][: sum(map(len, read))]


def test_a_spill_file_is_read_again_until_it_is_committed(tmp_path):
    writer = SpillWriter(tmp_path, 0)
    for payload in (b"one", b"two"):
        writer.append(payload)
    writer.close()
    sources = Sources(tmp_path, Counts())
    (chunk,) = sources.read(1000)
    assert chunk.payloads == chunk.origin.read_again() == [b"one", b"two"]
    sources.commit([chunk.origin.commit])
    with pytest.raises(FileNotFoundError):
        chunk.origin.read_again()
    assert sources.backlog() == (0, 0)


def test_the_fill_level_is_that_of_the_fullest_ring(tmp_path):
    files = [ring_file.claim(tmp_path, 64 * 1024) for _ in range(2)]
    sources = Sources(tmp_path, Counts())
    assert sources.fill_level() == 0
    files[0].ring.append(bytes(16 * 1024 - 16))
    files[1].ring.append(bytes(32 * 1024 - 16))
    assert sources.fill_level() == 0.5
    sources.close()
    for file in files:
        file.close()
