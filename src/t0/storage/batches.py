"""Batches in the database: their whole state, so that whoever polls next, after whatever restart, can go on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from t0.storage.reader import Reader
from t0.types.batch import BatchStatus

Columns = dict[str, Any]


class BatchRow(Struct, kw_only=True):
    """A row of `BatchRequest`. `batch_params` is the JSON text of the provider's own parameters."""

    batch_id: str
    id: str
    batch_params: str
    model_name: str
    model_provider_name: str
    status: BatchStatus
    errors: list[str]
    raw_request: str
    raw_response: str
    function_name: str
    variant_name: str
    snapshot_hash: str | None


_REQUEST_COLUMNS = ", ".join(f for f in BatchRow.__struct_fields__ if f != "snapshot_hash")
_MODEL_COLUMNS = (
    "inference_id, input_tokens, output_tokens, provider_cache_read_input_tokens, provider_cache_write_input_tokens, "
    "finish_reason"
)
_IN_BATCH = "FROM BatchModelInference WHERE batch_id = {batch:UUID}"
_ONE = " AND inference_id = {inference:UUID}"
_BY_TIME = "toUInt128(id)"  # plain UUIDs are sorted by their second half first


class Batches:
    """Every method raises `StorageUnavailable` or `StorageError`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def check(self) -> None:
        """Raises unless batches could be stored now."""
        await self._reader.query("SELECT 1 AS one FROM BatchRequest LIMIT 0")

    async def insert(self, table: str, rows: Iterable[Columns]) -> None:
        lines = msgspec.json.Encoder().encode_lines(list(rows))
        if lines:
            await self._reader.insert(table, lines)

    async def newest(self, batch_id: str, inference_id: str | None = None) -> BatchRow | None:
        """The state of a batch, if it is there and holds the inference. What has ended never becomes pending again."""
        member = "" if inference_id is None else _one_of("batch_id", f"SELECT batch_id {_IN_BATCH}{_ONE}")
        rows = await self._reader.query(
            f"SELECT {_REQUEST_COLUMNS}, toString(snapshot_hash) AS snapshot_hash FROM BatchRequest "
            f"WHERE batch_id = {{batch:UUID}}{member} ORDER BY status != 'pending' DESC, {_BY_TIME} DESC LIMIT 1",
            _parameters(batch_id, inference_id),
        )
        return msgspec.convert(rows[0], BatchRow) if rows else None

    async def has_inferences(self, batch_id: str) -> bool:
        return bool(await self._reader.query(f"SELECT 1 AS found {_IN_BATCH} LIMIT 1", {"batch": batch_id}))

    async def is_json(self, batch_id: str) -> bool:
        """Whether the batch is one of a json function."""
        rows = await self._reader.query(
            f"SELECT output_schema IS NOT NULL AS is_json {_IN_BATCH} LIMIT 1", {"batch": batch_id}
        )
        return bool(rows and rows[0]["is_json"])

    async def inferences(self, batch_id: str, ids: Collection[str]) -> dict[str, Columns]:
        """Rows of `BatchModelInference` by inference id."""
        rows = await self._reader.query(
            f"SELECT * REPLACE (toString(snapshot_hash) AS snapshot_hash) {_IN_BATCH} "
            "AND inference_id IN {ids:Array(UUID)}",
            {"batch": batch_id, "ids": list(ids)},
        )
        return {row["inference_id"]: row for row in rows}

    # -- results -------------------------------------------------------------------------------------------------------

    async def stored(self, table: str, batch: BatchRow, ids: Collection[str]) -> set[str]:
        """Those of the inferences that have a row in `ChatInference` or `JsonInference` already."""
        rows = await self._reader.query(
            f"SELECT id FROM {table} WHERE function_name = {{function:String}} AND variant_name = {{variant:String}} "
            "AND id IN {ids:Array(UUID)}",
            {"function": batch.function_name, "variant": batch.variant_name, "ids": list(ids)},
        )
        return {row["id"] for row in rows}

    async def stored_calls(self, ids: Collection[str]) -> set[str]:
        """Those of the inferences that have a row in `ModelInference` already."""
        rows = await self._reader.query(
            "SELECT DISTINCT inference_id FROM ModelInference WHERE inference_id IN {ids:Array(UUID)}",
            {"ids": list(ids)},
        )
        return {row["inference_id"] for row in rows}

    async def results(self, table: str, batch: BatchRow, inference_id: str | None) -> list[tuple[Columns, Columns]]:
        """The stored inferences of a batch, or that one, with their model calls; in the order of the inputs."""
        members = f"SELECT inference_id {_IN_BATCH}{_ONE if inference_id else ''}"
        episodes = f"SELECT episode_id {_IN_BATCH}{_ONE if inference_id else ''}"
        parameters = _parameters(batch.batch_id, inference_id)
        inferences = await self._reader.query(
            f"SELECT id, episode_id, variant_name, output FROM {table} WHERE function_name = {{function:String}} "
            f"AND variant_name = {{variant:String}}{_one_of('episode_id', episodes)}{_one_of('id', members)} "
            f"ORDER BY {_BY_TIME} LIMIT 1 BY id",
            {**parameters, "function": batch.function_name, "variant": batch.variant_name},
        )
        calls = await self._reader.query(
            f"SELECT {_MODEL_COLUMNS}, toString(cost) AS cost FROM ModelInference "
            f"WHERE inference_id IN ({members}) LIMIT 1 BY inference_id",
            parameters,
        )
        by_inference = {call["inference_id"]: call for call in calls}
        return [(row, by_inference[row["id"]]) for row in inferences if row["id"] in by_inference]

    async def snapshot(self, hash: str) -> str | None:
        """The configuration, in TOML, that rows with this `snapshot_hash` were made under."""
        rows = await self._reader.query(
            "SELECT config FROM ConfigSnapshot WHERE hash = toUInt256({hash:String}) LIMIT 1", {"hash": hash}
        )
        return rows[0]["config"] if rows else None


def _one_of(column: str, select: str) -> str:
    return f" AND {column} IN ({select})"


def _parameters(batch_id: str, inference_id: str | None) -> Columns:
    return {"batch": batch_id} if inference_id is None else {"batch": batch_id, "inference": inference_id}
