from t0.recorder.losses import LossWatch
from t0.recorder.metrics import Counts
from t0.recorder.sources import Sources
from t0.recorder.writer import Writer


def test_losses_are_reported_once_each(tmp_path, caplog):
    writer = Writer(tmp_path, capacity=8192)
    sources = Sources(tmp_path, Counts())
    ring = sources.rings()[0][1]
    ring.dropped = 5
    watch = LossWatch(sources)
    watch.report()
    assert caplog.messages == []
    ring.dropped, ring.spill_failed = 7, 1
    sources.damaged = 3
    watch.report()
    watch.report()
    assert caplog.messages == [
        "2 rows were dropped: the queue held `write_queue_capacity` rows",
        "1 records were lost: the ring was full and the spill file could not be written (disk full?)",
        "3 damaged records were passed over",
    ]
    sources.close()
    writer.close()
