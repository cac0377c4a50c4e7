"""Versions of a simulated fleet, with exchanged meters and late registrations, go through files and back."""

from connectors.registry.export import export
from connectors.registry.rules import Severity
from connectors.simulator import SimulatorConfig, build_fleet
from pipeline.reference_codec import registry_to_bytes
from tests.builders_registry import read


def test_every_version_of_a_fleet_comes_back_from_its_files(tmp_path):
    fleet = build_fleet(SimulatorConfig(meters=300, days=3, faults="all"))
    assert len(fleet.registry_versions) > 1
    assert any(registry.exchange.any() for _, registry in fleet.registry_versions)
    for number, (_, registry) in enumerate(fleet.registry_versions):
        export(registry, {}, tmp_path / str(number))
        imported = read(tmp_path / str(number))
        assert [row for row in imported.checked.findings if row.severity is not Severity.WARNING] == []
        assert imported.raw == registry_to_bytes(registry)
