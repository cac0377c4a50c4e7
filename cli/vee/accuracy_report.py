"""How well gaps are estimated: the order learned on the first part of each series, and scored on the rest."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from agents.vee.estimate.errors import LENGTH_NAMES, LENGTHS, Errors
from agents.vee.estimate.history import History
from agents.vee.estimate.masks import TRIED, Trial, part_of, trial
from agents.vee.estimate.model import Side
from agents.vee.estimate.order import Tuning
from agents.vee.estimate.scorecard import Scorecard, Sums
from agents.vee.estimate.work import work_on
from cli.vee.accuracy_input import Named
from pipeline.codes import Method

LEARNED = Fraction(6, 10)
"""Share of each series that the order is learned on."""

FEWEST = 100
"""Scored gaps of a length that a file needs for a row."""

ALL = "all files"


class Settings(NamedTuple):
    """What is tried."""

    seed: int
    gaps: int
    most_bias: Fraction | None


class Scored(NamedTuple):
    """A series, the gaps of its rest, and what was chosen for them."""

    series: Named
    rest: Trial
    chosen: dict[int, list[Method]]
    expected: Errors


def measure(series: Iterable[Named], settings: Settings) -> tuple[Scorecard, list[Scored]]:
    """Learn on the first part of each series, then try the rest. The card holds what was learned from."""
    card, rests = Scorecard(), []
    for one in series:
        after = one.grid.value.size * LEARNED.numerator // LEARNED.denominator
        after -= int(one.grid.place[after]) if after < one.grid.place.size else 0
        if after <= 0:
            continue
        first = work_on(History(part_of(one.grid, after)), Side(), Tuning())
        learned = trial(first, _key(one), settings.seed, settings.gaps, 0, after)
        for name in (_key(one), _group(one), ALL):
            card.add(name, learned)
        whole = work_on(History(one.grid), Side(), Tuning())
        rests.append((one, trial(whole, _key(one), settings.seed, settings.gaps, after, one.grid.value.size)))
    return card, [
        Scored(
            one,
            rest,
            {n: card.choice(_key(one), _group(one), n, settings.most_bias) for n in range(len(LENGTHS))},
            card.errors(_key(one), _group(one)),
        )
        for one, rest in rests
    ]


def _key(series: Named) -> str:
    return f"{series.file}/{series.name}"


def _group(series: Named) -> str:
    """Class of a series: its file and length of interval."""
    return f"{series.file} {series.grid.interval} s"


class Figures(NamedTuple):
    """Of one group of series at one length of gap."""

    methods: dict[Method, Sums]
    chosen: Sums
    expected: int
    """Thousandths of a watt-hour: |error| that was published for the chosen estimates."""


def figures(scored: Iterable[Scored], length: int) -> Figures:
    """Sums over the gaps to which every ranked method applied, so that all are compared on the same ones."""
    methods: dict[Method, Sums] = dict.fromkeys(TRIED, Sums())
    chosen, expected = Sums(), 0
    for one in scored:
        rest = one.rest
        rows = np.flatnonzero(rest.length == length)
        rows = rows[rest.applied[rows].all(axis=1)]
        if not rows.size or not one.chosen[length]:
            continue
        actual = int(rest.actual[rows].sum())
        for column, method in enumerate(rest.methods):
            sums = Sums(
                rows.size,
                int(rest.wrong[rows, column].sum()),
                int(rest.over[rows, column].sum()),
                actual,
                int(rest.spread[rows, column].sum()),
            )
            methods[method] = methods[method].plus(sums)
            if method is one.chosen[length][0]:
                chosen = chosen.plus(sums)
                known = one.expected[method][length]
                expected += known.spread * sums.spread if known.spread else known.wape * (actual + sums.over)
    return Figures(methods, chosen, expected)


def report(scored: list[Scored]) -> list[dict[str, Any]]:
    """One entry a file and length, and the same over all files."""
    groups = {name: [one for one in scored if one.series.file == name] for name in dict.fromkeys(
        one.series.file for one in scored)}  # fmt: skip
    rows = []
    for name, members in [*groups.items(), (ALL, scored)]:
        for length in range(len(LENGTHS)):
            row = _row(name, members, length)
            if row is not None:
                rows.append(row)
    return rows


def _row(name: str, members: list[Scored], length: int) -> dict[str, Any] | None:
    found = figures(members, length)
    if found.chosen.gaps < FEWEST or found.chosen.wape is None or not found.chosen.wrong:
        return None
    best = min(found.methods, key=lambda method: (found.methods[method].wrong, method))
    published = Fraction(found.expected, 1000 * found.chosen.actual)
    return {
        "input": name,
        "gap": LENGTH_NAMES[length],
        "gaps": found.chosen.gaps,
        "methods": {
            method.name: {"wape": _rounded(sums.wape), "bias": _rounded(sums.bias)}
            for method, sums in found.methods.items()
        },
        "chosen": {
            "methods": sorted({one.chosen[length][0].name for one in members if one.chosen[length]}),
            "wape": _rounded(found.chosen.wape),
            "bias": _rounded(found.chosen.bias),
        },
        "best_single": best.name,
        "chosen_to_best": _rounded(Fraction(found.chosen.wrong, max(1, found.methods[best].wrong))),
        "expected": _rounded(published),
        "expected_to_realised": _rounded(published / found.chosen.wape),
    }


def _rounded(ratio: Fraction | None) -> float | None:
    return None if ratio is None else round(float(ratio), 4)
