"""Rings, the recorder process and the embedded store, with processes that die at any moment."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processes import wait_until
from t0.recorder import codec
from t0.recorder.metrics import Counts
from t0.recorder.scrape import scrape, socket_path
from t0.recorder.sources import Sources
from t0.recorder.writer import Writer
from t0.storage import migrations
from t0.storage.clickhouse import ClickHouse, parse_url
from t0.storage.store.process import prepared_file, url_file
from t0.types.content import Input, InputMessage, JsonOutput, ModelMessage, Text
from t0.types.params import ChatCompletionParams
from t0.types.record import (
    CountRecord,
    FeedbackRecord,
    HumanFeedback,
    InferenceRecord,
    ModelInferenceRecord,
    Record,
    ToolRecord,
)
from t0.types.tools import FunctionTool, ToolConfig

# -- a worker that dies


PRODUCER = """
import sys
from pathlib import Path
from t0.recorder.writer import Writer
from t0.types.record import CountRecord, Record

writer = Writer(Path(sys.argv[1]), capacity=16384)
number = int(sys.argv[2])
while True:
    text = "x" * (number * 7919 % 3000 if number % 50 else 20_000)
    writer.append(Record(count=CountRecord(endpoint="inference", function_name=str(number), model_name=text)))
    print(number, flush=True)
    number += 1
"""


def read_numbers(sources: Sources) -> list[int]:
    sources.discover()
    numbers = []
    for chunk in sources.read(8192):
        counts = [codec.decode(payload).count for payload in chunk.payloads]
        numbers += [int(count.function_name) for count in counts]
        assert all(set(count.model_name) <= {"x"} for count in counts)
        chunk.origin.commit()
    return numbers


def test_kill_9_of_a_worker_loses_no_record_and_tears_none(tmp_path):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    sources = Sources(tmp_path, Counts())
    seen: list[int] = []
    for _ in range(8):
        arguments = [sys.executable, "-c", PRODUCER, str(tmp_path), str(len(seen))]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            acknowledged = [int(child.stdout.readline())]
            end = time.monotonic() + chance.uniform(0, 0.1)
            reader = threading.Thread(target=lambda out=child.stdout, to=acknowledged: to.extend(map(int, out)))
            reader.start()
            while time.monotonic() < end:
                seen += read_numbers(sources)
            child.kill()
            child.wait()
            reader.join()
        # A chunk without records is no end: the recorder may have taken over a spill file before anything was in it.
        while not sources.is_empty():
            seen += read_numbers(sources)
        # One more may have been appended whose acknowledgement did not get out.
        assert len(seen) in (acknowledged[-1] + 1, acknowledged[-1] + 2)
        assert sorted(seen) == list(range(len(seen)))
    assert sources.is_empty()
    assert [(r.corrupted, r.spill_failed) for _, r in sources.rings()] == [(0, 0)]
    assert sources.damaged == 0
    sources.close()


# -- the recorder and the store as processes


RECORDER = "import sys; from t0.recorder.process import main; sys.exit(main(sys.argv[1]))"


class Child:
    """A process that runs until its stdin ends."""

    def __init__(self, code: str, *arguments: str) -> None:
        self.popen = subprocess.Popen([sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE)

    def stop(self) -> int:
        assert self.popen.stdin is not None
        self.popen.stdin.close()
        return self.popen.wait(30)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()
        assert self.popen.stdin is not None
        self.popen.stdin.close()


@pytest.fixture
def start_recorder() -> Iterator[Callable[..., Child]]:
    """Starts recorders; those that the test leaves running are killed."""
    started = []

    def start(data_dir: Path, **settings) -> Child:
        encoded = json.dumps({"data_dir": str(data_dir), **settings})
        started.append(Child(RECORDER, encoded))
        wait_until(socket_path(data_dir).exists, "the recorder's socket")
        return started[-1]

    yield start
    for child in started:
        if child.popen.poll() is None:
            child.kill()


def start_store(data_dir: Path) -> Child:
    child = Child("import sys; from t0.storage.store.process import main; sys.exit(main(sys.argv[1]))", str(data_dir))
    wait_until(url_file(data_dir).exists, "the store's URL", 30)
    prepared_file(data_dir).touch()
    return child


def database(data_dir: Path) -> ClickHouse:
    return ClickHouse(parse_url(url_file(data_dir).read_text()))


@pytest.fixture(scope="module")
def store_dir(tmp_path_factory):
    """A directory whose embedded store runs and has the schema; whoever kills the store starts it again."""
    data_dir = tmp_path_factory.mktemp("store")
    running = [start_store(data_dir)]
    client = database(data_dir)
    migrations.run(client)
    client.close()
    yield data_dir, running
    running[0].stop()


def new_id() -> str:
    return str(uuid.uuid4())


def inference(**changes) -> InferenceRecord:
    fields = {
        "function_type": "chat",
        "id": new_id(),
        "episode_id": new_id(),
        "function_name": "f",
        "variant_name": "v",
        "input": Input(messages=[InputMessage("user", [Text("Hi")])]),
        "output": [Text("Hello")],
        "params": ChatCompletionParams(temperature=0.5),
        "processing_time_ms": 15,
        "model_inferences": [
            ModelInferenceRecord(
                id=new_id(),
                model_name="m",
                model_provider_name="p",
                raw_request='{"q":1}',
                raw_response='{"a":"é"}',
                system="Be brief",
                input_messages=[ModelMessage("user", [Text("Hi")])],
                output=[Text("Hello")],
                input_tokens=3,
                output_tokens=0,
                cost="0.00012",
                response_time_ms=12,
                finish_reason="tool_call",
            )
        ],
    }
    return InferenceRecord(**{**fields, **changes})


def stored(client: ClickHouse, table: str) -> list[dict]:
    return client.query(f"SELECT * FROM {table}")


def test_every_kind_of_row_arrives_whole(store_dir, start_recorder):
    data_dir, _ = store_dir
    recorder = start_recorder(data_dir, flush_interval_ms=0)
    writer = Writer(data_dir, capacity=1 << 20)
    tool = FunctionTool(description="d", parameters={"type": "object"}, name="t")
    config = ToolConfig(tools=[tool], custom_tools=[], provider_tools=[], choice="auto", parallel_tool_calls=True)
    chat = inference(tags={"a": "ü"}, tools=ToolRecord(config=config, static_names=[]), snapshot_hash=str(2**200))
    plain = inference(model_inferences=[])
    extract = inference(
        function_type="json", output=JsonOutput(raw="{}", parsed={}), output_schema=True, model_inferences=[]
    )
    target, human, evaluator = new_id(), new_id(), new_id()
    given = [
        FeedbackRecord(table="BooleanMetricFeedback", id=new_id(), target_id=target, metric_name="b", value=True),
        FeedbackRecord(
            table="FloatMetricFeedback",
            id=new_id(),
            target_id=target,
            metric_name="s",
            value=2,
            human_feedback=HumanFeedback(datapoint_id=human, output="[]", value="2", evaluator_inference_id=evaluator),
        ),
        FeedbackRecord(table="CommentFeedback", id=new_id(), target_id=target, value="ok", target_type="episode"),
        FeedbackRecord(table="DemonstrationFeedback", id=new_id(), target_id=target, value=[{"type": "text"}]),
    ]
    for row in (chat, plain, extract, *given):
        receipt = writer.append(Record(row=row))
    assert asyncio.run(writer.wait_stored(receipt, timeout_s=20))
    writer.close()
    assert recorder.stop() == 0

    client = database(data_dir)
    common = {
        "function_name": "f",
        "variant_name": "v",
        "input": '{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}',
        "output": '[{"type":"text","text":"Hello"}]',
        "inference_params": '{"chat_completion":{"temperature":0.5}}',
        "processing_time_ms": 15,
        "ttft_ms": None,
        "tags": {},
        "extra_body": "[]",
        "snapshot_hash": None,
    }
    no_tools = {
        "tool_params": "",
        "dynamic_tools": [],
        "dynamic_provider_tools": [],
        "allowed_tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
    }
    function = '"description":"d","parameters":{"type":"object"},"name":"t","strict":false}'
    with_tools = {
        "tool_params": '{"tools_available":[{' + function + '],"tool_choice":"auto","parallel_tool_calls":true}',
        "dynamic_tools": ['{"type":"function",' + function],
        "dynamic_provider_tools": [],
        "allowed_tools": '{"tools":["t"],"choice":"function_default"}',
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }
    chat_rows = {row["id"]: row for row in stored(client, "ChatInference")}
    assert chat_rows == {
        chat.id: {
            **common,
            **with_tools,
            "id": chat.id,
            "episode_id": chat.episode_id,
            "tags": {"a": "ü"},
            "snapshot_hash": str(2**200),
        },
        plain.id: {**common, **no_tools, "id": plain.id, "episode_id": plain.episode_id},
    }
    assert stored(client, "JsonInference") == [
        {
            **common,
            "id": extract.id,
            "episode_id": extract.episode_id,
            "output": '{"raw":"{}","parsed":{}}',
            "output_schema": "true",
            "auxiliary_content": "[]",
        }
    ]
    assert stored(client, "ModelInference") == [
        {
            "id": chat.model_inferences[0].id,
            "inference_id": chat.id,
            "raw_request": '{"q":1}',
            "raw_response": '{"a":"é"}',
            "model_name": "m",
            "model_provider_name": "p",
            "input_tokens": 3,
            "output_tokens": None,
            "response_time_ms": 12,
            "ttft_ms": None,
            "system": "Be brief",
            "input_messages": '[{"role":"user","content":[{"type":"text","text":"Hi"}]}]',
            "output": '[{"type":"text","text":"Hello"}]',
            "cached": False,
            "finish_reason": "tool_call",
            "cost": 0.00012,
            "provider_cache_read_input_tokens": None,
            "provider_cache_write_input_tokens": None,
            "function_name": "f",
            "variant_name": "v",
            "snapshot_hash": str(2**200),
        }
    ]
    bare = {"tags": {}, "snapshot_hash": None}
    expected = [
        {"target_id": target, "metric_name": "b", "value": True, **bare},
        {"target_id": target, "metric_name": "s", "value": 2, **bare},
        {"target_id": target, "target_type": "episode", "value": "ok", **bare},
        {"inference_id": target, "value": '[{"type":"text"}]', **bare},
    ]
    for record, row in zip(given, expected, strict=True):
        assert stored(client, record.table) == [{"id": record.id, **row}]
    assert stored(client, "StaticEvaluationHumanFeedback") == [
        {
            "metric_name": "s",
            "datapoint_id": human,
            "output": "[]",
            "value": "2",
            "feedback_id": given[1].id,
            "evaluator_inference_id": evaluator,
        }
    ]
    client.close()


def test_rows_that_no_table_can_hold_are_put_aside(store_dir, start_recorder):
    data_dir, _ = store_dir
    recorder = start_recorder(data_dir, flush_interval_ms=0)
    writer = Writer(data_dir, capacity=1 << 20)
    good, dear, late = (inference(function_name="odd") for _ in range(3))
    dear.model_inferences[0].cost = "1e30"
    late.processing_time_ms = 2**32
    for row in (good, dear, late):
        receipt = writer.append(Record(row=row))
    assert asyncio.run(writer.wait_stored(receipt, timeout_s=20))
    writer.close()
    assert recorder.stop() == 0
    client = database(data_dir)
    found = {
        table: {row["id"] for row in client.query(f"SELECT id FROM {table} WHERE function_name = 'odd'")}
        for table in ("ChatInference", "ModelInference")
    }
    client.close()
    calls = {r.id: r.model_inferences[0].id for r in (good, dear, late)}
    assert found == {"ChatInference": {good.id, dear.id}, "ModelInference": {calls[good.id], calls[late.id]}}
    kept = {
        path.name.split("-")[0]: json.loads(path.read_text())
        for path in sorted((data_dir / "rejected").glob("*.jsonl"))
    }
    assert {table: line["row"]["id"] for table, line in kept.items()} == {
        "ChatInference": late.id,
        "ModelInference": calls[dear.id],
    }
    assert {table: line["error"] for table, line in kept.items()} == {
        "ChatInference": "`processing_time_ms` is 4294967296, expected Nullable(UInt32)",
        "ModelInference": f"`cost` is '1{'0' * 30}.000000000', expected Nullable(Decimal(18, 9))",
    }


def test_every_record_is_stored_exactly_once_whoever_is_killed(store_dir, start_recorder):
    data_dir, store = store_dir
    recorder = start_recorder(data_dir)
    writer = Writer(data_dir, capacity=256 * 1024)
    ids: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.002):
            row = inference(function_name="killed")
            writer.append(Record(count=CountRecord(endpoint="inference", inferences=1), row=row))
            ids.append(row.id)

    worker = threading.Thread(target=work)
    worker.start()
    for victim in ("recorder", "store", "recorder", "recorder"):
        time.sleep(random.uniform(0.2, 0.5))
        if victim == "store":
            store[0].kill()
            url_file(data_dir).unlink()
            store[0] = start_store(data_dir)
        else:
            recorder.kill()
            recorder = start_recorder(data_dir)
    time.sleep(0.3)
    stop.set()
    worker.join()
    writer.close()
    assert recorder.stop() == 0

    client = database(data_dir)
    query = "SELECT count() AS n, uniqExact({}) AS u FROM {} WHERE function_name = 'killed'"
    for table, column in (("ChatInference", "id"), ("ModelInference", "inference_id")):
        (counts,) = client.query(query.format(column, table))
        assert (int(counts["n"]), int(counts["u"])) == (len(ids), len(ids))
    client.close()


def test_only_the_end_of_stdin_stops_the_recorder(tmp_path, start_recorder):
    recorder = start_recorder(tmp_path, observability=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        recorder.popen.send_signal(number)
    writer = Writer(tmp_path, capacity=1 << 16)
    writer.append(Record(count=CountRecord(endpoint="feedback", metric_name="m")))
    text = asyncio.run(scrape(tmp_path)).decode()
    writer.close()
    assert 'tensorzero_requests_total{endpoint="feedback",metric_name="m"} 1.0' in text.splitlines()
    assert recorder.stop() == 0
    assert not socket_path(tmp_path).exists()


def test_without_a_database_the_recorder_ends_and_keeps_what_it_has(tmp_path, start_recorder):
    recorder = start_recorder(tmp_path, drain_timeout_ms=100, flush_interval_ms=0)
    writer = Writer(tmp_path, capacity=1 << 16)
    receipt = writer.append(Record(row=inference()))
    assert asyncio.run(writer.wait_stored(receipt, timeout_s=20)) is False
    assert recorder.stop() == 0
    assert (writer._ring.tail, writer._ring.head) == (0, receipt)
    writer.close()


def test_settings_that_make_no_sense_end_the_recorder(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", RECORDER, '{"data_dir":1}'], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "the recorder stops: Expected `str`, got `int` - at `$.data_dir`" in ended.stderr
