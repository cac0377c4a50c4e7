"""The judge of rule-set tests: a case's readings through the validation and estimation of whole series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.vee.rulesets.cases import Case, Verdict
from agents.vee.rulesets.days import day_types
from agents.vee.rulesets.resolve import Chosen, Span
from agents.vee.series.calendar import grid_of
from agents.vee.series.figures import registers_at
from agents.vee.series.model import Beside, Facts, Grid, Series
from agents.vee.series.placing import place, readings
from agents.vee.series.settle import Settled, settle
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.quality import Quality
from pipeline.rules import RULES, Severity

WHOLLY, PARTLY = 2, 1


def judge_series(case: Case, spans: Sequence[Span]) -> Verdict:
    """See `cases.Judge`. What holds on a day judges the intervals of that day, with the whole series around them."""
    flags: dict[str, set[int]] = {}
    shadow: dict[str, set[int]] = {}
    estimates: dict[int, tuple[int, str]] = {}
    total = 0
    for span in spans:
        grid, settled = _settled(case, span.chosen)
        mine = (grid.day >= span.first) & (grid.day <= span.last)
        for code, at in _flagged(grid, settled, mine):
            (shadow if code in span.chosen.shadow else flags).setdefault(code, set()).add(at)
        made = mine & (settled.method > 0)
        for row in np.flatnonzero(made).tolist():
            estimates[int(grid.start[row])] = (int(settled.value[row]), Method(int(settled.method[row])).name)
        total += int(settled.value[mine & (settled.quality != Quality.MISSING)].sum())
    return Verdict(_frozen(flags), _frozen(shadow), estimates, total)


def _settled(case: Case, chosen: Chosen) -> tuple[Grid, Settled]:
    grid = grid_of(case.first, case.last, case.interval, case.zone)
    if case.state is not None or case.calendar is not None:
        grid.day_type[:] = day_types(case.state, int(grid.day[0]), int(grid.day[-1]), case.calendar)
    start, value, doubtful = np.array(case.readings, np.int64).T
    quality = np.where(doubtful > 0, Quality.SUSPECT, Quality.ACTUAL).astype(np.uint8)
    channel, _ = place(readings(case.name, case.channel, "Wh", start, value, quality=quality), grid, chosen.thresholds)
    if case.registers:
        time, reading = np.array(case.registers, np.int64).T
        good = np.full(len(time), Quality.ACTUAL, np.uint8)
        channel.registers = registers_at(grid, time, reading, good)
    point = case.point
    facts = Facts(
        limit_wh=point.limit_wh, sanctioned_wh=point.sanctioned_wh, net=point.net, industry=point.industry
    )  # fmt: skip
    series = Series(case.name, grid, {case.channel: channel}, facts, Beside(outage=_outage(case, grid)))
    # A rule in shadow flags, and changes nothing.
    severities = {**chosen.severities, **dict.fromkeys(chosen.shadow, Severity.INFORMATION)}
    return grid, settle(series, chosen.thresholds, off=chosen.off, severities=severities)[case.channel]


def _outage(case: Case, grid: Grid) -> Array | None:
    if not case.outages:
        return None
    marks = np.zeros(len(grid), np.uint8)
    for begin, end in case.outages:
        ends = grid.start + grid.interval
        marks[(grid.start < end) & (ends > begin)] = PARTLY
        marks[(grid.start >= begin) & (ends <= end)] = WHOLLY
    return marks


def _flagged(grid: Grid, settled: Settled, mine: Array) -> Iterator[tuple[str, int]]:
    """(rule, begin of what it flagged): intervals; where it flags none, days, months, or times between registers."""
    channel = settled.channel
    spans = channel.registers.at[: len(channel.spans)] if channel.registers is not None else np.zeros(0, np.int64)
    words = (
        (channel.flags, np.arange(len(grid))), (channel.spans, spans), (channel.months, grid.month_bounds[:-1]),
        (channel.days, grid.day_bounds[:-1]),
    )  # fmt: skip
    for rule in RULES:
        for word, rows in words:
            hit = np.asarray(rows)[: len(word)][(word[: len(rows)] >> np.uint64(rule.bit) & np.uint64(1)) > 0]
            if len(hit):
                yield from ((rule.code, int(grid.start[row])) for row in hit.tolist() if mine[row])
                break


def _frozen(found: dict[str, set[int]]) -> dict[str, frozenset[int]]:
    return {code: frozenset(times) for code, times in found.items()}
