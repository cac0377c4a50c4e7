"""`--change`: what changes after so many days of the period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from agents.rating.engine.catalogue import load
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.splits import Part, split_by_days
from cli.tariff.given import thousandths
from pipeline.errors import ConfigError

LOADS = {"load-kw": "load_w", "load-kva": "load_va"}


def parts_of(tariff: Tariff, given: Quantities, changes: Sequence[str]) -> list[Part]:
    """The parts of a period; a change is DAYS=TARIFF, DAYS=load-kw:KW or DAYS=load-kva:KVA. Raises ConfigError."""
    if given.days is None:
        raise ConfigError("OPTION_VALUE", where="--change", what="the period has no length", do="give --days")
    after: dict[int, list[str]] = {0: []}
    for text in changes:
        days, _, what = text.partition("=")
        if not days.isascii() or not days.isdigit() or not 0 < int(days) < given.days or not what:
            raise ConfigError(
                "OPTION_VALUE", where="--change", what=f"{text!r} is not DAYS=WHAT within the period", do="write it so"
            )
        after.setdefault(int(days), []).append(what)
    cuts = [*sorted(after), given.days]
    parts: list[Part] = []
    changed: dict[str, Any] = {}
    lengths = [end - begin for begin, end in pairwise(cuts)]
    for begin, part in zip(sorted(after), split_by_days(given, lengths), strict=True):
        for what in after[begin]:
            name, sign, value = what.partition(":")
            if sign and name in LOADS:
                changed[LOADS[name]] = thousandths("--change", value)
            else:
                tariff = load(what)
        parts.append(Part(tariff, replace(part, **changed)))
    return parts
