"""The page of what running processes say of themselves: the status page of connectors, and lines of the log."""

from __future__ import annotations

from collections.abc import Iterable

from cli.reference.markdown import code, page, table
from connectors.status_fields import EVERY, OWN, StatusField

INTRODUCTION = """
`kvarn connect NAME --status-port PORT` serves one JSON object at `http://127.0.0.1:PORT/status`, on this machine only.
Counts are since the start of the process where nothing else is said, and a process that starts again begins at 0: what
must not be lost is in the topics. Types `ticker`, `cold` and `prepaid` take no frames and have no such page.
"""

LOGS = """
Workers, sinks and the connectors without a page have no counts of their own to ask for. They write lines on standard
error, in JSON where it is no terminal (`--log-format`). How far they are behind is asked of Kafka: the lag of their
consumer groups. What they have written is in the [warehouse](warehouse.md); whether everything is there and in time,
`kvarn hygiene` says ([hygiene](../hygiene.md)).
"""

LINES = (
    ("worker", "joined, restored, ready", "partitions it has, the offset that its state is of, seconds that took"),
    ("worker", "poison, record on trial, record tried", "a record at which a step failed or the process died"),
    ("worker", "died before", "records at which it died, with how often"),
    ("worker", "stopped", "it has saved what it applied"),
    ("sink", "partition taken, partition given back", "with the offset that it goes on at"),
    ("sink", "warehouse away", "the error, and when it tries again"),
    ("sink", "block written", "at log level `debug`: topic, records, rows, seconds"),
    ("cold", "cold requests answered", "with each commit: requests, answers, rounds, failed tries"),
    ("cold", "requests wait", "warehouse or broker are away"),
    ("prepaid", "prepaid accounts", "at the start: how many accounts the ledger has"),
    ("connectors", "readers are behind, readers have caught up", "nothing is read from meters meanwhile"),
)


def status() -> str:
    """docs/reference/status.md"""
    return page(
        "What processes say of themselves",
        INTRODUCTION,
        "## Every connector",
        _fields(EVERY),
        *(part for name, fields in OWN.items() for part in (f"## {name}", _fields(fields))),
        "## In the log",
        LOGS,
        table(("who", "line", "says"), LINES),
    )


def _fields(fields: Iterable[StatusField]) -> str:
    return table(("field", "of", "meaning"), ((code(one.name), one.unit, one.meaning) for one in fields))
