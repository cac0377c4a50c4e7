"""One request of ClickHouse's HTTP interface: where the statement, its data and its settings stand in it.

Layout: ClickHouse documentation, "HTTP interface": the statement is the URL's `query` followed by the body; an INSERT
has its data behind `FORMAT name` and a line end; whatever else stands in the URL is a setting of this statement.
"""

from __future__ import annotations

import gzip
import importlib
import re
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

INSERT = re.compile(
    rb"\s*INSERT\s+INTO\s+(?P<target>[^;]+?)\s+FORMAT\s+(?P<format>\w+)[ \t]*(?:\r?\n|\Z)", re.IGNORECASE
)
FORMAT = re.compile(r"\bFORMAT\s+(\w+)[\s;]*\Z", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

OF_THE_INTERFACE = frozenset({
    "query", "database", "default_format", "user", "password", "query_id", "session_id", "session_timeout",
    "session_check", "quota_key", "role", "compress", "decompress", "buffer_size", "wait_end_of_query",
    "client_protocol_version", "enable_http_compression", "send_progress_in_http_headers",
    "http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close",
})  # fmt: skip
"""Parameters that a server itself acts on; the others are settings of the engine."""


class Unreadable(Exception):
    """The body is not what its headers say."""


@dataclass(frozen=True)
class Request:
    """A statement as it came. `data` is what an INSERT inserts, None for anything else."""

    statement: str
    data: bytes | None
    database: str
    fmt: str
    settings: dict[str, str] = field(default_factory=dict)


def read_request(path: str, body: bytes, encoding: str = "") -> Request:
    """The request of a URL's path and a body; raises Unreadable."""
    parameters = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
    query = parameters.get("query", "").encode()
    whole = b"\n".join(part for part in (query, unpacked(body, encoding)) if part)
    insert = INSERT.match(whole)
    if insert is None:
        statement, data = whole.decode("utf-8", "replace").strip(), None
    else:
        target = insert["target"].decode()
        statement, data = f"INSERT INTO {target} FORMAT {insert['format'].decode()}", whole[insert.end() :]
    named = FORMAT.search(statement)
    return Request(
        statement, data, parameters.get("database", ""),
        named[1] if named else parameters.get("default_format", "TabSeparated"),
        {name: value for name, value in parameters.items() if name not in OF_THE_INTERFACE and NAME.fullmatch(name)},
    )  # fmt: skip


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its Content-Encoding; raises Unreadable for one that this server has not."""
    try:
        if encoding in ("", "identity"):
            return body
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
        if encoding == "lz4":
            frame: Any = importlib.import_module("lz4.frame")
            return bytes(frame.decompress(body))
    except (OSError, EOFError, zlib.error, RuntimeError) as error:
        raise Unreadable(f"the body is no {encoding}") from error
    raise Unreadable(f"Content-Encoding {encoding} is not known here")


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
