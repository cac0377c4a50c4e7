"""What the exceptions stage should say, in plain Python: days one after another, dictionaries in place of bits."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.exceptions.config import WINDOW

Change = tuple[int, str, str, int, int]
"""(service point, rule, OPEN or CLOSED, first day, last day)."""


@dataclass(frozen=True)
class Day:
    """A settled day: counts actual, estimated, missing, suspect; wh of import."""

    point: int
    day: int
    counts: tuple[int, int, int, int]
    used: int = 1
    estimated: int = 0
    unexplained: int = 0
    registers: int = 0
    register_energy: int = 0


@dataclass
class _Point:
    kinds: dict[int, str] = field(default_factory=dict)
    seen: dict[int, set[str]] = field(default_factory=dict)
    open: dict[int, set[str]] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)


class Oracle:
    """The same thresholds as the stage's defaults, given by name."""

    def __init__(self, *, zero_days: int, estimated_days: int, missing_percent: int = 25) -> None:
        self.limits = {"V23": zero_days, "V30": estimated_days}
        self.missing_percent = missing_percent
        self.points: dict[int, _Point] = {}

    def reading(self, point: int, day: int, rules: set[str]) -> None:
        """A reading of the day came with these rules."""
        own = self.points.setdefault(point, _Point())
        if self._is_hot(own, day):
            own.seen.setdefault(day, set()).update(rules)

    def settled(self, day: Day) -> list[Change]:
        """A day is settled: what opens and closes."""
        rules, kind = self._judged(day)
        if day.point not in self.points and not rules and not kind:
            return []  # nothing is kept of who never had anything
        own = self.points.setdefault(day.point, _Point())
        if max(own.kinds, default=day.day) - day.day < 64:
            own.kinds[day.day] = kind
        return [*self._of_day(own, day, rules), *self._of_runs(own, day.point)]

    def _judged(self, day: Day) -> tuple[set[str], str]:
        """Rules that failed, and the kind of run that the day belongs to."""
        expected, absent = sum(day.counts), day.counts[1] + day.counts[2]
        rules: set[str] = set()
        if not expected:
            return rules, ""
        if absent * 100 > self.missing_percent * expected:
            rules.add("V01")
        if day.registers & 512:
            rules.add("V26")
        if day.registers & 3 == 3 and abs(day.unexplained) > max(100, day.register_energy // 1000 * 5):
            rules.add("V12")
        if day.counts[0] == expected and day.used == 0 and day.estimated == 0:
            return rules, "V23"
        return rules, "V30" if absent == expected else ""

    def _of_day(self, own: _Point, day: Day, rules: set[str]) -> list[Change]:
        if not self._is_hot(own, day.day):
            return []
        if any(day.counts[1:]):
            rules = rules | own.seen.get(day.day, set())
        else:
            own.seen[day.day] = own.seen.get(day.day, set()) & {"V26"}
            rules = rules | own.seen[day.day]
        before = own.open.get(day.day, set())
        own.open[day.day] = rules
        opened: list[Change] = [(day.point, rule, "OPEN", day.day, day.day) for rule in rules - before]
        return opened + [(day.point, rule, "CLOSED", day.day, day.day) for rule in before - rules]

    def _of_runs(self, own: _Point, point: int) -> list[Change]:
        changes: list[Change] = []
        newest = max(own.kinds)
        for rule, limit in self.limits.items():
            run = 0
            while own.kinds.get(newest - run) == rule and run < 64:
                run += 1
            if run >= limit and rule not in own.runs:
                own.runs[rule] = newest - run + 1
                changes.append((point, rule, "OPEN", own.runs[rule], newest))
            elif run < limit and rule in own.runs:
                changes.append((point, rule, "CLOSED", own.runs.pop(rule), newest))
        return changes

    def _is_hot(self, own: _Point, day: int) -> bool:
        """No later day has taken its place."""
        return not any(other > day and other % WINDOW == day % WINDOW for other in {*own.seen, *own.open})
