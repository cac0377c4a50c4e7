"""`kvarn demo` as a person or a script runs it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def demo(folder: Path, *arguments: str) -> dict[str, Any]:
    """Standard output of a demo, which must be JSON alone; it runs in a folder of its own."""
    (folder / "topologies.yaml").write_text((ROOT / "topologies.yaml").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "demo", "--json", *arguments], cwd=folder, capture_output=True, text=True,
        timeout=540, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_books(found: dict[str, Any]) -> None:
    """What every demo with all faults must show."""
    energy = found["energy_wh"]
    assert energy["truth"] == energy["final"] + energy["estimated"] + energy["unexplained"]
    assert found["registers"]["both_ends"] > 30
    assert found["registers"]["different"] == []
    assert found["rejects_match"]["matched"] > 20
    assert found["rejects_match"]["unexpected"] == found["rejects_match"]["not_found"] == 0
    assert found["readings"]["final"] > 0
    assert found["determinants"] > 0
    assert {row["level"] for row in found["losses"]} == {"DT", "FEEDER"}
    assert all(row["loss_wh"] == row["input_wh"] - row["output_wh"] for row in found["losses"])
    assert found["frames_per_s"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_embedded_demo_closes_its_books_with_all_faults(tmp_path: Path) -> None:
    found = demo(tmp_path, "--meters", "60", "--days", "1", "--seed", "7")
    check_books(found)
    assert {"frames_in", "readings", "rejected", "determinants", "energy_wh", "losses", "seconds"} <= set(found)
    check_shadow(tmp_path)


def check_shadow(folder: Path) -> None:
    """The tariff that bills were made with gives the same bills from what is stored; another one others."""
    same = shadow(folder, "msedcl-lt1b-2020", "--by", "load")
    assert same["bills"] == same["provisional"] > 50
    assert same["before_paise"] == same["after_paise"] > 0
    assert sum(sum(group["histogram"]) for group in same["groups"].values()) == same["bills"]
    other = shadow(folder, str(ROOT / "examples" / "tariffs" / "rooftop.yaml"), "--deltas", "due.csv")
    rows = list(csv.DictReader((folder / "due.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == other["bills"] == same["bills"]
    assert sum(int(row["delta_paise"]) for row in rows) == other["delta_paise"] != 0
    assert other["left_out"] == {}


def shadow(folder: Path, *arguments: str) -> dict[str, Any]:
    """What `kvarn tariff shadow` says of the demo's month."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "tariff", "shadow", *arguments, "--from", "2025-07", "--json", "--dsn",
         "chdb://.kvarn/demo/warehouse"], cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_without_faults_losses_are_the_truth(tmp_path: Path) -> None:
    found = demo(tmp_path, "--meters", "40", "--days", "1", "--seed", "3", "--faults", "none")
    assert found["rejected"] == {}
    assert found["energy_wh"]["unexplained"] == found["energy_wh"]["estimated"] == 0
    assert all(row["loss_wh"] == row["truth_loss_wh"] and row["coverage"] == 1.0 for row in found["losses"])


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.mqtt
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("kafka", "mosquitto")
def test_the_demo_on_the_real_parts_ends_with_the_rows_of_the_embedded_one(tmp_path: Path) -> None:
    found = demo(tmp_path, "--kafka", "--meters", "60", "--days", "1", "--seed", "7")
    check_books(found)
    assert found["same_as_embedded"]
    assert all(row["rows"] == row["other_rows"] for row in found["tables"].values())
    # Pushes have no rows of profiles, and so few meters may have nothing to look at.
    seldom = {"profile_rows", "exceptions", "estimate_scores"}
    assert {name for name, row in found["tables"].items() if not row["rows"]} <= seldom
