"""The whole warehouse against the generator's truth, slice by slice of meters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.rating.tariff import shipped_tariff
from bench.truth import balances, determinants, readings
from bench.truth.published import publish
from bench.truth.rows import KEY, Tally, compare, rank
from bench.truth.sent import REJECTS, sent_by
from bench.truth.warehouse import Warehouse
from connectors.simulator.burst import BurstPlan
from pipeline.codes import REJECT_BY_NUMBER

TARIFF = "msedcl-lt1b-2020"
"""Of `agents.rating.config`, and of every meter in `burst_registry`."""

SLICE_ROWS = 1_000_000
NONE: Mapping[str, int] = MappingProxyType({})
TABLES = ("readings", "determinants", "losses", "events", "rejects")
BY_METER = TABLES[:2]
"""Those that are compared slice by slice."""


@dataclass
class Part:
    """What was found of some meters, and what all of them must add up to."""

    tallies: dict[str, Tally]
    sums: balances.Balances
    rejects: Counter[str]

    @classmethod
    def empty(cls, plan: BurstPlan, numbers: range) -> Part:
        """Of no meter."""
        return cls({name: Tally() for name in BY_METER}, balances.Balances(plan, numbers), Counter())

    def add(self, more: Part) -> None:
        """Take another part in."""
        for name, tally in more.tallies.items():
            self.tallies[name].add(tally)
        self.sums.include(more.sums)
        self.rejects.update(more.rejects)


def slices(plan: BurstPlan, numbers: range) -> Iterator[range]:
    """Meters that are looked at together."""
    step = max(1, SLICE_ROWS // len(numbers))
    for begin in range(0, plan.meters, step):
        yield range(begin, min(begin + step, plan.meters))


def check(
    warehouse: Warehouse, plan: BurstPlan, numbers: range, progress: Callable[[int, int], None],
    further_rejects: Mapping[str, int] = NONE,
) -> dict[str, Tally]:  # fmt: skip
    """Table -> what is wrong with it. `further_rejects`: code -> frames that were sent beside the plan's."""
    part = Part.empty(plan, numbers)
    for meters in slices(plan, numbers):
        progress(meters.start, plan.meters)
        check_slice(warehouse, plan, numbers, meters, part)
    found = check_rest(warehouse, plan, part, further_rejects)
    progress(plan.meters, plan.meters)
    return found


def check_slice(warehouse: Warehouse, plan: BurstPlan, numbers: range, meters: range, part: Part) -> None:
    """Readings and determinants of some meters; `part` takes what was found in."""
    sent = sent_by(plan, numbers, np.arange(meters.start, meters.stop))
    published = publish(sent)
    where = f"service_point BETWEEN {sent.points[0]} AND {sent.points[-1]}"
    found = warehouse.rows(
        {**readings.COLUMNS, "revision": "revision"}, "readings", where,
        "service_point, interval_start, revision",
    )  # fmt: skip
    found[KEY] = readings.key(plan, found["point"], found["start"], rank(found["point"], found["start"]))
    _add_copies(part.tallies["readings"], found)
    part.tallies["readings"].add(compare(readings.expected(published), found))
    found = warehouse.rows(determinants.COLUMNS, "determinants", where)
    found[KEY] = determinants.key(plan, found)
    part.tallies["determinants"].add(compare(determinants.expected(published, shipped_tariff(TARIFF)), found))
    part.sums.add(published)
    for fault, code in REJECTS.items():
        part.rejects[code] += int((sent.frames == fault).sum())


def check_rest(warehouse: Warehouse, plan: BurstPlan, part: Part, further_rejects: Mapping[str, int] = NONE,
               ) -> dict[str, Tally]:  # fmt: skip
    """What is not by meter, behind all slices (`part`); see `check`."""
    tallies = {name: part.tallies.get(name, Tally()) for name in TABLES}
    _check_outside(warehouse, plan, tallies)
    found = warehouse.rows(balances.COLUMNS, "losses_latest")
    found[KEY] = balances.key(plan, found)
    tallies["losses"] = compare(part.sums.expected(), found)
    tallies["events"].unexpected = tallies["events"].rows = warehouse.count("events", "1")  # its meters push none
    tallies["rejects"] = _check_rejects(warehouse, part.rejects + Counter(further_rejects))
    return tallies


def _add_copies(tally: Tally, found: dict[str, Any]) -> None:
    """The same revision twice is a copy that came through; takes the column away."""
    revision = found.pop("revision")
    copies = (revision[1:] == revision[:-1]) & (found["point"][1:] == found["point"][:-1])
    tally.unexpected += int((copies & (found["start"][1:] == found["start"][:-1])).sum())


def _check_outside(warehouse: Warehouse, plan: BurstPlan, tallies: dict[str, Tally]) -> None:
    """Rows of service points that there are not."""
    points = sent_by(plan, range(1, 2), np.array([0, plan.meters - 1])).points
    for table in BY_METER:
        outside = warehouse.count(table, f"service_point NOT BETWEEN {points[0]} AND {points[1]}")
        tallies[table].rows += outside
        tallies[table].unexpected += outside


def _check_rejects(warehouse: Warehouse, expected: Counter[str]) -> Tally:
    """By code: which frames were refused, the readings have shown."""
    found: Counter[str] = Counter()
    for code in set(expected) | {row.code for row in REJECT_BY_NUMBER.values()}:
        found[code] = warehouse.count("rejects", f"code = '{code}'")
    tally = Tally(rows=found.total())
    for code in found:
        tally.missing += max(0, expected[code] - found[code])
        tally.unexpected += max(0, found[code] - expected[code])
        if expected[code] != found[code]:
            tally.examples.append({"code": code, "expected": expected[code], "found": found[code]})
    return tally
