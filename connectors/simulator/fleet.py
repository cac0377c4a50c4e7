"""The fleet: everything about a run that is settled before the first frame."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.simulator.columns import Devices, Network, Points, Spells
from connectors.simulator.config import SimulatorConfig
from connectors.simulator.devices import install
from connectors.simulator.energy import Books, record
from connectors.simulator.network import lay_out, names_of
from connectors.simulator.registry import key_ring, versions
from connectors.simulator.rotation import Renewal, renew
from connectors.simulator.spells import decide
from pipeline.reference import KeyRing, Registry


@dataclass(frozen=True)
class Fleet:
    """Service points, meters, network, what befalls them, and the energies of the run.

    registry_versions: (time it comes into force, epoch seconds UTC; registry), ascending.
    renewal: keys that meters get during the run.
    keys: of all devices, known to the registry or not; those that come during the run, too.
    names: node id -> name.
    """

    config: SimulatorConfig
    points: Points
    devices: Devices
    network: Network
    spells: Spells
    books: Books
    registry_versions: list[tuple[int, Registry]]
    renewal: Renewal
    keys: KeyRing
    names: dict[int, str]


def build_fleet(config: SimulatorConfig) -> Fleet:
    """The fleet of `config`; the same options give the same fleet.

    Takes 24 bytes a service point and interval: 10,000 meters over 30 days of half hours need about 350 MB.
    """
    points, network = lay_out(config)
    spells = decide(config, points, network)
    books = record(config, points, network, spells)
    devices = install(config, points, spells, books)
    registries = versions(config, points, devices, network, spells, books)
    renewal = renew(config, len(devices))
    return Fleet(
        config, points, devices, network, spells, books, registries, renewal, key_ring(config, devices, renewal),
        names_of(network),
    )  # fmt: skip
