"""What a record of `payments` does. What all of them come to is a function of their set, so order is no matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.entries import Writing

KINDS = {"PAYMENT": "RECHARGE", "CREDIT": "CREDIT", "DEBIT": "DEBIT", "ARREARS": "ARREARS"}


def take(config: PrepaidConfig, record: Mapping[str, Any], writing: Writing) -> None:
    """Post a record of schema Payment; a copy does nothing. The account is open, or `record` opens it."""
    account, reference, kind = writing.account, record["id"], record["kind"]
    if account.knows(reference):
        return
    if kind == "CLOSE":
        writing.write("CLOSED", reference=reference, day_start=record["collected_at"], detail=_detail(record))
        return
    if kind == "REVERSAL":
        # It may come before what it takes back, which then counts for nothing.
        _post("REVERSED", record, writing, reverses=record["reverses"])
        return
    if kind == "OPEN":
        _post("OPENED", record, writing, amount=record["amount"], day_start=record["collected_at"])
        return
    part = record["amount"] * config.arrears_percent // 100 if kind == "PAYMENT" else 0
    _post(KINDS[kind], record, writing, amount=record["amount"], arrears_part=part)


def _post(kind: str, record: Mapping[str, Any], writing: Writing, **said: Any) -> None:
    """Write the difference that a record makes to what all of them come to."""
    account = writing.account
    before = account.standing()
    entry = writing.write(kind, reference=record["id"], detail=_detail(record), **said)
    after = account.standing()
    # The entry was taken without its money, which is known only with it.
    entry["paise"] = after[0] - before[0]
    entry["balance_paise"] += entry["paise"]
    entry["arrears_paise"] = after[1]
    account.balance, account.arrears = entry["balance_paise"], entry["arrears_paise"]
    account.settle_levels()


def _detail(record: Mapping[str, Any]) -> str:
    return " ".join(word for word in (record["mode"], record["reference"], record["source"]) if word)
