"""Rounds on one core. What is timed is CPU time of this thread, without making quantities and comparing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.rating.bulk import tables as t
from agents.rating.bulk.bills import codes_of, lines_of
from agents.rating.bulk.kernels import rate_bills
from agents.rating.bulk.quantities import records
from agents.rating.engine.rate import ROUNDING
from agents.rating.engine.splits import rate_parts
from bench.experiments.series import pinned
from bench.rating.case import RatingCase
from bench.rating.months import INDUSTRY, ROOFTOP, Consumers
from bench.rating.readings import Rating
from bench.throughput.drain import Progress

OPENING = 3
"""Days before the measured ones: the window is full then, and kernels are compiled."""


@dataclass
class Result:
    """Rounds: how many were rated in each, and CPU nanoseconds. wrong: what is not as it must be, by kind."""

    name: str
    count: int
    nanoseconds: list[int] = field(default_factory=list)
    compared: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    mix: dict[str, Any] = field(default_factory=dict)

    @property
    def rates(self) -> list[float]:
        """So many a CPU second of each round."""
        return [1e9 * self.count / spent for spent in self.nanoseconds]

    @property
    def right(self) -> bool:
        """Nothing differs."""
        return not any(self.wrong.values())


def run(case: RatingCase, progress: Progress) -> list[Result]:
    """Both measurements, on one CPU."""
    with pinned(1, 0):
        return [readings(case, progress), bills(case, progress)]


def readings(case: RatingCase, progress: Progress) -> Result:
    """Days of intervals through the rating step."""
    rating = Rating(case)
    meters = rating.meters
    result = Result("readings", meters.plan.meters * meters.per_day, compared=meters.plan.meters)
    days = OPENING + case.rounds
    for number in range(days):
        progress("days of intervals", number, days)
        spent = rating.day()
        if number >= OPENING:
            result.nanoseconds.append(spent)
    result.wrong = rating.differences(days, case.sample)
    result.mix = {tariff.code: 1 / len(rating.tariffs) for tariff in rating.tariffs}
    return result


def bills(case: RatingCase, progress: Progress) -> Result:
    """A month of consumers through the bulk kernel."""
    consumers = Consumers(case)
    tariff, columns = consumers.rows()
    months, tables = consumers.months(len(columns)), consumers.book.tables
    rated = t.new_rated(len(columns), consumers.book.width)
    rows = records(columns)
    # Compiled before it is timed.
    rate_bills(rows[:1], tariff[:1], months.month[:1], tables, months.values, months.landed, rated)
    result = Result("bills", case.consumers, mix=mix_of(consumers))
    for number in range(case.rounds):
        progress("months of consumers", number, case.rounds)
        begin = time.thread_time_ns()
        rate_bills(rows, tariff, months.month, tables, months.values, months.landed, rated)
        result.nanoseconds.append(time.thread_time_ns() - begin)
    result.compared, result.wrong = compare(consumers, tariff, rated, progress)
    return result


def mix_of(consumers: Consumers) -> dict[str, Any]:
    """Shares of the tariffs, and of those whose tariff changes."""
    count = np.bincount(consumers.tariff, minlength=len(consumers.book.tariffs)) / len(consumers.tariff)
    found = {one.code: round(float(share), 4) for one, share in zip(consumers.book.tariffs, count, strict=True)}
    return {**found, "changed": round(float((consumers.changed_after > 0).mean()), 4)}


def sample_of(consumers: Consumers) -> list[int]:
    """Consumers who are compared: of each kind as many."""
    changed = consumers.changed_after > 0
    kinds = (
        changed,
        consumers.tariff == ROOFTOP,
        consumers.tariff == INDUSTRY,
        ~changed & (consumers.tariff < ROOFTOP),
    )
    most = -(-consumers.case.sample // len(kinds))
    return sorted(int(one) for kind in kinds for one in np.flatnonzero(kind)[:most])


def compare(consumers: Consumers, tariff: Any, rated: t.Rated, progress: Progress) -> tuple[int, dict[str, int]]:
    """(bills compared, {"status", "lines", "totals"}): bills of the sample that are not the reference engine's, and
    bills of all that were not rated."""
    twice = consumers.changed_after > 0
    first = np.arange(len(twice)) + np.concatenate(([0], np.cumsum(twice)[:-1]))
    sample, wrong = sample_of(consumers), {"status": int((rated.figures["status"] != t.RATED).sum())}
    lines = totals = 0
    for number, consumer in enumerate(sample):
        progress("compared with the engine", number, len(sample))
        bill, row = rate_parts(consumers.parts(consumer)), int(first[consumer])
        own = range(row, row + len(bill.parts))
        totals += int(rated.figures["total"][own].sum()) != bill.total_paise
        found = [[pair for pair in lines_of(codes_of(consumers.book, int(tariff[item])), rated, item)
                  if pair[0] != ROUNDING] for item in own]  # fmt: skip
        lines += found != [[(line.code, line.paise) for line in part.lines] for part in bill.parts]
    return len(sample), {**wrong, "lines": lines, "totals": totals}
