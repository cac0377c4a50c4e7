"""A file's content judged and filled: series by series, each with its report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from agents.vee.estimate import Order
from agents.vee.series.figures import registers_at
from agents.vee.series.model import Facts, Grid, Registers, Series
from agents.vee.series.placing import Readings, believable, checked_interval, common_grid, interval_of, only, place
from agents.vee.series.report import report
from agents.vee.series.settle import Settled, settle
from cli.vee.known import NOTHING, Known
from cli.vee.limits import Limits, RuleSets, day_types
from cli.vee.source import Content
from pipeline.quality import Quality

NO_FACTS = Facts()


@dataclass
class Done:
    """One service point (or meter of it) with its channels settled, and a report of each."""

    series: Series
    settled: dict[str, Settled]
    reports: list[dict[str, Any]]


def groups(content: Content, interval: int | None) -> list[tuple[int, list[Readings]]]:
    """Channels of one series that have intervals of the same length, with it; raises ConfigError."""
    found: dict[tuple[str, int], list[Readings]] = {}
    for whole in content.readings:
        one = _believable(content, whole)
        length = checked_interval(interval or interval_of(one, content.zone), one.id)
        found.setdefault((one.id, length), []).append(one)
    return [(length, parts) for (_, length), parts in found.items()]


def run(
    content: Content,
    interval: int | None,
    rules: RuleSets,
    holidays: str | None,
    known: Known = NOTHING,
    order: Order | None = None,
) -> Iterator[Done]:
    """Every series of a file, in its order; raises ConfigError for one that has no grid.

    known: facts beside it; order: of methods.
    """
    for length, parts in groups(content, interval):
        yield _one(content, length, parts, rules, holidays, known, order)


def _one(
    content: Content,
    length: int,
    parts: list[Readings],
    rules: RuleSets,
    holidays: str | None,
    known: Known,
    order: Order | None,
) -> Done:
    grid = common_grid(parts, length, content.zone)
    grid.day_type[:] = day_types(grid, holidays, rules.calendar)
    limits: Limits = rules.of(parts[0].id, int(grid.day[0]))
    series = Series(parts[0].id, grid, {}, NO_FACTS, known.beside(parts[0].id, grid, limits.thresholds))
    extra: dict[str, dict[str, int]] = {}
    for part in parts:
        channel, unplaced = place(part, grid, limits.thresholds)
        series.channels[part.name] = channel
        extra[part.name] = {"V03": len(unplaced)} if len(unplaced) else {}
        for code, count in content.extra.pop(part.id, {}).items():
            extra[part.name][code] = extra[part.name].get(code, 0) + count
        registers = content.registers.get((part.id, part.name))
        if registers:
            channel.registers = _registers(grid, registers)
    settled = settle(series, limits.thresholds, order, off=limits.off, severities=limits.severities)
    reports = [
        {**report(series, one, extra.get(name)), "rule_set": limits.version} for name, one in settled.items()
    ]  # fmt: skip
    return Done(series, settled, reports)


def _believable(content: Content, found: Readings) -> Readings:
    """Without readings whose stamps lie years from the others; these are counted (V06) and told."""
    kept = believable(found)
    lost = int((~kept).sum())
    if not lost:
        return found
    counts = content.extra.setdefault(found.id, {})
    counts["V06"] = counts.get("V06", 0) + lost
    stamps = datetime.fromtimestamp(int(found.start[~kept][0]), UTC).isoformat()
    content.notes.append(
        f"{found.id}: {lost} readings lie years from the others and are not used, the first at {stamps}"
    )
    return only(found, kept)


def _registers(grid: Grid, rows: list[tuple[int, int]]) -> Registers:
    time, reading = np.array(sorted(rows), np.int64).T
    return registers_at(grid, time, reading, np.full(len(time), Quality.ACTUAL, np.uint8))
