"""Determinants for a billing team: their columns, exact decimals, and the service points of one division alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigError, Transient
from pipeline.reference import Registry
from sinks.documents import FORMATS
from sinks.documents.determinants_csv import COLUMNS
from sinks.documents.division import points_of
from sinks.files.config import FilesConfig
from sinks.files.sink import FilesSink
from tests.builders_readings import MIDNIGHT
from tests.unit.sinks.sap_mdus.builders import determinant, devices


def network() -> Registry:
    """Points 1 and 2 at transformers 11 and 12 of feeder 21 of substation 31 `North`; point 3 at feeder 22 of 32."""
    made = devices(4)
    made.point = np.array([1, 2, 3, 4], "<u8")
    made.dt = np.array([11, 12, 0, 0], "<u4")
    made.feeder = np.array([21, 21, 22, 0], "<u4")
    made.node = np.array([11, 12, 21, 22, 31, 32], "<u4")
    made.node_parent = np.array([21, 21, 31, 32, 0, 0], "<u4")
    made.node_name = np.array([b"DT 11", b"DT 12", b"F 21", b"F 22", b"North", b"South"], "|S40")
    return made


def test_a_line_has_readings_energy_demand_and_money_in_the_units_of_a_bill() -> None:
    record = determinant(
        0, 7, 1_234_567, opening=1_000_000, energy=46_913_400, delta_wh_imp=-1_500, demand_w=12_345,
        demand_start=MIDNIGHT + 3600, power_factor=None, total_paise=-5, delta_paise=None, tariff="LT-1",
        zones=[{"zone": "peak", "wh": 1_000}, {"zone": "night", "wh": 2}],
    )  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(FORMATS["determinants-csv"].render([record], "x", "Asia/Kolkata").decode()))
    assert tuple(row) == COLUMNS
    assert (row["period_start"], row["period_end"], row["days"]) == ("2026-01-01", "2026-02-01", "31")
    assert (row["kwh_import_opening"], row["kwh_import_closing"]) == ("1000.000", "1234.567")
    assert (row["kwh_import_used"], row["kwh_import_change"]) == ("46913.400", "-1.500")
    assert row["kwh_import_source"] == "REGISTERS"
    assert row["kvah_import_opening"] == ""
    assert (row["demand_kw"], row["demand_at"]) == ("12.345", "2026-01-01 01:00")
    assert row["power_factor"] == ""
    assert (row["total_rupees"], row["delta_rupees"]) == ("-0.05", "")
    assert row["zones_kwh"] == "peak 1.000; night 0.002"


@pytest.mark.parametrize(("division", "points"), [("North", [1, 2]), ("31", [1, 2]), ("DT 12", [2]), ("South", [3])])
def test_a_division_has_the_points_that_its_node_feeds(division: str, points: list[int]) -> None:
    assert points_of(network(), division).tolist() == points


def test_a_division_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="DIVISION_UNKNOWN"):
        points_of(network(), "West")


def test_a_file_has_the_lines_of_its_division_alone(tmp_path: Path) -> None:
    sink = FilesSink(FilesConfig(folder=tmp_path, format="determinants-csv", division="North"))
    sink.open()
    for offset in range(4):
        sink.accept(determinant(offset, 1 + offset))
    with pytest.raises(Transient, match="REGISTRY_AWAITED"):
        sink.flush()
    sink.take_registry("1", network())
    sink.flush()
    (path,) = tmp_path.rglob("*.csv")
    assert [row["service_point"] for row in csv.DictReader(path.read_text().splitlines())] == ["1", "2"]
    # A block of others alone makes no file.
    sink.accept(determinant(9, 3))
    sink.flush()
    assert len(list(tmp_path.rglob("*.csv"))) == 1


def test_a_division_is_for_determinants() -> None:
    with pytest.raises(ValidationError, match="determinants-csv"):
        FilesConfig(folder=Path("out"), format="csv", division="North")
