"""`kvarn losses atc`: files in, accounts out; every fault with line and column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.losses.inputs import read_book
from cli.main import main
from cli.reference.pages import ROOT
from pipeline.errors import ConfigError

EXAMPLES = ROOT / "examples" / "losses"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["losses", "atc", *arguments])
    return int(ended.value.code or 0)


def reported(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(*arguments, "--json") == 0
    return dict(json.loads(capsys.readouterr().out))


def book(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["atc.csv", "atc.yaml"])
def test_the_example_files_have_the_golden_case(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = reported(capsys, str(EXAMPLES / name), "--node", "Discom")
    (account,) = found["formulas"][0]["accounts"]
    assert (account["atc_loss_percent"], account["billing_efficiency"]) == ("17.380952", "0.85")
    rows = {row["row"]: row for row in account["rows"]}
    assert (rows["C"]["value"], rows["F"]["value"]) == (1200 * 10**9, 7090 * 10**8)
    assert (rows["I"]["value"], rows["I"]["exact"]) == ("0.971989", "347/357")
    assert (account["subsidy_booked_paise"], account["subsidy_received_paise"]) == (900 * 10**8, 850 * 10**8)


def test_formulas_stand_side_by_side_and_nodes_are_ranked(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--formula", "mop-2023-07", "--formula", "cea-2016-17-capped", "--top", "1")
    found = reported(capsys, str(EXAMPLES / "atc.csv"), *asked)
    assert [part["formula"] for part in found["formulas"]] == ["mop-2023-07", "cea-2016-17-capped"]
    north = [part["accounts"][1]["atc_loss_percent"] for part in found["formulas"]]
    assert north == ["10", "10.408163"]
    feeders = found["formulas"][0]["rankings"][2]
    assert (feeders["highest"][0]["node"], feeders["lowest"][0]["node"]) == ("Feeder 8", "Feeder 7")
    assert feeders["lowest"][0]["atc_loss_percent"] == "-1.6"
    assert feeders["unknown"] == ["Feeder 9"]


def test_people_see_every_row_what_lacks_and_what_is_negative(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLES / "atc.csv"), "--rows") == 0
    said = capsys.readouterr()
    assert "17.381 %" in said.out
    assert "-1.600 %" in said.out
    assert "lacks subsidy_received" in said.out
    assert "--none subsidy_received" in said.err


def test_strict_fails_for_a_loss_that_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLES / "atc.csv"), "--strict") == 2
    assert run(str(EXAMPLES / "atc.yaml"), "--strict") == 0
    assert capsys.readouterr().out


def test_what_is_said_not_to_exist_is_zero_and_what_is_left_out_is_not(tmp_path: Path) -> None:
    path = book(tmp_path, "a.csv", "node,period,sold_kwh,written_off_rs\na,1,2.5,\n")
    assert read_book(path).entries[0].inputs.written_off is None
    found = read_book(path, ["written_off"])
    assert (found.entries[0].inputs.written_off, found.entries[0].inputs.closing_debtors) == (0, None)
    assert found.entries[0].inputs.sold == 2500
    assert found.none == ("written_off",)


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("sold_wh", "7", 7), ("sold_mwh", "0.000001", 1), ("sold_gwh", "1", 10**9), ("sold_mu", "1.5", 1500 * 10**6),
        ("revenue_paise", "-7", -7), ("revenue_rs", "0.01", 1), ("revenue_lakh", "1", 10**7),
        ("revenue_crore", "123456789.123456789", 123456789123456789),
    ],
)  # fmt: skip
def test_units_are_exact(tmp_path: Path, column: str, text: str, expected: int) -> None:
    inputs = read_book(book(tmp_path, "a.csv", f"node;period;{column}\na;1;{text}\n")).entries[0].inputs
    assert expected in (inputs.sold, inputs.revenue)


CSV_FAULTS = {
    "node,period,solt_mu\na,1,2\n": (1, 3, "is it sold_mu?"),
    "node,period,sold\na,1,2\n": (1, 3, "write sold_wh, sold_kwh"),
    "node,period,sold_rs\na,1,2\n": (1, 3, "no unit that is known"),
    "node,period,sold_mu,sold_mu\na,1,2,2\n": (1, 4, "stands twice"),
    "node,period,sold_mu,sold_kwh\na,1,2,2\n": (2, 4, "sold_mu gives it already"),
    "node,period,sold_mu\na,1,x\n": (2, 3, "'x' is not a number"),
    'node,period,sold_mu\na,1,"1,234"\n': (2, 3, "without separators"),
    "node,period,sold_mu\na,1,1e3\n": (2, 3, "is not a number"),
    "node,period,sold_wh\na,1,1.5\n": (2, 3, "not a whole number of Wh"),
    "node,period,purchased_mu\na,1,-1\n": (2, 3, "cannot be less than zero"),
    "node,period,sold_mu\na,1\n": (2, 3, "2 cells, and the header has 3"),
    "node,period,sold_mu\n,1,2\n": (2, 1, "node is missing"),
    "node,sold_mu\na,2\n": (2, 1, "period is missing"),
    "node,period,sold_mu\na,1,2\nb,1,2\na,1,3\n": (4, 1, "stands in line 2 already"),
    'node,period,sold_mu\n"a,1,2\n': (2, 1, "no CSV"),
    "node,period,sold_mu\n": (1, 1, "no accounts"),
    "": (1, 1, "no accounts"),
    "node,period,own_generation_wh,auxiliary_wh,purchased_wh,traded_wh,transmission_losses_wh,net_input_wh\n"
    "a,1,0,0,5,0,0,6\n": (2, 8, "net_input is 6 Wh, its parts make 5 Wh"),
}


@pytest.mark.parametrize("text", CSV_FAULTS)
def test_a_fault_of_a_csv_file_has_line_and_column(tmp_path: Path, text: str) -> None:
    line, column, what = CSV_FAULTS[text]
    with pytest.raises(ConfigError) as raised:
        read_book(book(tmp_path, "a.csv", text))
    assert f"line {line}, column {column}: " in raised.value.what
    assert what in raised.value.what


YAML_FAULTS = {
    "accounts: [\n": (2, 1, "no YAML"),
    "- a\n": (1, 1, "must be keys with values"),
    "version: 2\naccounts: []\n": (1, 10, "version must be 1"),
    "acounts: []\n": (1, 1, "key 'acounts' is not known"),
    "none: [sold_mu]\n": (1, 8, "'sold_mu' is no quantity"),
    "none: [net_input]\n": (1, 8, "'net_input' is no quantity"),
    "accounts: 5\n": (1, 11, "must be a list"),
    "accounts:\n  - 5\n": (2, 5, "must be keys with values"),
    "accounts:\n  - node: a\n    period: 1\n    solt_mu: 5\n": (4, 5, "is it sold_mu?"),
    "accounts:\n  - node: a\n    period: 1\n    sold_mu: [5]\n": (4, 14, "a single value"),
    "accounts:\n  - node: a\n    node: b\n    period: 1\n": (3, 5, "node stands twice"),
    "none: [sold]\naccounts:\n  - {node: a, period: 1, sold_mu: 5}\n": (3, 35, "is said not to exist"),
    "": (1, 1, "no accounts"),
}


@pytest.mark.parametrize("text", YAML_FAULTS)
def test_a_fault_of_a_yaml_file_has_line_and_column(tmp_path: Path, text: str) -> None:
    line, column, what = YAML_FAULTS[text]
    with pytest.raises(ConfigError) as raised:
        read_book(book(tmp_path, "a.yaml", text))
    assert f"line {line}, column {column}: " in raised.value.what
    assert what in raised.value.what


def test_all_faults_are_told_at_once_and_the_first_is_the_place(tmp_path: Path) -> None:
    rows = "".join(f"n{row},1,x\n" for row in range(30))
    with pytest.raises(ConfigError) as raised:
        read_book(book(tmp_path, "a.csv", f"node,period,sold_mu\n{rows}"))
    assert raised.value.where.endswith("a.csv:2:3")
    assert raised.value.what.count("is not a number") == 20
    assert raised.value.what.endswith("and 10 more")


def test_wrong_options_and_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = str(EXAMPLES / "atc.yaml")
    deep = book(tmp_path, "deep.yaml", "[" * 20_000)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"node\xe9,period\n")
    for arguments, what in (
        ((good, "--formula", "cea"), "mop-2023-07-capped"),
        ((good, "--node", "Nowhere"), "'Nowhere' does not stand in"),
        ((good, "--none", "sold_mu"), "'sold_mu' is no quantity"),
        ((str(tmp_path / "none.csv"),), "No such file"),
        ((str(tmp_path / "a.xlsx"),), "neither .csv nor .yaml"),
        ((str(latin),), "not UTF-8"),
        ((str(deep),), "too deep"),
    ):
        assert run(*arguments) == 2
        assert what in capsys.readouterr().err
