"""Which nodes lose most and least, among those that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from agents.losses.indices.atc import Account


class Placed(NamedTuple):
    """An account and whose it is. Only nodes of one level and period are compared."""

    node: str
    level: str
    period: str
    account: Account


@dataclass(frozen=True)
class Ranking:
    """One level and period."""

    level: str
    period: str
    highest: tuple[Placed, ...]
    """Highest loss first."""
    lowest: tuple[Placed, ...]
    """Lowest loss first; no node stands in both."""
    unknown: tuple[str, ...]
    """Nodes whose loss is not known: they have no place."""


def rankings(placed: Sequence[Placed], most: int, by: Literal["percent", "units"] = "percent") -> list[Ranking]:
    """Up to `most` nodes from each end, in the order in which levels and periods come. Ties go by name."""
    groups: dict[tuple[str, str], list[Placed]] = {}
    for item in placed:
        groups.setdefault((item.level, item.period), []).append(item)
    return [_ranking(level, period, items, most, by) for (level, period), items in groups.items()]


def _ranking(level: str, period: str, items: list[Placed], most: int, by: str) -> Ranking:
    measured: list[tuple[Fraction, str, Placed]] = []
    unknown = []
    for item in items:
        value = item.account["L" if by == "percent" else "K"].value
        if value is None:
            unknown.append(item.node)
        else:
            measured.append((-value, item.node, item))
    ordered = [item for _, _, item in sorted(measured, key=lambda found: found[:2])]
    highest = ordered[: min(most, (len(ordered) + 1) // 2)]
    lowest = ordered[len(highest) :][::-1][:most]
    return Ranking(level, period, tuple(highest), tuple(lowest), tuple(unknown))
