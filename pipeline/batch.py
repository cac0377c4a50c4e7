"""The batches that move between stages, as tables of packed columns.

FrameBatch    what connectors write: frames as they came in
DecodedBatch  what decode makes: one row a profile entry, in the meter's own (secondary) energy
ReadingBatch  what VEE makes: readings, revisions, settlements and snapshots, in billed energy (with the factor)
NodeEnergy    what is summed by network node, the only re-key of the system

Time is epoch seconds UTC. A service point is a u64 from the registry; a device is its DLMS system title read as a
big-endian u64. `link` is the row of the registry version in force (`pipeline.reference.Registry`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipeline.channels import N_ENERGY, N_PHYSICAL, N_REACTIVE, N_SNAPSHOT
from pipeline.columns import Array, Column


@dataclass
class FrameBatch:
    """Frames of one partition, in order of arrival."""

    service_point: Array
    device: Array
    received_at: Array
    length: Array
    payload: Array

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("service_point", "<u8", "frame", "id", "service point the device was at when the frame arrived"),
        Column(
            "device", "<u8", "frame", "id", "system title as a big-endian number, or the registry's id of the device"
        ),
        Column("received_at", "<i8", "frame", "s", "when the connector had the whole frame, epoch seconds UTC"),
        Column("length", "<u4", "frame", "bytes", "length of each frame in `payload`"),
        Column("payload", "<u1", "byte of all frames", "byte", "the frames as they came, one after the other"),
    )


@dataclass
class DecodedBatch:
    """Decoded profile entries; sections row and snapshot, and statement: what is said (pipeline.statement_frames)."""

    frame: Array
    service_point: Array
    device: Array
    link: Array
    kind: Array
    time: Array
    flags: Array
    counter: Array
    present: Array
    energy: Array
    reactive: Array
    physical: Array
    snapshot_row: Array
    snapshot: Array
    snapshot_present: Array
    statement_frame: Array
    statement_service_point: Array
    statement_kind: Array
    statement_number: Array
    statement_said_at: Array
    statement_start: Array
    statement_secs: Array
    statement_rules: Array
    statement_present: Array
    statement_method: Array
    statement_flags: Array
    statement_quality: Array
    statement_prior_quality: Array
    statement_energy: Array
    statement_prior_energy: Array

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("frame", "<u4", "row", "index", "frame in the FrameBatch that the row came from"),
        Column("service_point", "<u8", "row", "id", "service point at the time of the reading"),
        Column("device", "<u8", "row", "id", "device that sent it"),
        Column("link", "<u4", "row", "index", "row of the registry version in force"),
        Column("kind", "<u1", "row", "code", "pipeline.codes.Kind"),
        Column(
            "time",
            "<i8",
            "row",
            "s",
            "the row's stamp; a block's closes its interval, also where the meter's opens it; epoch seconds UTC",
        ),
        Column("flags", "<u2", "row", "bits", "pipeline.codes.Flag"),
        Column("counter", "<u4", "row", "count", "invocation counter; 0 for plain frames"),
        Column("present", "<u4", "row", "bits", "bit n set: channel n of pipeline.channels is there"),
        Column(
            "energy",
            "<i8",
            "row",
            "Wh, VAh",
            "interval energy (BLOCK) or register (DAILY, INSTANT), meter side: before the multiplying factor",
            N_ENERGY,
        ),
        Column("reactive", "<i8", "row", "varh", "the same for quadrants 1-4", N_REACTIVE),
        Column("physical", "<i4", "row", "mV, mA, 1/1000", "voltages, currents, power factor", N_PHYSICAL),
        Column("snapshot_row", "<u4", "snapshot", "index", "row that this snapshot belongs to (INSTANT, ALERT)"),
        Column("snapshot", "<i8", "snapshot", "see pipeline.channels.SNAPSHOT", "instantaneous quantities", N_SNAPSHOT),
        Column("snapshot_present", "<u4", "snapshot", "bits", "bit n set: snapshot field n is there"),
        Column("statement_frame", "<u4", "statement", "index", "frame in the FrameBatch that the statement came from"),
        Column("statement_service_point", "<u8", "statement", "id", "service point that it is about"),
        Column("statement_kind", "<u1", "statement", "code", "pipeline.statement_frames.Statement"),
        Column("statement_number", "<u8", "statement", "order", "of two about the same interval the larger one holds"),
        Column("statement_said_at", "<i8", "statement", "s", "when it was said, epoch seconds UTC"),
        Column("statement_start", "<i8", "statement", "s", "begin of the interval or outage, epoch seconds UTC"),
        Column("statement_secs", "<u4", "statement", "s", "length of the interval or outage"),
        Column("statement_rules", "<u4", "statement", "bits", "rules that failed, pipeline.codes.RULES; ANSWER"),
        Column("statement_present", "<u1", "statement", "bits", "bit n set: energy n of pipeline.channels is said"),
        Column("statement_method", "<u1", "statement", "code", "pipeline.codes.Method; ANSWER"),
        Column(
            "statement_flags", "<u2", "statement", "bits", "pipeline.codes.Flag: DISCARDED, SHADOW; ANSWER", added=True
        ),
        Column("statement_quality", "<u1", "statement", "code", "pipeline.codes.Quality; ANSWER"),
        Column("statement_prior_quality", "<u1", "statement", "code", "quality of what is replaced; ANSWER"),
        Column(
            "statement_energy", "<i8", "statement", "Wh, VAh", "what is said, times the multiplying factor", N_ENERGY
        ),
        Column("statement_prior_energy", "<i8", "statement", "Wh, VAh", "what is replaced; ANSWER", N_ENERGY),
    )


MONTH_FIGURES = 39
"""Numbers of `correction_month`."""


@dataclass
class ReadingBatch:
    """Readings of intervals; sections reading, prior (what is replaced), settlement (a day), snapshot, correction (what
    the settlement of a day that had left the hot window replaces), check (what check meters measured).

    `revision` grows with every change of an interval: (offset of the frames record << 20) | place within it, so it
    needs no state and is the same on every replay.
    """

    service_point: Array
    device: Array
    link: Array
    interval_start: Array
    interval_secs: Array
    revision: Array
    frame: Array
    counter: Array
    flags: Array
    method: Array
    rules: Array
    quality: Array
    expected_error: Array
    energy: Array
    reactive: Array
    physical: Array
    prior_reading: Array
    prior_quality: Array
    prior_energy: Array
    day_service_point: Array
    day_link: Array
    day_start: Array
    day_revision: Array
    day_state: Array
    day_registers: Array
    day_opening: Array
    day_closing: Array
    day_register_energy: Array
    day_actual: Array
    day_estimated: Array
    day_suspect: Array
    day_unexplained: Array
    day_counts: Array
    day_demand: Array
    day_demand_start: Array
    snapshot_service_point: Array
    snapshot_device: Array
    snapshot_time: Array
    snapshot_kind: Array
    snapshot_revision: Array
    snapshot_flags: Array
    snapshot_energy: Array
    snapshot_physical: Array
    snapshot_channels: Array
    snapshot: Array
    snapshot_present: Array
    correction_day: Array
    correction_revision: Array
    correction_registers: Array
    correction_energy: Array
    correction_estimated: Array
    correction_counts: Array
    correction_demand: Array
    correction_demand_start: Array
    correction_zones: Array
    correction_month: Array
    check_service_point: Array
    check_number: Array
    check_start: Array
    check_secs: Array
    check_present: Array
    check_energy: Array

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("service_point", "<u8", "reading", "id", "service point"),
        Column("device", "<u8", "reading", "id", "device that measured it; 0 for a substitute without one"),
        Column("link", "<u4", "reading", "index", "row of the registry version in force"),
        Column("interval_start", "<i8", "reading", "s", "start of the interval, epoch seconds UTC"),
        Column("interval_secs", "<u4", "reading", "s", "length of the interval"),
        Column(
            "revision", "<u8", "reading", "order", "larger replaces smaller for the same service point and interval"
        ),
        Column("frame", "<i4", "reading", "index", "frame of the origin record that it came from; -1: made by a tick"),
        Column("counter", "<u4", "reading", "count", "invocation counter of that frame; 0 when none"),
        Column("flags", "<u2", "reading", "bits", "pipeline.codes.Flag"),
        Column("method", "<u1", "reading", "code", "pipeline.codes.Method"),
        Column("rules", "<u4", "reading", "bits", "validation rules that failed, pipeline.codes.RULES"),
        Column("quality", "<u8", "reading", "nibbles", "pipeline.codes.Quality of channel n in bits 4n..4n+3"),
        Column(
            "expected_error",
            "<u2",
            "reading",
            "1/1000",
            "how far off an estimate of wh_imp is expected to be; 0: it is none; 65535: not known",
            added=True,
        ),
        Column("energy", "<i8", "reading", "Wh, VAh", "energy in the interval, times the multiplying factor", N_ENERGY),
        Column("reactive", "<i8", "reading", "varh", "quadrants 1-4, times the multiplying factor", N_REACTIVE),
        Column("physical", "<i4", "reading", "mV, mA, 1/1000", "as the meter sent them; 0 where absent", N_PHYSICAL),
        Column("prior_reading", "<u4", "prior", "index", "the reading (row) that replaces an earlier revision"),
        Column("prior_quality", "<u1", "prior", "code", "quality of the energy it replaces"),
        Column("prior_energy", "<i8", "prior", "Wh, VAh", "the energy it replaces", N_ENERGY),
        Column("day_service_point", "<u8", "settlement", "id", "service point of a settled span"),
        Column("day_link", "<u4", "settlement", "index", "row of the registry version in force"),
        Column("day_start", "<i8", "settlement", "s", "local midnight that the day begins at, epoch seconds UTC"),
        Column("day_revision", "<u8", "settlement", "order", "larger replaces smaller for the same day"),
        Column("day_state", "<u1", "settlement", "code", "0 provisional, 1 final"),
        Column(
            "day_registers",
            "<u2",
            "settlement",
            "bits",
            "1 opening register known, 2 closing register known, "
            "4 the day was scaled to them, 8 a register span of several days, 16 the meter was exchanged; told of good "
            "intervals: 32 V14, 64 V25, 128 V21; 256 an outage fell into the day; 512 V26, 1024 V26 in shadow",
        ),
        Column("day_opening", "<i8", "settlement", "Wh, VAh", "meter-side registers at the start", N_ENERGY),
        Column("day_closing", "<i8", "settlement", "Wh, VAh", "meter-side registers at the end", N_ENERGY),
        Column(
            "day_register_energy",
            "<i8",
            "settlement",
            "Wh, VAh",
            "register difference times the multiplying "
            "factor, all devices of the day; 0 unless both registers are known",
            N_ENERGY,
        ),
        Column("day_actual", "<i8", "settlement", "Wh, VAh", "sum of actual intervals", N_ENERGY),
        Column("day_estimated", "<i8", "settlement", "Wh, VAh", "sum of estimated intervals", N_ENERGY),
        Column("day_suspect", "<i8", "settlement", "Wh, VAh", "what the meter sent in suspect intervals", N_ENERGY),
        Column(
            "day_unexplained",
            "<i8",
            "settlement",
            "Wh, VAh",
            "register energy less actual less estimated; 0 unless both registers are known",
            N_ENERGY,
        ),
        Column("day_counts", "<u2", "settlement", "intervals", "actual, estimated, missing, suspect", 4),
        Column("day_demand", "<i8", "settlement", "Wh, VAh", "largest actual interval: wh_imp, vah_imp", 2),
        Column("day_demand_start", "<i8", "settlement", "s", "when those intervals began", 2),
        Column("snapshot_service_point", "<u8", "snapshot", "id", "service point"),
        Column("snapshot_device", "<u8", "snapshot", "id", "device"),
        Column("snapshot_time", "<i8", "snapshot", "s", "the meter's own clock, epoch seconds UTC"),
        Column("snapshot_kind", "<u1", "snapshot", "code", "pipeline.codes.Kind"),
        Column("snapshot_revision", "<u8", "snapshot", "order", "place in the log, as for readings"),
        Column("snapshot_flags", "<u2", "snapshot", "bits", "pipeline.codes.Flag"),
        Column("snapshot_energy", "<i8", "snapshot", "Wh, VAh", "registers at that time, meter side", N_ENERGY),
        Column(
            "snapshot_physical", "<i4", "snapshot", "mV, mA, 1/1000", "voltages, currents, power factor", N_PHYSICAL
        ),
        Column("snapshot_channels", "<u4", "snapshot", "bits", "bit n set: channel n is there"),
        Column("snapshot", "<i8", "snapshot", "see pipeline.channels.SNAPSHOT", "instantaneous quantities", N_SNAPSHOT),
        Column("snapshot_present", "<u4", "snapshot", "bits", "bit n set: snapshot field n is there"),
        Column(
            "correction_day", "<u4", "correction", "index", "the settlement (row) of a day that had left the hot window"
        ),
        Column("correction_revision", "<u4", "correction", "order", "of the day's last determinant; 0: there is none"),
        Column("correction_registers", "<u2", "correction", "bits", "day_registers that it replaces"),
        Column(
            "correction_energy", "<i8", "correction", "Wh, VAh", "actual and estimated energy it replaces", N_ENERGY
        ),
        Column("correction_estimated", "<i8", "correction", "Wh", "the estimated wh_imp of it"),
        Column("correction_counts", "<u2", "correction", "intervals", "day_counts that it replaces", 4),
        Column("correction_demand", "<i8", "correction", "Wh, VAh", "day_demand that it replaces", 2),
        Column("correction_demand_start", "<i8", "correction", "s", "when those intervals began; 0: none", 2),
        Column(
            "correction_zones",
            "<i8",
            "correction",
            "Wh",
            "wh_imp of the day's last determinant by place of the zone",
            5,
        ),
        Column(
            "correction_month",
            "<i8",
            "correction",
            "mixed",
            "figures of the last determinant of the day's month, by agents.rating.corrections.FIGURES; zeros: not said",
            MONTH_FIGURES,
        ),
        Column("check_service_point", "<u8", "check", "id", "service point whose main meter is checked"),
        Column("check_number", "<u8", "check", "order", "of two about the same begin the larger one holds"),
        Column("check_start", "<i8", "check", "s", "begin of what the check meter measured, epoch seconds UTC"),
        Column("check_secs", "<u4", "check", "s", "length of it"),
        Column("check_present", "<u1", "check", "code", "1: this was measured; 0: what was said of it is taken back"),
        Column("check_energy", "<i8", "check", "Wh", "wh_imp that the check meter measured"),
    )


@dataclass
class NodeEnergy:
    """Changes of energy by network node and interval; the receiver adds them up.

    Every column but node, interval and length is a difference to what the same source sent before.
    """

    node: Array
    interval_start: Array
    interval_secs: Array
    input_wh: Array
    output_wh: Array
    estimated_wh: Array
    expected: Array
    actual: Array
    estimated: Array
    inputs_expected: Array
    inputs_actual: Array

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("node", "<u4", "node", "id", "network node"),
        Column("interval_start", "<i8", "node", "s", "start of the interval, epoch seconds UTC"),
        Column("interval_secs", "<u4", "node", "s", "length of the interval"),
        Column("input_wh", "<i8", "node", "Wh", "import less export at the meters that feed the node"),
        Column("output_wh", "<i8", "node", "Wh", "import less export at what the node feeds"),
        Column("estimated_wh", "<i8", "node", "Wh", "the part of output_wh that is estimated"),
        Column("expected", "<i4", "node", "intervals", "service points fed by the node"),
        Column("actual", "<i4", "node", "intervals", "of these with an actual reading"),
        Column("estimated", "<i4", "node", "intervals", "of these with an estimated reading"),
        Column("inputs_expected", "<i4", "node", "intervals", "input meters of the node"),
        Column("inputs_actual", "<i4", "node", "intervals", "of these with an actual reading"),
    )
