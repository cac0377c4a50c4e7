"""How far main and check meter may differ, of each service point and day, by the rule sets in force."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.checks.config import ChecksConfig
from agents.vee.config import VeeConfig
from agents.vee.limits import compile_courses, said_of
from agents.vee.rules import in_force, rule_sets
from agents.vee.rulesets.resolve import Chosen
from pipeline.columns import Array
from pipeline.reference import References

CODE = "V34"
SILENT = -1
"""In place of a tolerance: the rule is off or in shadow, and makes no exceptions."""
OWN = ("timezone", "check_tolerance_permille", "utility", "tariff_categories")


@dataclass(frozen=True)
class Prepared:
    """Tables of the versions in force.

    permille i64 (k,): tolerances, or SILENT. courses, changes, of_link: which of them a link has, by day, as in
    `agents.vee.limits.LimitTables`. interval_secs i64 (links,).
    """

    permille: Array
    courses: Array
    changes: Array
    of_link: Array
    interval_secs: Array

    def tolerances(self, links: Array, days: Array) -> Array:
        """Permille i64 (n,) of links i64 (n,) on local days i64 (n,); an unknown link has what holds for all."""
        course = np.zeros(len(links), np.int64)
        known = links < len(self.of_link)
        course[known] = self.of_link[links[known]]
        found = np.empty(len(links), np.int64)
        for number in np.unique(course).tolist():
            mine = self.changes[self.courses[number] : self.courses[number + 1]]
            here = np.flatnonzero(course == number)
            # The first row of a course has held for ever.
            place = np.maximum(np.searchsorted(mine["day"], days[here], side="right") - 1, 0)
            found[here] = self.permille[mine["row"][place]]
        return found

    def secs(self, links: Array) -> Array:
        """Length i64 (n,) of the intervals of links i64 (n,); 0 of a link that is not known."""
        found = np.zeros(len(links), np.int64)
        known = links < len(self.interval_secs)
        found[known] = self.interval_secs[links[known]]
        return found


def prepare(config: ChecksConfig, references: References) -> Prepared:
    """The tolerances of the rule sets in force, else of the topology; raises ConfigError for a rule set that is not
    right."""
    registry, sets = references.registry, rule_sets(references.documents)
    base = in_force(VeeConfig.model_validate({name: getattr(config, name) for name in OWN}), sets)

    def row_of(base: VeeConfig, chosen: Chosen) -> tuple[int, ...]:
        silent = CODE in chosen.off or CODE in chosen.shadow
        return (SILENT if silent else base.model_copy(update=said_of(chosen)).check_tolerance_permille,)

    rows, courses, changes, of_link = compile_courses(base, sets, registry, references.documents, row_of)
    permille = np.array([row[0] for row in rows], np.int64)
    return Prepared(permille, courses, changes, of_link, registry.interval_secs.astype(np.int64))
