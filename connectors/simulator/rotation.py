"""Meters that are given another pair of keys during the run: when, and which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connectors.simulator.chance import Purpose, between, draws, happens
from connectors.simulator.columns import NEVER
from connectors.simulator.config import SimulatorConfig
from pipeline.columns import Array
from pipeline.reference import BEGINNING


@dataclass(frozen=True)
class Renewal:
    """By device: the slot from which on it seals with its new keys i32 (NEVER: not at all), and the keys u8 (n, 16)."""

    slot: Array
    encryption: Array
    authentication: Array

    @property
    def chosen(self) -> Array:
        """Rows of the devices that get new keys."""
        return np.flatnonzero(self.slot < NEVER)


def renew(config: SimulatorConfig, devices: int) -> Renewal:
    """The same share of meters and moments for the same options."""
    rows, rotation = np.arange(devices), config.rotation
    chosen = happens(draws(config.seed, Purpose.RENEWAL, rows), rotation.share)
    spread = rotation.spread_hours * 3600 // config.interval_secs
    away = between(draws(config.seed, Purpose.RENEWAL, rows, 1), 0, 2 * spread) - spread
    slot = np.where(chosen, np.maximum(announced_slot(config) + away, 1), NEVER).astype(np.int32)
    return Renewal(slot, key_octets(config.seed, rows, 8), key_octets(config.seed, rows, 10))


def announced_slot(config: SimulatorConfig) -> int:
    """The boundary from which on the head-end says that the new keys are in force."""
    return config.rotation.after_hours * 3600 // config.interval_secs


def announced_at(config: SimulatorConfig) -> int:
    """The same, epoch seconds UTC."""
    return config.start_time + announced_slot(config) * config.interval_secs


def key_octets(seed: int, rows: Array, which: int) -> Array:
    """16 drawn octets for each row, u8 (n, 16)."""
    halves = np.stack((draws(seed, Purpose.KEY, rows, which), draws(seed, Purpose.KEY, rows, which + 1)), axis=1)
    return np.ascontiguousarray(halves.astype(">u8")).view(np.uint8).reshape(-1, 16)


def beginnings(config: SimulatorConfig, renewal: Renewal) -> Array:
    """valid_from i64 of the first keys of all devices, then of the new keys of those that get some."""
    first = np.full(len(renewal.slot), BEGINNING, np.int64)
    return np.concatenate((first, np.full(len(renewal.chosen), announced_at(config), np.int64)))
