"""Looking after a batch: asked at the provider until it has ended, and from then on read from the database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import tomli
from msgspec import Struct

from t0._core import uuid7
from t0.batch.access import open_batches
from t0.batch.outputs import function_output
from t0.batch.rows import end_columns, function_type
from t0.errors import BatchNotFound, ProviderFailure
from t0.models.batch import BatchModelProvider
from t0.providers.cost import CostRules
from t0.storage.batches import Batches, BatchRow, Columns
from t0.types.batch import BatchOutput, BatchState, BatchStatus
from t0.types.model import FinishReason, Usage

if TYPE_CHECKING:
    from t0.gateway import Gateway

_OUTPUTS_AT_ONCE = 500
"""How many results are read, and stored, before other requests get their turn."""
_TABLES = {"chat": "ChatInference", "json": "JsonInference"}
Kind = Literal["chat", "json"]

log = logging.getLogger("t0")


class BatchItem(Struct, kw_only=True):
    """One answered inference of a batch. `output` is the JSON text of what its function makes of the answer."""

    inference_id: str
    episode_id: str
    variant_name: str
    function_type: Kind
    output: str
    usage: Usage
    finish_reason: FinishReason | None


class BatchAnswer(Struct, kw_only=True):
    """How a batch stands. `items` are in the order of the inputs; what was not answered readably is missing."""

    batch_id: str
    status: BatchStatus
    items: list[BatchItem] = []


async def poll(gateway: Gateway, batch_id: str, inference_id: str | None = None) -> BatchAnswer:
    """The batch, or one inference of it. Raises `BatchNotFound` and other `RequestError`s."""
    batches = open_batches(gateway)
    batch = await batches.newest(batch_id, inference_id)
    if batch is None:
        raise BatchNotFound(inference_id or batch_id)
    if batch.status == "pending":
        answer = await _Poll(gateway, batches, batch).run()
    else:
        answer = await _stored_answer(gateway, batches, batch, inference_id)
    answer.items = [i for i in answer.items if inference_id in (None, i.inference_id)]
    return answer


async def _stored_answer(
    gateway: Gateway, batches: Batches, batch: BatchRow, inference_id: str | None = None
) -> BatchAnswer:
    answer = BatchAnswer(batch_id=batch.batch_id, status=batch.status)
    if batch.status == "completed":
        kind: Kind = "json" if await batches.is_json(batch.batch_id) else "chat"
        rows = await batches.results(_TABLES[kind], batch, inference_id)
        answer.items = [_item(kind, inference, call) for inference, call in rows]
    return answer


class _Poll:
    """One look at a pending batch."""

    def __init__(self, gateway: Gateway, batches: Batches, batch: BatchRow) -> None:
        self._gateway, self._batches, self._batch = gateway, batches, batch
        self._provider: BatchModelProvider

    async def run(self) -> BatchAnswer:
        batch = self._batch
        self._provider = self._gateway.models.batch_provider(batch.model_name, batch.model_provider_name)
        state = await self._provider.poll(msgspec.json.decode(batch.batch_params))
        if state.status != "completed":
            await self._note(state)
            return BatchAnswer(batch_id=batch.batch_id, status=state.status)
        # Many polls may see the end at once, in several workers; the results are stored by one of them.
        async with self._gateway.locks.hold(batch.batch_id):
            now = await self._batches.newest(batch.batch_id)
            if now is not None and now.status != "pending":
                return await _stored_answer(self._gateway, self._batches, now)
            return await self._finish(state)

    async def _finish(self, state: BatchState) -> BatchAnswer:
        batch_id = self._batch.batch_id
        if not await self._batches.has_inferences(batch_id):
            return BatchAnswer(batch_id=batch_id, status="pending")  # not yet visible on this replica
        items = await self._take_in(await self._provider.fetch_output(state.output))
        if not items:
            state.status = "failed"
            await self._note(state)
            provider = self._provider.provider
            raise ProviderFailure("server", "The results of the batch hold no answer that can be read", provider.type)
        await self._note(state)
        items.sort(key=lambda i: i.inference_id)
        return BatchAnswer(batch_id=batch_id, status="completed", items=items)

    async def _note(self, state: BatchState) -> None:
        """Adds a row with the state, which from then on is the batch's."""
        columns = msgspec.structs.asdict(self._batch) | {
            "id": uuid7.new(),
            "status": state.status,
            "errors": state.errors,
            "raw_request": state.raw_request,
            "raw_response": state.raw_response,
        }
        await self._batches.insert("BatchRequest", [columns])

    # -- results -------------------------------------------------------------------------------------------------------

    async def _take_in(self, content: bytes) -> list[BatchItem]:
        """Stores the results and gives them as items; those that an earlier poll stored are not stored again."""
        prices = await self._prices()
        outputs = _usable(self._provider.provider.read_output(content, self._batch.model_name))
        items: list[BatchItem] = []
        while chunk := list(islice(outputs, _OUTPUTS_AT_ONCE)):
            asked = await self._batches.inferences(self._batch.batch_id, [o.inference_id for o in chunk])
            results = [
                (asked[o.inference_id], *_result(asked[o.inference_id], o, prices))
                for o in chunk
                if o.inference_id in asked
            ]
            if results:
                kind = function_type(results[0][0])
                await self._store(_TABLES[kind], [r[1] for r in results], [r[2] for r in results])
                items += [_item(kind, inference, call) for _, inference, call in results]
        return items

    async def _store(self, table: str, inferences: list[Columns], calls: list[Columns]) -> None:
        ids = [row["id"] for row in inferences]
        stored_calls = await self._batches.stored_calls(ids)
        await self._batches.insert("ModelInference", [c for c in calls if c["inference_id"] not in stored_calls])
        stored = await self._batches.stored(table, self._batch, ids)
        await self._batches.insert(table, [i for i in inferences if i["id"] not in stored])

    async def _prices(self) -> CostRules | None:
        """Those of the configuration that the batch was started under."""
        batch, gateway = self._batch, self._gateway
        tree: Any = gateway.config.source.tree
        if batch.snapshot_hash not in (None, gateway.snapshot_hash):
            snapshot = await self._batches.snapshot(batch.snapshot_hash or "")
            tree = tree if snapshot is None else tomli.loads(snapshot)
        return batch_prices(tree, batch.model_name, batch.model_provider_name)


def batch_prices(tree: Any, model_name: str, provider_name: str) -> CostRules | None:
    """`batch_cost`, or else `cost`, of a provider in a configuration's tree; shorthand models have none."""
    providers = tree.get("models", {}).get(model_name, {}).get("providers", {})
    table = providers.get(provider_name, {})
    entries = table.get("batch_cost", table.get("cost"))
    return CostRules.parse(entries, f"models.{model_name}.providers.{provider_name}") if entries else None


def _usable(outputs: Iterable[BatchOutput]) -> Iterator[BatchOutput]:
    """The outputs that name an inference, each inference once."""
    seen: set[str] = set()
    for output in outputs:
        try:
            output.inference_id = uuid7.parse(output.inference_id)
        except ValueError:
            continue
        if output.inference_id not in seen:
            seen.add(output.inference_id)
            yield output


def _result(stored: Columns, output: BatchOutput, prices: CostRules | None) -> tuple[Columns, Columns]:
    cost: Decimal | None = prices.complete(output.raw_response) if prices else None
    return end_columns(stored, output, function_output(stored, output.response.output), cost)


def _item(kind: Kind, inference: Columns, call: Columns) -> BatchItem:
    """The same from rows just made and from rows read back."""
    usage = Usage(
        call["input_tokens"],
        call["output_tokens"],
        call["provider_cache_read_input_tokens"],
        call["provider_cache_write_input_tokens"],
        None if call["cost"] is None else float(call["cost"]),
    )
    return BatchItem(
        inference_id=inference["id"],
        episode_id=inference["episode_id"],
        variant_name=inference["variant_name"],
        function_type=kind,
        output=inference["output"],
        usage=usage,
        finish_reason=call["finish_reason"],
    )
