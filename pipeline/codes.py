"""Codes, once: quality, reading kind, method, rule, flag and reject code tables.

Avro enums, ClickHouse enums and the reference pages are rendered from here; a test fails when they differ.
Numbers are contracts: never reused, never renumbered.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from pipeline.quality import Quality as Quality
from pipeline.reject_codes import REJECT_BY_NUMBER as REJECT_BY_NUMBER
from pipeline.reject_codes import REJECT_CODES as REJECT_CODES
from pipeline.reject_codes import REJECT_NUMBER as REJECT_NUMBER
from pipeline.reject_codes import RejectCode as RejectCode
from pipeline.rules import READING_RULES as READING_RULES
from pipeline.rules import RULE_BIT as RULE_BIT
from pipeline.rules import RULES as RULES
from pipeline.rules import Rule as Rule


class Kind(IntEnum):
    """What a decoded row is: the push it came in (IS 15959 part 2)."""

    BLOCK = 1  # block load profile, push 0.5.25.9.0.255
    DAILY = 2  # daily load profile, register readings at midnight, push 0.6.25.9.0.255
    INSTANT = 3  # instantaneous profile, push 0.0.25.9.0.255
    ALERT = 4  # event status word, push 0.4.25.9.0.255


class Method(IntEnum):
    """How a substituted value was made (domain terms: NEM12 type in brackets where one exists)."""

    NONE = 0  # not substituted
    OUTAGE = 1  # nothing was used: the interval lies wholly inside a confirmed outage (19)
    CHECK_METER = 2  # the check meter's value, times the ratio of the two (11)
    LINEAR = 3  # between the two neighbouring good intervals (17)
    LIKE_DAY = 4  # mean of the same clock interval on earlier good days (15)
    NEAR_DAY = 5  # the same clock interval of one like day (14)
    SCALED = 6  # a substitute scaled so that the day meets its registers
    ZONE_SCALED = 7  # a substitute scaled so that each time-of-day zone meets its own register
    FLAT = 8  # register difference spread evenly
    CARRIED = 9  # last good interval carried on, until more is known
    ROUNDING = 10  # whole watt-hours of a fractional multiplying factor, put on one interval
    HEAD_END = 11  # the estimate (or edit) of the head-end that the reading came from
    CLOCK_SET = 12  # rows that a clock set has cut or repeated, put together by time
    PREVIOUS_PERIOD = 13  # daily use of the same season last year, else of the weeks before (51, 52)
    CLASS_PROFILE = 14  # daily use in the shape of the consumer class (57)
    NEIGHBOURS = 15  # median of the neighbours' shares of their daily use, times the own daily use (57)
    TEMPERATURE = 16  # mean of the days of like type whose temperature comes closest (15)
    REGISTER = 17  # a register from daily use times days (65)
    REGISTER_LINE = 18  # a register between two others, in proportion to time (65)
    AGREED = 19  # typed by a person, with a reason and the consent of a second one (16)
    WEIGHTED_DAYS = 20  # mean of the days around, like and near ones counting more (15)
    MEDIAN_DAYS = 21  # weighted median of the days around (15)
    BRIDGE = 22  # weighted median of the days around and of the good intervals on both sides of the gap (15)
    MANUAL = 23  # a person has said so, in force whatever the meter sends (16)


class Flag(IntFlag):
    """What decode noticed about a row; travels with the reading."""

    CLOCK_INVALID = 1 << 0  # clock status bit 01
    CLOCK_DOUBTFUL = 1 << 1  # clock status bit 02, or the clock was measured to be off by more than is allowed
    COUNTER_LATE = 1 << 2  # invocation counter older than the newest, not seen before
    TEMPLATE_UNVERIFIED = 1 << 3  # column order taken from a default, not from the meter
    OFF_GRID = 1 << 4  # stamp moved to the nearest interval boundary
    PLAIN = 1 << 5  # the frame was not encrypted
    HEAD_END = 1 << 10  # decoded by another head-end; the frame holds its quality, source and id
    HEAD_END_ESTIMATED = 1 << 11  # that head-end calls the value an estimate
    HEAD_END_SUSPECT = 1 << 12  # that head-end calls the value suspect
    HEAD_END_EDITED = 1 << 13  # a person has edited the value there
    DISCARDED = 1 << 14  # what the meter sent is not used: a person has said so
    SHADOW = 1 << 15  # set by VEE: the rules of this reading are in shadow, and have changed nothing


PROVISIONAL, FINAL = 0, 1
"""State of a day: whether late frames can still change it."""
NOT_KNOWN = 65_535
"""Expected error of an estimate of which nothing is known."""


class Role(IntEnum):
    """What a service point is in the network."""

    CONSUMER = 1
    DT_METER = 2  # energy into a distribution transformer
    FEEDER_METER = 3  # energy into a feeder


class Level(IntEnum):
    """Level of a network node."""

    DT = 1
    FEEDER = 2
    SUBSTATION = 3
