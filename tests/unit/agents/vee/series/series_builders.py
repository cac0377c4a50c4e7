"""Small series for tests: values by place, None where nothing came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.series.calendar import grid_of
from agents.vee.series.judge import judge
from agents.vee.series.model import Beside, Channel, Facts, Grid, Registers, Series, empty_channel
from pipeline.quality import Quality
from pipeline.rules import RULE_BIT

START = 1_751_308_200
"""2025-07-01 00:00 in India, a Tuesday."""
LIMITS = Thresholds()  # type: ignore[call-arg]

Values = Sequence[int | None]


def grid(count: int, interval: int = 1800, start: int = START, zone: str = "Asia/Kolkata") -> Grid:
    return grid_of(start, start + (count - 1) * interval, interval, zone)


def channel(on: Grid, values: Values, name: str = "wh_imp", qualities: dict[int, Quality] | None = None) -> Channel:
    made = empty_channel(on, name, "Wh")
    for place, value in enumerate(values):
        if value is not None:
            made.value[place], made.quality[place] = value, Quality.ACTUAL
    for place, quality in (qualities or {}).items():
        made.quality[place] = quality
    return made


def series(values: Values, *, interval: int = 1800, zone: str = "Asia/Kolkata", **others: Any) -> Series:
    """`wh_imp` and other channels by name; facts, beside, registers [(at, Wh), ...] and modulus by these names."""
    on = grid(len(values), interval, zone=zone)
    beside = Beside(**{name: np.array(column) for name, column in others.pop("beside", {}).items()})
    facts, registers = Facts(**others.pop("facts", {})), others.pop("registers", None)
    modulus, qualities = others.pop("modulus", 0), others.pop("qualities", None)
    made = Series("point", on, {"wh_imp": channel(on, values, qualities=qualities)}, facts, beside)
    for name, column in others.items():
        made.channels[name] = channel(on, column, name)
    if registers:
        at, reading = (np.array(column, np.int64) for column in zip(*registers, strict=True))
        made.channels["wh_imp"].registers = Registers(at, reading, np.ones(len(at), np.uint8), modulus)
    return made


def failed(made: Series, code: str, name: str = "wh_imp", limits: Thresholds = LIMITS) -> set[int]:
    """Places of intervals that fail a rule."""
    judge(made, limits)
    return set(np.flatnonzero(made.channels[name].flags & bit(code)).tolist())


def failed_spans(made: Series, code: str, limits: Thresholds = LIMITS) -> set[int]:
    judge(made, limits)
    return set(np.flatnonzero(made.channels["wh_imp"].spans & bit(code)).tolist())


def failed_months(made: Series, code: str, limits: Thresholds = LIMITS) -> set[int]:
    judge(made, limits)
    return set(np.flatnonzero(made.channels["wh_imp"].months & bit(code)).tolist())


def bit(code: str) -> np.uint64:
    return np.uint64(1 << RULE_BIT[code])
