"""Ready, waiting or blocked: from what is known of a cycle at a time. The same figures give the same answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.readiness.config import Limits, ReadinessConfig

HOUR_SECS = 3600
READY, WAITING, BLOCKED = "READY", "WAITING", "BLOCKED"
Key = tuple[int, int, int, int]
"""Account, service point, begin and end of the cycle."""


@dataclass(frozen=True)
class Cycle:
    """A billing cycle: epoch seconds UTC, end not included, and its local days."""

    start: int
    end: int
    days: int


@dataclass(frozen=True)
class Figures:
    """What is known of a consumer's cycle; revision None: there is no determinant of it."""

    account: int
    service_point: int
    dt: int = 0
    feeder: int = 0
    revision: int | None = None
    final: bool = False
    tariff: str | None = None
    paise: int | None = None
    expected: int = 0
    estimated: int = 0
    missing: int = 0
    registers_missing: int = 0
    days_settled: int = 0
    days_final: int = 0
    exceptions: int = 0
    edits: int = 0


@dataclass(frozen=True)
class Reason:
    """`found` of what `code` says where `allowed` may be; blocks: time alone does not mend it."""

    code: str
    found: int
    allowed: int
    blocks: bool


@dataclass(frozen=True)
class Judgement:
    """What the gate says of a consumer's cycle."""

    figures: Figures
    cycle: Cycle
    category: str
    group: str
    reasons: tuple[Reason, ...]
    expected_at: int | None

    @property
    def state(self) -> str:
        """READY, WAITING or BLOCKED."""
        if any(reason.blocks for reason in self.reasons):
            return BLOCKED
        return WAITING if self.reasons else READY

    @property
    def key(self) -> Key:
        """Key of its record."""
        return (self.figures.account, self.figures.service_point, self.cycle.start, self.cycle.end)

    def record(self, revision: int, at: int) -> dict[str, Any]:
        """Its record of schema Readiness."""
        return {
            "account": self.figures.account, "service_point": self.figures.service_point,
            "cycle_start": self.cycle.start, "cycle_end": self.cycle.end, "revision": revision,
            "category": self.category, "group": self.group, "state": self.state,
            "expected_at": self.expected_at if self.state == WAITING else None,
            "reasons": [vars(reason) for reason in self.reasons],
            "paise_at_stake": self.figures.paise or 0, "determinant_revision": self.figures.revision,
            "judged_at": at,
        }  # fmt: skip


def judge(config: ReadinessConfig, cycle: Cycle, figures: Iterable[Figures], at: int) -> list[Judgement]:
    """Judge all consumers of a cycle at a time of the log, in order of account and service point."""
    alone = [
        _alone(config, cycle, one, at) for one in sorted(figures, key=lambda one: (one.account, one.service_point))
    ]
    groups: dict[str, list[Judgement]] = defaultdict(list)
    for one in alone:
        groups[one.group].append(one)
    return [_aligned(one, groups[one.group]) if one.group else one for one in alone]


def _alone(config: ReadinessConfig, cycle: Cycle, figures: Figures, at: int) -> Judgement:
    category, limits = config.category_of(figures.tariff)
    reasons = tuple(_reasons(limits, cycle, figures, at))
    ends = [cycle.end]
    if any(reason.code in _BY_WAITING for reason in reasons):
        ends.append(cycle.end + limits.wait_hours * HOUR_SECS)
    if any(reason.code in _BY_CLOSING for reason in reasons):
        ends.append(cycle.end + limits.final_hours * HOUR_SECS)
    return Judgement(figures, cycle, category, _group(config, figures), reasons, max(ends) if reasons else None)


_BY_WAITING = frozenset({"LATE_DATA", "NO_DETERMINANT"})
_BY_CLOSING = frozenset({"DAYS_NOT_FINAL", "NOT_CLOSED"})


def _reasons(limits: Limits, cycle: Cycle, figures: Figures, at: int) -> Iterator[Reason]:
    """In the order of the codes of the schema."""
    over, waited = at >= cycle.end, at >= cycle.end + limits.wait_hours * HOUR_SECS
    closed = at >= cycle.end + limits.final_hours * HOUR_SECS
    if not over:
        yield Reason("CYCLE_OPEN", cycle.end - at, 0, blocks=False)
    unsettled = cycle.days - figures.days_settled
    lacking = figures.estimated + figures.missing + figures.registers_missing
    if over and not waited and (unsettled or lacking):
        yield Reason("LATE_DATA", cycle.end + limits.wait_hours * HOUR_SECS - at, 0, blocks=False)
    if over and unsettled > limits.days_not_settled:
        yield Reason("DAYS_NOT_SETTLED", unsettled, limits.days_not_settled, waited)
    moving = figures.days_settled - figures.days_final
    if over and moving:
        yield Reason("DAYS_NOT_FINAL", moving, 0, closed)
    if over and figures.revision is not None and not figures.final:
        yield Reason("NOT_CLOSED", 1, 0, closed)
    if over and figures.revision is None:
        yield Reason("NO_DETERMINANT", 1, 0, waited)
    if figures.revision is not None and (figures.tariff is None or figures.paise is None):
        yield Reason("NO_TARIFF", 1, 0, blocks=True)
    if over:
        yield from _of_quality(limits, figures, waited)
    if figures.exceptions > limits.exceptions_open:
        yield Reason("EXCEPTIONS_OPEN", figures.exceptions, limits.exceptions_open, blocks=True)
    if figures.edits > limits.edits_waiting:
        yield Reason("EDITS_WAITING", figures.edits, limits.edits_waiting, blocks=True)


def _of_quality(limits: Limits, figures: Figures, waited: bool) -> Iterator[Reason]:
    # Rounded up: a share that is above its threshold by little is above it.
    share = -(-1000 * figures.estimated // figures.expected) if figures.expected else 0
    if share > limits.estimated_permille:
        yield Reason("ESTIMATED_SHARE", share, limits.estimated_permille, waited)
    if figures.missing > limits.intervals_missing:
        yield Reason("INTERVALS_MISSING", figures.missing, limits.intervals_missing, waited)
    if figures.registers_missing > limits.registers_missing:
        yield Reason("REGISTERS_MISSING", figures.registers_missing, limits.registers_missing, waited)


def _group(config: ReadinessConfig, figures: Figures) -> str:
    by = config.align_by
    value = {"account": figures.account, "dt": figures.dt, "feeder": figures.feeder, "tariff": figures.tariff}.get(by)
    return f"{by} {value}" if value else ""


def _aligned(one: Judgement, group: list[Judgement]) -> Judgement:
    """With what its group adds: nobody in it is ready before all are."""
    others = [other for other in group if other is not one and other.reasons]
    if not others:
        return one
    # Nobody knows when one that is blocked will be ready.
    blocked = any(other.state == BLOCKED for other in others)
    ends = [end for end in (one.expected_at, *(other.expected_at for other in others)) if end is not None]
    reason = Reason("GROUP_NOT_READY", len(others), 0, blocks=False)
    return replace(one, reasons=(*one.reasons, reason), expected_at=None if blocked else max(ends))


def revised(
    judgements: Iterable[Judgement], before: Mapping[Key, Mapping[str, Any]], at: int
) -> Iterator[dict[str, Any]]:
    """Records of schema Readiness of those that differ from the newest record `before` of their key."""
    for one in judgements:
        last = before.get(one.key)
        record = one.record(1 if last is None else int(last["revision"]) + 1, at)
        if last is None or _content(record) != _content(last):
            yield record


def _content(record: Mapping[str, Any]) -> dict[str, Any]:
    # How long it still takes changes with the time that asks; until when it takes does not.
    reasons = [
        {**reason, "found": 0} if reason["code"] in ("CYCLE_OPEN", "LATE_DATA") else dict(reason)
        for reason in record["reasons"]
    ]
    return {
        **{name: value for name, value in record.items() if name not in ("revision", "judged_at")},
        "reasons": reasons,
    }
