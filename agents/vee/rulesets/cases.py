"""Tests of rule sets, `*.test.yaml`: readings in, flags and estimates out (docs/rule-sets.md, "Tests").

Reading a file gives `Case`s (`case_files`); a `Judge` makes a `Verdict` of each; `differences` says what is not as
expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from agents.vee.rulesets.days import Calendar
from agents.vee.rulesets.resolve import Facts, Span


class Reading(NamedTuple):
    """One row as sent: when its interval begins, epoch seconds UTC; Wh; whether the head-end doubts it."""

    start: int
    value: int
    doubtful: bool


class Strict(BaseModel):
    """Of what a file says: nothing else may stand there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(Strict):
    """Whom the readings are of, and what master data say of it."""

    service_point: int = Field(0, ge=0)
    utility: str | None = None
    tariff_category: str | None = None
    meter_model: str | None = None
    limit_wh: int = Field(0, ge=0, description="what the meter can pass in an interval; 0: not known")
    sanctioned_wh: int = Field(0, ge=0, description="sanctioned load over an interval; 0: not known")
    net: bool | None = Field(None, description="whether a net meter is registered")
    industry: bool = Field(False, description="commercial or industrial")

    @property
    def facts(self) -> Facts:
        """For `resolve`."""
        return Facts(self.service_point, self.utility, self.tariff_category, self.meter_model)


@dataclass(frozen=True)
class Wanted:
    """What a case expects; times are epoch seconds UTC. `of`: the rules that are compared."""

    of: frozenset[str]
    flags: Mapping[str, frozenset[int]]
    shadow: Mapping[str, frozenset[int]]
    estimates: Mapping[int, tuple[int, str | None]] | None
    total: int | None


@dataclass(frozen=True)
class Case:
    """One test: readings of one channel of one service point, and what must become of them.

    first, last: begins of the first and the last interval that are spoken of, also of one that lacks; epoch seconds.
    """

    name: str
    line: int
    point: Point
    channel: str
    zone: str
    state: str | None
    interval: int
    first: int
    last: int
    readings: tuple[Reading, ...]
    registers: tuple[tuple[int, int], ...]
    outages: tuple[tuple[int, int], ...]
    wanted: Wanted
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a case: rule -> begins of what it flagged, of rules that count and of rules in shadow; begin ->
    (Wh, method) of what was substituted; Wh over all intervals."""

    flags: Mapping[str, frozenset[int]] = field(default_factory=dict)
    shadow: Mapping[str, frozenset[int]] = field(default_factory=dict)
    estimates: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    total: int = 0


class Judge(Protocol):
    """Validates and estimates the readings of a case under what its rule sets say, day by day."""

    def __call__(self, case: Case, spans: Sequence[Span]) -> Verdict:
        """See Judge."""


def differences(case: Case, verdict: Verdict) -> list[str]:
    """What is not as the case expects, one line each, in the order of time; empty when all is well."""
    wanted, found = case.wanted, []
    for what, want, have in (("flag", wanted.flags, verdict.flags), ("shadow", wanted.shadow, verdict.shadow)):
        for code in sorted(wanted.of):
            mine, theirs = want.get(code, frozenset()), have.get(code, frozenset())
            found += [(at, f"- {what} {code} is expected, and did not come") for at in mine - theirs]
            found += [(at, f"+ {what} {code} came, and is not expected") for at in theirs - mine]
    lines = [f"{local(at, case.zone)} {said}" for at, said in sorted(found)]
    lines += _estimates(case, verdict)
    if wanted.total is not None and wanted.total != verdict.total:
        lines.append(f"total: {wanted.total} Wh are expected, and {verdict.total} Wh came")
    return lines


def _estimates(case: Case, verdict: Verdict) -> Iterable[str]:
    wanted = case.wanted.estimates
    if wanted is None:
        return
    for at in sorted(wanted.keys() | verdict.estimates.keys()):
        value, method = wanted.get(at, (None, None))
        have, how = verdict.estimates.get(at, (None, None))
        if have is None:
            yield f"{local(at, case.zone)} - estimate of {value} Wh is expected, and nothing was substituted"
        elif value is None:
            yield f"{local(at, case.zone)} + estimate of {have} Wh by {how} is not expected"
        elif value != have or method not in (None, how):
            want = f"{value} Wh by {method or 'any method'}"
            yield f"{local(at, case.zone)} estimate: {want} is expected, {have} Wh by {how} came"


def local(at: int, zone: str) -> str:
    """A stamp as test files have it."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
