"""What days and months are charged: always the difference between what the newest figures come to and what is posted.

So a month's entries sum to what its days come to, in whatever order and how often they come, and to its bill once that
is final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.prepaid.account import Account, Day, Month
from connectors.prepaid.calendar import days_in_month, month_of
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Writing

Charge = Callable[[int, int, Sequence[Day]], tuple[int | None, str]]
"""(service point, begin of the month, its days in order) -> what they come to [paise], or None and why not."""


def day_settled(config: PrepaidConfig, charge: Charge, record: Mapping[str, Any], writing: Writing) -> None:
    """Post what a determinant of a day changes; `record` of schema Determinant."""
    account, start, revision = writing.account, record["period_start"], record["revision"]
    if not account.counts(start):
        return
    point, month_start = record["service_point"], month_of(config, start)
    month = account.months.get((point, month_start), Month())
    before = month.days.get(start)
    if month.shut:
        return
    if before is not None and before.revision >= revision:
        return
    day = Day(
        revision, record["tariff"] or "", record["wh_imp"], record["wh_exp"], record["vah_imp"],
        tuple((zone["zone"], zone["wh"]) for zone in record["zones"]),
    )  # fmt: skip
    target, why = target_of(config, charge, account, (point, month_start), {**month.days, start: day})
    kind = "UNRATED" if target is None else "DEDUCTION" if before is None else "ADJUSTMENT"
    due = month.charged if target is None else target
    writing.write(
        kind, month.charged - due, service_point=point, month_start=month_start, day_start=start, revision=revision,
        tariff=day.tariff, wh=day.wh, wh_exp=day.wh_exp, vah=day.vah,
        zones=[{"zone": zone, "wh": wh} for zone, wh in day.zones], month_paise=due, detail=why,
    )  # fmt: skip


def month_closed(config: PrepaidConfig, charge: Charge, record: Mapping[str, Any], writing: Writing) -> None:
    """Post what a month's final determinant adds to its days."""
    account, month_start = writing.account, record["period_start"]
    if record["state"] != "FINAL" or record["total_paise"] is None:
        return
    key = (record["service_point"], month_start)
    month = account.months.get(key, Month())
    if month.bill_revision >= record["revision"] or not account.reaches(month_start, record["period_end"]):
        return
    bill = record["total_paise"]
    whole = month.shut or is_whole(config, account, month_start, month.days)
    due = bill if whole else month.charged
    writing.write(
        "RECONCILED", month.charged - due, service_point=key[0], month_start=month_start, revision=record["revision"],
        amount=bill, month_paise=due, detail="" if whole else "not all days of the month are the account's",
    )  # fmt: skip


def days_left_out(config: PrepaidConfig, charge: Charge, writing: Writing) -> None:
    """Give back what was deducted for days that the account does not have any more, and deduct those it has again."""
    account = writing.account
    for key, month in sorted(account.months.items()):
        if month.shut or not month.days:
            continue
        target, why = target_of(config, charge, account, key, month.days)
        if target is not None and target != month.charged:
            writing.write(
                "ADJUSTMENT", month.charged - target, service_point=key[0], month_start=key[1], month_paise=target,
                detail=why or f"days that the account has {'no more' if target < month.charged else 'again'}",
            )  # fmt: skip


def is_whole(config: PrepaidConfig, account: Account, month_start: int, days: Mapping[int, Day]) -> bool:
    """Whether all days of a month are settled and the account's, so that the month's bill is its own."""
    counted = sum(account.counts(start) for start in days)
    return counted == days_in_month(config, month_start)


def target_of(
    config: PrepaidConfig, charge: Charge, account: Account, key: tuple[int, int], days: Mapping[int, Day]
) -> tuple[int | None, str]:
    """What a month should be charged [paise]: its bill, or what its days come to; None and why when nobody knows."""
    point, month_start = key
    month = account.months.get(key)
    if month is not None and month.bill is not None and is_whole(config, account, month_start, days):
        return month.bill, ""
    counted = [day for start, day in sorted(days.items()) if account.counts(start)]
    return charge(point, month_start, counted) if counted else (0, "")
