"""A bucket server that speaks as much of S3 as object storage needs: conditional PUT, GET, and nothing else."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MISSING = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
EXISTS = b"<Error><Code>PreconditionFailed</Code><Message>The object exists.</Message></Error>"


class FakeS3:
    """Listens on 127.0.0.1. `objects` holds bodies by `bucket/key`, `log` every request as method, path and status."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.log: list[tuple[str, str, int]] = []
        self.access_keys: set[str] = set()
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                key = self.path.lstrip("/")
                if self.headers.get("if-none-match") == "*" and key in bucket.objects:
                    self._answer(412, EXISTS)
                    return
                bucket.objects[key] = body
                self._answer(200, b"", hashlib.md5(body).hexdigest())

            def do_GET(self) -> None:
                body = bucket.objects.get(self.path.lstrip("/"))
                if body is None:
                    self._answer(404, MISSING)
                else:
                    self._answer(200, body, hashlib.md5(body).hexdigest())

            def _answer(self, status: int, body: bytes, etag: str = "") -> None:
                bucket.log.append((self.command, self.path, status))
                signature = self.headers.get("authorization", "")
                bucket.access_keys.add(signature.partition("Credential=")[2].partition("/")[0])
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                if etag:
                    self.send_header("etag", f'"{etag}"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet: `log` tells what happened."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
