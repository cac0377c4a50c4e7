"""What flows: every consumer's energy, then what each transformer and feeder takes in for it, whole Wh throughout.

Order of things in an interval: need and plant give import and export; theft passes a part by; a reversed CT counts the
rest on the other side; transformers add no-load loss and (load / rating)^2 times copper and line loss; a node's meter
counts whole watt-hours of its own (secondary) side and carries what is left over to the next interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connectors.simulator.chance import Purpose, below, draw
from connectors.simulator.columns import Network, Points, Spells
from connectors.simulator.config import SimulatorConfig
from connectors.simulator.shapes import CLASSES, SEASON_OF_MONTH, Class, load_weights, solar_weights
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.jit import allocating_kernel, expanded

_DAY, _NOISE, _APPLIANCE, _CLOUD = Purpose.DAY.value, Purpose.NOISE.value, Purpose.APPLIANCE.value, Purpose.CLOUD.value
_PUMP = Class.AGRICULTURE.value
HOUR_SECS = 3600


@dataclass(frozen=True)
class Books:
    """Energies of the run; interval s (1-based) is row s - 1.

    energy i32 (intervals, points, 4): what the meter records, its own side, channels of `pipeline.channels.ENERGY`.
    theft i32 (intervals, points): what passes the meter by, Wh on the meter's side.
    reversed_wh i32 (intervals, points): import counted as export.
    """

    energy: Array
    theft: Array
    reversed_wh: Array


def record(config: SimulatorConfig, points: Points, network: Network, spells: Spells) -> Books:
    """All energies of the run."""
    shape = (config.intervals, len(points))
    energy = np.zeros((*shape, N_ENERGY), np.int32)
    theft, backward = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    seasons, sundays = calendar(config)
    table = [CLASSES[number] for number in range(len(CLASSES))]
    lumps = np.array([row.appliance_wh for row in table], np.int64)
    class_season = np.array([row.season for row in table], np.int64)
    class_sunday = np.array([row.sunday for row in table], np.int64)
    _consumers(
        np.uint64(config.seed), config.interval_secs, load_weights(config.slots_per_day),
        solar_weights(config.slots_per_day), seasons, sundays, class_season, class_sunday, lumps,
        points.klass[: config.meters], points.wh_day, points.power_factor, points.solar_w, points.dt, points.roster,
        spells.theft_from, spells.theft_share, spells.reversed_from, spells.reversed_to, spells.dark_from,
        spells.dark_to, energy, theft, backward,
    )  # fmt: skip
    flows = np.zeros((config.intervals, len(network.dt_node)), np.int64)
    load = np.zeros_like(flows)
    _gather(points.dt, points.numerator, points.denominator, energy[:, : config.meters], theft, backward, flows, load)
    losses = network.dt_copper_w + network.dt_line_w
    _node_meters(
        config.interval_secs, network.dt_rated_va, network.dt_no_load_w, losses, network.dt_point, points.numerator,
        spells.dark_from, spells.dark_to, flows, load, energy,
    )  # fmt: skip
    feeder_flows = np.zeros((config.intervals, len(network.feeder_node)), np.int64)
    feeder_load = np.zeros_like(feeder_flows)
    below_feeder = np.where(np.arange(len(points)) < config.meters, np.where(points.dt < 0, points.feeder, -1),
                            np.where(points.dt >= 0, points.feeder, -1)).astype(np.int32)  # fmt: skip
    _gather(below_feeder, points.numerator, points.denominator, energy, theft, backward, feeder_flows, feeder_load)
    never = np.full(len(network.feeder_node), 2**30, np.int32)
    _node_meters(
        config.interval_secs, network.feeder_rated_va, np.zeros_like(network.feeder_line_w), network.feeder_line_w,
        network.feeder_point, points.numerator, never, never, feeder_flows, feeder_load, energy,
    )  # fmt: skip
    return Books(energy, theft, backward)


def calendar(config: SimulatorConfig) -> tuple[Array, Array]:
    """(season of each day i64, 1 on Sundays u8)."""
    first = np.datetime64(config.start, "D")
    days = first + np.arange(config.days)
    months = days.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days.astype(np.int64) + 3) % 7
    return np.array(SEASON_OF_MONTH, np.int64)[months], (weekday == 6).astype(np.uint8)


@expanded
def _need(  # type: ignore[no-untyped-def]
    seed, point, row, day, slot, klass, wh_day, roster, secs, weights, season, sunday, by_season, by_sunday, lump
):
    """Wh that a consumer needs in an interval."""
    slots = weights.shape[2]
    wild = draw(seed, _NOISE, point, row)
    daily = draw(seed, _DAY, point, day)
    if klass == _PUMP:
        since = (slot - roster) % slots
        if since >= slots * 8 // 24 or below(daily, 100) >= 80:
            return np.int64(0)
        return wh_day * secs // 3600 * (950 + below(wild, 101)) // 1000
    need = wh_day * weights[klass, season, slot] // 1000
    need = need * by_season[klass, season] // 1000
    if sunday[day]:
        need = need * by_sunday[klass] // 1000
    need = need * (850 + below(daily, 301)) // 1000
    need = need * (700 + below(wild, 601)) // 1_000_000
    hour = slot * 24 // slots
    if lump[klass] > 0 and (6 <= hour < 10 or 18 <= hour < 23):
        chance = draw(seed, _APPLIANCE, point, row)
        if below(chance, 3) == 0:
            need += below(mix_again(chance), lump[klass]) * secs // 1800
    return need


@expanded
def mix_again(value):  # type: ignore[no-untyped-def]
    """A second draw out of a first."""
    return draw(value, 1, 1, 1)


@allocating_kernel
def _consumers(  # type: ignore[no-untyped-def]
    seed, secs, weights, solar, seasons, sunday, by_season, by_sunday, lump, klass, wh_day, factor, solar_w, dt, roster,
    theft_from, theft_share, reversed_from, reversed_to, dark_from, dark_to, energy, theft, backward,
):  # fmt: skip
    slots = weights.shape[2]
    for row in range(energy.shape[0]):
        day, slot, number = row // slots, row % slots, row + 1
        season = seasons[day]
        for point in range(klass.shape[0]):
            node = dt[point]
            if node >= 0 and dark_from[node] <= number < dark_to[node]:
                continue
            need = _need(seed, point, row, day, slot, klass[point], wh_day[point], roster[point], secs, weights, season,
                         sunday, by_season, by_sunday, lump)  # fmt: skip
            plant = np.int64(0)
            if solar_w[point] > 0:
                # Neighbours share their clouds: the day's by transformer, the interval's on top.
                clear = 350 + below(draw(seed, _CLOUD, node, day), 651)
                clear = clear * (750 + below(draw(seed, _CLOUD, node, 1_000_000 + row), 251)) // 1000
                plant = solar_w[point] * solar[slot] // 1000 * secs // 3600 * clear // 1000
            taken, given = max(need - plant, np.int64(0)), max(plant - need, np.int64(0))
            if number >= theft_from[point]:
                theft[row, point] = taken * theft_share[point] // 1000
                taken -= theft[row, point]
            cos = factor[point] - 10 + below(draw(seed, _NOISE, point, 10_000_000 + row), 21)
            apparent = -(-taken * 1000 // cos)
            back = -(-given * 1000 // 985)
            if reversed_from[point] <= number < reversed_to[point]:
                backward[row, point] = taken
                taken, given, apparent, back = given, taken, back, apparent
            energy[row, point, 0] = taken
            energy[row, point, 1] = apparent
            energy[row, point, 2] = given
            energy[row, point, 3] = back


@allocating_kernel
def _gather(node, numerator, denominator, energy, theft, backward, flows, load):  # type: ignore[no-untyped-def]
    """flows i64 (intervals, nodes) = what truly flows out of a node, Wh; load: the same in VAh, both directions."""
    for row in range(energy.shape[0]):
        for point in range(energy.shape[1]):
            place = node[point]
            if place < 0:
                continue
            net = np.int64(energy[row, point, 0]) - np.int64(energy[row, point, 2])
            net += np.int64(theft[row, point]) + 2 * np.int64(backward[row, point])
            flows[row, place] += net * numerator[point] // denominator[point]
            apparent = np.int64(energy[row, point, 1]) + np.int64(energy[row, point, 3]) + np.int64(theft[row, point])
            load[row, place] += apparent * numerator[point] // denominator[point]


@allocating_kernel
def _node_meters(  # type: ignore[no-untyped-def]
    secs, rated_va, no_load_w, load_loss_w, meter, numerator, dark_from, dark_to, flows, load, energy
):
    """Energy of the meter that feeds each node; flows and load stay as they are."""
    for node in range(rated_va.shape[0]):
        point = meter[node]
        factor = np.int64(numerator[point])
        kept_in, kept_out = np.int64(0), np.int64(0)
        for row in range(flows.shape[0]):
            if dark_from[node] <= row + 1 < dark_to[node]:
                continue
            share = load[row, node] * 3600 // secs * 1000 // rated_va[node]
            flow = flows[row, node] + no_load_w[node] * secs // 3600
            flow += load_loss_w[node] * share // 1000 * share // 1000 * secs // 3600
            if flow >= 0:
                kept_in += flow
            else:
                kept_out -= flow
            taken, given = kept_in // factor, kept_out // factor
            kept_in -= taken * factor
            kept_out -= given * factor
            energy[row, point, 0] = taken
            energy[row, point, 1] = -(-taken * 1000 // 940)
            energy[row, point, 2] = given
            energy[row, point, 3] = -(-given * 1000 // 940)


def billed(points: Points, energy: Array) -> Array:
    """i64: meter-side energies (..., points) times the multiplying factor, rounded down."""
    wh: Array = energy.astype(np.int64) * points.numerator.astype(np.int64) // points.denominator.astype(np.int64)
    return wh


def midnight_sums(config: SimulatorConfig, books: Books) -> Array:
    """i64 (days + 1, points, 4): energy recorded since the start, at each midnight."""
    day = config.slots_per_day
    by_day = books.energy.reshape(config.days, day, *books.energy.shape[1:]).sum(axis=1, dtype=np.int64)
    sums = np.zeros((config.days + 1, *by_day.shape[1:]), np.int64)
    np.cumsum(by_day, axis=0, out=sums[1:])
    return sums


def sum_until(books: Books, slot: int) -> Array:
    """i64 (points, 4): energy recorded since the start, at the end of interval `slot`."""
    wh: Array = books.energy[:slot].sum(axis=0, dtype=np.int64)
    return wh
