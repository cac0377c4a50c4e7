"""A simulated fleet of smart meters: encrypted pushes, faults, and the truth beside them.

    fleet = build_fleet(SimulatorConfig(meters=500, days=1, seed=7))
    simulation = Simulation(fleet)
    for slot in simulation.slots():   # registry version, frames in sending order, then the tick
        ...
    truth = simulation.truth()

`burst` makes block pushes for the bench at more than a million a second; `senders` takes frames to TCP, UDP, MQTT,
Kafka or a file.
"""

from connectors.simulator.config import NetworkSize, Rotation, Shares, SimulatorConfig
from connectors.simulator.faults import FAULTS, Fault, parse_faults
from connectors.simulator.fleet import Fleet, build_fleet
from connectors.simulator.frames import Frames
from connectors.simulator.timeline import Simulation, Slot
from connectors.simulator.truth import Arrival, Truth

__all__ = [
    "FAULTS", "Arrival", "Fault", "Fleet", "Frames", "NetworkSize", "Rotation", "Shares", "Simulation",
    "SimulatorConfig", "Slot", "Truth", "build_fleet", "parse_faults",
]  # fmt: skip
