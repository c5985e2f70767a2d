"""CPU per small upstream exchange: the native client and aiohttp, in turns, against one trivial local server.

    python bench/upstream.py [exchanges] [concurrency]

The server runs in a process of its own; the CPU time is that of the client's process (user and system), so that the
result hardly depends on what else the machine does. uvloop on both sides.
"""

import asyncio
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection

import uvloop

from t0.upstream.aiohttp_transport import AiohttpTransport
from t0.upstream.base import ClosableTransport, HttpRequest, Url
from t0.upstream.client import Client

ANSWER_BODY = b'{"choices":[{"message":{"content":"' + b"x" * 250 + b'"}}]}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nserver: bench\r\ndate: Tue, 24 Nov 2026 15:11:15 GMT\r\ncontent-type: application/json\r\n"
    b"x-request-id: 3f0f1c9e-5f60-4ad4-8a1f-0c4fd8f4d7c1\r\ncontent-length: %d\r\n\r\n%s"
    % (len(ANSWER_BODY), ANSWER_BODY)
)
HEADERS = (
    ("content-type", "application/json"),
    ("authorization", "Bearer sk-0123456789012345678901234567890123456789"),
    ("accept", "*/*"),
    ("user-agent", "TensorZero/2026.6.0"),
)
BODY = b'{"model":"m","messages":[{"role":"user","content":"' + b"y" * 250 + b'"}]}'
REPEATS = 5


class Answerer(asyncio.Protocol):
    """Answers each request, which must arrive in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER)


def serve(ready: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Answerer, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


async def cpu_us(transport: ClosableTransport, request: HttpRequest, exchanges: int, concurrency: int) -> float:
    async def one_after_the_other(count: int) -> None:
        for _ in range(count):
            response = await transport.send(request)
            assert response.body == ANSWER_BODY

    share = exchanges // concurrency
    await asyncio.gather(*(one_after_the_other(10) for _ in range(concurrency)))
    before = time.process_time()
    await asyncio.gather(*(one_after_the_other(share) for _ in range(concurrency)))
    return (time.process_time() - before) / (share * concurrency) * 1e6


async def compare(port: int, exchanges: int, concurrency: int) -> None:
    request = HttpRequest("POST", Url.parse(f"http://127.0.0.1:{port}/v1/chat/completions"), HEADERS, BODY)
    transports: dict[str, ClosableTransport] = {"native": Client(), "aiohttp": AiohttpTransport()}
    results: dict[str, list[float]] = {name: [] for name in transports}
    for _ in range(REPEATS):
        for name, transport in transports.items():
            results[name].append(await cpu_us(transport, request, exchanges, concurrency))
    for name, transport in transports.items():
        await transport.close()
        runs = ", ".join(f"{result:.1f}" for result in results[name])
        print(f"{name:8} {min(results[name]):6.1f} µs CPU per exchange (all: {runs})")


def main() -> None:
    exchanges, concurrency = (*map(int, sys.argv[1:]), *(20_000, 32)[len(sys.argv) - 1 :])
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(sender,), daemon=True)
    server.start()
    try:
        uvloop.run(compare(receiver.recv(), exchanges, concurrency))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
