import logging

import pytest
from msgspec.structs import replace

from t0.errors import StorageError, StorageUnavailable
from t0.recorder.inserts import Trouble, error_code, insert, is_about_content, missing
from t0.recorder.rows import rows
from t0.recorder.tables import columns


def chat_rows(build, count, bad=()):
    return [rows(build.inference(tags={"bad": "1"} if i in bad else {}))[0] for i in range(count)]


def refuser():
    refused = []
    return refused, lambda row, error: refused.append((row, error))


def test_rows_go_in_with_one_insert(store, build):
    wanted = chat_rows(build, 3)
    refused, refuse = refuser()
    assert insert(store, wanted, refuse) == 3
    assert store.inserts == [("ChatInference", 3)]
    assert store.tables["ChatInference"] == [columns(r) for r in wanted]
    assert refused == []


@pytest.mark.parametrize("bad", [[0], [7], [3, 4], [0, 1, 2, 3, 4, 5, 6, 7], [1, 6]], ids=str)
def test_exactly_the_refused_rows_stay_out(store, build, bad):
    wanted = chat_rows(build, 8, bad)
    refused, refuse = refuser()
    assert insert(store, wanted, refuse) == 8 - len(bad)
    assert [row for row, _ in refused] == [wanted[i] for i in bad]
    assert {error_code(error) for _, error in refused} == {27}
    assert sorted(store.ids()) == sorted(r.id for i, r in enumerate(wanted) if i not in bad)


def test_nothing_to_insert_is_no_insert(store):
    assert insert(store, [], print) == 0
    assert store.inserts == []


CLICKHOUSE = "Failed to run ClickHouse query: Code: {}. DB::Exception: {}"


@pytest.mark.parametrize(
    ("text", "about_content"),
    [
        pytest.param(CLICKHOUSE.format(27, "Cannot parse input"), True, id="parse_error"),
        pytest.param(CLICKHOUSE.format(691, "Unknown element 'x' for enum"), True, id="enum"),
        pytest.param(CLICKHOUSE.format(60, "Table x does not exist"), False, id="no_table"),
        pytest.param(CLICKHOUSE.format(516, "Authentication failed"), False, id="password"),
        pytest.param(CLICKHOUSE.format(16, "No such column x in table y"), False, id="no_column"),
        pytest.param(CLICKHOUSE.format(117, "Incorrect data"), True, id="incorrect_data"),
        pytest.param("Failed to run ClickHouse query: 403 Forbidden", False, id="not_from_clickhouse"),
    ],
)
def test_only_the_rows_themselves_are_a_reason_to_put_them_aside(store, build, text, about_content):
    assert is_about_content(text) is about_content
    store.insert_errors = [(StorageError(text), False)] * 3
    refused, refuse = refuser()
    if about_content:
        assert insert(store, chat_rows(build, 1), refuse) == 0
        assert len(refused) == 1
    else:
        with pytest.raises(StorageUnavailable):
            insert(store, chat_rows(build, 4), refuse)
        assert refused == []


def test_rows_that_are_there_are_found_by_their_ids(store, build):
    wanted = chat_rows(build, 4)
    insert(store, wanted[:2], print)
    assert missing(store, wanted) == wanted[2:]
    ids = ",".join(f"'{r.id}'" for r in wanted)
    keys = ",".join(f"'{r.episode_id}'" for r in wanted)
    assert store.queries == [
        f"SELECT toString(id) AS id FROM ChatInference WHERE episode_id IN ({keys}) AND id IN ({ids})"
    ]


def test_many_rows_are_looked_up_in_parts(store, build):
    row = chat_rows(build, 1)[0]
    wanted = [replace(row, id=build.id()) for _ in range(2500)]
    assert missing(store, wanted) == wanted
    assert [sql.count("','") + 1 for sql in store.queries] == [1000, 1000, 500]


def test_an_id_that_is_no_uuid_never_reaches_a_query(store, build):
    odd = replace(chat_rows(build, 1)[0], id="x') OR 1")
    assert missing(store, [odd]) == [odd]
    assert store.queries == []


def test_a_refused_lookup_is_tried_again_later(store, build):
    def refuse(sql):
        raise StorageError(CLICKHOUSE.format(60, "no table"))

    store.query = refuse
    with pytest.raises(StorageUnavailable, match="no table"):
        missing(store, chat_rows(build, 1))


def test_a_lasting_trouble_is_reported_once_per_change_and_every_30_s():
    now, log = [0.0], []
    trouble = Trouble(lambda: now[0], lambda level, text: log.append((logging.getLevelName(level), text)))
    for at, text in [(0, "refused"), (1, "refused"), (2, "timeout"), (31, "timeout"), (32, "timeout"), (61, "timeout")]:
        now[0] = at
        trouble.report(text)
    assert trouble.lasts_s() == 61
    trouble.end()
    trouble.end()
    assert log == [
        ("ERROR", "cannot store what was recorded, trying again: refused"),
        ("ERROR", "cannot store what was recorded, trying again: timeout"),
        ("ERROR", "cannot store what was recorded, trying again: timeout"),
        ("INFO", "storing again after 61 s"),
    ]
    assert trouble.lasts_s() == 0
