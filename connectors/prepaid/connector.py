"""Keep the ledger of prepaid accounts: one process.

A tick is taken when everything has been read, ticks too: after a standstill nobody is cut off for want of a payment
that waits in its topic, and nothing is judged by a time that is past. At the start days are read after payments, which
open accounts.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from connectors.prepaid.books import Books
from connectors.prepaid.charges import Charge
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Entry, Source
from connectors.prepaid.supply import DeviceOf
from connectors.prepaid.topics import PrepaidTopics, encoded
from pipeline.errors import Transient
from pipeline.wire import UNREADABLE, Contracts

log = structlog.get_logger()

WAIT_SECS = 0.5


@dataclass(frozen=True)
class Rates:
    """What a topology gives its prepaid connector; `refresh` looks for other tariffs and meters in force."""

    charge: Charge
    device_of: DeviceOf
    refresh: Callable[[], None]


@dataclass(frozen=True)
class Place:
    """Where it writes: the topic of the ledger."""

    name: str
    bootstrap: str
    contracts: Contracts
    ledger: str


class Keeper:
    """One run. Its methods block: they are called in a thread, one at a time."""

    def __init__(self, config: PrepaidConfig, place: Place, rates: Rates, topics: Any = None) -> None:
        self.books = Books(config, rates.charge, rates.device_of, f"kvarn-{place.name}")
        self._config, self._place, self._rates = config, place, rates
        names = (config.determinants, config.payments, config.results, config.ticks)
        self._topics = topics or PrepaidTopics(
            place.bootstrap, config.group, names,
            # A day of an account that no OPEN has been read of is left out for good.
            later={config.determinants: config.payments},
        )  # fmt: skip
        self._waiting: list[Entry] = []
        self._tick: Any = None
        self._written = 0.0
        self._silent = ""
        self._say_left_out_at = 1

    def open(self) -> None:
        """Know the ledger."""
        contracts = self._place.contracts
        self._topics.open(self._place.ledger, lambda raw: self.books.restore(contracts.decode(raw, "LedgerEntry")))

    def refresh(self) -> bool:
        """Know tariffs and meters; False while there are none to know, or nobody says them: those before stay."""
        try:
            self._rates.refresh()
        except Transient as error:
            if self._silent != error.code:
                log.warning("tariffs and registry are not read", code=error.code, what=error.what, do=error.do)
            self._silent = error.code
            return False
        self._silent = ""
        return True

    def go_on(self) -> None:
        """Read, post and write what has come."""
        for message in self._topics.read():
            if message.topic() == self._config.ticks:
                self._tick = message
            else:
                self._post(message)
                self._topics.done(message)
        # Also ticks: supply that was cut or given back at a time that is long past would be no command any more.
        if self._tick is not None and not self._topics.behind:
            self.refresh()
            self._go_to(self._tick)
            self._topics.done(self._tick)
            self._tick = None
        if time.monotonic() >= self._written + self._config.commit_secs:
            self.write()

    def write(self) -> None:
        """Write what is posted."""
        due = self.books.commands()
        contracts, ledger = self._place.contracts, self._place.ledger
        self._topics.write(encoded(contracts, ledger, self._config.commands, self._waiting, due))
        self._waiting = []
        self._written = time.monotonic()
        if self.books.left_out >= self._say_left_out_at:
            # Seldom: all days of postpaid accounts are among them.
            log.info("records of accounts that are not prepaid are left out", records=self.books.left_out)
            self._say_left_out_at = 10 * self.books.left_out

    def close(self) -> None:
        """Give the connections back."""
        self._topics.close()

    def _post(self, message: Any) -> None:
        source = _source(message)
        take, schema = {
            self._config.determinants: (self.books.determinant, "Determinant"),
            self._config.payments: (self.books.payment, "Payment"),
            self._config.results: (self.books.result, "CommandResult"),
        }[source.topic]
        record = self._decoded(message, schema)
        if record is not None:
            self._waiting += take(record, source)

    def _go_to(self, message: Any) -> None:
        record = self._decoded(message, "FrameBatch")
        if record is not None and record["tick"] is not None:
            self._waiting += self.books.tick(record["tick"]["time"], _source(message))

    def _decoded(self, message: Any, schema: str) -> dict[str, Any] | None:
        try:
            return self._place.contracts.decode(message.value() or b"", schema)
        except UNREADABLE as error:
            log.warning("a record cannot be read", **_source(message)._asdict(), schema=schema, reason=str(error)[:200])
            return None


def _source(message: Any) -> Source:
    return Source(message.topic(), message.partition(), message.offset())


async def run(config: PrepaidConfig, place: Place, rates: Rates, stop: asyncio.Event) -> None:
    """Keep the ledger until `stop`; raises Fatal when another process does."""
    keeper = Keeper(config, place, rates)
    try:
        # Nothing is posted before there are tariffs: else all days would be unrated.
        while not await asyncio.to_thread(keeper.refresh):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WAIT_SECS)
            if stop.is_set():
                return
        await asyncio.to_thread(keeper.open)
        log.info("prepaid accounts", connector=place.name, accounts=len(keeper.books.accounts), ledger=place.ledger)
        while not stop.is_set():
            await asyncio.to_thread(keeper.go_on)
        await asyncio.to_thread(keeper.write)
    finally:
        await asyncio.to_thread(keeper.close)
