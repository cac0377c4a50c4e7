"""All prepaid accounts: what a record of any topic writes into their ledgers, and which commands follow.

Pure: ticks say what time it is, and are when balances are judged and commands given. What it knows is what the
ledger's entries say, so a new owner reads them and goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.prepaid import payments, supply
from connectors.prepaid.account import Account
from connectors.prepaid.charges import Charge, day_settled, days_left_out, month_closed
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Entry, Source, Writing
from connectors.prepaid.supply import DeviceOf, Switch

FINAL_STATES = frozenset({"DONE", "FAILED", "EXPIRED", "REFUSED"})
"""Of a command's result."""


@dataclass
class Books:
    """`name` begins the ids of commands. `left_out`: records of accounts that are not prepaid."""

    config: PrepaidConfig
    charge: Charge
    device_of: DeviceOf
    name: str = "prepaid"
    accounts: dict[int, Account] = field(default_factory=dict)
    switches: dict[int, Switch] = field(default_factory=lambda: defaultdict(Switch))
    time: int = 0
    left_out: int = 0
    due: list[dict[str, Any]] = field(default_factory=list)
    """Records of schema Command that are to be written with the entries."""
    _watched: set[int] = field(default_factory=set)
    """Accounts that are to be judged at the next tick: something was posted, or time alone may change something."""
    _waiting: dict[str, int] = field(default_factory=dict)
    """Id of a command without a result -> its service point."""

    def restore(self, entry: Mapping[str, Any]) -> None:
        """Take over an entry that was written before; a copy does nothing. Raises ContractError for a gap."""
        account = self.accounts.setdefault(entry["account"], Account(entry["account"]))
        if entry["number"] <= account.number:
            return
        account.apply(entry)
        self.time = max(self.time, entry["at"])
        self._take(entry)
        # What was posted last may not have been judged.
        self._watched.add(account.account)

    def determinant(self, record: Mapping[str, Any], source: Source) -> list[Entry]:
        """Post a day or a month, `record` of schema Determinant."""
        account = self.accounts.get(record["account"])
        if account is None:
            self.left_out += 1
            return []
        writing = Writing(account, source, self.time)
        post = day_settled if record["kind"] == "DAY" else month_closed if record["kind"] == "MONTH" else None
        if post is not None:
            post(self.config, self.charge, record, writing)
        return self._posted(writing)

    def payment(self, record: Mapping[str, Any], source: Source) -> list[Entry]:
        """Post a record of schema Payment."""
        account = self.accounts.get(record["account"])
        if account is None:
            if record["kind"] != "OPEN":
                self.left_out += 1
                return []
            account = self.accounts[record["account"]] = Account(record["account"])
        writing = Writing(account, source, self.time)
        payments.take(self.config, record, writing)
        if writing.entries and record["kind"] in ("OPEN", "CLOSE"):
            days_left_out(self.config, self.charge, writing)
        return self._posted(writing)

    def result(self, record: Mapping[str, Any], source: Source) -> list[Entry]:
        """Take what became of a command, `record` of schema CommandResult."""
        point = self._waiting.get(record["id"])
        if point is None or record["state"] not in FINAL_STATES:
            return []
        switch = self.switches[point]
        writing = Writing(self.accounts[switch.account], source, self.time)
        supply.result(record, switch, point, writing)
        for entry in writing.entries:
            self._take(entry)
        return self._posted(writing)

    def tick(self, time: int, source: Source) -> list[Entry]:
        """Go on to a time, and do what is due then."""
        if time <= self.time:
            return []
        self.time = time
        entries: list[Entry] = []
        for number in sorted(self._watched):
            entries += self._judged(Writing(self.accounts[number], source, time))
        return entries

    def commands(self) -> list[dict[str, Any]]:
        """Commands that have become due since the last call."""
        due, self.due = self.due, []
        return due

    def _posted(self, writing: Writing) -> list[Entry]:
        """Warnings and commands wait for the next tick: between ticks nobody knows how late it is."""
        if writing.entries:
            self._watched.add(writing.account.account)
        return writing.entries

    def _judged(self, writing: Writing) -> list[Entry]:
        """What is due at the time of a tick."""
        account = writing.account
        supply.levels(self.config, writing)
        self.due += supply.commands(self.config, self.switches, self.device_of, writing, self.name)
        for entry in writing.entries:
            self._take(entry, applied=True)
        switches = [self.switches[point] for point in account.points() if point in self.switches]
        if account.low_since is None and all(switch.closed is True and not switch.command for switch in switches):
            self._watched.discard(account.account)
        return writing.entries

    def _take(self, entry: Mapping[str, Any], applied: bool = False) -> None:
        """Know commands and switches that an entry names; `applied`: its switch has taken it."""
        point = entry["service_point"]
        if entry["kind"] in supply.COMMANDS:
            self._waiting[entry["reference"]] = point
        elif entry["kind"] in ("SWITCH_OPEN", "SWITCH_CLOSED", "COMMAND_FAILED"):
            self._waiting.pop(entry["reference"], None)
        else:
            return
        if not applied:
            self.switches[point].apply(entry, self.config)
