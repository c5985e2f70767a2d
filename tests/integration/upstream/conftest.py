"""The loops that the tests of the upstream client run on."""

import asyncio
import ssl
from pathlib import Path

import pytest
import uvloop


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine function on a fresh loop."""
    if request.param == "uvloop":
        return lambda main: uvloop.run(main())
    return lambda main: asyncio.run(main())


@pytest.fixture
def server_tls():
    """The TLS settings of a server whose certificate is for loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent / "tls" / "loopback.pem")
    return context
