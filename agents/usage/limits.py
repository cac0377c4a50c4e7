"""The limits that months are judged by, of each service point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.usage.config import JUDGED, UsageConfig
from agents.vee.config import Thresholds, VeeConfig
from agents.vee.limits import compile_courses, said_of
from agents.vee.rules import in_force, rule_sets
from agents.vee.rulesets.resolve import Chosen
from pipeline.columns import Array
from pipeline.reference import References

DEFAULT_SECS = 1800
"""Interval of a link that the registry in force does not have."""

THRESHOLDS = tuple(name for name in UsageConfig.model_fields if name in Thresholds.model_fields)

LIMITS = np.dtype([("rules", "<i8"), *((name, "<i8") for name in THRESHOLDS)])
"""Thresholds in force; `rules`: bit n set: the nth of JUDGED is judged."""


@dataclass(frozen=True)
class Prepared:
    """Tables of the versions in force.

    limits LIMITS (k,): sets of limits. courses, changes, of_link: which of them a link has, by day, as in
    `agents.vee.limits.LimitTables`. interval_secs u4 (links,); numerator, denominator i64 (links,): multiplying factor.
    """

    limits: Array
    courses: Array
    changes: Array
    of_link: Array
    interval_secs: Array
    numerator: Array
    denominator: Array

    def rows_of(self, links: Array, days: Array) -> Array:
        """Rows i64 (n,) of `limits` for links i64 (n,) on local days i64 (n,); a link that is not known has row 0."""
        known = links < len(self.of_link)
        course = np.zeros(len(links), np.int64)
        course[known] = self.of_link[links[known]]
        rows = np.zeros(len(links), np.int64)
        # Courses may be as many as links: what has one course lies together once all are sorted by it.
        order = np.argsort(course, kind="stable")
        numbers, begins = np.unique(course[order], return_index=True)
        for number, here in zip(numbers.tolist(), np.split(order, begins)[1:], strict=True):
            mine = self.changes[self.courses[number] : self.courses[number + 1]]
            # The first row of a course has held for ever.
            place = np.searchsorted(mine["day"], days[here], side="right") - 1
            rows[here] = mine["row"][np.maximum(place, 0)]
        return rows


def prepare(config: UsageConfig, references: References) -> Prepared:
    """The limits of the rule sets in force, else of the topology, as for the stage `vee`; raises ConfigError for a rule
    set that is not right."""
    registry, sets = references.registry, rule_sets(references.documents)
    own = {name: getattr(config, name) for name in (*THRESHOLDS, "timezone", "utility", "tariff_categories")}
    base = in_force(VeeConfig.model_validate(own), sets)

    def row_of(base: VeeConfig, chosen: Chosen) -> tuple[int, ...]:
        limits = base.model_copy(update=said_of(chosen))
        return _judged(config, chosen), *(int(getattr(limits, name)) for name in THRESHOLDS)

    rows, courses, changes, of_link = compile_courses(base, sets, registry, references.documents, row_of)
    secs = np.ascontiguousarray(registry.interval_secs, np.uint32)
    factor = registry.factor_numerator.astype(np.int64), np.maximum(registry.factor_denominator.astype(np.int64), 1)
    return Prepared(np.array(rows, LIMITS), courses, changes, of_link, secs, *factor)


def _judged(config: UsageConfig, chosen: Chosen) -> int:
    """Bits of JUDGED that make exceptions: a rule in shadow makes none."""
    silent = {*config.without, *chosen.off, *chosen.shadow}
    return sum(1 << number for number, code in enumerate(JUDGED) if code not in silent)
