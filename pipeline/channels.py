"""The channels of a meter, once: order, unit, OBIS codes; batches, quality words and warehouse columns follow it.

A channel's number is its place in the packed arrays and its nibble in a quality word (`pipeline.codes.Quality`).
Numbers are never reused: a new channel is appended.

Units are integers: energy in Wh, VAh or varh, voltage in mV, current in mA, power factor in thousandths (signed).
OBIS codes: IS 15959 part 2 (block load profile, daily load profile) and IEC 62056-6-1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """One measured quantity of a service point.

    `scale` is the power of ten that turns the physical unit (V, A, 1) into the stored integer unit.
    """

    name: str
    unit: str
    scale: int
    block_obis: tuple[str, ...]
    register_obis: tuple[str, ...]
    doc: str


ENERGY: tuple[Channel, ...] = (
    Channel("wh_imp", "Wh", 0, ("1.0.1.29.0.255",), ("1.0.1.8.0.255",), "active energy, import"),
    Channel("vah_imp", "VAh", 0, ("1.0.9.29.0.255",), ("1.0.9.8.0.255",), "apparent energy while importing"),
    Channel("wh_exp", "Wh", 0, ("1.0.2.29.0.255",), ("1.0.2.8.0.255",), "active energy, export"),
    Channel("vah_exp", "VAh", 0, ("1.0.10.29.0.255",), ("1.0.10.8.0.255",), "apparent energy while exporting"),
)

REACTIVE: tuple[Channel, ...] = (
    Channel("varh_q1", "varh", 0, ("1.0.5.29.0.255",), ("1.0.5.8.0.255",), "reactive energy, quadrant 1"),
    Channel("varh_q2", "varh", 0, ("1.0.6.29.0.255",), ("1.0.6.8.0.255",), "reactive energy, quadrant 2"),
    Channel("varh_q3", "varh", 0, ("1.0.7.29.0.255",), ("1.0.7.8.0.255",), "reactive energy, quadrant 3"),
    Channel("varh_q4", "varh", 0, ("1.0.8.29.0.255",), ("1.0.8.8.0.255",), "reactive energy, quadrant 4"),
)

PHYSICAL: tuple[Channel, ...] = (
    Channel("voltage_r", "mV", 3, ("1.0.12.27.0.255", "1.0.32.27.0.255"), (), "mean voltage, phase R or single phase"),
    Channel("voltage_y", "mV", 3, ("1.0.52.27.0.255",), (), "mean voltage, phase Y"),
    Channel("voltage_b", "mV", 3, ("1.0.72.27.0.255",), (), "mean voltage, phase B"),
    Channel("current_r", "mA", 3, ("1.0.11.27.0.255", "1.0.31.27.0.255"), (), "mean current, phase R or single phase"),
    Channel("current_y", "mA", 3, ("1.0.51.27.0.255",), (), "mean current, phase Y"),
    Channel("current_b", "mA", 3, ("1.0.71.27.0.255",), (), "mean current, phase B"),
    Channel("current_n", "mA", 3, ("1.0.91.27.0.255",), (), "mean current, neutral"),
    Channel("power_factor", "1/1000", 3, ("1.0.13.27.0.255",), (), "mean power factor, signed"),
)

CHANNELS: tuple[Channel, ...] = ENERGY + REACTIVE + PHYSICAL

N_ENERGY = len(ENERGY)
N_REACTIVE = len(REACTIVE)
N_PHYSICAL = len(PHYSICAL)

WH_IMP, VAH_IMP, WH_EXP, VAH_EXP = range(N_ENERGY)
FIRST_REACTIVE = N_ENERGY
FIRST_PHYSICAL = N_ENERGY + N_REACTIVE


@dataclass(frozen=True)
class SnapshotField:
    """One quantity of the instantaneous profile that is not a channel above."""

    name: str
    unit: str
    scale: int
    obis: str
    doc: str


# IS 15959 part 2, instantaneous profile 1.0.94.91.0.255: what a push adds to the registers, voltages and currents.
SNAPSHOT: tuple[SnapshotField, ...] = (
    SnapshotField("frequency", "mHz", 3, "1.0.14.7.0.255", "supply frequency"),
    SnapshotField("active_power", "W", 0, "1.0.1.7.0.255", "active power, import"),
    SnapshotField("apparent_power", "VA", 0, "1.0.9.7.0.255", "apparent power"),
    SnapshotField("reactive_power", "var", 0, "1.0.3.7.0.255", "reactive power"),
    SnapshotField("power_factor_r", "1/1000", 3, "1.0.33.7.0.255", "power factor, phase R"),
    SnapshotField("power_factor_y", "1/1000", 3, "1.0.53.7.0.255", "power factor, phase Y"),
    SnapshotField("power_factor_b", "1/1000", 3, "1.0.73.7.0.255", "power factor, phase B"),
    SnapshotField("demand_w", "W", 0, "1.0.1.6.0.255", "maximum demand, active, since the last reset"),
    SnapshotField("demand_w_time", "s", 0, "1.0.1.6.0.255", "when that demand occurred, epoch seconds UTC"),
    SnapshotField("demand_va", "VA", 0, "1.0.9.6.0.255", "maximum demand, apparent, since the last reset"),
    SnapshotField("demand_va_time", "s", 0, "1.0.9.6.0.255", "when that demand occurred, epoch seconds UTC"),
    SnapshotField("power_on_minutes", "min", 0, "0.0.94.91.14.255", "cumulative minutes with supply"),
    SnapshotField("power_off_minutes", "min", 0, "0.0.94.91.8.255", "cumulative minutes without supply"),
    SnapshotField("power_failures", "1", 0, "0.0.96.7.0.255", "number of power failures"),
    SnapshotField("tamper_count", "1", 0, "0.0.94.91.0.255", "cumulative tamper count"),
    SnapshotField("billing_count", "1", 0, "0.0.0.1.0.255", "cumulative billing count"),
    SnapshotField("programming_count", "1", 0, "0.0.96.2.0.255", "cumulative programming count"),
    SnapshotField("load_switch", "1", 0, "0.0.96.3.10.255", "load switch: 1 closed, 0 open"),
    SnapshotField("load_limit", "W", 0, "0.0.17.0.0.255", "load limit in force"),
    SnapshotField("billing_time", "s", 0, "0.0.0.1.2.255", "last billing date, epoch seconds UTC"),
    SnapshotField("esw_high", "bits", 0, "0.0.94.91.18.255", "event status word, bits 0-63 (bit 0 is the highest)"),
    SnapshotField("esw_low", "bits", 0, "0.0.94.91.18.255", "event status word, bits 64-127"),
)

N_SNAPSHOT = len(SNAPSHOT)
SNAPSHOT_INDEX: dict[str, int] = {field.name: place for place, field in enumerate(SNAPSHOT)}
