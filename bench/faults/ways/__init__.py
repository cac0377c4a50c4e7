"""How each fault is done: a class a way, one file a kind of trouble."""

from __future__ import annotations

from bench.faults.ways.base import Disturbance
from bench.faults.ways.broker import BrokerKills
from bench.faults.ways.kills import Kills
from bench.faults.ways.workers import Freezes, Scalings

WAYS: dict[str, type[Disturbance]] = {
    "kill": Kills,
    "broker": BrokerKills,
    "freeze": Freezes,
    "scale": Scalings,
}
"""Way of a kind (bench.faults.kinds) -> class."""
