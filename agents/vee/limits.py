"""Rule sets as a table of limits: a row for each outcome, and for each link the course of rows that hold, by day.

Pure: documents and registry in, arrays out, so that all partitions and every replay have the same. Row 0 and course 0
are the topology's own thresholds with those that a document states for all and always; nearly all links have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from agents.vee.categories import categories_of
from agents.vee.config import Thresholds, VeeConfig
from agents.vee.kernels_limits import ESTIMATED, HOLDS_DOUBTED, HOLDS_RANGE, OFF, TOLD
from agents.vee.rulesets.read import EVER, NEVER, RuleSet
from agents.vee.rulesets.resolve import Chosen, Facts, resolve_span
from agents.vee.rulesets.stream import FIXED, ON_REQUEST, PHYSICAL, STREAMED, TREATED, Treated
from pipeline.codes import RULE_BIT, Flag
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS
from pipeline.reference import FOREVER, Registry
from pipeline.rules import RULE_BY_CODE, Severity
from pipeline.templates import TEMPLATE_BY_NUMBER

LIMIT = np.dtype(
    [
        ("range_percent", "<i8"),  # V09; 0: no value is refused by it
        ("told_percent", "<i8"),  # V09 of what is only told; 0: nothing is
        ("spike", "<i8"),  # V14: OFF, TOLD, ESTIMATED
        ("spike_percent", "<i8"),
        ("spike_floor", "<i8"),
        ("linear_secs", "<i8"),
        ("sum_tolerance", "<i8"),
        ("doubted", "<i8"),  # flags of a row that is not to be used
        ("told_doubted", "<i8"),  # flags of a row of which V37 is only told
        ("held", "<i8"),  # HOLDS_RANGE, HOLDS_DOUBTED
        ("stuck", "<i8"),  # V25: OFF, TOLD, ESTIMATED
        ("stuck_intervals", "<i8"),
        ("stuck_floor", "<i8"),
        ("changed", "<i8"),  # V21: OFF, TOLD
        ("change_percent", "<i8"),
        ("change_floor", "<i8"),
        ("reactive_intervals", "<i8"),  # V15
        ("factor_percent", "<i8"),
        ("factor_permille", "<i8"),  # V29
        ("voltage_low", "<i8"),  # V27, mV; 0 all three: not judged
        ("voltage_high", "<i8"),
        ("voltage_most", "<i8"),
        ("supply_mv", "<i8"),  # V26: voltage and current from which on energy must be measured; 0: not judged
        ("supply_ma", "<i8"),
        ("testing", "<i8"),  # V11: 1: what is measured is a test
        ("off", "<i8"),  # rules (bits) that are not told
        ("shadow", "<i8"),  # rules (bits) in shadow
        ("doubts", "<i8"),  # rules (bits) of PHYSICAL that make their channel suspect
    ]
)
"""What kernels ask for; energies in Wh, times in seconds."""

CHANGE = np.dtype([("day", "<i8"), ("row", "<i8")])
"""From a local day on, and until the next of the course, a row holds."""

MOST_COURSES = 65_535


class LimitTables(NamedTuple):
    """rows LIMIT (r,); changes CHANGE (m,), of course c at [courses[c], courses[c + 1]), courses i4 (c + 1,).

    of_link u2 (links,): the course of each link.
    """

    rows: Array
    courses: Array
    changes: Array
    of_link: Array


Row = tuple[int, ...]
RowOf = Callable[[VeeConfig, Chosen], Row]
"""What a row says where `Chosen` holds beside a topology's thresholds."""

Course = tuple[tuple[int, int], ...]
"""(first local day, row) by day; the first has held for ever."""


def compile_limits(
    config: VeeConfig, sets: Sequence[RuleSet], registry: Registry, documents: Mapping[str, bytes]
) -> LimitTables:
    """The tables; `config` is what holds for all. Raises ConfigError when too many links differ."""
    rows, *courses = compile_courses(config, sets, registry, documents, limit_row)
    return LimitTables(np.array(rows, LIMIT), *courses)


def compile_courses(
    config: VeeConfig, sets: Sequence[RuleSet], registry: Registry, documents: Mapping[str, bytes], row_of: RowOf
) -> tuple[list[Row], Array, Array, Array]:
    """(rows, courses, changes, of_link) as in LimitTables, of rows that `row_of` makes."""
    known = _Known(config, sets, row_of)
    of_link = np.zeros(len(registry.device), np.uint16)
    if any(statement.rules or statement.thresholds for one in sets for statement in one.statements):
        _Links(known, registry, categories_of(config, documents)).fill(of_link)
    courses = list(known.courses)
    bounds = np.cumsum([0, *(len(course) for course in courses)]).astype(np.int32)
    changes = np.array([change for course in courses for change in course], CHANGE)
    return list(known.rows), bounds, changes, of_link


@dataclass
class _Known:
    """Rows and courses so far, each once, in the order in which they were needed."""

    config: VeeConfig
    sets: Sequence[RuleSet]
    row_of: RowOf
    rows: dict[Row, int] = field(default_factory=dict)
    courses: dict[Course, int] = field(default_factory=dict)
    resolved: dict[Facts, Course] = field(default_factory=dict)

    def __post_init__(self) -> None:
        nothing = Chosen(Thresholds(), frozenset(), frozenset(), {}, "", ())
        self.number_of(((EVER, self._row(nothing)),))

    def number_of(self, course: Course) -> int:
        """Number of a course."""
        number = self.courses.setdefault(course, len(self.courses))
        if number > MOST_COURSES:
            raise ConfigError(
                "RULES_TOO_MANY",
                where="rules",
                what=f"service points differ in more than {MOST_COURSES:,} ways",
                do="put what many overrides say into sets by tariff category or meter model",
            )
        return number

    def course_of(self, point: Facts) -> Course:
        """What holds for a point of which nothing changes but what documents say."""
        if point not in self.resolved:
            spans = resolve_span(self.sets, point, EVER, NEVER - 1)
            self.resolved[point] = _shortest((span.first, self._row(span.chosen)) for span in spans)
        return self.resolved[point]

    def _row(self, chosen: Chosen) -> int:
        return self.rows.setdefault(self.row_of(self.config, chosen), len(self.rows))


def _shortest(changes: Iterable[tuple[int, int]]) -> Course:
    """Without days on which nothing changes."""
    course: list[tuple[int, int]] = []
    for day, row in changes:
        if not course or course[-1][1] != row:
            course.append((day, row))
    return tuple(course)


class _Links:
    """The course of each link of a registry."""

    def __init__(self, known: _Known, registry: Registry, categories: Mapping[int, str]) -> None:
        self.known, self.registry, self.categories = known, registry, categories
        statements = [statement for one in known.sets for statement in one.statements]
        self.by_category = any(statement.tariff_category is not None for statement in statements)
        own = [statement.service_point for statement in statements if statement.service_point is not None]
        self.overridden = np.unique(np.array(own, np.uint64))
        order = np.lexsort((registry.point_from, registry.point))
        self.point, self.order = registry.point[order], order

    def fill(self, out: Array) -> None:
        """Whole groups of links at once; those whose tariff changes, or who have an override, one by one."""
        registry = self.registry
        first = np.searchsorted(self.point, registry.service_point, "left")
        after = np.searchsorted(self.point, registry.service_point, "right")
        single = np.isin(registry.service_point, self.overridden)
        tariff = np.zeros(len(out), np.int64)
        if self.by_category:
            single |= after - first > 1
            there = after > first
            tariff[there] = registry.tariff[self.order[first[there]]]
        group = tariff << 16 | registry.template.astype(np.int64)
        numbers, inverse = np.unique(group[~single], return_inverse=True)
        of_group = [self._of_group(int(number)) for number in numbers]
        out[~single] = np.array(of_group, np.uint16)[inverse]
        for link in np.flatnonzero(single).tolist():
            out[link] = self._of_one(link, range(int(first[link]), int(after[link])))

    def _of_group(self, group: int) -> int:
        return self.known.number_of(self.known.course_of(self._facts(0, group >> 16, group & 0xFFFF)))

    def _of_one(self, link: int, rows: range) -> int:
        """A course cut where the point's tariff changes; before its first row and after its last these hold on."""
        registry = self.registry
        point, model = int(registry.service_point[link]), int(registry.template[link])
        own = point if bool(np.isin(registry.service_point[link], self.overridden)) else 0
        places = [int(self.order[row]) for row in rows] if self.by_category else []
        begins = [EVER, *(self._day(int(registry.point_from[place])) for place in places[1:])]
        tariffs = [int(registry.tariff[place]) for place in places] or [0]
        changes: list[tuple[int, int]] = []
        for (begin, end), tariff in zip(pairwise([*begins, NEVER]), tariffs, strict=True):
            course = self.known.course_of(self._facts(own, tariff, model))
            changes += _between(course, begin, end)
        return self.known.number_of(_shortest(changes))

    def _facts(self, point: int, tariff: int, model: int) -> Facts:
        template = TEMPLATE_BY_NUMBER.get(model)
        category = self.categories.get(tariff, str(tariff)) if tariff and self.by_category else None
        return Facts(point, self.known.config.utility, category, template.name if template else str(model))

    def _day(self, time: int) -> int:
        if time >= FOREVER:
            return NEVER
        return max((time + self.known.config.offset_secs) // DAY_SECS, EVER)


def _between(course: Course, begin: int, end: int) -> Iterable[tuple[int, int]]:
    """The part of a course in days [begin, end)."""
    for (first, row), after in zip(course, [*(day for day, _ in course[1:]), NEVER], strict=True):
        if max(first, begin) < min(after, end):
            yield max(first, begin), row


def said_of(chosen: Chosen) -> dict[str, int]:
    """The thresholds that some document says."""
    return {why.what: why.value for why in chosen.why if why.place and why.what in Thresholds.model_fields}


def limit_row(config: VeeConfig, chosen: Chosen) -> Row:
    """A row of LIMIT: the topology's thresholds where `chosen` says nothing, and what becomes of a failed rule."""
    limits = config.model_copy(update=said_of(chosen))
    spike, stuck = (_effect(code, chosen) for code in ("V14", "V25"))
    refuses, doubts = _severity("V09", chosen), _severity("V37", chosen)
    suspect, v27 = int(Flag.HEAD_END_SUSPECT), limits.nominal_mv if _severity("V27", chosen) else 0
    told = (None, Severity.INFORMATION)
    row: dict[str, Any] = {
        "range_percent": 0 if refuses in told else limits.range_percent,
        "told_percent": limits.range_percent if refuses is Severity.INFORMATION else 0,
        "spike": spike,
        "spike_percent": limits.spike_ratio_percent,
        "spike_floor": limits.spike_floor_wh,
        "linear_secs": limits.linear_secs,
        "sum_tolerance": limits.sum_tolerance_wh,
        "doubted": 0 if doubts in told else suspect,
        "told_doubted": suspect if doubts is Severity.INFORMATION else 0,
        "held": HOLDS_RANGE * (refuses is Severity.WARNING) | HOLDS_DOUBTED * (doubts is Severity.WARNING),
        "stuck": stuck,
        "stuck_intervals": limits.stuck_intervals if stuck else 0,
        "stuck_floor": limits.stuck_floor_wh if stuck else 0,
        "changed": TOLD if limits.change_percent and _severity("V21", chosen) else OFF,
        "change_percent": limits.change_percent,
        "change_floor": limits.change_floor_wh,
        "reactive_intervals": limits.reactive_intervals,
        "factor_percent": limits.power_factor_least_percent,
        "factor_permille": limits.power_factor_tolerance_permille,
        "voltage_low": v27 * (100 - limits.voltage_percent) // 100,
        "voltage_high": v27 * (100 + limits.voltage_percent) // 100,
        "voltage_most": v27 * limits.voltage_most_percent // 100,
        "supply_mv": (limits.nominal_mv if _severity("V26", chosen) else 0) * limits.supply_voltage_percent // 100,
        "supply_ma": limits.supply_current_ma,
        "testing": limits.testing if _severity("V11", chosen) else 0,
        "off": _bits(code for code in chosen.off if code not in FIXED),
        "shadow": _bits(code for code in chosen.shadow if code not in FIXED),
        "doubts": _bits(code for code in PHYSICAL if _severity(code, chosen) in (Severity.WARNING, Severity.ERROR)),
    }
    return tuple(int(row[name]) for name in LIMIT.names or ())


def _bits(codes: Iterable[str]) -> int:
    return sum(1 << RULE_BIT[code] for code in codes if code in STREAMED or code in ON_REQUEST)


_DEFAULT: dict[str, Severity] = {"V37": Severity.ERROR}
"""Where the stream differs from the table: what a head-end calls suspect is estimated, if there is a way to."""


def _severity(code: str, chosen: Chosen) -> Severity | None:
    """Of a rule in the stream; in shadow it is INFORMATION; None: it is off."""
    said = chosen.severities.get(code)
    if code in chosen.off:
        return None
    if code in chosen.shadow:
        return Severity.INFORMATION
    if code in ON_REQUEST and code not in ("V11", "V27") and code not in chosen.on and said is None:
        return None
    return said or _DEFAULT.get(code, RULE_BY_CODE[code].severity)


def _effect(code: str, chosen: Chosen) -> int:
    severity = _severity(code, chosen)
    if severity is None:
        return OFF
    assert TREATED[code] is Treated.NOT_SUSPECT
    return ESTIMATED if severity is Severity.ERROR else TOLD
