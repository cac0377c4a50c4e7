"""The limits that months are judged by, of each service point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.usage.config import JUDGED, UsageConfig
from agents.vee.config import Thresholds, VeeConfig
from agents.vee.rules import in_force, rule_sets
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

    limits LIMITS (k,): sets of limits. of_link u2 (links,): which of them a link's service point has. interval_secs
    u4 (links,).
    """

    limits: Array
    of_link: Array
    interval_secs: Array


def prepare(config: UsageConfig, references: References) -> Prepared:
    """The limits of the rule set in force, else of the topology; raises ConfigError for a rule set that is not right.

    There is one set of limits. Sets by service point would be further rows, and their numbers in `of_link`.
    """
    secs = np.ascontiguousarray(references.registry.interval_secs, np.uint32)
    limits = np.zeros(1, LIMITS)
    limits[0] = (_judged(config), *_thresholds(config, references.documents).values())
    return Prepared(limits, np.zeros(len(secs), np.uint16), secs)


def _judged(config: UsageConfig) -> int:
    return sum(1 << number for number, code in enumerate(JUDGED) if code not in config.without)


def _thresholds(config: UsageConfig, documents: Mapping[str, bytes]) -> dict[str, int]:
    """Of the rule set that VEE has too; what it does not say is as the topology says."""
    own = {name: getattr(config, name) for name in THRESHOLDS}
    chosen = in_force(VeeConfig.model_validate(own), rule_sets(documents))
    return {name: getattr(chosen, name) for name in THRESHOLDS}
