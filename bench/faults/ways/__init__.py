"""How each fault is done: a class a way, one file a kind of trouble."""

from __future__ import annotations

from bench.faults.ways.bad_pushes import BadPushes
from bench.faults.ways.base import Disturbance
from bench.faults.ways.broker import BrokerKills
from bench.faults.ways.clock import ClockSteps
from bench.faults.ways.connectors import ConnectorKills
from bench.faults.ways.disk import KafkaDiskFull, WarehouseDiskFull
from bench.faults.ways.kills import Kills
from bench.faults.ways.network import CoordinatorCuts, Cuts, SlowKafka
from bench.faults.ways.pages import DamagedPages
from bench.faults.ways.poison import PoisonBursts
from bench.faults.ways.registry import RegistryKills
from bench.faults.ways.warehouse import WarehouseAway
from bench.faults.ways.workers import Freezes, RebalanceKills, Scalings

WAYS: dict[str, type[Disturbance]] = {
    "kill": Kills,
    "broker": BrokerKills,
    "freeze": Freezes,
    "scale": Scalings,
    "rebalance": RebalanceKills,
    "cut": Cuts,
    "coordinator": CoordinatorCuts,
    "slow": SlowKafka,
    "clock": ClockSteps,
    "registry": RegistryKills,
    "page": DamagedPages,
    "connectors": ConnectorKills,
    "warehouse": WarehouseAway,
    "warehouse disk": WarehouseDiskFull,
    "kafka disk": KafkaDiskFull,
    "bad pushes": BadPushes,
    "poison": PoisonBursts,
}
"""Way of a kind (bench.faults.kinds) -> class."""
