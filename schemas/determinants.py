"""The plain record of a bill key: one revision with all its determinants."""

from __future__ import annotations

from pipeline.channels import ENERGY
from schemas.common import ORIGIN, STATE
from schemas.fields import Field, Record, array, enum, nullable, record
from schemas.quantities import QUANTITIES, QUANTITY_SOURCE, QUANTITY_UNIT

DETERMINANT_KIND = (("DAY", "one local day"), ("MONTH", "one billing month"))

DETERMINANT_REASON = (
    ("FIRST", "first revision of this bill key"),
    ("LATE_DATA", "readings or registers arrived after the revision before"),
    ("RE_ESTIMATED", "substituted values changed"),
    ("FINALISED", "the period closed for good"),
    ("EDITED", "a person changed a reading"),
    ("REGISTRY", "the registry changed: device, multiplying factor, tariff or account"),
    ("TARIFF", "another version of the tariff is in force for the period"),
    ("RUNNING", "another day was added to the running period"),
)

REGISTER_SOURCE = (
    ("REGISTERS", "difference of the meter's own registers, times the multiplying factor"),
    ("INTERVALS", "sum of intervals, because a register is missing at one end"),
)

_REGISTER = record(
    "Register",
    "One energy register of the period.",
    (
        Field(
            "channel",
            enum("Channel", "Energy channel.", ((channel.name, channel.doc) for channel in ENERGY)),
            "Which register.",
        ),
        Field(
            "opening",
            nullable("long"),
            "[Wh or VAh] Reading at period_start of the device that stood there then, before the multiplying factor; "
            "null when not known.",
        ),
        Field(
            "closing",
            nullable("long"),
            "[Wh or VAh] Reading at period_end of the device that stood there then; null when not known. With more "
            "than one meter segment closing - opening is not the energy of the period.",
        ),
        Field(
            "source", enum("RegisterSource", "Where the energy comes from.", REGISTER_SOURCE), "Source of the energy."
        ),
    ),
)

_ZONE = record(
    "Zone",
    "Energy in one time-of-day zone.",
    (
        Field("zone", "string", "Name of the zone in the tariff."),
        Field("wh", "long", "[Wh] Active energy, import, in this zone."),
    ),
)

_LINE = record(
    "TariffLine",
    "One line of the bill: base x rate, rounded once, to the paisa.",
    (
        Field("code", "string", "Code of the line in the tariff: fixed charge, a slab of the energy charge, duty, ..."),
        Field("base", "long", "What the rate is applied to, in `base_unit`."),
        Field("base_unit", "string", "Unit of base: Wh, VAh, W, VA, months, paise."),
        Field(
            "rate",
            "string",
            "Exact decimal: rupees per kWh, kVAh, kW, kVA or month as base_unit says; per cent if base_unit is paise.",
        ),
        Field("paise", "long", "[paise] Amount of the line; negative for a rebate."),
    ),
)

_QUANTITY = record(
    "BilledQuantity",
    "One determinant by its code.",
    (
        Field(
            "code",
            enum("QuantityCode", "Code.", ((one.code, one.derivation) for one in QUANTITIES)),
            "Which determinant: docs/determinants.md.",
        ),
        Field("value", "long", "How much, in `unit`."),
        Field("delta", nullable("long"), "value less that of the superseded revision; null where that is not kept."),
        Field("unit", enum("QuantityUnit", "Unit of value and delta.", QUANTITY_UNIT), "Unit of both."),
        Field(
            "at", nullable("long"), "[s] Start of the interval that the value is of, epoch seconds UTC; null for sums."
        ),
        Field("source", enum("QuantitySource", "Where a value comes from.", QUANTITY_SOURCE), "Where it comes from."),
    ),
)

DETERMINANT = Record(
    "Determinant",
    "One revision of all billing determinants of a bill key. The key is (account, service_point, period_start, "
    "period_end, kind); versions of tariff and rules are attributes of the revision and never part of the key.",
    (
        Field("account", "long", "Account that is billed; 0 when the service point has none."),
        Field("service_point", "long", "Service point (installation); a positive id of the registry."),
        Field("period_start", "long", "[s] Start of the period, epoch seconds UTC, included."),
        Field("period_end", "long", "[s] End of the period, epoch seconds UTC, not included."),
        Field("kind", enum("DeterminantKind", "Length of the period.", DETERMINANT_KIND), "What the period is."),
        Field("revision", "long", "Order of the revisions of a bill key: the larger replaces the smaller."),
        Field("supersedes", nullable("long"), "Revision that this one replaces; null for the first."),
        Field("reason", enum("DeterminantReason", "Why there is a revision.", DETERMINANT_REASON), "Why it was made."),
        Field("state", enum("State", "Whether it can still change.", STATE), "Provisional or final."),
        Field("meter_segments", "int", "Number of devices that measured the period; above 1 after a meter exchange."),
        Field("wh_imp", "long", "[Wh] Active energy, import, times the multiplying factor."),
        Field("vah_imp", "long", "[VAh] Apparent energy while importing, times the multiplying factor."),
        Field("wh_exp", "long", "[Wh] Active energy, export, times the multiplying factor."),
        Field("vah_exp", "long", "[VAh] Apparent energy while exporting, times the multiplying factor."),
        Field("delta_wh_imp", "long", "[Wh] wh_imp less that of the superseded revision; the whole for the first."),
        Field("delta_vah_imp", "long", "[VAh] vah_imp less that of the superseded revision; the whole for the first."),
        Field("delta_wh_exp", "long", "[Wh] wh_exp less that of the superseded revision; the whole for the first."),
        Field("delta_vah_exp", "long", "[VAh] vah_exp less that of the superseded revision; the whole for the first."),
        Field("estimated_wh", "long", "[Wh] The part of wh_imp that stands in estimated intervals."),
        Field(
            "registers", array(_REGISTER), "Registers and source of each energy above, in the order of the channels."
        ),
        Field("zones", array(_ZONE), "wh_imp by time-of-day zone, in the tariff's order; empty without zones."),
        Field("demand_w", nullable("long"), "[W] Largest mean power of an actual interval; null without one."),
        Field("demand_start", nullable("long"), "[s] Start of that interval, epoch seconds UTC; null without one."),
        Field("demand_va", nullable("long"), "[VA] The same for apparent power; null without one."),
        Field("demand_va_start", nullable("long"), "[s] Start of that interval, epoch seconds UTC; null without one."),
        Field(
            "power_factor",
            nullable("int"),
            "[1/1000] wh_imp / vah_imp, rounded half up; null when vah_imp is 0 or not measured.",
        ),
        Field(
            "quantities",
            array(_QUANTITY),
            "All determinants that are known, by code, each at most once, in the order of the codes. Those that stand "
            "in fields above are here as well.",
            [],
        ),
        Field("intervals_expected", "int", "Intervals that the period has."),
        Field("intervals_actual", "int", "Of these, as the meter sent them."),
        Field("intervals_estimated", "int", "Of these, substituted."),
        Field("intervals_missing", "int", "Of these, neither received nor substituted."),
        Field("intervals_suspect", "int", "Of these, received but failing a rule, and not in the sums."),
        Field("tariff", nullable("string"), "Code of the tariff; null when the service point has none."),
        Field("lines", array(_LINE), "The bill in the tariff's order; empty when it was not rated."),
        Field("total_paise", nullable("long"), "[paise] Sum of the lines; null when it was not rated."),
        Field(
            "delta_paise",
            nullable("long"),
            "[paise] total_paise less that of the superseded revision (the whole for "
            "the first); null when it was not rated.",
        ),
        Field(
            "versions",
            {"type": "map", "values": "string"},
            "Versions in force when it was made: kind (registry, documents) to SHA-256, hex.",
        ),
        Field("lineage_from", "long", "First offset of (source_topic_id, source_partition) whose readings are in it."),
        Field("lineage_to", "long", "Last such offset."),
        *ORIGIN,
    ),
)
