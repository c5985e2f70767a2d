"""Whatever a client sends, the statement is taken apart or left alone, and no byte of the data changes."""

from hypothesis import given
from hypothesis import strategies as st

from t0.storage.store.statement import output_format, split_insert

HEADS = ("INSERT INTO t ", "insert into `a b` (x, y) ", "/* c */ INSERT INTO d.t SETTINGS a = 'FORMAT' ")


@given(st.sampled_from(HEADS), st.from_regex(r"\A[A-Z][A-Za-z0-9]{0,20}\Z"), st.binary())
def test_data_is_untouched(head: str, format: str, data: bytes) -> None:
    insert = split_insert(f"{head}FORMAT {format}\n".encode() + data)
    assert insert is not None
    assert (insert.head.decode(), insert.format, bytes(insert.data)) == (head, format, data)


@given(st.binary())
def test_garbage_is_no_insert_or_one_that_is_part_of_it(text: bytes) -> None:
    for candidate in (text, b"INSERT " + text):
        insert = split_insert(candidate)
        assert insert is None or (candidate.startswith(insert.head) and candidate.endswith(insert.data))
        output_format(candidate)
