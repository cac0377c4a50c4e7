"""Tariff documents of an import: what the stream measures is as good as what it rates."""

from __future__ import annotations

from cli.reference.pages import ROOT
from cli.registry.tariffs import tariff_reader
from tests.builders_rating import ist

ROOFTOP = (ROOT / "examples" / "tariffs" / "rooftop.yaml").read_bytes()


def test_a_tariff_that_is_measured_and_not_rated_can_be_imported() -> None:
    said = tariff_reader({})({3: ("rooftop.yaml", ROOFTOP)})
    assert said.faults == ()
    assert said.begins[902] == ist("2026-04-01")


def test_one_that_is_in_force_does_not_hinder_an_import() -> None:
    said = tariff_reader({"tariffs/rooftop.yaml": ROOFTOP})(None)
    assert said.begins[902] == ist("2026-04-01")


def test_a_draft_is_a_fault_of_its_row() -> None:
    said = tariff_reader({})({3: ("rooftop.yaml", ROOFTOP.replace(b"category: domestic", b"status: draft"))})
    assert [(row, code) for row, code, _ in said.faults] == [(3, "TARIFF_FAULT")]
    assert "draft" in said.faults[0][2]
    assert said.broken == {902: "rooftop.yaml"}
