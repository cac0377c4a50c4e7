"""Tables of the journal; orders and messages with their states."""

from __future__ import annotations

from typing import NamedTuple

from sinks.sap_mdus.readings import Place

TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (topic TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS readings (
    service_point INTEGER, channel TEXT, time INTEGER, edge TEXT, revision INTEGER NOT NULL, wh INTEGER,
    type_code TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (service_point, channel, time, edge)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, service_point INTEGER NOT NULL, channel TEXT NOT NULL, time INTEGER NOT NULL,
    edge TEXT NOT NULL, own INTEGER NOT NULL, reason TEXT NOT NULL, device_id TEXT NOT NULL, task TEXT NOT NULL,
    state TEXT NOT NULL, uuid TEXT NOT NULL, shown TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_by_place ON orders (service_point, channel, time, edge);
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY, uuid TEXT UNIQUE NOT NULL, topic TEXT NOT NULL, block TEXT NOT NULL,
    service TEXT NOT NULL, created INTEGER NOT NULL, body BLOB NOT NULL, order_id TEXT NOT NULL, shown TEXT NOT NULL,
    state TEXT NOT NULL, sent INTEGER NOT NULL, sent_at INTEGER NOT NULL, again INTEGER NOT NULL, code TEXT NOT NULL,
    note TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_state ON messages (state, number);
CREATE INDEX IF NOT EXISTS messages_by_order ON messages (order_id, state) WHERE order_id != '';
CREATE TABLE IF NOT EXISTS cases (
    order_id TEXT, revision INTEGER, billed TEXT NOT NULL, now TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (order_id, revision)) WITHOUT ROWID;
"""

OPEN, ENTERED, BILLED, CANCELLED = "OPEN", "ENTERED", "BILLED", "CANCELLED"
"""States of an order."""
WAITING, SENT, ACCEPTED, REFUSED, REPLACED = "WAITING", "SENT", "ACCEPTED", "REFUSED", "REPLACED"
"""States of a message. SENT: the receiver has it, and will say later what becomes of it."""
DEVICE_UNKNOWN = "DEVICE_UNKNOWN"
"""Code of a reading that names no device: the registry has none at its service point then."""


class Order(NamedTuple):
    """An order and what is known of it. `own`: nobody ordered it, the reading itself made it; `shown`: what was last
    accepted, value and type; `uuid`: of the message that said so."""

    id: str
    place: Place
    own: bool
    reason: str
    device_id: str
    task: str
    state: str = OPEN
    uuid: str = ""
    shown: str = ""


class Message(NamedTuple):
    """A message that is kept until it is confirmed. `order_id`, `shown`: of results alone."""

    uuid: str
    service: str
    created: int
    body: bytes
    order_id: str = ""
    shown: str = ""
    again: int = 0
