"""SAIFI, SAIDI, CAIDI and MAIFI of a node (by the Indian standards of performance an 11 kV feeder) and period.

Source: IEEE 1366; state regulations on standards of performance (SoP). Interruptions restored in steps are given a step
each: the customers who came back with it, and how long they were without.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

MINUTE = 60


class Kind(StrEnum):
    """Why supply failed, as far as the exclusions ask."""

    FAULT = "fault"
    PLANNED = "planned"
    LOAD_SHEDDING = "load_shedding"
    FORCE_MAJEURE = "force_majeure"
    CONSUMER_FUSE = "consumer_fuse"


@dataclass(frozen=True)
class Interruption:
    """Customers without supply for a time. `secs` None: it has no end yet.

    `count`: how often a momentary one was within its event; a sustained one is one.
    """

    customers: int
    secs: int | None
    kind: Kind = Kind.FAULT
    count: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for counts and times that cannot be."""
        if self.customers < 0 or self.count < 1 or (self.secs is not None and self.secs < 0):
            raise ValueError(f"an interruption cannot be {self}")


@dataclass(frozen=True)
class Rule:
    """What counts: up to `momentary_secs` an interruption is momentary, and kinds in `excluded` do not count."""

    code: str
    momentary_secs: int
    excluded: frozenset[Kind] = frozenset({Kind.PLANNED, Kind.LOAD_SHEDDING, Kind.FORCE_MAJEURE})

    def without_fuses(self) -> Rule:
        """The same where the SoP says that a fuse of a single consumer does not count."""
        return replace(self, code=f"{self.code}-without-fuses", excluded=self.excluded | {Kind.CONSUMER_FUSE})


IEEE_1366 = Rule("ieee-1366", 5 * MINUTE)
SOP_3_MINUTES = Rule("sop-3-minutes", 3 * MINUTE)
RULES = (IEEE_1366, SOP_3_MINUTES)


@dataclass(frozen=True)
class Reliability:
    """The indices, exact; None is unknown, and `why` says so."""

    rule: Rule
    customers: int
    saifi: Fraction | None
    """Sustained interruptions a customer."""
    saidi_mins: Fraction | None
    """Minutes a customer."""
    caidi_mins: Fraction | None
    """Minutes an interruption; unknown without a sustained one."""
    maifi: Fraction | None
    """Momentary interruptions a customer."""
    sustained: int
    momentary: int
    excluded: dict[Kind, int]
    """Interruptions that do not count, by kind."""
    without_end: int
    """Interruptions that count and have no end."""
    why: str = ""


def reliability(interruptions: Iterable[Interruption], customers: int, rule: Rule = IEEE_1366) -> Reliability:
    """The indices of a node with `customers`; raises ValueError when more are interrupted than there are.

    One that counts and has no end makes all four unknown: whether it is momentary cannot be told. Who wants the indices
    up to a day gives the time up to that day.
    """
    every = list(interruptions)
    if customers < 0 or any(item.customers > customers for item in every):
        raise ValueError(f"more customers are interrupted than the {customers} of the node")
    excluded: dict[Kind, int] = {}
    counted = []
    for item in every:
        if item.kind in rule.excluded:
            excluded[item.kind] = excluded.get(item.kind, 0) + 1
        else:
            counted.append(item)
    ended = [(item, item.secs) for item in counted if item.secs is not None]
    sustained = [(item, secs) for item, secs in ended if secs > rule.momentary_secs]
    momentary = [item for item, secs in ended if secs <= rule.momentary_secs]
    without_end = len(counted) - len(ended)
    why = "interruptions without an end" if without_end else "" if customers else "the node has no customers"
    known = not why
    often = sum(item.customers for item, _ in sustained)
    long = sum(item.customers * secs for item, secs in sustained)
    return Reliability(
        rule=rule,
        customers=customers,
        saifi=Fraction(often, customers) if known else None,
        saidi_mins=Fraction(long, customers * MINUTE) if known else None,
        caidi_mins=Fraction(long, often * MINUTE) if known and often else None,
        maifi=Fraction(sum(item.customers * item.count for item in momentary), customers) if known else None,
        sustained=len(sustained),
        momentary=len(momentary),
        excluded=dict(sorted(excluded.items())),
        without_end=without_end,
        why=why or ("" if often else "no sustained interruption, so no CAIDI"),
    )
