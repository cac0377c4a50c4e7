"""The running scorecard: how far estimates were off, by class, method and length of gap.

Sums of whole numbers, so that the order in which trials come, or how they are split over workers, changes nothing, and
WAPE and bias are exact ratios.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from agents.vee.estimate.errors import BOUNDS, LENGTHS, SHIPPED, UNMEASURED, Errors, Expected
from agents.vee.estimate.masks import Trial
from agents.vee.estimate.order import FOREVER, Order, Step
from pipeline.codes import Method

ENOUGH = 100
"""Gaps of a length that a series needs before its own figures count."""

MARGIN = Fraction(98, 100)
"""A series has an order of its own where its best method is this much better there than the best one of its class."""

LEAST_SHARE = Fraction(8, 10)
"""A method that applied to a smaller share of the gaps is not ranked: its gaps may have been the easy ones."""


class Sums(NamedTuple):
    """Whole numbers: gaps, Wh of |error|, Wh of error, Wh that was measured, Wh of spread of the days around."""

    gaps: int = 0
    wrong: int = 0
    over: int = 0
    actual: int = 0
    spread: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(*(one + two for one, two in zip(self, other, strict=True)))

    @property
    def wape(self) -> Fraction | None:
        """Sum of |error| over sum of actual; None without energy."""
        return Fraction(self.wrong, self.actual) if self.actual > 0 else None

    @property
    def bias(self) -> Fraction | None:
        """Sum of error over sum of actual; above zero: too much."""
        return Fraction(self.over, self.actual) if self.actual > 0 else None


Key = tuple[str, Method, int]
"""Class or series, method, which of LENGTHS."""


class Scorecard:
    """Sums by class, method and length of gap."""

    def __init__(self) -> None:
        self.sums: dict[Key, Sums] = defaultdict(Sums)

    def add(self, name: str, trial: Trial) -> None:
        """Count a trial to a class or a series."""
        for column, method in enumerate(trial.methods):
            for length in range(len(LENGTHS)):
                rows = trial.applied[:, column] & (trial.length == length)
                if rows.any():
                    self.put(
                        (name, method, length),
                        Sums(
                            int(rows.sum()),
                            int(trial.wrong[rows, column].sum()),
                            int(trial.over[rows, column].sum()),
                            int(trial.actual[rows].sum()),
                            int(trial.spread[rows, column].sum()),
                        ),
                    )

    def put(self, key: Key, sums: Sums) -> None:
        """Count sums to a key."""
        self.sums[key] = self.sums[key].plus(sums)

    def merge(self, other: Scorecard) -> None:
        """Count everything of another card."""
        for key, sums in other.sums.items():
            self.put(key, sums)

    def of(self, name: str, length: int) -> dict[Method, Sums]:
        """What is known of a class or series at a length."""
        return {method: sums for (own, method, number), sums in self.sums.items() if (own, number) == (name, length)}

    def rows(self) -> Iterator[dict[str, Any]]:
        """One JSON object a key, in a fixed order."""
        for (name, method, length), sums in sorted(self.sums.items()):
            yield {"class": name, "method": method.name, "length_secs": LENGTHS[length], **sums._asdict()}

    @classmethod
    def of_rows(cls, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Scorecard:
        """The card that `rows` describes."""
        card = cls()
        for row in rows:
            key = (str(row["class"]), Method[row["method"]], LENGTHS.index(row["length_secs"]))
            card.put(key, Sums(*(int(row[field]) for field in Sums._fields)))
        return card

    def ranking(self, name: str, length: int, most_bias: Fraction | None = None) -> list[Method]:
        """Methods by WAPE, best first, those of more than `most_bias` left out; a small share of the gaps is none."""
        known = {method: sums for method, sums in self.of(name, length).items() if sums.actual > 0}
        most = max((sums.gaps for sums in known.values()), default=0)
        usable = [
            (Fraction(sums.wrong, sums.actual), method)
            for method, sums in known.items()
            if sums.gaps >= LEAST_SHARE * most
            and (most_bias is None or abs(Fraction(sums.over, sums.actual)) <= most_bias)
        ]
        return [method for _, method in sorted(usable)]

    def choice(self, series: str, group: str, length: int, most_bias: Fraction | None = None) -> list[Method]:
        """The ranking of a series: its own where it is sure of one, else that of its class."""
        shared = self.ranking(group, length, most_bias)
        own, known = self.ranking(series, length, most_bias), self.of(series, length)
        if not own or known[own[0]].gaps < ENOUGH:
            return shared
        if shared and shared[0] in own:
            mine, theirs = known[own[0]], known[shared[0]]
            if Fraction(mine.wrong, mine.actual) > MARGIN * Fraction(theirs.wrong, theirs.actual):
                return shared
        return own

    def errors(self, series: str, group: str, otherwise: Errors = SHIPPED) -> Errors:
        """Expected error by method: of the series where it has enough gaps, else of the class, else `otherwise`."""
        return {method: self._expected(method, series, group, otherwise) for method in Method}

    def _expected(
        self, method: Method, series: str, group: str, otherwise: Errors
    ) -> tuple[Expected, Expected, Expected, Expected]:
        found = list(otherwise.get(method, (UNMEASURED,) * len(LENGTHS)))
        for length in range(len(LENGTHS)):
            for name, least in ((series, ENOUGH), (group, 1)):
                sums = self.sums.get((name, method, length), Sums())
                if sums.gaps >= least and sums.actual > 0:
                    found[length] = Expected(_of(sums.wrong, sums.actual), _of(sums.wrong, sums.spread))
                    break
        return found[0], found[1], found[2], found[3]

    def learned(self, series: str, group: str, base: Order, most_bias: Fraction | None = None) -> Order:
        """An order that follows the scores: at each length of gap the ranked methods, and after them the others.

        What says what was used (typed values, outages, the check meter) stays in front, as `base` has it.
        """
        known = (Method.AGREED, Method.OUTAGE, Method.CHECK_METER)
        steps = [step for step in base.steps if step.method in known]
        for length in range(len(LENGTHS)):
            shortest = BOUNDS[length - 1] + 1 if length else 0
            longest = BOUNDS[length] if length < len(BOUNDS) else FOREVER
            steps += [
                Step(method, longest_secs=longest, shortest_secs=shortest)
                for method in self.choice(series, group, length, most_bias)
            ]
        steps += [step for step in base.steps if step.method not in known]
        return base._replace(steps=tuple(steps), errors=self.errors(series, group, base.errors))


def _of(part: int, whole: int) -> int:
    """Thousandths, nearest; 0 of nothing."""
    return (2000 * part + whole) // (2 * whole) if whole > 0 else 0
