"""`kvarn simulate` from its options to its report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from cli.simulate import simulate
from pipeline.errors import ConfigError

app = typer.Typer()
app.command()(simulate)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_json_stands_alone_and_the_truth_beside(tmp_path: Path) -> None:
    result = run("--to", f"file:{tmp_path / 'run.kvf'}", "--meters", "30", "--days", "1", "--seed", "9",
                 "--truth", str(tmp_path / "truth"), "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    book = json.loads((tmp_path / "truth" / "truth.json").read_text())
    assert report["truth"] == book
    assert report["frames"] == book["frames"] > 1000
    with np.load(tmp_path / "truth" / "truth.npz") as arrays:
        assert arrays["energy"].shape == (48, book["service_points"], 4)
        assert arrays["registers"].shape == (2, book["service_points"], 4)


def test_a_file_is_played_again(tmp_path: Path) -> None:
    first = run("--to", f"file:{tmp_path / 'run.kvf'}", "--meters", "20", "--days", "1", "--faults", "none", "--json")
    again = run("--to", f"file:{tmp_path / 'copy.kvf'}", "--replay", str(tmp_path / "run.kvf"), "--json")
    assert json.loads(first.stdout)["frames"] == json.loads(again.stdout)["frames"]
    assert (tmp_path / "run.kvf").read_bytes() == (tmp_path / "copy.kvf").read_bytes()


def test_people_get_a_summary(tmp_path: Path) -> None:
    result = run("--to", f"file:{tmp_path / 'run.hex'}", "--meters", "20", "--days", "1")
    assert "service points; consumers took" in result.stdout
    assert "--truth FOLDER" in result.stdout


def test_the_faults_can_be_listed() -> None:
    rows = json.loads(run("--list-faults", "--json").stdout)
    assert {row["name"] for row in rows} >= {"missing", "late", "wrong_key", "unknown_never"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "NO_ADDRESS"), (("--to", "ftp://x"), "ADDRESS_UNKNOWN"),
        (("--to", "file:x.kvf", "--meters", "0"), "OPTION_WRONG"),
        (("--to", "file:x.kvf", "--faults", "laet=1"), "FAULT_UNKNOWN"),
        (("--to", "file:x.kvf", "--interval-secs", "1000"), "OPTION_WRONG"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_options_is_said(arguments: tuple[str, ...], code: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, ConfigError)
    assert error.code == code
