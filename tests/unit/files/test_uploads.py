"""Uploads behind the answers: finished, bounded, and quiet about nothing that was lost."""

import asyncio
import base64

import pytest

from t0.errors import InternalError
from t0.files.uploads import Uploads


class Bucket:
    """A store that takes nothing until it is opened."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.opened = asyncio.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._failure = failure

    async def put_new(self, key: str, data: bytes) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await self.opened.wait()
        self._at_once -= 1
        if self._failure is not None:
            raise self._failure
        self.objects[key] = data


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]


def test_finish_waits_for_all(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> Bucket:
        bucket = Bucket()
        uploads = Uploads(bucket)
        for i in range(40):
            uploads.add(f"k{i}", base64.b64encode(b"%d" % i).decode())
        await asyncio.sleep(0)
        assert bucket.objects == {}
        bucket.opened.set()
        await uploads.finish()
        return bucket

    bucket = asyncio.run(run())
    assert bucket.objects == {f"k{i}": b"%d" % i for i in range(40)}
    assert bucket.most_at_once == 16
    assert errors(caplog) == []


def test_finish_with_nothing_to_do() -> None:
    asyncio.run(Uploads(Bucket()).finish())


def test_what_a_slow_store_cannot_take_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> Bucket:
        bucket = Bucket()
        uploads = Uploads(bucket, max_waiting_bytes=8)
        for key in "abc":
            uploads.add(key, "AAAA")
        bucket.opened.set()
        await uploads.finish()
        uploads.add("d", "AAAA")
        await uploads.finish()
        return bucket

    assert sorted(asyncio.run(run()).objects) == ["a", "b", "d"]
    assert errors(caplog) == ["file `c` was not stored: the object store is too slow, 8 bytes wait"]


@pytest.mark.parametrize(
    ("data", "failure", "reason"),
    [
        ("AAAA", InternalError("Error putting object: no"), "Internal error: Error putting object: no"),
        ("!!!!", None, "Only base64 data is allowed"),
    ],
    ids=["refused by the store", "not base64"],
)
def test_failures_are_logged(
    data: str, failure: Exception | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> Bucket:
        bucket = Bucket(failure)
        bucket.opened.set()
        uploads = Uploads(bucket)
        uploads.add("k", data)
        await uploads.finish()
        return bucket

    assert asyncio.run(run()).objects == {}
    assert errors(caplog) == [f"file `k` was not stored: {reason}"]
