"""Answer questions of other processes about a warehouse folder that this one has open.

The smallest part of ClickHouse's HTTP interface that its clients need: GET or POST a statement, get the answer in the
format it names. On the loopback address, for who can read the password in the file beside the folder, reading only,
with limits of time, rows, bytes and memory. Inserts of the owner go on meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

from pipeline.errors import ConfigError, KvarnError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Address, open_here

USER = "kvarn"
MAX_STATEMENT = 1 << 20
"""Bytes of a statement."""

AT_ONCE = 4
"""Statements answered at the same time; the others wait."""

DENIED = 516  # AUTHENTICATION_FAILED in ClickHouse's ErrorCodes
READONLY = 164
UNKNOWN = 1002

log = structlog.get_logger()


class QueryServer:
    """Answers from `start` to `stop`, on threads of its own. The folder must be open in this process."""

    def __init__(self, config: ClickHouseConfig) -> None:
        self.config = config
        self._password = secrets.token_urlsafe(24)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Address:
        """Listen on a free port of the loopback address, and write where beside the folder."""
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        address = Address(f"http://127.0.0.1:{self._http.server_address[1]}", USER, self._password, os.getpid())
        self._write(address)
        self._thread = threading.Thread(target=self._http.serve_forever, name="warehouse-queries", daemon=True)
        self._thread.start()
        return address

    def stop(self) -> None:
        """End listening and remove the address."""
        if self._http is not None:
            Address.file(self.config.folder).unlink(missing_ok=True)
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def _write(self, address: Address) -> None:
        path = Address.file(self.config.folder)
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(0o600, exist_ok=False)
        fresh.write_text(json.dumps(vars(address)), encoding="utf-8")
        fresh.replace(path)

    def admits(self, headers: Any) -> bool:
        """Whether a request names the user and password."""
        user, password = headers.get("X-ClickHouse-User", ""), headers.get("X-ClickHouse-Key", "")
        kind, _, encoded = headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
        return hmac.compare_digest(f"{user}:{password}".encode(), f"{USER}:{self._password}".encode())

    def answer(self, statement: str, fmt: str | None) -> bytes:
        """The answer of one statement, on a connection of its own: a failed query leaves its rest in a connection."""
        with self._slots:
            reader = open_here(self.config)
            try:
                return reader.ask(statement, fmt)
            finally:
                reader.close()


class _Handler(BaseHTTPRequestHandler):
    owner: QueryServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_STATEMENT:
            self.close_connection = True
            self._send(413, b"the statement is too long", UNKNOWN)
            return
        self._serve(self.rfile.read(length))

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        parameters = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/ping":
            self._send(200, b"Ok.\n")
            return
        if not self.owner.admits(self.headers):
            self._send(401, b"Code: 516. user or password is wrong", DENIED)
            return
        statement = "\n".join(part for part in (parameters.get("query", ""), body.decode("utf-8", "replace")) if part)
        try:
            answer = self.owner.answer(statement, parameters.get("default_format"))
        except KvarnError as error:
            self._send(400 if isinstance(error, ConfigError) else 500, error.what.encode(), _engine_code(error))
        else:
            self._send(200, answer)

    def _send(self, status: int, body: bytes, code: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("X-ClickHouse-Server-Display-Name", "kvarn")
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("query", request=format % args)


def _engine_code(error: KvarnError) -> int:
    """The engine's own code of an error; a statement that was refused before it is one in a read-only session."""
    return getattr(error.__cause__, "code", None) or (READONLY if error.__cause__ is None else UNKNOWN)
