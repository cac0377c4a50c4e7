"""Indian load shapes: classes of consumers, their day by season, and the rooftop plant.

Hourly weights are typical profiles of the class (evening peak of homes, working hours of shops, pump rosters at night
and in the forenoon, dusk to dawn of street lights), written for this project; only their shape matters, the energy of
a day is `wh_low`..`wh_high` times the season.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pipeline.columns import Array

WEIGHT_ONE = 1_000_000
"""A day's weights add up to about this."""


class Season(IntEnum):
    """Months: winter November to February, summer March to June, monsoon July to October."""

    WINTER = 0
    SUMMER = 1
    MONSOON = 2


SEASON_OF_MONTH: tuple[Season, ...] = tuple(
    Season.WINTER if month in (11, 12, 1, 2) else Season.SUMMER if month in (3, 4, 5, 6) else Season.MONSOON
    for month in range(1, 13)
)


class Class(IntEnum):
    """Consumer class."""

    DOMESTIC_LOW = 0
    DOMESTIC_MIDDLE = 1
    DOMESTIC_HIGH = 2
    COMMERCIAL = 3
    INDUSTRY = 4
    AGRICULTURE = 5
    STREET_LIGHT = 6
    HT_INDUSTRY = 7


class Phase(IntEnum):
    """How a class is metered."""

    SINGLE = 1
    MIXED = 2  # three phases above the middle of the range, for `shares.three_phase` of them
    THREE = 3
    CT = 4
    HT = 5


@dataclass(frozen=True)
class ClassRow:
    """One class: share of consumers in thousandths, a day's energy in Wh, season and Sunday in thousandths."""

    klass: Class
    share: int
    metered: Phase
    wh_low: int
    wh_high: int
    season: tuple[int, int, int]
    sunday: int
    power_factor: tuple[int, int]
    appliance_wh: int
    hours: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    solar: bool
    doc: str


_HOME_WINTER = (4, 4, 4, 4, 5, 9, 16, 18, 13, 9, 8, 8, 8, 8, 8, 8, 9, 12, 18, 22, 21, 17, 11, 6)
_HOME_SUMMER = (13, 12, 11, 10, 9, 9, 10, 11, 10, 9, 10, 11, 12, 13, 13, 12, 11, 12, 15, 18, 20, 20, 18, 15)
_HOME_MONSOON = (9, 8, 8, 7, 7, 9, 12, 13, 11, 9, 9, 9, 10, 10, 10, 10, 10, 12, 17, 20, 21, 18, 14, 11)
_HOME = (_HOME_WINTER, _HOME_SUMMER, _HOME_MONSOON)
_SHOP = ((3, 3, 3, 3, 3, 3, 4, 6, 9, 15, 20, 22, 22, 21, 20, 20, 21, 22, 24, 24, 20, 13, 6, 4),) * 3
_FACTORY = ((5, 5, 5, 5, 5, 6, 8, 14, 24, 30, 30, 30, 28, 22, 28, 30, 30, 28, 20, 14, 10, 8, 6, 5),) * 3
_LIGHTS_WINTER = (20, 20, 20, 20, 20, 20, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 20, 20, 20, 20, 20, 20)
_LIGHTS = (_LIGHTS_WINTER, *((20, 20, 20, 20, 20, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 20, 20, 20, 20, 20),) * 2)
_EVEN = ((10,) * 24,) * 3

CLASSES: tuple[ClassRow, ...] = (
    ClassRow(Class.DOMESTIC_LOW, 400, Phase.SINGLE, 1_500, 4_500, (850, 1250, 1000), 1050, (880, 960), 60, _HOME,
             False, "home of low income: lights, fans, a television"),
    ClassRow(Class.DOMESTIC_MIDDLE, 330, Phase.SINGLE, 5_000, 11_000, (900, 1350, 1000), 1080, (880, 970), 220, _HOME,
             True, "home of middle income: refrigerator, geyser or cooler"),
    ClassRow(Class.DOMESTIC_HIGH, 100, Phase.MIXED, 14_000, 30_000, (800, 1500, 1000), 1100, (880, 970), 450, _HOME,
             True, "home of high income: air conditioning"),
    ClassRow(Class.COMMERCIAL, 110, Phase.MIXED, 8_000, 40_000, (850, 1250, 1000), 500, (850, 950), 300, _SHOP,
             True, "shop or office"),
    ClassRow(Class.INDUSTRY, 20, Phase.CT, 60_000, 220_000, (1000, 1000, 1000), 300, (820, 950), 0, _FACTORY,
             False, "small industry, metered through CTs"),
    ClassRow(Class.AGRICULTURE, 30, Phase.THREE, 3_000, 7_500, (1000, 1000, 400), 1000, (780, 860), 0, _EVEN,
             False, "pump set; the energy range is its power in W, eight hours by roster"),
    ClassRow(Class.STREET_LIGHT, 10, Phase.SINGLE, 4_000, 12_000, (1000, 1000, 1000), 1000, (920, 980), 0, _LIGHTS,
             False, "street light switch point"),
    ClassRow(Class.HT_INDUSTRY, 0, Phase.HT, 1_200_000, 3_000_000, (1000, 1000, 1000), 400, (900, 980), 0, _FACTORY,
             False, "industry at 11 kV, straight from the feeder"),
)  # fmt: skip

SOLAR_HOURS = (0, 0, 0, 0, 0, 0, 3, 15, 32, 50, 64, 73, 76, 73, 65, 52, 35, 17, 4, 0, 0, 0, 0, 0)
"""Output of a rooftop plant in hundredths of its rated power, by hour, clear sky."""


def _slots(hours: tuple[int, ...], slots: int) -> Array:
    """Hourly values i64 (24,) -> one a slot, linear between the middles of the hours, times 1,000."""
    minutes = (np.arange(slots) * 2 + 1) * (720 // slots)
    shifted = minutes - 30
    hour, part = shifted // 60, shifted % 60
    table = np.array(hours, np.int64)
    return (table[hour % 24] * (60 - part) + table[(hour + 1) % 24] * part) * 1000 // 60


def load_weights(slots: int) -> Array:
    """i64 (classes, seasons, slots): share of a day's energy in each slot, in millionths."""
    weights = np.empty((len(CLASSES), len(Season), slots), np.int64)
    for row in CLASSES:
        for season in Season:
            values = _slots(row.hours[season], slots)
            weights[row.klass, season] = values * WEIGHT_ONE // values.sum()
    return weights


def solar_weights(slots: int) -> Array:
    """i64 (slots,): mean output in thousandths of rated power."""
    return _slots(SOLAR_HOURS, slots) // 100
