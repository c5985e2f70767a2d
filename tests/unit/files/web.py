"""A web of scripted answers, and the files of a gateway that fetches from it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from t0.config.schema import Config
from t0.config.schema.gateway import Gateway as GatewayConfig
from t0.config.schema.limits import DisabledStorage, ObjectStorage
from t0.errors import ConnectFailed
from t0.files.service import Files
from t0.types.content import File, Input, InputMessage, Text
from t0.types.inference import CacheOptions, DynamicTools, Include, InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.upstream.base import HttpRequest

DISABLED = DisabledStorage()


class Page:
    """What one URL answers; `parts` arrive one by one, `gate` holds them back."""

    def __init__(
        self,
        *parts: bytes,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        gate: asyncio.Event | asyncio.Barrier | None = None,
    ) -> None:
        self.parts, self.status, self.headers, self.gate = parts, status, headers or {}, gate


class Opened:
    def __init__(self, page: Page) -> None:
        self.status, self.headers = page.status, page.headers
        self.closed = False
        self._rest = list(page.parts)

    async def read(self) -> bytes:
        return self._rest.pop(0) if self._rest else b""

    def close(self) -> None:
        self.closed = True


class Web:
    """A `Transport`. `asked` holds the URLs in the order of the requests."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []
        self.opened: list[Opened] = []

    async def send(self, request: HttpRequest) -> Any:
        raise AssertionError("files are streamed")

    async def stream(self, request: HttpRequest) -> Opened:
        self.asked.append(str(request.url))
        assert (request.method, request.body, dict(request.headers)["accept"]) == ("GET", b"", "*/*")
        page = self.pages.get(str(request.url))
        if page is None:
            raise ConnectFailed(f"Could not connect to {request.url.base}: refused")
        if page.gate is not None:
            await page.gate.wait()
        self.opened.append(Opened(page))
        return self.opened[-1]


def files(
    web: Web,
    storage: ObjectStorage | None = DISABLED,
    *,
    fetch_all: bool = False,
    stores: bool = True,
) -> Files:
    gateway = GatewayConfig(fetch_and_encode_input_files_before_inference=fetch_all)
    return Files(Config(gateway=gateway, object_storage=storage), {}, web, stores=stores)


def request(*given: File, dryrun: bool = False) -> InferenceRequest:
    return InferenceRequest(
        function_name="f",
        input=Input(messages=[InputMessage("user", [Text("look"), *given])]),
        params=ChatCompletionParams(),
        tools=DynamicTools(),
        cache_options=CacheOptions(),
        include=Include(),
        dryrun=dryrun,
    )
