"""The tables of docs/determinants.md, from schemas.quantities; the text around them is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from schemas.quantities import QUANTITIES, QUANTITY_SOURCE, QUANTITY_UNIT, TIME_ZONES, Quantity

PAGE = Path(__file__).parents[2] / "docs" / "determinants.md"
_ZONE = re.compile(r"_TZ\d$")


def determinants() -> str:
    """The page with its tables as they should be."""
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in (("quantities", _codes()), ("sources", _sources())):
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, behind = text.partition(begin)
        text = before + begin + "".join(f"{row}\n" for row in rows) + end + behind.partition(end)[2]
    return text


def _codes() -> Iterable[str]:
    units = dict(QUANTITY_UNIT)
    yield "| code | unit | derivation | source order | today |"
    yield "|---|---|---|---|---|"
    for stem, group in groupby(QUANTITIES, lambda one: _ZONE.sub("_TZn", one.code)):
        one = next(iter(group))
        code = f"`{stem}`, n = 1 to {TIME_ZONES}" if stem != one.code else f"`{one.code}`"
        yield f"| {code} | {units[one.unit]} | {_derivation(one)} | {', '.join(one.sources)} | {one.filled or '-'} |"


def _derivation(one: Quantity) -> str:
    return one.derivation.replace("zone 1", "zone n") if _ZONE.search(one.code) else one.derivation


def _sources() -> Iterable[str]:
    yield "| source | what it is |"
    yield "|---|---|"
    for name, meaning in QUANTITY_SOURCE:
        yield f"| {name} | {meaning} |"
