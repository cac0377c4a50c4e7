"""The sink's journal, an SQLite file: orders and readings, messages that wait for a confirmation, and what was said.

Messages of a block are kept, with their UUIDs and octets, in the transaction that says that the block is taken; then
they are sent. So whatever breaks in between, the same octets go out under the same UUIDs, and a message that was
confirmed is not sent again. The file is the only copy of what the receiver has said: it belongs on a disk that stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sinks.sap_mdus.journal_file import JournalFile
from sinks.sap_mdus.model import (
    ACCEPTED,
    CANCELLED,
    DEVICE_UNKNOWN,
    ENTERED,
    OPEN,
    REFUSED,
    REPLACED,
    SENT,
    WAITING,
    Message,
    Order,
)
from sinks.sap_mdus.readings import Place, Reading

LONGEST_PAUSE_SECS = 3600
MOST_DOUBLED = 12
"""Times that a pause is doubled, at most."""
FORGET_SECS = 30 * 86_400
"""To look through all readings takes a while with millions of them."""


class Journal(JournalFile):
    """What is in the file. Use: `open()`; changes within `transaction()`."""

    # ------------------------------------------------------------------------------------------ blocks

    def has(self, topic: str, token: str) -> bool:
        """Whether this block is the last one that was taken of its topic."""
        return (
            self.db.execute("SELECT 1 FROM blocks WHERE (topic, token) = (?, ?)", (topic, token)).fetchone() is not None
        )

    def begin(self, topic: str, token: str) -> None:
        """Take a block: those before it in its topic are committed, so what was confirmed of them can go."""
        self.db.execute(
            "DELETE FROM messages WHERE topic = ? AND block != ? AND state IN (?, ?)",
            (topic, token, ACCEPTED, REPLACED),
        )
        self.db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?)", (topic, token))

    def forget(self, before: int) -> None:
        """Drop readings, and orders of them that are done, from before a time (epoch seconds UTC); now and then."""
        row = self.db.execute("SELECT value FROM about WHERE name = 'forgotten'").fetchone()
        if row is not None and before - int(row[0]) < FORGET_SECS:
            return
        self.db.execute("INSERT OR REPLACE INTO about VALUES ('forgotten', ?)", (str(before),))
        self.db.execute("DELETE FROM readings WHERE time < ?", (before,))
        self.db.execute("DELETE FROM orders WHERE time < ? AND (own OR state != ?)", (before, OPEN))

    # ------------------------------------------------------------------------------------------ readings and orders

    def keep(self, reading: Reading) -> bool:
        """Keep the newest revision of a reading; False when there is one as new already."""
        place = reading.place
        row = (*_key(place), reading.revision, reading.wh, reading.type_code, reading.name)
        done = self.db.execute(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "revision = excluded.revision, wh = excluded.wh, type_code = excluded.type_code, name = excluded.name "
            "WHERE excluded.revision > readings.revision",
            row,
        )
        return done.rowcount > 0

    def reading(self, place: Place) -> Reading | None:
        """The reading at a place, if there was one."""
        row = self.db.execute(
            "SELECT revision, wh, type_code, name FROM readings "
            "WHERE (service_point, channel, time, edge) = (?, ?, ?, ?)",
            _key(place),
        ).fetchone()
        return None if row is None else Reading(place, *row)

    def put_order(self, order: Order) -> None:
        """Keep an order, in place of one with its id."""
        row = (order.id, *_key(order.place), int(order.own), *order[3:])
        self.db.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def order(self, id: str) -> Order | None:
        """The order of an id, if there is one."""
        return _order(self.db.execute("SELECT * FROM orders WHERE id = ?", (id,)).fetchone())

    def orders_at(self, place: Place) -> list[Order]:
        """The orders of a reading, by their ids."""
        rows = self.db.execute(
            "SELECT * FROM orders WHERE (service_point, channel, time, edge) = (?, ?, ?, ?) ORDER BY id", _key(place)
        )
        return [order for row in rows if (order := _order(row)) is not None]

    def orders_for(self, reasons: Collection[str]) -> list[Order]:
        """Orders with one of these reasons that nobody has taken back, by their ids."""
        rows = self.db.execute(
            "SELECT * FROM orders WHERE reason IN (SELECT value FROM json_each(?)) AND NOT own AND state != ? "
            "ORDER BY id",
            (json.dumps(sorted(reasons)), CANCELLED),
        ).fetchall()
        return [order for row in rows if (order := _order(row)) is not None]

    def case(self, order: Order, reading: Reading, now: str) -> None:
        """A billed reading has changed: somebody must decide on a new bill."""
        last = self.db.execute(
            "SELECT now FROM cases WHERE order_id = ? ORDER BY revision DESC LIMIT 1", (order.id,)
        ).fetchone()
        if last == (now,):
            return
        row = (order.id, reading.revision, order.shown, now, reading.name)
        self.db.execute("INSERT OR IGNORE INTO cases VALUES (?, ?, ?, ?, ?)", row)

    # ------------------------------------------------------------------------------------------ messages

    def put(
        self, topic: str, token: str, message: Message, state: str = WAITING, code: str = "", note: str = ""
    ) -> None:
        """Keep a message, unless one of its UUID is there that waits or was accepted."""
        if state == WAITING:
            # Of an order that was taken back and made again: what was not accepted then goes out now.
            self.db.execute(
                "DELETE FROM messages WHERE uuid = ? AND state IN (?, ?)", (message.uuid, REPLACED, REFUSED)
            )
        self.db.execute(
            "INSERT OR IGNORE INTO messages (uuid, topic, block, service, created, body, order_id, shown, state, sent, "
            "sent_at, again, code, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?)",
            (message.uuid, topic, token, message.service, message.created, message.body, message.order_id,
             message.shown, state, code, note),
        )  # fmt: skip

    def under_way(self, order_id: str) -> str:
        """UUID of the last message of an order whose outcome is not known though it may have been sent; or empty."""
        row = self.db.execute(
            "SELECT uuid FROM messages WHERE order_id != '' AND order_id = ? AND state IN (?, ?) AND sent > 0 "
            "ORDER BY number DESC LIMIT 1",
            (order_id, WAITING, SENT),
        ).fetchone()
        return "" if row is None else str(row[0])

    def replace(self, order_id: str) -> None:
        """Leave away what was to be sent of an order and never was."""
        self.db.execute(
            "UPDATE messages SET state = ? WHERE order_id != '' AND order_id = ? AND state = ? AND sent = 0",
            (REPLACED, order_id, WAITING),
        )

    def waiting(self, limit: int, now: float = float("inf"), pause: float = 0.0) -> list[Message]:
        """The first messages that are to be sent by now, in the order in which they were made; all of one service.

        pause: seconds after which one that the receiver wanted later is sent again, doubled each time.
        """
        rows = self.db.execute(
            "SELECT uuid, service, created, body, order_id, shown, again FROM messages WHERE state = ? "
            "AND length(body) > 0 AND (again = 0 OR sent_at + min(?, ? * (1 << min(again - 1, ?))) <= ?) "
            "ORDER BY number LIMIT ?", (WAITING, LONGEST_PAUSE_SECS, pause, MOST_DOUBLED, now, limit),
        ).fetchall()  # fmt: skip
        found = [Message(*row) for row in rows]
        return [message for message in found if message.service == found[0].service]

    def sending(self, messages: Sequence[Message], now: int) -> None:
        """They are about to be sent: from now on the receiver may have them. now: epoch seconds UTC."""
        rows = [(now, one.uuid) for one in messages]
        self.db.executemany("UPDATE messages SET sent = sent + 1, sent_at = ? WHERE uuid = ?", rows)

    def unsettled(self, uuid: str) -> Message | None:
        """The message of a UUID, if it has no outcome yet."""
        row = self.db.execute(
            "SELECT uuid, service, created, body, order_id, shown, again FROM messages "
            "WHERE uuid = ? AND state IN (?, ?)",
            (uuid, WAITING, SENT),
        ).fetchone()
        return None if row is None else Message(*row)

    def overdue(self, before: int) -> None:
        """What was sent before a time and never confirmed waits again."""
        self.db.execute("UPDATE messages SET state = ? WHERE state = ? AND sent_at < ?", (WAITING, SENT, before))

    def settle(self, message: Message, state: str, code: str = "", note: str = "") -> None:
        """What became of a message. An accepted result changes its order."""
        self.db.execute(
            "UPDATE messages SET state = ?, code = ?, note = ? WHERE uuid = ?", (state, code, note, message.uuid)
        )
        if state == ACCEPTED and message.order_id:
            self.db.execute(
                "UPDATE orders SET state = CASE state WHEN ? THEN ? ELSE state END, uuid = ?, shown = ? WHERE id = ?",
                (OPEN, ENTERED, message.uuid, message.shown, message.order_id),
            )

    def unsaid(self) -> list[tuple[str, str, Message]]:
        """(topic, block, message) of those that wait to be made: there was no device that they could name."""
        rows = self.db.execute(
            "SELECT topic, block, uuid, service, created, body, order_id, shown, again FROM messages "
            "WHERE state = ? AND length(body) = 0 ORDER BY number", (WAITING,),
        ).fetchall()  # fmt: skip
        return [(topic, block, Message(*row)) for topic, block, *row in rows]

    def has_refused(self, uuid: str) -> bool:
        """Whether a message was refused, and nobody has let it wait again."""
        row = self.db.execute("SELECT 1 FROM messages WHERE uuid = ? AND state = ?", (uuid, REFUSED)).fetchone()
        return row is not None

    def drop(self, uuid: str) -> None:
        """Forget a message."""
        self.db.execute("DELETE FROM messages WHERE uuid = ?", (uuid,))

    def later(self, message: Message, code: str, note: str) -> None:
        """The receiver wants it later."""
        self.db.execute(
            "UPDATE messages SET state = ?, again = again + 1, code = ?, note = ? WHERE uuid = ?",
            (WAITING, code, note, message.uuid),
        )

    def set_state(self, order_id: str, state: str) -> None:
        """An order has come into a state."""
        self.db.execute("UPDATE orders SET state = ? WHERE id = ?", (state, order_id))

    # ------------------------------------------------------------------------------------------ for people

    def refused(self) -> list[dict[str, Any]]:
        """Refused messages, with why."""
        names = ("uuid", "message", "order", "code", "note")
        rows = self.db.execute(
            "SELECT uuid, service, order_id, code, note FROM messages WHERE state = ? ORDER BY number", (REFUSED,)
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def cases(self) -> list[dict[str, Any]]:
        """Billed readings that have changed: what was billed, and what it is now; each value with its type."""
        names = ("order", "revision", "billed", "now", "record")
        rows = self.db.execute("SELECT order_id, revision, billed, now, name FROM cases ORDER BY order_id, revision")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def body(self, uuid: str) -> bytes | None:
        """The octets of a message that is still here."""
        row = self.db.execute("SELECT body FROM messages WHERE uuid = ?", (uuid,)).fetchone()
        return None if row is None else bytes(row[0])

    def resend(self, uuid: str) -> bool:
        """Let a refused message wait again; False: there is none, or its order has gone on without it.

        A reading whose device was not known has no octets yet: it is made anew.
        """
        row = self.db.execute(
            "SELECT number, order_id, body FROM messages WHERE uuid = ? AND state = ? "
            "AND (length(body) > 0 OR code = ?)",
            (uuid, REFUSED, DEVICE_UNKNOWN),
        ).fetchone()
        if row is None:
            return False
        number, order_id, body = row
        order = self.order(order_id) if order_id else None
        if order is None and not body:
            return False
        if order is not None:
            newer = self.db.execute(
                "SELECT 1 FROM messages WHERE order_id != '' AND order_id = ? AND number > ?", (order_id, number)
            )
            fits = order.state == OPEN or (order.state == ENTERED and (not body or order.uuid.encode() in body))
            if not fits or newer.fetchone() is not None:
                return False
        self.db.execute("UPDATE messages SET state = ?, again = 0 WHERE uuid = ?", (WAITING, uuid))
        return True

    def counts(self) -> dict[str, int]:
        """Messages and orders by state, and cases, for a page or a person."""
        found = {f"messages_{state.lower()}": count for state, count in
                 self.db.execute("SELECT state, count(*) FROM messages GROUP BY state")}  # fmt: skip
        found |= {f"orders_{state.lower()}": count for state, count in
                  self.db.execute("SELECT state, count(*) FROM orders GROUP BY state")}  # fmt: skip
        ((found["cases"],),) = self.db.execute("SELECT count(*) FROM cases")
        return found


def _key(place: Place) -> tuple[int, str, int, str]:
    return place.service_point, place.channel, place.time, place.edge


def _order(row: tuple[object, ...] | None) -> Order | None:
    if row is None:
        return None
    return Order(str(row[0]), Place(*row[1:5]), bool(row[5]), *map(str, row[6:]))  # type: ignore[arg-type]
