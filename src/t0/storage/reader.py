"""What a worker reads from the database: the targets of feedback, episodes of workflow evaluations, health."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from t0.errors import StorageUnavailable
from t0.storage.clickhouse import AsyncClickHouse, parse_url

_HEALTH_TIMEOUT_S = 2.0


class WorkflowRun(Struct, frozen=True):
    """The pins and tags that an episode of a workflow evaluation brings to its inferences."""

    variant_pins: dict[str, str]
    tags: dict[str, str]


class Target(Struct, frozen=True):
    """An inference that feedback is about."""

    function_name: str
    function_type: str
    variant_name: str
    episode_id: str


class Reader:
    """Reads through one lazily opened client; `find_url` tells where, and is asked again after a failure.

    Every method raises `StorageUnavailable` or `StorageError`.
    """

    def __init__(self, find_url: Callable[[], str | None]) -> None:
        self._find_url = find_url
        self._client: AsyncClickHouse | None = None
        self._url: str | None = None

    async def query(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        client = await self._connected()
        return await client.query(sql, parameters)

    async def insert(self, table: str, lines: bytes) -> None:
        """Stores one JSON object a line; returns once they are in the database."""
        client = await self._connected()
        await client.insert_json(table, lines, settings={"async_insert": 0})

    async def insert_gathered(self, table: str, lines: bytes) -> None:
        """As `insert`, for a few rows at a time: the database first gathers those of all who insert."""
        client = await self._connected()
        await client.insert_json(table, lines)

    async def _connected(self) -> AsyncClickHouse:
        """The client for the current URL: the embedded store may come back under another one."""
        url = self._find_url()
        if url is None:
            raise StorageUnavailable("Error connecting to ClickHouse: the embedded store is not up yet")
        if self._client is None or url != self._url:
            await self.close()
            self._client, self._url = AsyncClickHouse(parse_url(url)), url
        return self._client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def is_healthy(self) -> bool:
        try:
            client = await self._connected()
        except StorageUnavailable:
            return False
        return await client.ping(_HEALTH_TIMEOUT_S)

    # -- feedback targets ----------------------------------------------------------------------------------------------

    async def inference(self, inference_id: str) -> Target | None:
        rows = await self.query(
            "SELECT function_name, function_type, variant_name, episode_id FROM InferenceById "
            "WHERE id_uint = toUInt128({id:UUID}) LIMIT 1",
            {"id": inference_id},
        )
        return Target(**rows[0]) if rows else None

    async def episode_exists(self, episode_id: str) -> bool:
        rows = await self.query(
            "SELECT 1 AS found FROM InferenceByEpisodeId WHERE episode_id_uint = toUInt128({id:UUID}) LIMIT 1",
            {"id": episode_id},
        )
        return bool(rows)

    async def inference_row(self, inference_id: str, target: Target, columns: str) -> dict[str, Any] | None:
        """Chosen columns of the inference's own row."""
        table = "JsonInference" if target.function_type == "json" else "ChatInference"
        rows = await self.query(
            f"SELECT {columns} FROM {table} WHERE function_name = {{function:String}} "
            "AND variant_name = {variant:String} AND episode_id = {episode:UUID} AND id = {id:UUID} LIMIT 1",
            {
                "function": target.function_name,
                "variant": target.variant_name,
                "episode": target.episode_id,
                "id": inference_id,
            },
        )
        return rows[0] if rows else None

    # -- workflow evaluations ------------------------------------------------------------------------------------------

    async def workflow_run(self, episode_id: str) -> WorkflowRun | None:
        rows = await self.query(
            "SELECT variant_pins, tags FROM DynamicEvaluationRunEpisode FINAL "
            "WHERE episode_id_uint = toUInt128({id:UUID}) AND NOT is_deleted LIMIT 1",
            {"id": episode_id},
        )
        return WorkflowRun(rows[0]["variant_pins"], rows[0]["tags"]) if rows else None
