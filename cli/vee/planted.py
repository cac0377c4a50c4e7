"""A simulated fleet as whole series: what its meters say, and which interval was planted with what.

The stuck meters, spikes, lost and doubled pushes are the simulator's own. Its registers are always right, so faults of
registers are planted here: one midnight in fifty reads 0.5 to 5 kWh too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agents.vee.series.calendar import grid_of
from agents.vee.series.model import Beside, Facts, Grid, Registers, Series
from agents.vee.series.placing import place, readings
from cli.vee.limits import Limits
from connectors.simulator import Fault, Fleet, Simulation, SimulatorConfig, build_fleet
from connectors.simulator.events import Events, joined
from pipeline.channels import CHANNELS
from pipeline.codes import Kind, Role
from pipeline.columns import Array
from pipeline.templates import template_arrays

FAULTS = (
    "none,missing=0.01,late=0.005,duplicate_interval=0.003,conflict=0.003,spike=0.003,stuck=0.02,negative=0.003,"
    "clock_wrong=0.02,clock_offset=0.02,rollover=0.5,outage=0.1"
)
"""Rates for the simulator: what VEE is to find. Frames that decode refuses are none of it."""
REGISTER_FAULT_EVERY = 50
NAMES = {channel.name: number for number, channel in enumerate(CHANNELS)}
USED = ("wh_imp", "vah_imp", "wh_exp", "voltage_r", "current_r")


@dataclass(frozen=True)
class Planted:
    """A service point; fault u1 (n,): `Fault` of each interval, 0 for none; lost u1 (n,): no push of it came.

    altered u1 (n,): the push says another energy than was true. A stuck meter of a pump that stands still says the
    same as a sound one, and nothing is wrong with that.
    unplaced: intervals i64 of pushes whose stamp is on no grid. wrong u1 (r,): registers with a planted fault;
    turned: the import register passed its modulus during the run.
    """

    series: Series
    fault: Array
    lost: Array
    altered: Array
    unplaced: Array
    wrong: Array
    turned: bool


def planted(meters: int, days: int, seed: int, limits: Limits) -> Iterator[Planted]:
    """Consumers of a fleet, one after the other."""
    config = SimulatorConfig.model_validate({"meters": meters, "days": days, "seed": seed, "faults": FAULTS})
    fleet = build_fleet(config)
    events = joined(list(Simulation(fleet).events()))
    grid = grid_of(config.start_time, config.end_time - config.interval_secs, config.interval_secs, "Asia/Kolkata")
    arrays = template_arrays()
    # Pushes of a reversed or exchanged meter are not planted, and transformers have no faults of their own.
    for point in np.flatnonzero(fleet.points.role == Role.CONSUMER).tolist():
        own = events.take(np.flatnonzero(events.point == point))
        template = int(fleet.points.template[point])
        yield _point(
            f"{int(fleet.points.id[point])}", grid, own, int(arrays.opens[template]), int(arrays.modulus[template]),
            Facts(limit_wh=int(fleet.points.limit_wh[point]), nominal_mv=int(fleet.points.nominal_mv[point])),
            _outage(fleet, point, len(grid)), bool(fleet.spells.rollover[point]), point,
            fleet.books.energy[:, point].astype(np.int64), limits,
        )  # fmt: skip


def _outage(fleet: Fleet, point: int, count: int) -> Array:
    """u1 (n,): 2 in intervals in which the transformer of the point was without supply."""
    points, spells = fleet.points, fleet.spells
    outage, node = np.zeros(count, np.uint8), int(points.dt[point])
    if node >= 0:
        first, after = int(spells.dark_from[node]) - 1, int(spells.dark_to[node]) - 1
        outage[max(0, min(first, count)) : max(0, min(after, count))] = 2
    return outage


def _point(
    id: str, grid: Grid, events: Events, opens: int, modulus: int, facts: Facts, outage: Array, turns: bool, point: int,
    true: Array, limits: Limits,
) -> Planted:  # fmt: skip
    block = events.take(np.flatnonzero(events.kind == Kind.BLOCK))
    start = block.stamp - (0 if opens else grid.interval)
    series = Series(id, grid, {}, facts, Beside(outage=outage))
    unplaced = np.empty(0, np.int64)
    for name in USED:
        values = block.values[:, NAMES[name]]
        found = readings(id, name, "Wh", start, values, captured=block.received_at)
        channel, rows = place(found, grid, limits.thresholds)
        series.channels[name] = channel
        unplaced = block.interval[rows].astype(np.int64) - 1
    fault, lost = np.zeros(len(grid), np.uint8), np.ones(len(grid), np.uint8)
    # A copy stands behind its original, which has no fault; the copy's number is the interval's.
    np.maximum.at(fault, block.interval - 1, block.fault)
    lost[block.interval - 1] = 0
    daily = events.take(np.flatnonzero(events.kind == Kind.DAILY))
    at, rows = np.unique(daily.interval.astype(np.int64) * grid.per_day, return_index=True)
    reading = daily.values[rows, NAMES["wh_imp"]].astype(np.int64)
    wrong = np.zeros(len(at), np.uint8)
    # Not at the ends, so that each wrong register makes two wrong spans; not near a rollover, which it would hide.
    chosen = (np.arange(1, len(at) - 1) * 7919 + point * 104_729) % REGISTER_FAULT_EVERY == 0
    wrong[1:-1] = chosen & (not turns)
    reading[wrong > 0] += 500 + (point * 37 + at[wrong > 0]) % 4500
    series.channels["wh_imp"].registers = Registers(at, reading, np.ones(len(at), np.uint8), modulus)
    altered = np.zeros(len(grid), np.uint8)
    altered[block.interval - 1] |= (block.values[:, : true.shape[1]] != true[block.interval - 1]).any(axis=1)
    return Planted(series, fault, lost, altered, unplaced, wrong, turns)


__all__ = ["FAULTS", "Fault", "Planted", "planted"]
