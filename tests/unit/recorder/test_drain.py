"""From rings and spill files into the database: each row exactly once, whatever fails."""

import logging
import threading
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest

from t0.errors import StorageError, StorageUnavailable
from t0.recorder import ring_file, spill
from t0.recorder.drain import Drain, Limits, in_thread
from t0.recorder.inserter import GaveUp
from t0.recorder.metrics import Counts, Health
from t0.recorder.rejected import RejectedRows
from t0.recorder.sources import Sources
from t0.recorder.writer import Writer
from t0.types.record import CountRecord, Record

CAPACITY = 64 * 1024


class HandClock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.stopping = False
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def at_once(work) -> Future:
    future = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


class ByHand:
    """Begins to store a batch and goes on when it is told to."""

    def __init__(self) -> None:
        self.waiting: list = []

    def __call__(self, work) -> Future:
        future = Future()
        self.waiting.append((work, future))
        return future

    def go_on(self) -> None:
        work, future = self.waiting.pop()
        future.set_result(work())


class Rig:
    """A worker, and a recorder that can be started again on the same directory."""

    def __init__(self, data_dir: Path, store) -> None:
        self.data_dir, self.store = data_dir, store
        self.writer = Writer(data_dir, capacity=CAPACITY)
        self.clock = HandClock()
        self.sources = None
        self.limits = Limits(flush_interval_s=0)
        self.begin = at_once
        self.start()

    def start(self, *, observability: bool = True) -> None:
        if self.sources is not None:
            self.sources.close()
        self.counts, self.health = Counts(), Health()
        self.sources = Sources(self.data_dir, self.counts)
        self.drain = Drain(
            self.sources,
            (lambda: self.store) if observability else None,
            RejectedRows(self.data_dir, self.health),
            health=self.health,
            limits=self.limits,
            clock=self.clock,
            start=self.begin,
        )

    def add(self, *records: Record) -> list[str]:
        for record in records:
            self.writer.append(record)
        return [r.row.id for r in records if r.row is not None]

    def rejected(self, name: str) -> list[dict]:
        lines = (self.data_dir / "rejected" / name).read_bytes().splitlines()
        return [msgspec.json.decode(line) for line in lines]

    @property
    def ring(self):
        return self.sources.rings()[0][1]


@pytest.fixture
def rig(tmp_path, store):
    rig = Rig(tmp_path, store)
    yield rig
    rig.sources.close()
    rig.writer.close()


UNAVAILABLE = StorageUnavailable("Error connecting to ClickHouse: refused")


def test_a_batch_is_one_insert_per_table_and_is_then_committed(rig, build):
    ids = rig.add(*(build.record(model_inferences=[build.model_call(), build.model_call()]) for _ in range(3)))
    assert rig.drain.step() is True
    assert rig.store.inserts == [("ChatInference", 3), ("ModelInference", 6)]
    assert rig.store.ids() == ids
    assert (rig.sources.is_empty(), rig.drain.has_batch, rig.drain.step()) == (True, False, False)
    assert rig.health.stored_rows == {"ChatInference": 3, "ModelInference": 6}


def test_a_batch_waits_for_its_interval(rig, build):
    rig.limits = Limits(flush_interval_s=0.1)
    rig.start()
    ids = rig.add(build.record())
    assert rig.drain.step() is True
    rig.clock.time = 0.09
    ids += rig.add(build.record())
    assert rig.drain.step() is True
    assert (rig.store.inserts, rig.drain.has_batch) == ([], True)
    rig.clock.time = 0.1
    assert rig.drain.step() is False
    assert rig.store.ids() == ids


@pytest.mark.parametrize(
    ("took_s", "next_after_s"), [(0.03, 0.3), (0.5, 1.0)], ids=["ten times as long", "no longer than a second"]
)
def test_storing_takes_its_share_of_the_time(rig, build, monkeypatch, took_s, next_after_s):
    rig.limits = Limits(flush_interval_s=0.02, insert_share=0.1, longest_interval_s=1.0)
    rig.start()
    insert_native = rig.store.insert_native

    def slowly(*args, **kwargs):
        rig.clock.time += took_s / 2  # two tables
        insert_native(*args, **kwargs)

    monkeypatch.setattr(rig.store, "insert_native", slowly)
    record = build.record(model_inferences=[build.model_call()])
    rig.add(record)
    rig.drain.step()
    rig.clock.time = 0.02
    rig.drain.step()
    first = rig.store.ids()
    rig.add(build.record())
    rig.drain.step()
    rig.clock.time = 0.02 + next_after_s - 0.001
    rig.drain.step()
    assert (first, rig.store.ids()) == ([record.row.id], first)
    rig.clock.time += 0.002
    rig.drain.step()
    assert len(rig.store.ids()) == 2


def test_the_next_batch_is_read_while_one_is_being_stored(rig, build):
    rig.begin = begin = ByHand()
    rig.start()
    first = rig.add(build.record())
    assert rig.drain.step() is True
    second = rig.add(build.record(model_inferences=[build.model_call()]))
    assert rig.drain.step() is True
    second += rig.add(build.record())
    assert rig.drain.step() is True
    assert (rig.drain.step(), rig.drain.has_batch, len(begin.waiting), rig.ring.queued) == (False, True, 1, 3)
    begin.go_on()
    assert (rig.store.ids(), rig.ring.queued) == (first, 2)
    rig.drain.step()
    begin.go_on()
    assert rig.store.inserts == [("ChatInference", 1), ("ChatInference", 2), ("ModelInference", 1)]
    assert rig.store.ids() == first + second
    rig.drain.step()
    assert (rig.drain.has_batch, rig.sources.is_empty()) == (False, True)


def test_a_full_batch_waits_for_the_one_before_it_and_takes_no_more(rig, build):
    rig.begin = begin = ByHand()
    rig.limits = Limits(flush_interval_s=60, max_rows=1)
    rig.start()
    ids = rig.add(build.record())
    rig.drain.step()
    ids += rig.add(build.record())
    rig.drain.step()
    ids += rig.add(build.record())
    assert rig.drain.step() is False
    for stored in (1, 2, 3):
        begin.go_on()
        rig.drain.step()
        rig.drain.step()
        assert rig.store.ids() == ids[:stored]
    assert (rig.drain.has_batch, rig.sources.is_empty()) == (False, True)


def test_a_ring_that_is_half_full_does_not_wait(rig, build):
    rig.limits = Limits(flush_interval_s=60)
    rig.start()
    ids = []
    while rig.sources.fill_level() < 0.5:
        rig.drain.step()
        assert rig.store.ids() == []
        ids += rig.add(build.record(tags={"big": "x" * 1000}))
    rig.drain.step()
    assert (rig.store.ids(), rig.sources.fill_level()) == (ids, 0)


def test_a_batch_of_counts_does_not_overtake_one_that_is_being_stored(rig, build):
    rig.begin = begin = ByHand()
    rig.start()
    ids = rig.add(build.record())
    rig.drain.step()
    rig.add(Record(count=CountRecord(endpoint="inference")))
    rig.drain.step()
    assert rig.ring.queued == 2
    begin.go_on()
    rig.drain.step()
    assert (rig.store.ids(), rig.ring.queued, rig.drain.has_batch) == (ids, 0, False)


def test_what_goes_wrong_while_storing_is_raised_by_the_next_step(rig, build):
    rig.begin = in_thread
    rig.start()
    rig.store.insert_errors = [(ZeroDivisionError("a bug"), False)]
    rig.add(build.record())
    with pytest.raises(ZeroDivisionError, match="a bug"):
        rig.drain.finish()
    assert rig.ring.queued == 1


def test_records_are_stored_once_while_the_database_comes_and_goes(rig, build):
    rig.begin = in_thread
    rig.limits = Limits(flush_interval_s=0, max_bytes=3000)
    rig.start()
    bad = StorageError("Failed to run ClickHouse query: Code: 27. DB::Exception: x")
    errors = [(UNAVAILABLE, False), (UNAVAILABLE, True), (bad, False), (bad, False)]
    rig.store.insert_errors = errors * 5
    ids = []
    for i in range(200):
        ids += rig.add(build.record(tags={"big": "x" * (CAPACITY if i % 50 == 7 else 10)}))
        while rig.ring.queued > 20:
            rig.drain.step()
    rig.clock.stopping = True
    rig.drain.finish()
    kept = [line["row"]["id"] for path in rig.data_dir.glob("rejected/*") for line in rig.rejected(path.name)]
    assert Counter(rig.store.ids() + kept) == Counter(ids)
    assert rig.sources.is_empty()


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(flush_interval_s=60, max_rows=2), id="max_rows"),
        pytest.param(Limits(flush_interval_s=60, max_bytes=400), id="max_bytes"),
    ],
)
def test_a_full_batch_does_not_wait(rig, build, limits):
    rig.limits = limits
    rig.start()
    rig.add(build.record())
    rig.drain.step()
    assert rig.store.inserts == []
    rig.add(build.record())
    rig.drain.step()
    assert rig.store.inserts == [("ChatInference", 2)]


def test_a_batch_of_counts_needs_no_database(rig):
    rig.add(Record(count=CountRecord(endpoint="inference")))
    rig.drain.step()
    assert (rig.sources.is_empty(), rig.store.inserts, rig.store.queries) == (True, [], [])


def test_without_observability_records_are_counted_and_forgotten(rig, build):
    rig.start(observability=False)
    rig.add(build.record())
    rig.drain.step()
    assert (rig.sources.is_empty(), rig.store.inserts) == (True, [])
    assert [s.value for m in rig.counts.metrics() for s in m.samples] == [1, 1, 0, 0]


def test_feedback_and_inferences_share_a_batch(rig, build):
    rig.add(build.record(), Record(row=build.feedback(target_type="inference")))
    rig.drain.step()
    assert rig.store.inserts == [("ChatInference", 1), ("CommentFeedback", 1)]


# -- where records come from


def test_new_workers_are_found(rig, build, tmp_path):
    other = Writer(tmp_path, capacity=CAPACITY)
    record = build.record()
    other.append(record)
    rig.clock.time += 1
    rig.drain.step()
    assert rig.store.ids() == [record.row.id]
    other.close()


def test_spill_files_are_stored_and_deleted(rig, build, tmp_path):
    big = [build.record(tags={"big": "x" * CAPACITY}) for _ in range(3)]
    ids = rig.add(*big)
    rig.clock.stopping = True
    rig.drain.finish()
    assert rig.store.ids() == ids
    assert (list((tmp_path / "spill").iterdir()), rig.sources.backlog()) == ([], (0, 0))


def test_rings_of_dead_workers_are_drained(rig, build):
    ids = rig.add(build.record())
    rig.writer.close()
    rig.start()
    rig.drain.step()
    assert rig.store.ids() == ids


def test_a_ring_that_cannot_be_used_is_left_alone(rig, build, tmp_path, caplog):
    (tmp_path / "rings" / "7.ring").write_bytes(b"x" * 10_000)
    ids = rig.add(build.record())
    rig.clock.time += 1
    rig.drain.step()
    rig.clock.time += 1
    rig.drain.step()
    assert rig.store.ids() == ids
    assert [r.getMessage() for r in caplog.records] == [
        f"{tmp_path}/rings/7.ring: not a ring: its first bytes are not `t0 ring`;"
        " it is left alone, and what it holds is not stored"
    ]


# -- exactly once


def test_an_unreachable_database_is_tried_again_with_growing_pauses(rig, build, caplog):
    rig.store.insert_errors = [(UNAVAILABLE, False)] * 8
    ids = rig.add(build.record())
    rig.drain.step()
    assert rig.store.ids() == ids
    assert rig.clock.slept == [0.25, 0.5, 1, 2, 4, 8, 10, 10]
    assert (rig.health.insert_failures, rig.store.closed) == (8, 8)
    assert [r.getMessage() for r in caplog.records] == [
        "cannot store what was recorded, trying again: Error connecting to ClickHouse: refused",
        "storing again after 36 s",
    ]


def test_workers_see_that_the_database_is_away(rig, build):
    seen = []
    sleep = rig.clock.sleep
    rig.clock.sleep = lambda seconds: (seen.append(rig.ring.failing), sleep(seconds))
    rig.store.insert_errors = [(UNAVAILABLE, False)]
    rig.add(build.record())
    rig.drain.step()
    assert (seen, rig.ring.failing) == ([True], False)


@pytest.mark.parametrize("stored", [True, False], ids=["it_went_in", "it_did_not"])
def test_an_insert_with_an_unknown_outcome_is_not_repeated_blindly(rig, build, stored):
    rig.store.insert_errors = [(StorageUnavailable("timeout"), stored)]
    ids = rig.add(*(build.record() for _ in range(3)))
    rig.drain.step()
    assert rig.store.ids() == ids
    assert rig.store.inserts == [("ChatInference", 3)]
    assert len(rig.store.queries) == 1


def test_tables_that_are_done_are_not_touched_again(rig, build):
    ok = (StorageUnavailable("timeout"), True)
    rig.store.insert_errors = [ok, ok]
    rig.add(build.record(model_inferences=[build.model_call()]))
    rig.drain.step()
    assert [len(rows) for rows in rig.store.tables.values()] == [1, 1]
    assert [sql.split()[5] for sql in rig.store.queries] == ["ChatInference", "ModelInference", "ModelInference"]


def test_a_failing_lookup_is_tried_again(rig, build, lookup_fails):
    rig.store.insert_errors = [(StorageUnavailable("timeout"), True), (lookup_fails("still away"), False)]
    ids = rig.add(build.record())
    rig.drain.step()
    assert rig.store.ids() == ids
    assert len(rig.store.queries) == 2


def test_after_a_restart_what_was_stored_is_not_stored_again(rig, build, tmp_path):
    """The recorder died between the insert and the commit."""
    records = [build.record() for _ in range(3)]
    spilled = build.record(tags={"big": "x" * CAPACITY})
    ids = rig.add(*records, spilled)
    rig.sources.commit = lambda commits: None
    rig.clock.time += 1
    rig.drain.step()
    assert rig.store.ids() == ids
    late = rig.add(build.record())
    rig.start()
    late += rig.add(build.record())
    rig.drain.finish()
    assert rig.store.ids() == ids + late
    assert rig.sources.is_empty()


def test_what_came_after_the_start_is_stored_without_asking(rig, build):
    rig.add(build.record())
    rig.start()
    rig.drain.step()
    assert len(rig.store.queries) == 1
    rig.add(build.record())
    rig.drain.step()
    assert len(rig.store.queries) == 1


# -- what the database refuses


def test_refused_rows_are_put_aside_and_the_rest_goes_in(rig, build, caplog):
    good, bad, more = build.record(), build.record(tags={"bad": "secret"}), build.record()
    rig.add(good, bad, more)
    rig.drain.step()
    assert rig.store.ids() == [good.row.id, more.row.id]
    (kept,) = rig.rejected("ChatInference-0.jsonl")
    assert kept["error"] == "Failed to run ClickHouse query: Code: 27. DB::Exception: Cannot parse input"
    assert (kept["row"]["id"], kept["row"]["tags"]) == (bad.row.id, {"bad": "secret"})
    assert rig.health.rejected_rows == {"ChatInference": 1}
    assert rig.sources.is_empty()
    assert caplog.messages == [f"1 rows were refused and are kept in {rig.data_dir}/rejected/ChatInference-0.jsonl"]


def test_a_refused_row_is_put_aside_once_however_often_the_rest_is_tried(rig, build):
    content = StorageError("Failed to run ClickHouse query: Code: 27. DB::Exception: x")
    # the block, its rows together, the first row, the second one
    rig.store.insert_errors = [*[(content, False)] * 3, (StorageUnavailable("timeout"), False)]
    first, second = rig.add(build.record(), build.record())
    rig.drain.step()
    assert rig.store.ids() == [second]
    assert [kept["row"]["id"] for kept in rig.rejected("ChatInference-0.jsonl")] == [first]


def test_a_row_that_its_table_cannot_hold_is_put_aside_before_it_is_sent(rig, build):
    odd, good = build.record(processing_time_ms=-1), build.record(model_inferences=[build.model_call()])
    rig.add(odd, good)
    rig.drain.step()
    assert (rig.store.ids(), rig.store.ids("ModelInference")) == ([good.row.id], [good.row.model_inferences[0].id])
    (kept,) = rig.rejected("ChatInference-0.jsonl")
    assert kept == {
        "error": "`processing_time_ms` is -1, expected Nullable(UInt32)",
        "row": {**rig.store.tables["ChatInference"][0], "id": odd.row.id, "processing_time_ms": -1}
        | {"episode_id": odd.row.episode_id},
    }
    ids = rig.add(build.record())
    rig.drain.step()
    assert rig.store.ids() == [good.row.id, *ids]


def test_a_refused_block_leaves_the_tables_before_it_alone(rig, build):
    content = StorageError("Failed to run ClickHouse query: Code: 27. DB::Exception: x")
    insert_native = rig.store.insert_native

    def refuse_calls(table, *args, **kwargs):
        if table == "ModelInference":
            raise content
        insert_native(table, *args, **kwargs)

    rig.store.insert_native = refuse_calls
    ids = rig.add(*(build.record(model_inferences=[build.model_call()]) for _ in range(3)))
    rig.drain.step()
    assert rig.store.inserts == [("ChatInference", 3)]
    assert rig.store.ids() == ids
    assert (+Counter(rig.health.stored_rows), rig.health.rejected_rows) == ({"ChatInference": 3}, {"ModelInference": 3})


def test_a_refusal_that_is_not_about_the_rows_is_waited_out(rig, build):
    no_table = StorageError("Failed to run ClickHouse query: Code: 60. DB::Exception: Table does not exist")
    rig.store.insert_errors = [(no_table, False)] * 2
    ids = rig.add(build.record(), build.record())
    rig.drain.step()
    assert (rig.store.ids(), rig.health.rejected_rows) == (ids, {})


def test_a_record_of_another_version_is_kept_as_it_is(rig, build, tmp_path):
    rig.writer._ring.append(b"\x92\xc0\x01")
    ids = rig.add(build.record())
    rig.drain.step()
    assert rig.store.ids() == ids
    (kept,) = rig.rejected("records-0.jsonl")
    assert kept == {"error": "Expected `array | null`, got `int` - at `$[1]`", "row": "ksAB"}


def test_a_row_that_cannot_be_made_is_kept(rig, build):
    rig.add(build.record(model_inferences=[build.model_call(cost="much")]))
    rig.drain.step()
    assert (rig.store.inserts, len(rig.rejected("records-0.jsonl"))) == ([], 1)


def test_each_run_has_its_own_file_of_refused_rows(rig, build):
    for _ in range(2):
        rig.add(build.record(tags={"bad": ""}), build.record(tags={"bad": ""}))
        rig.drain.step()
        rig.start()
    assert [len(rig.rejected(f"ChatInference-{n}.jsonl")) for n in range(2)] == [2, 2]


# -- counting


def test_counting_does_not_wait_for_the_database(rig, build):
    class Gone(Exception):
        pass

    def gone(seconds):
        raise Gone

    rig.clock.sleep = gone
    rig.store.insert_errors = [(UNAVAILABLE, False)] * 2
    rig.add(build.record(), build.record(tags={"big": "x" * CAPACITY}))
    with pytest.raises(Gone):
        rig.drain.step()
    rig.add(build.record())
    rig.sources.count()
    rig.sources.count()
    assert next(rig.counts.metrics()).samples[0].value == 3


def test_every_record_is_counted_once(rig, build):
    for i in range(20):
        rig.add(build.record(tags={"big": "x" * (CAPACITY if i % 5 == 0 else 10)}))
        if i % 3 == 0:
            rig.sources.count()
        if i % 4 == 0:
            rig.clock.time += 1
            rig.drain.step()
    rig.clock.stopping = True
    rig.drain.finish()
    rig.sources.count()
    assert next(rig.counts.metrics()).samples[0].value == 20
    assert len(set(rig.store.ids())) == len(rig.store.ids()) == 20


@pytest.mark.parametrize("counted_before", [(), (0,), (1,), (0, 2)])
def test_records_are_counted_once_whether_metrics_or_the_drain_sees_them_first(rig, build, counted_before):
    for turn in range(3):
        rig.add(build.record())
        if turn in counted_before:
            rig.sources.count()
        rig.add(build.record())
        rig.drain.step()
    rig.sources.count()
    assert next(rig.counts.metrics()).samples[0].value == len(rig.store.ids()) == 6


def test_damage_in_spill_files_is_counted_once(rig, build, tmp_path):
    rig.add(build.record(tags={"big": "x" * CAPACITY}))
    (path,) = spill.claim_all(tmp_path)
    body = bytearray(path.read_bytes())
    body[100] ^= 1
    path.write_bytes(body)
    rig.sources.count()
    rig.clock.stopping = True
    rig.drain.finish()
    assert (rig.sources.damaged, rig.store.inserts, rig.sources.is_empty()) == (1, [], True)


# -- the end


def test_finish_stores_everything_without_waiting(rig, build):
    rig.limits = Limits(flush_interval_s=60, max_bytes=70_000)
    rig.start()
    ids = rig.add(*(build.record() for _ in range(100)))
    rig.clock.stopping = True
    rig.drain.finish()
    assert rig.store.ids() == ids
    assert rig.sources.is_empty()


def test_finish_gives_up_on_a_database_that_stays_away_and_loses_nothing(rig, build):
    rig.store.insert_errors = [(UNAVAILABLE, False)] * 100
    ids = rig.add(build.record())
    rig.clock.stopping = True
    with pytest.raises(GaveUp, match="refused"):
        rig.drain.finish()
    assert 5 <= rig.clock.time <= 10
    rig.store.insert_errors = []
    rig.start()
    rig.drain.finish()
    assert rig.store.ids() == ids


def test_rows_of_several_workers_share_batches_fairly(rig, build, tmp_path):
    rig.limits = Limits(flush_interval_s=0, max_bytes=1)
    rig.start()
    others = [Writer(tmp_path, capacity=CAPACITY) for _ in range(3)]
    threads = [threading.Thread(target=lambda w=w: [w.append(build.record()) for _ in range(50)]) for w in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.clock.stopping = True
    rig.drain.finish()
    assert len(set(rig.store.ids())) == 150
    assert all(ring.head == ring.tail for _, ring in rig.sources.rings())
    assert len(ring_file.slots(tmp_path)) == 4
    for other in others:
        other.close()


@pytest.fixture(autouse=True)
def _show_logs(caplog):
    caplog.set_level(logging.INFO, "t0.recorder")
