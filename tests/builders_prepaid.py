"""Records that prepaid accounts are made of, and books over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.prepaid.account import Day
from connectors.prepaid.books import Books
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Entry, Source
from tests.oracles.ledger_oracle import slab_bill

DAY, HOUR = 86_400, 3_600
JANUARY = 1_767_205_800
"""2026-01-01 00:00 in Asia/Kolkata, a Thursday, epoch seconds UTC."""
LENGTH = 31
FEBRUARY = JANUARY + LENGTH * DAY
ACCOUNT, POINT = 900, 7
DEVICE = "4B564E0000000007"


def charge(_point: int, _month_start: int, days: Sequence[Day]) -> tuple[int | None, str]:
    """The oracle's tariff; a day without a tariff cannot be rated."""
    if not days[-1].tariff:
        return None, "the service point has no tariff"
    return int(slab_bill(sum(day.wh for day in days), len(days), LENGTH) * 100), ""


def books(config: PrepaidConfig | None = None, devices: Mapping[int, str] | None = None) -> Books:
    """Books whose meters stand at POINT, unless said otherwise."""
    known = {POINT: DEVICE} if devices is None else devices
    return Books(config or PrepaidConfig(), charge, lambda point, _: known.get(point, ""))


def payment(name: str, kind: str = "PAYMENT", amount: int = 0, **said: Any) -> dict[str, Any]:
    """A record of schema Payment."""
    return {
        "id": name, "account": ACCOUNT, "kind": kind, "amount": amount, "reverses": "", "mode": "UPI",
        "reference": "", "collected_at": JANUARY, "booked_at": None, "source": "vending",
    } | said  # fmt: skip


def day(number: int, wh: int, revision: int = 1, **said: Any) -> dict[str, Any]:
    """What the ledger reads of a determinant of a day, 0 the first of January."""
    start = JANUARY + number * DAY
    return {
        "account": ACCOUNT, "service_point": POINT, "kind": "DAY", "period_start": start, "period_end": start + DAY,
        "revision": revision, "state": "PROVISIONAL", "wh_imp": wh, "wh_exp": 0, "vah_imp": wh, "zones": [],
        "tariff": "msedcl-lt1b-2020", "total_paise": None,
    } | said  # fmt: skip


def month(total_paise: int, revision: int = 1, **said: Any) -> dict[str, Any]:
    """The same of the month of January."""
    return day(0, 0, revision, kind="MONTH", period_end=FEBRUARY, state="FINAL", total_paise=total_paise) | said


def tell(book: Books, records: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Entries that records give rise to, in their order; ticks are {"tick": time}."""
    entries: list[Entry] = []
    for offset, record in enumerate(records):
        source = Source("test", 0, offset)
        if "tick" in record:
            entries += book.tick(record["tick"], source)
        elif "mode" in record:
            entries += book.payment(record, source)
        elif "state" in record and "values" in record:
            entries += book.result(record, source)
        else:
            entries += book.determinant(record, source)
    return entries


def answer(command: Mapping[str, Any], state: str = "DONE", switch: str | None = None, **said: Any) -> dict[str, Any]:
    """A record of schema CommandResult that answers a command."""
    name = "70:0.0.96.3.10.255:2" if command["kind"] == "read_registers" else "load_switch"
    values = [] if switch is None else [{"name": name, "value": switch, "unit": ""}]
    return {
        "id": command["id"], "device": command["device"], "kind": command["kind"], "state": state, "code": "",
        "reason": "", "values": values, "at": command["issued"] + 5, "source": "head-end",
    } | said  # fmt: skip
