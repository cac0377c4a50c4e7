"""Our channels in the code lists that IEC 61968-9 and ESPI share, and as OBIS codes of a load profile."""

from __future__ import annotations

UOM = {"wh": 72, "vah": 71, "varh": 73}
FLOW = {"imp": 1, "exp": 19, "q1": 15, "q2": 16, "q3": 17, "q4": 18}
"""flowDirection: forward, reverse, quadrants."""
PERIOD = {300: 6, 600: 1, 900: 2, 1800: 5, 3600: 7}
"""Seconds of an interval -> measuringPeriod; 0 where the list has none."""
OBIS = {"wh_imp": 1, "wh_exp": 2, "varh_q1": 5, "varh_q2": 6, "varh_q3": 7, "varh_q4": 8, "vah_imp": 9, "vah_exp": 10}
"""Channel -> C of 1-1:C.29.0."""
DELTA, ELECTRICITY, ENERGY = 4, 1, 12
"""accumulation: energy of an interval; commodity: electricity as metered; measurementKind: energy."""


def uom_of(channel: str) -> int:
    """Unit code of an energy channel."""
    return UOM[channel.partition("_")[0]]


def flow_of(channel: str) -> int:
    """flowDirection of an energy channel."""
    return FLOW[channel.partition("_")[2]]


def reading_type(channel: str, secs: int) -> str:
    """The eighteen numbers of the ReadingType of an interval's energy, in Wh, VAh or varh."""
    period = PERIOD.get(secs, 0)
    return f"0.0.{period}.{DELTA}.{flow_of(channel)}.{ELECTRICITY}.{ENERGY}.0.0.0.0.0.0.0.0.0.{uom_of(channel)}.0"
