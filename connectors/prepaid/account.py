"""What the entries of an account's ledger add up to. The same entries give the same account."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import ContractError
from pipeline.localtime import DAY_SECS

DAYS = frozenset({"DEDUCTION", "ADJUSTMENT", "UNRATED"})
LEAST_DAYS = 28
"""Of a month: with fewer its bill is not the account's."""
SHUT_SECS = 70 * DAY_SECS
"""From the begin of a month to the begin of the one in which its days are let go: the third behind it."""
FOR = {"RECHARGE": 1, "OPENED": 1, "CREDIT": 1, "DEBIT": -1, "ARREARS": 0}
"""Kinds of entries that a record of `payments` gives rise to, with the sign of their amount."""


@dataclass(frozen=True, slots=True)
class Day:
    """A settled day of a service point as its newest determinant has it."""

    revision: int
    tariff: str
    wh: int
    wh_exp: int
    vah: int
    zones: tuple[tuple[str, int], ...]


@dataclass
class Month:
    """A service point's month: its days by their begin, what is charged for it, and its bill once that is final."""

    days: dict[int, Day] = field(default_factory=dict)
    charged: int = 0
    bill: int | None = None
    bill_revision: int = 0
    shut: bool = False
    """Its bill is paid, and it lies some months back: from then on it is charged by its bill alone, and has no days."""


@dataclass(frozen=True)
class Paid:
    """A record of `payments`: what it adds to the balance, what of it arrears may take, and what it adds to these."""

    amount: int
    part: int
    owed: int


@dataclass
class Account:
    """A prepaid account; money in paise, times epoch seconds UTC."""

    account: int
    number: int = 0
    balance: int = 0
    arrears: int = 0
    spans: list[tuple[int, int | None]] = field(default_factory=list)
    """From when to when it is prepaid; None: it still is."""
    paid: dict[str, Paid] = field(default_factory=dict)
    reversals: dict[str, str] = field(default_factory=dict)
    """Id of a reversal -> id of what it takes back."""
    closings: set[str] = field(default_factory=set)
    months: dict[tuple[int, int], Month] = field(default_factory=dict)
    """By service point and begin."""
    warned: set[int] = field(default_factory=set)
    emergency: int | None = None
    """Balance from which the emergency credit is paid back, while it is used."""
    low_since: int | None = None

    def counts(self, day_start: int) -> bool:
        """Whether a day is charged to the account: it begins while the account is prepaid."""
        return any(begin <= day_start and (end is None or day_start < end) for begin, end in self.spans)

    def reaches(self, start: int, end: int) -> bool:
        """Whether it is prepaid at some time of a period."""
        return any(begin < end and (until is None or until > start) for begin, until in self.spans)

    @property
    def is_open(self) -> bool:
        """Whether it is prepaid now."""
        return bool(self.spans) and self.spans[-1][1] is None

    def knows(self, reference: str) -> bool:
        """Whether a record of `payments` has been taken."""
        return reference in self.paid or reference in self.reversals or reference in self.closings

    def points(self) -> list[int]:
        """Service points of its newest month, which its commands go to."""
        last = max((month for _, month in self.months), default=0)
        return sorted({point for point, month in self.months if month == last})

    def standing(self) -> tuple[int, int]:
        """(balance, arrears) that payments alone make: a function of the set of them, not of their order."""
        back = set(self.reversals.values())
        held = [paid for reference, paid in self.paid.items() if reference not in back]
        owed = sum(paid.owed for paid in held)
        taken = min(owed, sum(paid.part for paid in held))
        return sum(paid.amount for paid in held) - taken, owed - taken

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Go on by one entry; raises ContractError for one that is not the next."""
        if entry["number"] != self.number + 1:
            raise ContractError(
                "LEDGER_GAP", where=f"account {self.account}", what=f"{entry['number']} follows {self.number}",
                do="look who else writes the ledger: entries are written by one connector alone",
            )  # fmt: skip
        kind = entry["kind"]
        self.number = entry["number"]
        self.balance, self.arrears = entry["balance_paise"], entry["arrears_paise"]
        if kind in FOR:
            owed = entry["amount"] if kind == "ARREARS" else 0
            self.paid[entry["reference"]] = Paid(FOR[kind] * entry["amount"], entry["arrears_part"], owed)
        elif kind == "REVERSED":
            self.reversals[entry["reference"]] = entry["reverses"]
        elif kind in DAYS and entry["revision"] is not None:
            self._month(entry).days[entry["day_start"]] = Day(
                entry["revision"], sys.intern(entry["tariff"]), entry["wh"], entry["wh_exp"], entry["vah"],
                tuple((zone["zone"], zone["wh"]) for zone in entry["zones"]),
            )  # fmt: skip
        elif kind == "RECONCILED":
            month = self._month(entry)
            month.bill, month.bill_revision = entry["amount"], entry["revision"]
        if kind in DAYS or kind == "RECONCILED":
            self._month(entry).charged -= entry["paise"]
            self._shut_before(entry["month_start"])
        self._supply(kind, entry)
        self.settle_levels()

    def settle_levels(self) -> None:
        """Forget the warnings, and the emergency credit, that the balance has risen above."""
        self.warned = {level for level in self.warned if self.balance < level}
        if self.emergency is not None and self.balance >= self.emergency:
            self.emergency = None

    def _shut_before(self, month_start: int) -> None:
        """Let go of the days of months that are paid and lie SHUT_SECS before: they would be most of the memory."""
        for (_, start), month in self.months.items():
            paid = month.bill is not None and month.charged == month.bill and len(month.days) >= LEAST_DAYS
            if paid and start + SHUT_SECS < month_start:
                month.shut = True
                month.days.clear()

    def _supply(self, kind: str, entry: Mapping[str, Any]) -> None:
        if kind == "OPENED":
            if not self.is_open:
                self.spans.append((entry["day_start"], None))
        elif kind == "CLOSED":
            if self.is_open:
                self.spans[-1] = (self.spans[-1][0], entry["day_start"])
            self.closings.add(entry["reference"])
        elif kind == "WARNED":
            self.warned.add(entry["threshold"])
        elif kind == "EMERGENCY":
            self.emergency = entry["threshold"]
        elif kind == "LOW":
            self.low_since = entry["at"]
        elif kind == "RESTORED":
            self.low_since = None

    def _month(self, entry: Mapping[str, Any]) -> Month:
        return self.months.setdefault((entry["service_point"], entry["month_start"]), Month())
