import asyncio
import logging

import pytest

from t0.recorder.scrape import MetricsServer, scrape, socket_path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "recorder").mkdir()
    return tmp_path


def test_the_text_is_read_to_its_end(folder):
    text = b"metric 1.0\n" * 100_000
    server = MetricsServer(folder, lambda: text)
    assert [asyncio.run(scrape(folder)) for _ in range(2)] == [text, text]
    assert socket_path(folder).stat().st_mode & 0o777 == 0o600
    server.close()
    assert not socket_path(folder).exists()


def test_a_path_too_long_for_a_socket_address_works(folder):
    deep = folder / ("d" * 120)
    (deep / "recorder").mkdir(parents=True)
    server = MetricsServer(deep, lambda: b"ok\n")
    assert asyncio.run(scrape(deep)) == b"ok\n"
    server.close()


def test_a_socket_left_by_a_killed_recorder_is_replaced(folder):
    dead = MetricsServer(folder, lambda: b"old")
    dead._path = socket_path(folder).with_name("elsewhere")
    dead.close()
    assert socket_path(folder).exists()
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(scrape(folder))
    server = MetricsServer(folder, lambda: b"new")
    assert asyncio.run(scrape(folder)) == b"new"
    server.close()


def test_without_a_recorder_there_is_an_error(folder):
    with pytest.raises(FileNotFoundError):
        asyncio.run(scrape(folder))


def test_a_failing_text_does_not_end_the_server(folder, caplog):
    caplog.set_level(logging.ERROR)
    texts = iter([ValueError("broken"), b"fine"])

    def text():
        value = next(texts)
        if isinstance(value, Exception):
            raise value
        return value

    server = MetricsServer(folder, text)
    assert asyncio.run(scrape(folder)) == b""
    assert asyncio.run(scrape(folder)) == b"fine"
    server.close()
    assert caplog.messages == ["the metrics could not be made"]
