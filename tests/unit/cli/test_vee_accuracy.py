"""`kvarn vee accuracy`: files are read, the learned order is compared with single methods."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.vee.accuracy_input import grid_of, read_series
from cli.vee.app import app
from pipeline.errors import ConfigError

DAY = 86400
DATA = Path(__file__).parents[4] / "shared" / "data" / "intervals"


def household(path: Path, days: int = 70) -> Path:
    draw = np.random.default_rng(3)
    lines = ["start,value"]
    for number in range(days * 24):
        day, hour = divmod(number, 24)
        energy = 0.2 + (0.5 if 17 < hour < 23 else 0) + (draw.random() < 0.1) * 1.5 + draw.random() * 0.05
        lines.append(f"{np.datetime64('2024-01-01') + day} {hour:02d}:00:00,{energy:.3f}")
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_the_chosen_order_is_compared_with_every_method(tmp_path: Path) -> None:
    path = household(tmp_path / "home.csv.gz")
    command = ["accuracy", "--input", str(path), "--gaps", "120", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert {(row["input"], row["gap"]) for row in said["results"]} == {
        (name, gap) for name in ("home.csv.gz", "all files") for gap in ("1 h", "6 h", "1 d", "3 d")
    }
    for row in said["results"]:
        best = min(figures["wape"] for figures in row["methods"].values())
        assert row["methods"][row["best_single"]]["wape"] == best
        assert best <= row["chosen"]["wape"] <= 1.05 * best
        assert row["gaps"] >= 100
        assert 0.7 < row["expected_to_realised"] < 1.3
    assert said["scorecard"]


def test_a_table_is_for_people_and_the_same_each_time(tmp_path: Path) -> None:
    path = household(tmp_path / "home.csv.gz", 40)
    said = [CliRunner().invoke(app, ["accuracy", "--input", str(path), "--gaps", "25"]).stdout for _ in range(2)]
    assert "chosen order" in said[0]
    assert said[0] == said[1]


def test_csv_with_several_series(tmp_path: Path) -> None:
    path = tmp_path / "meters.csv"
    rows = [f"{meter},2024-01-0{day},{day}.0004,NA" for meter in ("A", "B") for day in (1, 2, 4)]
    path.write_text("\n".join(["meter,Date,kwh,gas", *rows, "A,2024-01-01,9,NA"]))
    found = read_series(path)
    assert [one.name for one in found] == ["A/kwh", "B/kwh"]
    grid = found[0].grid
    assert (grid.interval, grid.value.tolist(), grid.standing.tolist()) == (DAY, [1000, 2000, 0, 4000], [1, 1, 0, 1])
    assert grid.day_type.tolist() == [0, 1, 2, 3]


def test_nem12_and_green_button(tmp_path: Path) -> None:
    path = tmp_path / "nem12.csv"
    values = ",".join(f"{place}.5" for place in range(48))
    path.write_text(f"100,NEM12,200401011200,A,B\n200,NMI1,E1,E1,E1,N1,1,kWh,30,\n300,20040201,{values},A,,,\n900\n")
    (series,) = read_series(path)
    assert (series.name, series.grid.interval, series.grid.value[:3].tolist()) == ("NMI1/E1", 1800, [500, 1500, 2500])
    path = tmp_path / "green.xml"
    readings = "".join(
        f"<IntervalReading><timePeriod><duration>900</duration><start>{at * 900}</start></timePeriod>"
        f"<value>{at}</value></IntervalReading>"
        for at in range(4)
    )
    path.write_text(f"<feed><powerOfTenMultiplier>3</powerOfTenMultiplier>{readings}</feed>")
    (series,) = read_series(path)
    assert (series.grid.interval, series.grid.value[:4].tolist()) == (900, [0, 1000, 2000, 3000])
    assert series.grid.standing.sum() == 4
    assert series.grid.value.size == 96


def test_a_file_without_intervals_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("what,when\nhello,never\n")
    with pytest.raises(ConfigError, match="INPUT_WITHOUT_INTERVALS"):
        read_series(path)
    path.write_text("<feed")
    with pytest.raises(ConfigError, match="INPUT_UNREADABLE"):
        read_series(path)


def test_one_stamp_makes_no_series() -> None:
    assert grid_of({0: 1}) is None
    assert grid_of({}) is None


@pytest.mark.skipif(not DATA.is_dir(), reason="real interval data is not there")
@pytest.mark.parametrize(
    ("name", "series", "interval"),
    [
        ("uk-electricity-hdd-only-hourly-sample-0.csv.gz", 1, 3600),
        ("uk-electricity-hdd-only-hourly-sample-1.csv.gz", 1, 1800),
        ("uk_n3rgy_hourly.csv.gz", 2, 3600),
        ("greenbutton_15min.xml", 1, 900),
        ("nem12/NEM12_SCENARIO1_UNITEDDP_NEMMCO.csv", 2, 1800),
    ],
)
def test_real_files_are_read(name: str, series: int, interval: int) -> None:
    found = read_series(DATA / name)
    assert [one.grid.interval for one in found] == [interval] * series
