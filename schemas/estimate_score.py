"""The plain record of how far estimates are off: sums over known-good intervals that were taken away and estimated."""

from __future__ import annotations

from enum import IntEnum

from pipeline.codes import Method, Role
from schemas.common import ORIGIN
from schemas.fields import Field, Record, enum, nullable


class LoadClass(IntEnum):
    """Band of sanctioned load that a service point is in."""

    UNKNOWN = 0
    TO_1_KW = 1
    TO_5_KW = 2
    TO_20_KW = 3
    TO_100_KW = 4
    ABOVE_100_KW = 5


LOAD_BOUNDS_W = (0, 1_000, 5_000, 20_000, 100_000)
"""Largest sanctioned load of each band but the last, W."""


class Lane(IntEnum):
    """Where an estimate is made."""

    HOT = 0
    COLD = 1


class ScoreState(IntEnum):
    """Whether a score may be relied on."""

    LEARNING = 0
    KNOWN = 1


LANE_DOC = {
    Lane.HOT: "as the stream makes it, of its hot window and, for SCALED and FLAT, of registers",
    Lane.COLD: "with the days around, as files and days behind the hot window are estimated",
}
STATE_DOC = {
    ScoreState.LEARNING: "fewer gaps than the stage is told to rely on",
    ScoreState.KNOWN: "enough gaps",
}
ROLES = ("UNKNOWN", *(role.name for role in Role))
ROLE_DOC = {"UNKNOWN": "not in the registry", "CONSUMER": "consumer", "DT_METER": "meter of a transformer",
            "FEEDER_METER": "meter of a feeder"}  # fmt: skip
LOAD_DOC = {
    LoadClass.UNKNOWN: "no sanctioned load is given",
    LoadClass.TO_1_KW: "up to 1 kW",
    LoadClass.TO_5_KW: "up to 5 kW",
    LoadClass.TO_20_KW: "up to 20 kW",
    LoadClass.TO_100_KW: "up to 100 kW",
    LoadClass.ABOVE_100_KW: "more",
}

ESTIMATE_SCORE = Record(
    "EstimateScore",
    "How far estimates of a method are off at a length of gap in a class of service points, in one partition: "
    "sums of import over sampled service points, in which older days count less. The key is (source_partition, "
    "role, tariff_number, load_class, lane, method, gap_secs).",
    (
        Field("day_start", "long", "[s] Start of the last local day that is in it, epoch seconds UTC."),
        Field(
            "role",
            enum("PointRole", "What the points are in the network.", ROLE_DOC.items()),
            "Role of the service points of the class.",
        ),
        Field("tariff_number", "int", "Number of their tariff in the registry; 0 for none."),
        Field(
            "load_class",
            enum("LoadClass", "Sanctioned load.", ((one.name, LOAD_DOC[one]) for one in LoadClass)),
            "Band of their sanctioned load.",
        ),
        Field(
            "lane",
            enum("Lane", "Where estimates are made.", ((one.name, LANE_DOC[one]) for one in Lane)),
            "How much of the series the method had.",
        ),
        Field(
            "method",
            enum("EstimationMethod", "Method.", ((one.name, one.name.lower().replace("_", " ")) for one in Method)),
            "Method of estimation: docs/reference/estimates.md.",
        ),
        Field("gap_secs", "long", "[s] Length of the gaps: an hour, six, a day, three days."),
        Field("revision", "long", "Order of the revisions of a key: the larger replaces the smaller."),
        Field(
            "state",
            enum("ScoreState", "Whether to rely on it.", ((one.name, STATE_DOC[one]) for one in ScoreState)),
            "Learning or known.",
        ),
        Field("gaps", "long", "Gaps that the method applied to, at least in part."),
        Field("energy_wh", "long", "[Wh] Import that was taken away there."),
        Field("wrong_wh", "long", "[Wh] Sum of |estimate - actual| over the intervals."),
        Field("over_wh", "long", "[Wh] Sum of estimate - actual; above zero: too much."),
        Field(
            "spread_wh", "long", "[Wh] Sum of how far the days around lie from the estimates; 0: not measured."
        ),
        Field(
            "wape_permille", nullable("int"), "[1/1000] wrong_wh / energy_wh, rounded; null without energy."
        ),
        Field("bias_permille", nullable("int"), "[1/1000] over_wh / energy_wh, rounded; null without energy."),
        Field("tick_time", "long", "[s] Time of the log at which the day was scored, epoch seconds UTC."),
        *ORIGIN,
    ),
)  # fmt: skip
