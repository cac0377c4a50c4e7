"""Tables filled from the packed columns of a ReadingBatch: readings, days, snapshots.

All revisions are kept: the revision is the last part of the order key, so that a copy collapses with its original and
a revision does not. `<table>_latest` shows the newest of each (sinks.clickhouse.views).
"""

from __future__ import annotations

from pipeline.channels import CHANNELS, ENERGY, N_ENERGY, PHYSICAL, REACTIVE, SNAPSHOT, Channel, SnapshotField
from pipeline.codes import READING_RULES, Flag, Kind, Method, Quality
from sinks.clickhouse.columns import (
    BITS,
    COUNTS,
    PLAIN,
    STEADY,
    TIME,
    TOPIC,
    Column,
    Table,
    day_of,
    enum8,
    enum_of,
    names_of_bits,
)

ORIGIN = (
    Column("origin_topic", TOPIC, "id of the frames topic that the row comes from", PLAIN, field="origin.topic_id"),
    Column("origin_partition", "UInt16", "partition of that topic", PLAIN, field="origin.partition"),
    Column("origin_offset", "UInt64", "offset of the record in that partition", STEADY, field="origin.offset"),
)

FLAG_NAMES = names_of_bits("flags", ((flag.value.bit_length() - 1, str(flag.name).lower()) for flag in Flag))

REGISTERS = (
    (0, "opening"),
    (1, "closing"),
    (2, "scaled"),
    (3, "several days"),
    (4, "exchanged"),
    (5, "V14 told"),
    (6, "V25 told"),
    (7, "V21 told"),
    (8, "outage"),
    (9, "V26"),
    (10, "V26 shadow"),
)
"""Bits of `day_registers` (pipeline.batch.ReadingBatch)."""


def _flags(prefix: str = "") -> tuple[Column, Column]:
    return (
        Column(
            "flags", "UInt16", "bits of what decode noticed; `flag_names` spells them", PLAIN, field=f"{prefix}flags"
        ),
        Column("flag_names", "Array(String)", "names of the bits of `flags`", alias=FLAG_NAMES),
    )


def _channel(channel: Channel, field: str, item: int, kind: str) -> Column:
    doc = f"{channel.unit}: {channel.doc}; OBIS {', '.join(channel.block_obis)}; 0 where the quality is ABSENT"
    return Column(channel.name, kind, doc, BITS, field=field, item=item)


def _channel_quality(number: int, channel: Channel) -> Column:
    nibble = f"toInt8(bitAnd(bitShiftRight(quality, {4 * number}), 15))"
    return Column(f"{channel.name}_quality", enum_of(Quality), f"quality of {channel.name}", alias=nibble)


READINGS = Table(
    name="readings",
    schema="ReadingBatch",
    doc="One row a service point, interval and revision: all channels, in billed energy (times the multiplying factor)",
    columns=(
        Column("service_point", "UInt64", "service point", STEADY, field="service_point"),
        Column("interval_start", TIME, "start of the interval, UTC", STEADY, field="interval_start"),
        day_of("interval_start"),
        Column("interval_secs", "UInt32", "s: length of the interval", STEADY, field="interval_secs"),
        Column("revision", "UInt64", "order: larger replaces smaller for the same interval", BITS, field="revision"),
        Column("device", "UInt64", "device that measured it; 0 for a substitute without one", PLAIN, field="device"),
        Column("system_title", "String", "`device` as its DLMS system title, 16 hexadecimal digits",
               alias="leftPad(hex(device), 16, '0')"),
        Column("method", enum_of(Method), "how a substituted value was made", PLAIN, field="method"),
        Column("rules", "UInt32", "bits of the validation rules that failed; `failed_rules` spells them", PLAIN,
               field="rules"),
        Column("failed_rules", "Array(String)", "codes of the rules in `rules`",
               alias=names_of_bits("rules", ((rule.bit, rule.code) for rule in READING_RULES))),
        *_flags(),
        Column("quality", "UInt64", "quality of channel n in bits 4n to 4n + 3; `<channel>_quality` spells it", PLAIN,
               field="quality"),
        Column("expected_error", "UInt16", "1/1000: how far off an estimate of wh_imp is expected to be; 0: it is "
               "none; 65535: not known", PLAIN, field="expected_error"),
        *(_channel(channel, "energy", item, "Int64") for item, channel in enumerate(ENERGY)),
        *(_channel(channel, "reactive", item, "Int64") for item, channel in enumerate(REACTIVE)),
        *(_channel(channel, "physical", item, "Int32") for item, channel in enumerate(PHYSICAL)),
        *(_channel_quality(number, channel) for number, channel in enumerate(CHANNELS)),
        *ORIGIN,
        Column("frame", "Int32", "frame within that record; -1: made by a tick", BITS, field="frame"),
        Column("counter", "UInt32", "invocation counter of that frame; 0 when none", COUNTS, field="counter"),
    ),
    engine="ReplacingMergeTree(revision)",
    time="interval_start",
    order_by=("day", "service_point", "interval_start", "revision"),
)  # fmt: skip


def _energies(name: str, field: str, doc: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{channel.name}_{name}", "Int64", f"{channel.unit}: {doc}", BITS, field=field, item=item)
        for item, channel in enumerate(ENERGY)
    )


DAYS = Table(
    name="days",
    schema="ReadingBatch",
    doc="One row a service point, local day and revision: the day's intervals against its registers",
    columns=(
        Column("service_point", "UInt64", "service point", STEADY, field="day_service_point"),
        Column("day_start", TIME, "local midnight that the day begins at, UTC", STEADY, field="day_start"),
        day_of("day_start"),
        Column("revision", "UInt64", "order: larger replaces smaller for the same day", BITS, field="day_revision"),
        Column("state", enum8((("PROVISIONAL", 0), ("FINAL", 1))), "whether it can still change", PLAIN,
               field="day_state"),
        Column("registers", "UInt16", "bits of what is known of the registers; `register_notes` spells them", PLAIN,
               field="day_registers"),
        Column("register_notes", "Array(String)", "opening, closing: known at that end; scaled: substitutes were made "
               "to meet them; several days: over a longer span; exchanged: the meter was; V14 told: an interval fails "
               "the rule, and stayed as it is; outage: one fell into it; V26: energy came in it",
               alias=names_of_bits("registers", REGISTERS)),
        *_energies("opening", "day_opening", "register at the start, meter side"),
        *_energies("closing", "day_closing", "register at the end, meter side"),
        *_energies("register", "day_register_energy", "register difference times the multiplying factor; 0 unless both "
                   "are known"),
        *_energies("actual", "day_actual", "sum of actual intervals"),
        *_energies("estimated", "day_estimated", "sum of estimated intervals"),
        *_energies("suspect", "day_suspect", "what the meter sent in suspect intervals; not in the sums"),
        *_energies("unexplained", "day_unexplained", "register energy less actual less estimated; 0 unless both "
                   "registers are known"),
        *(Column(f"intervals_{name}", "UInt16", f"intervals that are {name}", PLAIN, field="day_counts", item=item)
          for item, name in enumerate(("actual", "estimated", "missing", "suspect"))),
        *(Column(f"{channel.name}_demand", "Int64", f"{channel.unit}: largest actual interval", BITS,
                 field="day_demand", item=item) for item, channel in enumerate(ENERGY[:2])),
        *(Column(f"{channel.name}_demand_start", TIME, "when that interval began, UTC", STEADY,
                 field="day_demand_start", item=item) for item, channel in enumerate(ENERGY[:2])),
        *ORIGIN,
    ),
    engine="ReplacingMergeTree(revision)",
    time="day_start",
    order_by=("day", "service_point", "day_start", "revision"),
)  # fmt: skip


def _register(item: int, channel: Channel) -> Column:
    doc = f"{channel.unit}: register, meter side; OBIS {', '.join(channel.register_obis)}; null: not sent"
    return Column(f"{channel.name}_register", "Nullable(Int64)", doc, BITS, field="snapshot_energy", item=item,
                  present="snapshot_channels", present_bit=item)  # fmt: skip


def _physical(item: int, channel: Channel) -> Column:
    doc = f"{channel.unit}: {channel.doc}; null: not sent"
    return Column(channel.name, "Nullable(Int32)", doc, BITS, field="snapshot_physical", item=item,
                  present="snapshot_channels", present_bit=N_ENERGY + len(REACTIVE) + item)  # fmt: skip


def _quantity(item: int, quantity: SnapshotField) -> Column:
    doc = f"{quantity.unit}: {quantity.doc}; OBIS {quantity.obis}; null: not sent"
    kind, codec = {"s": (TIME, COUNTS), "bits": ("UInt64", PLAIN)}.get(quantity.unit, ("Int64", BITS))
    return Column(quantity.name, f"Nullable({kind})", doc, codec, field="snapshot", item=item,
                  present="snapshot_present", present_bit=item)  # fmt: skip


ESW_BITS = (
    "arraySort(arrayConcat(arrayMap(bit -> 63 - bit, bitPositionsToArray(ifNull(esw_high, 0))), "
    "arrayMap(bit -> 127 - bit, bitPositionsToArray(ifNull(esw_low, 0)))))"
)

SNAPSHOTS = Table(
    name="snapshots",
    schema="ReadingBatch",
    doc="One row a push other than a block: registers and instantaneous quantities as the meter sent them, meter side",
    columns=(
        Column("service_point", "UInt64", "service point", STEADY, field="snapshot_service_point"),
        Column("time", TIME, "the meter's own clock, UTC", STEADY, field="snapshot_time"),
        day_of("time"),
        Column("kind", enum_of(Kind), "which push it came in", PLAIN, field="snapshot_kind"),
        Column("revision", "UInt64", "place in the log, as for readings", BITS, field="snapshot_revision"),
        Column("device", "UInt64", "device that sent it", PLAIN, field="snapshot_device"),
        Column("system_title", "String", "`device` as its DLMS system title, 16 hexadecimal digits",
               alias="leftPad(hex(device), 16, '0')"),
        *_flags("snapshot_"),
        *(_register(item, channel) for item, channel in enumerate(ENERGY)),
        *(_physical(item, channel) for item, channel in enumerate(PHYSICAL)),
        *(_quantity(item, quantity) for item, quantity in enumerate(SNAPSHOT)),
        Column("esw_bits", "Array(UInt8)", "bits set in the event status word, 0 the highest of its first octet",
               alias=ESW_BITS),
        *ORIGIN,
    ),
    engine="ReplacingMergeTree(revision)",
    time="time",
    order_by=("day", "service_point", "time", "kind", "revision"),
)  # fmt: skip

PACKED_TABLES = (READINGS, DAYS, SNAPSHOTS)
