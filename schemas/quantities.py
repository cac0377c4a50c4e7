"""Determinants that stand in the list `quantities` of a Determinant, once: code, unit, derivation, order of sources.

Enums of the schema, the kernels' numbers and docs/determinants.md follow this table. A code's number is its place here:
codes are appended, never moved. Values are whole numbers of the unit, so KWH_IMP counts Wh.
"""

from __future__ import annotations

from dataclasses import dataclass

TIME_ZONES = 8
"""Time-of-use zones that have codes: TZ1 to TZ8, in the tariff's order."""

QUANTITY_UNIT = (
    ("WH", "watt-hours"),
    ("VAH", "volt-ampere-hours"),
    ("VARH", "reactive volt-ampere-hours"),
    ("W", "watts"),
    ("VA", "volt-amperes"),
    ("PERMILLE", "thousandths"),
    ("MINUTES", "minutes"),
    ("DAYS", "local days"),
    ("COUNT", "a number of things"),
    ("REASON", "a reason code of meter reading, as SAP IS-U has them"),
)

QUANTITY_SOURCE = (
    ("BILLING_PROFILE", "the meter's own billing profile"),
    ("MIDNIGHT_REGISTERS", "difference of the meter's registers at local midnights, times the multiplying factor"),
    ("INSTANT_REGISTERS", "the meter's registers at another time than midnight"),
    ("INTERVALS", "sum or largest of intervals"),
    ("EVENTS", "events of the meter, or outages that somebody reported"),
    ("COUNTED", "counted by the pipeline: days, intervals, devices"),
    ("TARIFF", "a rule of the tariff applied to other quantities and the registry"),
)

REGISTER_ORDER = ("BILLING_PROFILE", "MIDNIGHT_REGISTERS", "INSTANT_REGISTERS", "INTERVALS")
DEMAND_ORDER = ("BILLING_PROFILE", "INTERVALS")


@dataclass(frozen=True)
class Quantity:
    """One code. `sources` are those that it may come from, the one that wins first; `filled` says which the stages of
    today use, empty where none fills it."""

    code: str
    unit: str
    derivation: str
    sources: tuple[str, ...]
    filled: str = ""


def _zones(code: str, unit: str, derivation: str, sources: tuple[str, ...], filled: str) -> tuple[Quantity, ...]:
    return tuple(
        Quantity(f"{code}_TZ{zone}", unit, derivation.replace("zone n", f"zone {zone}"), sources, filled)
        for zone in range(1, TIME_ZONES + 1)
    )


_ENERGY = "MIDNIGHT_REGISTERS, else INTERVALS"
_SUM, _LARGEST = "sum of the intervals that begin in zone n", "largest mean power of an actual interval of zone n"

QUANTITIES: tuple[Quantity, ...] = (
    Quantity("KWH_IMP", "WH", "closing - opening, times the multiplying factor: import", REGISTER_ORDER, _ENERGY),
    Quantity("KVAH_IMP", "VAH", "the same: apparent energy while importing", REGISTER_ORDER, _ENERGY),
    Quantity("KWH_EXP", "WH", "the same: export", REGISTER_ORDER, _ENERGY),
    Quantity("KVAH_EXP", "VAH", "the same: apparent energy while exporting", REGISTER_ORDER, _ENERGY),
    Quantity("KVARH_LAG", "VARH", "reactive energy, lagging while importing: quadrant 1", REGISTER_ORDER, "INTERVALS"),
    Quantity("KVARH_LEAD", "VARH", "reactive energy, leading while importing: quadrant 4", REGISTER_ORDER, "INTERVALS"),
    Quantity("MD_KW", "W", "largest mean power of an actual interval; `at`: when it began", DEMAND_ORDER, "INTERVALS"),
    Quantity("MD_KVA", "VA", "the same for apparent power", DEMAND_ORDER, "INTERVALS"),
    Quantity(
        "MD_0622", "VA", "the same within the tariff's billing-demand window (06-22 h), in its unit: W or VA",
        ("INTERVALS",), "INTERVALS",
    ),
    Quantity("PF_AVG", "PERMILLE", "KWH_IMP / KVAH_IMP, half up", REGISTER_ORDER, _ENERGY),
    Quantity("LF_PCT", "PERMILLE", "KWH_IMP / (MD_KW x 24 h x DAYS), half up", DEMAND_ORDER, "INTERVALS"),
    Quantity(
        "BILL_DEMAND", "VA",
        "largest of recorded demand and the tariff's share of contract demand, in the tariff's unit: W or VA",
        ("TARIFF",), "TARIFF",
    ),
    Quantity("EXCESS_DEMAND", "VA", "recorded less contract demand, 0 when below; unit as BILL_DEMAND", ("TARIFF",),
             "TARIFF"),
    Quantity("DAYS", "DAYS", "settled local days that are in the sums", ("COUNTED",), "COUNTED"),
    Quantity("PCT_EST", "PERMILLE", "estimated of expected intervals, half up", ("COUNTED",), "COUNTED"),
    Quantity("METER_SEGMENTS", "COUNT", "devices that measured the period", ("COUNTED",), "COUNTED"),
    Quantity("OUTAGE_MIN", "MINUTES", "minutes of intervals that an outage is known to fill", ("EVENTS",), "EVENTS"),
    Quantity("OUTAGE_COUNT", "COUNT", "runs of such intervals, by local day", ("EVENTS",), "EVENTS"),
    Quantity("TAMPER_COUNT", "COUNT", "tamper events that began in the period", ("BILLING_PROFILE", "EVENTS")),
    Quantity("MR_REASON", "REASON", "why the registers are read: 01 periodic, 21 and 22 a meter exchange, ...",
             ("COUNTED",)),
    Quantity("KWH_SOLAR", "WH", "sum of the zones that the tariff calls solar", ("INTERVALS",), "INTERVALS"),
    Quantity("KWH_PEAK", "WH", "sum of the zones that the tariff calls peak", ("INTERVALS",), "INTERVALS"),
    Quantity("KWH_NORMAL", "WH", "sum of the zones that the tariff calls normal", ("INTERVALS",), "INTERVALS"),
    Quantity("KWH_NIGHT", "WH", "sum of the zones that the tariff calls night", ("INTERVALS",), "INTERVALS"),
    *_zones("KWH", "WH", f"import: {_SUM}", ("BILLING_PROFILE", "INTERVALS"), "INTERVALS"),
    *_zones("KVAH", "VAH", f"apparent energy while importing: {_SUM}", ("BILLING_PROFILE", "INTERVALS"), "INTERVALS"),
    *_zones("KWH_EXP", "WH", f"export: {_SUM}", ("BILLING_PROFILE", "INTERVALS"), "INTERVALS"),
    *_zones("MD_KW", "W", f"{_LARGEST}; `at`: when it began", DEMAND_ORDER, "INTERVALS"),
    *_zones("MD_KVA", "VA", "the same for apparent power of zone n", DEMAND_ORDER, "INTERVALS"),
    *_zones("NET", "WH", "import less export of zone n, below zero for a surplus", ("TARIFF",),
            "TARIFF"),
    *_zones("BANK_OPEN", "WH", "surplus of zone n that was carried into the period", ("TARIFF",), ""),
    *_zones("BANK_CLOSE", "WH", "surplus of zone n that is carried on", ("TARIFF",), ""),
)  # fmt: skip

NUMBER = {quantity.code: place for place, quantity in enumerate(QUANTITIES)}
UNIT_NUMBER = {name: place for place, (name, _) in enumerate(QUANTITY_UNIT)}
SOURCE_NUMBER = {name: place for place, (name, _) in enumerate(QUANTITY_SOURCE)}
UNIT_OF = tuple(UNIT_NUMBER[quantity.unit] for quantity in QUANTITIES)
