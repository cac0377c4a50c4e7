"""ClickHouse's HTTP interface on a folder of the embedded engine: `python -m bench.warehouse.server FOLDER PORT`.

As far as clickhouse-connect needs it: /ping, statements, INSERT with a block behind it, settings in the URL, the
engine's error code in a header. It admits anyone on the loopback address and lets them write: a stand-in for tests
and the bench, where no ClickHouse server is to be had (`sinks.clickhouse.server` is the one that only reads).
"""

from __future__ import annotations

import re
import signal
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chdb

from bench.warehouse.request import Request, Unreadable, quoted, read_request

CHDB: Any = chdb  # it carries no types

AT_ONCE = 4
"""Statements at the same time; the others wait."""

BAD_ARGUMENTS, UNKNOWN_EXCEPTION = 36, 1002
CODE = re.compile(r"\bCode:\s*(\d+)")

STATUS = {
    **dict.fromkeys((27, 36, 53, 62, 72), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 81, 115), 404),
    **dict.fromkeys((192, 193, 194, 516), 403),
    **dict.fromkeys((76, 209), 503),
}
"""The engine's code -> status of the answer, as ClickHouse's server chooses it; 500 for any other."""


class Engine:
    """The open folder; every statement has a connection of its own, because a failed one leaves its rest in it."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder.resolve())
        folder.mkdir(parents=True, exist_ok=True)
        # As long as one is open, the engine stays.
        self._held = CHDB.connect(self._path)
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def run(self, request: Request) -> bytes:
        """The answer; raises RuntimeError with what the engine said."""
        with self._slots:
            connection = CHDB.connect(self._path)
            try:
                if request.database:
                    connection.query(f"USE `{request.database}`", "TabSeparated")
                for name, value in request.settings.items():
                    connection.query(f"SET {name} = {quoted(value)}", "TabSeparated")
                return self._insert(connection, request) if request.data else self._ask(connection, request)
            finally:
                connection.close()

    @staticmethod
    def _ask(connection: Any, request: Request) -> bytes:
        return bytes(connection.query(request.statement, request.fmt).bytes() or b"")

    @staticmethod
    def _insert(connection: Any, request: Request) -> bytes:
        assert request.data is not None
        with tempfile.NamedTemporaryFile(prefix="kvarn-insert-") as file:
            file.write(request.data)
            file.flush()
            target, _, fmt = request.statement.rpartition(" FORMAT ")
            connection.query(f"{target} FROM INFILE {quoted(file.name)} FORMAT {fmt}", "TabSeparated")
        return b""

    def close(self) -> None:
        """Let go of the folder."""
        self._held.close()


class _Handler(BaseHTTPRequestHandler):
    engine: Engine
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        body = self._body()
        if body is None:  # The client is gone; what it had begun is not done.
            self.close_connection = True
            return
        self._serve(body)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _chunks(self) -> bytes | None:
        found = bytearray()
        while True:
            line = self.rfile.readline().split(b";")[0].strip()
            if not line:
                return None
            length = int(line, 16)
            chunk = self.rfile.read(length)
            if len(chunk) < length or self.rfile.readline() == b"":
                return None
            if not length:
                return bytes(found)
            found += chunk

    def _serve(self, body: bytes) -> None:
        if urlsplit(self.path).path == "/ping":
            self._send(200, b"Ok.\n")
            return
        try:
            request = read_request(self.path, body, self.headers.get("Content-Encoding", ""))
            answer = self.engine.run(request) if request.statement else b"Ok.\n"
        except Unreadable as error:
            self._fail(BAD_ARGUMENTS, str(error))
        except RuntimeError as error:
            found = CODE.search(str(error))
            self._fail(int(found[1]) if found else UNKNOWN_EXCEPTION, str(error))
        else:
            self._send(200, answer, {"X-ClickHouse-Format": request.fmt} if answer else {})

    def _fail(self, code: int, what: str) -> None:
        begin = what.find("Code: ")
        self._send(STATUS.get(code, 500), what[max(begin, 0) :].encode(), {"X-ClickHouse-Exception-Code": str(code)})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        sent = {"Content-Length": str(len(body)), "X-ClickHouse-Server-Display-Name": "kvarn-bench",
                "X-ClickHouse-Timezone": "UTC", **(headers or {})}  # fmt: skip
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Statements are not logged: a bench sends thousands."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no fault of the server."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def serve(folder: Path, port: int) -> None:
    """Answer until SIGTERM or SIGINT."""
    engine = Engine(folder)
    handler = type("Handler", (_Handler,), {"engine": engine})
    with _Server(("127.0.0.1", port), handler) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
    engine.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
