"""Simulated fleets whose state is looked at: their frames go through the stages in this process.

The arrays of the state are as large as they will be when the windows are full: slices are allotted from the beginning,
and what some meters need beyond is taken in the first hours of sun and at the first midnight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from agents.vee.config import VeeConfig
from bench.case import OPENING, Load
from bench.inside.chains import Inside
from bench.memory.account import again
from connectors.simulator.burst import BurstPlan
from pipeline.runtime.chain import Chain
from pipeline.topology.plan import Plan

BEGIN_HOUR, END_HOUR = 11, 25
"""From before noon, when solar plants export, to behind midnight."""


@dataclass(frozen=True)
class Profile:
    """A kind of fleet; `vee`: the options of VEE that go with it; `plants`: one meter in so many exports, 0: none."""

    name: str
    says: str
    interval_secs: int
    plants: int
    vee: dict[str, int]


PROFILES = (
    Profile("d1-30", "single-phase meters of half hours without export", 1800, 0, {}),
    Profile("d1-30-solar", "the same, of which one in sixteen exports by day", 1800, 16, {}),
    Profile(
        "d1-15x4", "meters of quarter hours that all import and export by day", 900, 1,
        {"slot_secs": 900, "grid_tolerance_secs": 200},
    ),
)  # fmt: skip

PROFILE_BY_NAME = {profile.name: profile for profile in PROFILES}


class FleetLoad(Load):
    """Pushes of a profile's meters."""

    interval_secs: int
    plants: int

    @property
    def first(self) -> int:
        """Number of the first interval."""
        return BEGIN_HOUR * 3600 // self.interval_secs + 1

    def plan(self, partitions: int) -> BurstPlan:
        """What the generator is told."""
        return BurstPlan(
            self.meters, partitions, seed=self.seed, faults=self.faults, first=self.first,
            interval_secs=self.interval_secs, plants=self.plants,
        )  # fmt: skip


def intervals_of(profile: Profile) -> int:
    """Intervals behind the first, until it is past midnight."""
    return (END_HOUR - BEGIN_HOUR) * 3600 // profile.interval_secs


def with_vee(profile: Profile) -> Callable[[Plan], Plan]:
    """The plan with VEE's options of the profile."""

    def change(plan: Plan) -> Plan:
        chains = []
        for chain in plan.chains:
            stages = tuple(
                replace(stage, options=cast(VeeConfig, stage.options).model_copy(update=profile.vee))
                if stage.name == "vee"
                else stage
                for stage in chain.stages
            )
            chains.append(replace(chain, stages=stages))
        return replace(plan, chains=tuple(chains))

    return change


def simulated(
    file: Path, profile: Profile, meters: int, intervals: int, progress: Callable[[int, int], None]
) -> Inside:
    """The chains of the topology in `file` after so many intervals of each meter; `progress` is told (done, all).

    Stores were made again from a checkpoint in between, as a worker that was started has them.
    """
    load = FleetLoad(
        meters=meters, frames=intervals * meters, interval_secs=profile.interval_secs, plants=profile.plants
    )
    inside = Inside(file, load, change=with_vee(profile))
    progress(0, intervals)
    inside.open()
    for chain in inside.chains():
        restart(chain)
    for done, number in enumerate(load.pushes[OPENING:]):
        inside.interval(number)
        progress(done + 1, intervals)
    return inside


def restart(chain: Chain) -> None:
    """The chain's stores as a worker has them that was started again."""
    chain.stores = tuple(again(store) for store in chain.stores)
