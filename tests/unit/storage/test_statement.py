"""How the store takes an HTTP request apart."""

import pytest

from t0.storage.store.statement import Insert, assignments, output_format, quoted, split_insert


def insert(head: str, format: str, data: str) -> Insert:
    return Insert(head.encode(), format, memoryview(data.encode()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            'INSERT INTO t FORMAT JSONEachRow\n{"a":1}\n\n{"a":2}',
            insert("INSERT INTO t ", "JSONEachRow", '{"a":1}\n\n{"a":2}'),
            id="blank line in the data",
        ),
        pytest.param(
            "insert into t format CSV 1,2", insert("insert into t ", "CSV", "1,2"), id="data on the same line"
        ),
        pytest.param("INSERT INTO t FORMAT CSV", insert("INSERT INTO t ", "CSV", ""), id="no data"),
        pytest.param(
            "INSERT INTO t FORMAT TSV\r\n\nx", insert("INSERT INTO t ", "TSV", "\nx"), id="one line break only"
        ),
        pytest.param(
            "INSERT INTO t (a, format) SETTINGS async_insert = 1 FORMAT CSV\n1",
            insert("INSERT INTO t (a, format) SETTINGS async_insert = 1 ", "CSV", "1"),
            id="columns and settings",
        ),
        pytest.param(
            "INSERT INTO d.format FORMAT CSV\n1", insert("INSERT INTO d.format ", "CSV", "1"), id="table named format"
        ),
        pytest.param(
            "INSERT INTO `select` FORMAT CSV\n1", insert("INSERT INTO `select` ", "CSV", "1"), id="table in quotes"
        ),
        pytest.param("INSERT INTO t VALUES (1), (2)", insert("INSERT INTO t ", "Values", " (1), (2)"), id="values"),
        pytest.param(
            "/* FORMAT a */ -- FORMAT b\nINSERT INTO t FORMAT CSV\n1",
            insert("/* FORMAT a */ -- FORMAT b\nINSERT INTO t ", "CSV", "1"),
            id="comments",
        ),
        pytest.param("INSERT INTO t SELECT * FROM format FORMAT CSV", None, id="insert from a query"),
        pytest.param("INSERT INTO t FROM INFILE 'x' FORMAT CSV", None, id="insert from a file"),
        pytest.param("SELECT 'INSERT INTO t FORMAT CSV'", None, id="select"),
        pytest.param("", None, id="nothing"),
        pytest.param("INSERT INTO t FORMAT", None, id="unfinished"),
    ],
)
def test_split_insert(text: str, expected: Insert | None) -> None:
    assert split_insert(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 FORMAT Native", "Native"),
        ("SELECT 1\n format JSONEachRow ; \n", "JSONEachRow"),
        ("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        ("SELECT 1", None),
        ("SELECT 'FORMAT x' AS y", None),
    ],
)
def test_output_format(text: str, expected: str | None) -> None:
    assert output_format(text.encode()) == expected


def test_assignments() -> None:
    assert assignments({"max_threads": "1", "x": "a'b\\"}, {"id": "1"}) == (
        "SET max_threads = '1', x = 'a\\'b\\\\', param_id = '1'"
    )


@pytest.mark.parametrize("name", ["a b", "1a", "a'", "", "a=1, b", "a\n"])
def test_a_setting_cannot_smuggle_in_another(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a setting"):
        assignments({name: "1"}, {})


def test_quoted() -> None:
    assert quoted("it's \\ fine") == "'it\\'s \\\\ fine'"
