"""The validation rules, once: the reference page is rendered from this table, and kernels take their bits from it.

Bits are contracts: never reused, never renumbered. Those below `READING_BITS` stand in the `rules` word of a reading;
the others are of days, periods, meters and nodes, and stand in the words of a whole series (`agents.vee.series`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.quality import Quality


class Severity(StrEnum):
    """What a failed rule does."""

    INFORMATION = "information"  # it is told and counted; quality and value stay
    WARNING = "warning"  # the quality becomes that of the rule; the value stays, and is no pattern for estimates
    ERROR = "error"  # the value cannot be used: it is estimated


class Scope(StrEnum):
    """What one failure of a rule is of."""

    INTERVAL = "interval"
    DAY = "day"
    PERIOD = "period"  # a calendar month, or the time between two registers
    METER = "meter"
    NODE = "node"


@dataclass(frozen=True)
class Rule:
    """One validation rule: `bit` is its place in a reading's `rules` word, or in the words of a whole series.

    `sets`: the quality of what fails; ACTUAL: it stays as it was.
    """

    bit: int
    code: str
    name: str
    unit: str
    default: str
    severity: Severity
    sets: Quality
    scope: Scope
    why: str


READING_BITS = 32
"""Bits of a reading's `rules` word (u4)."""

_INFORMATION, _WARNING, _ERROR = Severity.INFORMATION, Severity.WARNING, Severity.ERROR
_INTERVAL, _DAY, _PERIOD, _METER, _NODE = Scope.INTERVAL, Scope.DAY, Scope.PERIOD, Scope.METER, Scope.NODE
_STAYS, _SUSPECT = Quality.ACTUAL, Quality.SUSPECT

RULES: tuple[Rule, ...] = (
    Rule(0, "V01", "missing", "interval", "any", _ERROR, Quality.MISSING, _INTERVAL,
         "a block stamp that was due has not arrived"),
    Rule(1, "V02", "duplicate", "interval", "any", _WARNING, _SUSPECT, _INTERVAL,
         "the same interval came again with another value; the same value again is told and left out"),
    Rule(6, "V03", "off grid", "s", "300", _WARNING, Quality.ESTIMATED, _INTERVAL,
         "a stamp is not on the interval grid: moved to it when it is near, else its energy is shared out by time"),
    Rule(11, "V04", "meter identification", "device", "as registered", _WARNING, _SUSPECT, _INTERVAL,
         "another device than the one that is registered here sent the reading"),
    Rule(12, "V05", "clock", "s", "300", _WARNING, _SUSPECT, _INTERVAL,
         "the meter's clock was further from the server's than allowed, so the energy may be another interval's"),
    Rule(8, "V06", "future or too old", "s", "600 ahead; the hot window, of a file 35 days", _ERROR, _SUSPECT,
         _INTERVAL, "stamp outside what can be corrected here"),
    Rule(2, "V07", "negative", "Wh", "0", _ERROR, _SUSPECT, _INTERVAL, "energy of an interval cannot be below zero"),
    Rule(32, "V08", "rollover", "Wh", "10 to the number of dials", _INFORMATION, _STAYS, _PERIOD,
         "a register went down by passing its last digit: taken out, when what was used then is possible"),
    Rule(3, "V09", "range", "Wh", "1.2 x phases x 240 V x maximum current x hours", _ERROR, _SUSPECT, _INTERVAL,
         "more than the meter can physically pass"),
    Rule(13, "V10", "meter status", "bit", "any", _WARNING, _SUSPECT, _INTERVAL,
         "the meter says that a counter ran over, memory failed, or it or its clock was reset"),
    Rule(14, "V11", "test mode", "interval", "any", _INFORMATION, _STAYS, _INTERVAL,
         "measured while the meter was tested or commissioned, or zeros before use begins"),
    Rule(5, "V12", "sum check", "Wh", "0; of a file 100 Wh or 0.5 % a day, 1 kWh or 1 % a month", _WARNING, _SUSPECT,
         _DAY, "intervals of a day do not add up to its registers"),
    Rule(33, "V13", "zone check", "Wh", "100", _WARNING, _SUSPECT, _PERIOD,
         "registers of the tariff zones do not add up to the total register"),
    Rule(4, "V14", "spike", "ratio", "1.8, floor 500 Wh", _ERROR, _SUSPECT, _INTERVAL,
         "the highest interval of a day stands far above the third highest"),
    Rule(15, "V15", "reactive", "varh", "4 intervals; power factor 0.2", _WARNING, _SUSPECT, _INTERVAL,
         "reactive energy without active, or far more than of it: a voltage or current may be lost"),
    Rule(7, "V16", "apparent below active", "VAh", "1 % and 1 Wh", _INFORMATION, _STAYS, _INTERVAL,
         "apparent energy cannot be less than active energy; information only"),
    Rule(34, "V17", "high or low usage", "Wh a day", "200 %, 35 %", _INFORMATION, _STAYS, _PERIOD,
         "daily use of a month far from that of the same month last year, else of the month before"),
    Rule(35, "V18", "high or low demand", "W", "200 %, 50 %", _INFORMATION, _STAYS, _PERIOD,
         "maximum demand of a month far from that of the same month last year, else of the month before"),
    Rule(36, "V19", "bill audit", "Wh a day", "+20 %, -50 %", _INFORMATION, _STAYS, _PERIOD,
         "daily use of a month outside what two months before it, or a year before, let one expect"),
    Rule(37, "V20", "register change", "%", "off", _INFORMATION, _STAYS, _PERIOD,
         "use between two registers changed by more than was set"),
    Rule(16, "V21", "interval change", "%", "300, floor 500 Wh", _INFORMATION, _STAYS, _INTERVAL,
         "an interval far above the one before it: usual in a household, a fault of a feeder"),
    Rule(38, "V22", "highest interval", "Wh", "100 %", _INFORMATION, _STAYS, _PERIOD,
         "the highest interval of a month against that of the month before"),
    Rule(39, "V23", "zero use", "Wh", "7 days, 1 of industry; 18 hours in a row", _INFORMATION, _STAYS, _PERIOD,
         "nothing was used for long on an active meter: left empty, a fault, or a feed that sent zeros"),
    Rule(23, "V24", "use when inactive", "Wh", "100", _WARNING, _SUSPECT, _INTERVAL,
         "energy behind an open relay or a closed account"),
    Rule(17, "V25", "repeated value", "interval", "12, floor 100 Wh; fewer if no chance; 3 of all", _ERROR, _SUSPECT,
         _INTERVAL, "the same value again and again: the meter or what reads it is stuck"),
    Rule(18, "V26", "outage", "Wh", "0.8 of nominal voltage, 0.1 A", _WARNING, _SUSPECT, _INTERVAL,
         "energy within a confirmed outage, or none while voltage and current are there"),
    Rule(19, "V27", "voltage", "mV", "20 %; most 150 %", _WARNING, _SUSPECT, _INTERVAL,
         "a voltage outside of its range; beyond what can be it is the measurement that is wrong"),
    Rule(40, "V28", "demand against blocks", "W", "5 %", _WARNING, _SUSPECT, _PERIOD,
         "maximum demand and the highest block do not fit each other"),
    Rule(20, "V29", "power factor", "1/1000", "1.001; 0.02", _WARNING, _SUSPECT, _INTERVAL,
         "a power factor above one, or another one than energy and apparent energy make"),
    Rule(41, "V30", "prolonged estimation", "bills", "2", _WARNING, _SUSPECT, _METER,
         "estimated for so long that somebody has to look"),
    Rule(42, "V31", "multiplier", "ratio", "as registered", _WARNING, _SUSPECT, _METER,
         "transformer ratios in the meter are others than in the master data"),
    Rule(9, "V32", "export without net meter", "Wh", "0; of a file 500 Wh a month", _INFORMATION, _STAYS, _INTERVAL,
         "a reversed CT or an unregistered plant"),
    Rule(21, "V33", "sibling missing", "interval", "any", _INFORMATION, _STAYS, _INTERVAL,
         "one channel of an interval is there, and another one that the meter measures is not"),
    Rule(22, "V34", "main against check", "Wh", "1 %", _WARNING, _SUSPECT, _INTERVAL,
         "the main meter and its check meter differ"),
    Rule(43, "V35", "nodal balance", "Wh", "1 %", _WARNING, _SUSPECT, _NODE,
         "what flows into a bus is not what flows out of it"),
    Rule(24, "V36", "replacement of final data", "Wh", "5 %", _INFORMATION, _STAYS, _INTERVAL,
         "a later value of a higher rank differs from a final one: bill again"),
    Rule(10, "V37", "suspect to the head-end", "its quality", "as declared", _WARNING, _SUSPECT, _INTERVAL,
         "the head-end that sent the reading calls it suspect"),
)  # fmt: skip

RULE_BIT: dict[str, int] = {rule.code: rule.bit for rule in RULES}
RULE_BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}
READING_RULES: tuple[Rule, ...] = tuple(
    sorted((rule for rule in RULES if rule.bit < READING_BITS), key=lambda rule: rule.bit)
)
"""Those that can stand in a reading's `rules` word, by bit."""
