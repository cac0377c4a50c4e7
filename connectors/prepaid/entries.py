"""Entries of a ledger as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connectors.prepaid.account import Account

Entry = dict[str, Any]
"""A record of schema LedgerEntry."""

NOTHING: Mapping[str, Any] = {
    "amount": 0, "arrears_part": 0, "reference": "", "reverses": "", "service_point": 0, "device": "",
    "month_start": None, "day_start": None, "revision": None, "tariff": "", "wh": 0, "wh_exp": 0, "vah": 0,
    "zones": [], "month_paise": None, "threshold": None, "expires": None, "detail": "",
}  # fmt: skip
"""What an entry has where its kind says nothing."""


class Source(NamedTuple):
    """The record that entries come from."""

    topic: str
    partition: int
    offset: int


@dataclass
class Writing:
    """Entries of one account that a record gives rise to, taken by the account as they are written."""

    account: Account
    source: Source
    at: int
    entries: list[Entry] = field(default_factory=list)

    def write(self, kind: str, paise: int = 0, arrears: int | None = None, **said: Any) -> Entry:
        """One entry: `paise` are added to the balance, `arrears` is what is owed after it if that changes."""
        entry = {
            **NOTHING, **said,
            "account": self.account.account, "number": self.account.number + 1, "kind": kind, "paise": paise,
            "balance_paise": self.account.balance + paise,
            "arrears_paise": self.account.arrears if arrears is None else arrears, "at": self.at,
            "from_topic": self.source.topic, "from_partition": self.source.partition,
            "from_offset": self.source.offset,
        }  # fmt: skip
        self.account.apply(entry)
        self.entries.append(entry)
        return entry
