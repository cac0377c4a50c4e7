"""What a meter shows beside energy: voltages, currents, power factor, and the instantaneous profile."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, between, draws
from connectors.simulator.columns import Points
from connectors.simulator.config import SimulatorConfig
from pipeline.channels import CHANNELS, N_ENERGY, SNAPSHOT_INDEX, VAH_EXP, VAH_IMP, WH_EXP, WH_IMP
from pipeline.columns import Array
from pipeline.templates import SNAPSHOT_TARGET

CHANNEL: dict[str, int] = {channel.name: place for place, channel in enumerate(CHANNELS)}

VOLT_STEP_MV, AMPERE_STEP_MA = 100, 10
"""Meters show tenths of a volt and hundredths of an ampere; so what is sent can be compared exactly."""

REACTIVE_SHARE = 328
"""varh of a Wh at power factor 0.95, in thousandths."""


def target(name: str) -> int:
    """Column of `Events.values` of a snapshot field."""
    return SNAPSHOT_TARGET + SNAPSHOT_INDEX[name]


def put_physical(
    config: SimulatorConfig, points: Points, rows: Array, slot: int, energy: Array, theft: Array, values: Array
) -> None:
    """Voltages, currents and power factor of an interval with `energy` i64 (n, 4), to values i64 (n, N_VALUES).

    `theft` i64 (n,) is what passes the phase element by: it still flows through the neutral of a single-phase meter.
    """
    apparent = (energy[:, VAH_IMP] + energy[:, VAH_EXP]) * 3600 // config.interval_secs
    phases = points.phases[rows].astype(np.int64)
    wild = draws(config.seed, Purpose.VOLTAGE, rows, slot)
    volts = points.nominal_mv[rows] * (1000 - 12 + between(wild, 0, 24)) // 1000
    # The voltage sags with the meter's own load, by at most six per cent.
    most = np.maximum(points.limit_wh[rows] * 3600 // config.interval_secs, 1)
    volts -= volts * np.minimum(apparent * 100 // most, 60) // 1000
    volts = volts // VOLT_STEP_MV * VOLT_STEP_MV
    amperes = apparent * 1_000_000 // (volts * phases)
    amperes = (amperes + AMPERE_STEP_MA // 2) // AMPERE_STEP_MA * AMPERE_STEP_MA
    single = phases == 1
    stolen = theft * 3600 // config.interval_secs * 1_000_000 // (volts * phases) // AMPERE_STEP_MA * AMPERE_STEP_MA
    values[:, CHANNEL["voltage_r"]] = volts
    values[:, CHANNEL["current_r"]] = amperes
    for name, shift in (("y", 3), ("b", -4)):
        values[:, CHANNEL[f"voltage_{name}"]] = np.where(single, 0, volts + shift * VOLT_STEP_MV)
        values[:, CHANNEL[f"current_{name}"]] = np.where(single, 0, np.maximum(amperes + shift * AMPERE_STEP_MA, 0))
    values[:, CHANNEL["current_n"]] = np.where(single, amperes + stolen, 0)
    total = energy[:, VAH_IMP] + energy[:, VAH_EXP]
    active = energy[:, WH_IMP] + energy[:, WH_EXP]
    factor = np.where(total > 0, active * 1000 // np.maximum(total, 1), 1000)
    values[:, CHANNEL["power_factor"]] = np.where(energy[:, WH_EXP] > energy[:, WH_IMP], -factor, factor)


def put_snapshot(
    config: SimulatorConfig, points: Points, rows: Array, slot: int, registers: Array, energy: Array, values: Array
) -> None:
    """Registers and the instantaneous quantities of `pipeline.channels.SNAPSHOT`, after `put_physical`."""
    values[:, :N_ENERGY] = registers
    values[:, CHANNEL["varh_q1"]] = registers[:, WH_IMP] * REACTIVE_SHARE // 1000
    rate = 3600 // config.interval_secs
    power, apparent = energy[:, WH_IMP] * rate, energy[:, VAH_IMP] * rate
    put = {
        "frequency": 49_950 + between(draws(config.seed, Purpose.VOLTAGE, np.array([slot]), 7), 0, 100),
        "active_power": power,
        "apparent_power": apparent,
        "reactive_power": power * REACTIVE_SHARE // 1000,
        "power_on_minutes": 500_000 + slot * config.interval_secs // 60,
        "power_off_minutes": 1_000 + rows % 500,
        "power_failures": 20 + rows % 30,
        "tamper_count": rows % 3,
        "billing_count": 14,
        "programming_count": 2,
        "load_switch": 1,
        "load_limit": points.sanctioned_w[rows],
        "billing_time": config.start_time,
    }
    for name, value in put.items():
        values[:, target(name)] = value
    for name in ("r", "y", "b"):
        values[:, target(f"power_factor_{name}")] = values[:, CHANNEL["power_factor"]]
