"""Every method of estimation, once: what it does, when it applies, and what other systems call its result.

Sources: ids and formulas of the design (E01 to E15; E16 to E18 are own), NEM12 substitution types of AEMO's Meter Data
File Format, ESPI quality of reading (NAESB REQ.21), change methods of the IES MeterData. docs/reference/estimates.md
is rendered from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.vee.estimate.order import LINEAR_SECS, STEPS
from pipeline.codes import Method, Quality


@dataclass(frozen=True)
class Row:
    """One method."""

    id: str
    """E01 and so on; empty for what is no method of estimation by itself."""
    method: Method
    name: str
    formula: str
    conditions: str
    inputs: str
    """What Gap.inputs are."""
    nem12: int
    """Substitution type, of remotely read meters where there is one."""
    espi: int
    """Quality of reading."""
    ies: str
    """changeMethod."""
    quality: Quality = Quality.ESTIMATED

    @property
    def place(self) -> int | None:
        """Place in the default order, from 1; None: not in it."""
        methods = [step.method for step in STEPS]
        return methods.index(self.method) + 1 if self.method in methods else None


DAYS, INTERVALS, NOTHING = "local days", "intervals", ""

TABLE: tuple[Row, ...] = (
    Row(
        "E01", Method.OUTAGE, "outage", "0",
        "wholly inside a confirmed outage; or, where the order says so, a gap with an outage on both sides",
        NOTHING, 19, 11, "outage-zero",
    ),
    Row(
        "E02", Method.CHECK_METER, "check meter", "check x ratio of both sums over the last 30 common days",
        "the check meter's interval is good, and there is a day on which both are", DAYS, 11, 11, "check-meter",
    ),
    Row(
        "E03", Method.LINEAR, "line", "a + k (b - a) / (m + 1), k = 1..m; one side lacking: the other side's value",
        f"gap of at most {LINEAR_SECS // 3600} h; an interval with an outage is no end", INTERVALS, 17, 9,
        "linear-interpolation",
    ),
    Row(
        "E04", Method.LIKE_DAY, "average of like days", "mean of the same clock interval over the 3 latest days",
        "days of the same type within 90 days before, complete, without outage or estimate; at least 1", DAYS, 15, 8,
        "average-like-day",
    ),
    Row(
        "E05", Method.NEAR_DAY, "like day", "the same clock interval of one day",
        "first complete day of the like-day table: weeks before, the same week, weeks after", DAYS, 14, 8, "like-day",
    ),
    Row(
        "E06", Method.SCALED, "scaling", "estimate x (register difference - good intervals) / estimates",
        "registers good at both ends; what is needed is not below zero; a factor outside 0.2..5 is suspect", NOTHING,
        15, 8, "register-scaled",
    ),
    Row(
        "E07", Method.ZONE_SCALED, "scaling by time-of-day zone", "as E06, each zone to its own register",
        "zone registers good at both ends", NOTHING, 15, 8, "zone-register-scaled",
    ),
    Row(
        "E08", Method.FLAT, "flat line", "(register difference - good intervals) / missing intervals",
        "registers good at both ends", "the two registers' intervals", 17, 9, "flat-line",
    ),
    Row(
        "E09", Method.PREVIOUS_PERIOD, "previous year or period",
        "mean day of the weeks around the same weekday last year, else of the 28 days before",
        "at least 7 complete days in the one, or 1 in the other", DAYS, 51, 8, "previous-year",
    ),
    Row(
        "E10", Method.CLASS_PROFILE, "class profile", "daily use x share of the class",
        "a profile is given, and a daily use is known from good intervals or from registers", "daily use, Wh", 57, 16,
        "class-profile",
    ),
    Row(
        "E11", Method.NEIGHBOURS, "neighbours", "median over peers of (interval / daily use) x own daily use",
        "at least 5 peers are good there", "places of the peers", 57, 16, "neighbours",
    ),
    Row(
        "E12", Method.TEMPERATURE, "temperature proxy day", "mean of the 3 days whose temperature comes closest",
        "days of the same type, complete, within 2 degrees Celsius", DAYS, 15, 8, "temperature-proxy-day",
    ),
    Row(
        "E13", Method.REGISTER, "register estimate", "last register + average daily use x days",
        "registers.estimated_register", NOTHING, 65, 12, "average-daily-use",
    ),
    Row(
        "E14", Method.REGISTER_LINE, "register interpolation", "Ra + (Rb - Ra) (t - ta) / (tb - ta); with intervals "
        "Ra + their sum", "registers.register_at", NOTHING, 65, 9, "register-interpolation",
    ),
    Row(
        "E15", Method.AGREED, "agreed value", "as typed", "a person has typed it, a second one has agreed", NOTHING, 16,
        7, "manual", Quality.MANUAL,
    ),
    Row(
        "E16", Method.WEIGHTED_DAYS, "weighted days", "weighted mean of the same clock interval, 8 weeks before and "
        "after", "a good interval at that place of one of these days", DAYS, 15, 8, "weighted-days",
    ),
    Row(
        "E17", Method.MEDIAN_DAYS, "median of days", "weighted median in place of the mean",
        "a good interval at that place of one of these days", DAYS, 15, 8, "median-days",
    ),
    Row(
        "E18", Method.BRIDGE, "bridge", "weighted median of the days and of the intervals next to the gap; days that "
        "were near to these weigh more", "a good interval at that place of one of these days", DAYS, 15, 8, "bridge",
    ),
    Row(
        "", Method.CARRIED, "carried on", "nearest good interval, the one before first", "there is one", INTERVALS, 17,
        9, "carried-on",
    ),
    Row(
        "", Method.ROUNDING, "rounding", "whole watt-hours of a fractional factor", "streaming only", NOTHING, 12, 11,
        "rounding", Quality.DERIVED,
    ),
    Row(
        "", Method.HEAD_END, "head-end's estimate", "as it came", "streaming only", NOTHING, 18, 16,
        "head-end", Quality.ESTIMATED,
    ),
    Row(
        "", Method.CLOCK_SET, "clock set", "rows cut by a clock set, put together by time", "streaming only", NOTHING,
        12, 11, "clock-set", Quality.DERIVED,
    ),
    Row(
        "", Method.MANUAL, "edit", "as a person said", "streaming only; in force whatever the meter sends", NOTHING, 16,
        7, "manual-edit", Quality.MANUAL,
    ),
)  # fmt: skip
"""In order of their ids."""

BY_METHOD: dict[Method, Row] = {row.method: row for row in TABLE}
