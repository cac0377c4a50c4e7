"""What was found in a settled series, in numbers: by rule, by method, and every changed interval."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from agents.vee.series.kernels_place import V02
from agents.vee.series.model import Channel, Grid, Series
from agents.vee.series.settle import Settled
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.quality import Quality
from pipeline.rules import RULE_BIT, RULES, Scope


def codes_of(word: int) -> list[str]:
    """Codes of the rules in a word."""
    return [rule.code for rule in RULES if word >> rule.bit & 1]


def counts_by_rule(channel: Channel, extra: dict[str, int] | None = None) -> dict[str, int]:
    """How often each rule failed: intervals, and of rules of days, periods and meters these. V02: readings too many."""
    found: Counter[str] = Counter(extra or {})
    for rule in RULES:
        bit = np.uint64(1 << RULE_BIT[rule.code])
        if rule.code == "V12":
            found[rule.code] += int((channel.spans & bit > 0).sum())
        elif rule.scope is Scope.INTERVAL or rule.code == "V23":
            found[rule.code] += int((channel.flags & bit > 0).sum())
        elif rule.scope is Scope.METER and rule.code == "V31":
            found[rule.code] += int((channel.months & bit > 0).any())
        else:
            found[rule.code] += int((channel.months & bit > 0).sum() + (channel.spans & bit > 0).sum())
    found["V02"] += int(channel.repeats.sum() + channel.conflicts.sum()) - int((channel.flags & V02 > 0).sum())
    return {rule.code: found[rule.code] for rule in RULES if found[rule.code]}


def counts_by_method(settled: Settled) -> dict[str, int]:
    """Substituted intervals by method; `not estimated`: what lacks still."""
    numbers, counts = np.unique(settled.method[settled.method > 0], return_counts=True)
    found = {Method(int(number)).name: int(count) for number, count in zip(numbers, counts, strict=True)}
    left = int((settled.quality == Quality.MISSING).sum())
    return {**found, "not estimated": left} if left else found


def zeros_of(series: Series, settled: Settled) -> dict[str, Any]:
    """Zeros as sent: intervals, whole local days, those before use begins, and the longest row behind them."""
    channel, grid = settled.channel, series.grid
    zero = (channel.there > 0) & (channel.value == 0)
    there = np.add.reduceat(channel.there.astype(np.int64), grid.day_bounds[:-1])
    zeros = np.add.reduceat(zero.astype(np.int64), grid.day_bounds[:-1])
    first, length = longest_run(zero & ((channel.flags & np.uint64(1 << RULE_BIT["V11"])) == 0))
    return {
        "intervals": int(zero.sum()), "days": int(((zeros == there) & (there > 0)).sum()),
        "before_use": settled.judged.before_use, "longest": length,
        "longest_from": stamp(grid, int(grid.start[first])) if length else None,
        "told": [
            {"start": stamp(grid, int(grid.start[begin])), "intervals": count}
            for begin, count in runs((channel.flags & np.uint64(1 << RULE_BIT["V23"])) > 0)
        ],
    }  # fmt: skip


def stamp(grid: Grid, time: int) -> str:
    """ISO 8601 with the offset of the series' zone."""
    return datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(grid.zone)).isoformat()


def runs(mask: Array) -> list[tuple[int, int]]:
    """(first, count) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(first), int(after - first)) for first, after in zip(edges[::2], edges[1::2], strict=True)]


def longest_run(mask: Array) -> tuple[int, int]:
    """The first longest run of True; (0, 0) when there is none."""
    return max(runs(mask), key=lambda run: (run[1], -run[0]), default=(0, 0))


def changed_intervals(series: Series, settled: Settled) -> list[dict[str, Any]]:
    """Every interval of which value or quality are not as sent."""
    grid, channel, found = series.grid, settled.channel, []
    reasons = channel.flags
    for row in settled.changed.tolist():
        there = bool(channel.quality[row])
        method = Method(int(settled.method[row]))
        found.append({
            "start": stamp(grid, int(grid.start[row])), "interval_secs": grid.interval,
            "was": int(channel.value[row]) if there else None,
            "was_quality": Quality(int(channel.quality[row])).name,
            "value": None if settled.quality[row] == Quality.MISSING else int(settled.value[row]),
            "quality": Quality(int(settled.quality[row])).name,
            "method": None if method is Method.NONE else method.name,
            "rules": codes_of(int(reasons[row])), "fails": codes_of(int(settled.failed[row])),
            "expected_error": int(settled.expected[row]) / 1000 if settled.method[row] else None,
        })  # fmt: skip
    return found


def report(series: Series, settled: Settled, extra: dict[str, int] | None = None) -> dict[str, Any]:
    """One channel of a series as JSON. `extra`: failures of readings that no interval holds, by rule."""
    grid, channel = series.grid, settled.channel
    first, gap = longest_run(channel.quality == Quality.ABSENT)
    absent = int((channel.quality == Quality.ABSENT).sum())
    unexplained, compared = settled.unexplained
    qualities, counts = np.unique(settled.quality, return_counts=True)
    return {
        "id": series.id, "channel": channel.name, "unit": channel.unit, "interval_secs": grid.interval,
        "timezone": grid.zone, "start": stamp(grid, int(grid.start[0])),
        "end": stamp(grid, int(grid.start[-1]) + grid.interval), "intervals": len(grid),
        "received": len(grid) - absent, "completeness": round((len(grid) - absent) / len(grid), 6),
        "rules": counts_by_rule(channel, extra), "methods": counts_by_method(settled),
        "quality": {Quality(int(q)).name: int(n) for q, n in zip(qualities, counts, strict=True)},
        "longest_gap": {"intervals": gap, "start": stamp(grid, int(grid.start[first])) if gap else None},
        "gaps": [{"start": stamp(grid, int(grid.start[begin])), "intervals": count}
                 for begin, count in runs(channel.quality == Quality.ABSENT)],
        "zeros": zeros_of(series, settled),
        "sum": int(settled.value[settled.quality != Quality.MISSING].sum()),
        "unexplained": {"wh": unexplained, "spans": compared} if compared else None,
        "not_judged": channel.not_judged, "changed": changed_intervals(series, settled),
    }  # fmt: skip


def totals(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over all series."""
    rules, methods, quality = Counter[str](), Counter[str](), Counter[str]()
    for one in reports:
        rules.update(one["rules"])
        methods.update(one["methods"])
        quality.update(one["quality"])
    intervals, received = (sum(one[name] for one in reports) for name in ("intervals", "received"))
    return {
        "series": len(reports), "intervals": intervals, "received": received,
        "completeness": round(received / intervals, 6) if intervals else None,
        "rules": {rule.code: rules[rule.code] for rule in RULES if rules[rule.code]},
        "methods": dict(sorted(methods.items())),
        "quality": dict(sorted(quality.items())), "changed": sum(len(one["changed"]) for one in reports),
        "zero_days": sum(one["zeros"]["days"] for one in reports),
        "before_use": sum(one["zeros"]["before_use"] for one in reports),
    }  # fmt: skip
