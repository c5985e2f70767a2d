"""The recorder as its launcher sees it, within this process."""

import asyncio
import threading

import msgspec
import pytest

from t0.errors import ConfigError, StorageUnavailable, T0Error
from t0.recorder import process
from t0.recorder.clock import Clock
from t0.recorder.process import Recorder, RecorderSettings, exclusive, run
from t0.recorder.scrape import scrape
from t0.recorder.writer import Writer


@pytest.fixture
def writer(tmp_path):
    writer = Writer(tmp_path, capacity=64 * 1024)
    yield writer
    writer.close()


class Running:
    """`run` in a thread."""

    def __init__(self, settings, store) -> None:
        self.stop = threading.Event()
        self._thread = threading.Thread(target=run, args=(settings, Clock(self.stop), lambda: store))
        self._thread.start()

    def finish(self) -> None:
        self.stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_records_are_stored_while_it_runs_and_when_it_ends(tmp_path, writer, store, build):
    running = Running(RecorderSettings(data_dir=str(tmp_path), flush_interval_ms=0), store)
    first = build.record()
    assert asyncio.run(writer.wait_stored(writer.append(first)))
    last = build.record()
    writer.append(last)
    running.finish()
    assert store.ids() == [first.row.id, last.row.id]


def test_a_scrape_sees_what_was_just_appended(tmp_path, writer, store, build):
    running = Running(RecorderSettings(data_dir=str(tmp_path), flush_interval_ms=60_000), store)
    asyncio.run(scrape_when_up(tmp_path))
    writer.append(build.record())
    text = asyncio.run(scrape(tmp_path)).decode()
    running.finish()
    assert 'tensorzero_requests_total{endpoint="inference",function_name="f"} 1.0' in text.splitlines()
    assert 't0_ring_records_total{ring="0"} 1.0' in text.splitlines()


async def scrape_when_up(data_dir):
    while True:
        try:
            return await scrape(data_dir)
        except (FileNotFoundError, ConnectionRefusedError):
            await asyncio.sleep(0.01)


def test_without_observability_there_is_no_database_but_metrics(tmp_path, writer, store, build):
    running = Running(RecorderSettings(data_dir=str(tmp_path), observability=False), store)
    asyncio.run(scrape_when_up(tmp_path))
    assert asyncio.run(writer.wait_stored(writer.append(build.record())))
    text = asyncio.run(scrape(tmp_path)).decode()
    running.finish()
    assert 'tensorzero_inferences_total{endpoint="inference",function_name="f"} 1.0' in text.splitlines()
    assert store.tables == {}


def test_a_database_that_is_away_at_the_end_keeps_the_records(tmp_path, writer, store, build):
    store.insert_errors = [(StorageUnavailable("gone"), False)] * 1000
    settings = RecorderSettings(data_dir=str(tmp_path), flush_interval_ms=0, drain_timeout_ms=0)
    running = Running(settings, store)
    record = build.record()
    receipt = writer.append(record)
    running.finish()
    assert asyncio.run(writer.wait_stored(receipt, timeout_s=0)) is False
    store.insert_errors = []
    Running(settings, store).finish()
    assert store.ids() == [record.row.id]


def test_an_insert_that_never_returns_does_not_keep_the_recorder_from_ending(tmp_path, writer, store, build, caplog):
    aborted = threading.Event()
    store.insert_native = lambda *_, **__: aborted.wait(20)
    stop = threading.Event()
    writer.append(build.record())
    settings = RecorderSettings(data_dir=str(tmp_path), flush_interval_ms=0, drain_timeout_ms=0)
    with exclusive(tmp_path):
        recorder = Recorder(settings, Clock(stop), lambda: store, aborted.set)
        stop.set()
        recorder.run()
        assert aborted.is_set()
        recorder.close()
    assert caplog.messages == ["stopped while the database does not answer, what is left stays on the disk"]


def test_rings_are_forced_to_the_disk_at_the_interval(tmp_path, writer, store, monkeypatch):
    synced = threading.Event()
    monkeypatch.setattr(process.Sources, "sync", lambda self: synced.set())
    running = Running(RecorderSettings(data_dir=str(tmp_path), sync_interval_ms=1), store)
    assert synced.wait(5)
    running.finish()


def test_two_recorders_never_share_a_directory(tmp_path):
    with exclusive(tmp_path), pytest.raises(T0Error) as caught, exclusive(tmp_path, timeout_s=0.1):
        pass
    assert str(caught.value) == f"another recorder runs on {tmp_path}"
    with exclusive(tmp_path, timeout_s=0):
        pass


def test_the_lock_is_waited_for(tmp_path):
    held, done = threading.Event(), threading.Event()

    def drain():
        with exclusive(tmp_path):
            held.set()
            done.wait(5)

    thread = threading.Thread(target=drain)
    thread.start()
    held.wait(5)
    threading.Timer(0.1, done.set).start()
    with exclusive(tmp_path, timeout_s=5):
        assert done.is_set()
    thread.join()


def test_the_embedded_stores_url_is_read_each_time(tmp_path):
    connect = process._connector(RecorderSettings(data_dir=str(tmp_path)))
    with pytest.raises(StorageUnavailable, match="the embedded store is not ready"):
        connect()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "prepared").touch()
    for port in (8001, 8002):
        (tmp_path / "store" / "url").write_text(f"http://u:p@127.0.0.1:{port}/t0\n")
        assert repr(connect()) == f"ClickHouse(ConnectionInfo(http://127.0.0.1:{port}/t0))"


def test_a_wrong_url_stops_the_start(tmp_path):
    with pytest.raises(ConfigError, match="Invalid scheme in ClickHouse URL: 'tcp'"):
        Recorder(RecorderSettings(data_dir=str(tmp_path), clickhouse_url="tcp://x"), Clock(threading.Event()))


def test_settings_survive_the_command_line(tmp_path):
    settings = RecorderSettings(
        data_dir=str(tmp_path), clickhouse_url="http://x", observability=False, latency_buckets=(0.5,), max_rows=7
    )
    assert msgspec.json.decode(msgspec.json.encode(settings), type=RecorderSettings) == settings
    with pytest.raises(msgspec.ValidationError, match="unknown field `dataDir`"):
        msgspec.json.decode(b'{"data_dir":"x","dataDir":1}', type=RecorderSettings)
