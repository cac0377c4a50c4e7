"""`kvarn tariff`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.reference.pages import ROOT

EXAMPLES = ROOT / "examples" / "tariffs"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def ran(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["tariff", *arguments])
        return int(ended.value.code or 0), capsys.readouterr().out

    return ran


@pytest.mark.parametrize(
    ("tariff", "units", "paise"),
    [("msedcl-lt1b-2020", 620, 530120), ("delhi-domestic", 900, 480000), ("tangedco-lt1a-2024", 650, 342250),
     ("kseb", 251, 145580)],
)  # fmt: skip
def test_published_energy_charges_are_printed_as_json(run: Any, tariff: str, units: int, paise: int) -> None:
    code, out = run("rate", tariff, "--units", str(units), "--json")
    said = json.loads(out)
    assert (code, said["energy_paise"]) == (0, paise)
    assert said["total_paise"] == sum(line["paise"] for line in said["lines"])
    assert all({"code", "base", "base_unit", "rate", "paise"} == set(line) for line in said["lines"])


def test_a_full_bill_has_its_days_load_and_notes(run: Any) -> None:
    _, out = run("rate", "msedcl-lt1b-2020", "--units", "250", "--days", "31", "--json")
    assert {"code": "EC.1", "base": "103", "base_unit": "kWh", "rate": "3.46", "paise": 35638} in json.loads(out)[
        "lines"
    ]
    _, out = run("rate", "delhi-domestic", "--units", "350", "--json")
    said = json.loads(out)
    assert said["missing"] == [{"charge": "FIXED", "quantity": "load_kw"}]
    assert not said["complete"]
    assert "FIXED is left out: load_kw is not given" in said["notes"]


def test_a_lacking_quantity_is_an_error_when_asked_for(run: Any) -> None:
    code, out = run("rate", "delhi-domestic", "--units", "350", "--strict", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "QUANTITY_MISSING")
    assert run("rate", "delhi-domestic")[0] == 2  # without units


@pytest.mark.parametrize("text", ["x", "-1", "1.0001", "NaN", "1e30"])
def test_units_that_are_no_energy_are_refused(run: Any, text: str) -> None:
    code, out = run("rate", "kseb", f"--units={text}", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "OPTION_VALUE")


@pytest.mark.parametrize(
    "option", ["--adjust=FACC=1", "--adjust=FAC", "--zone=SOLR=10", "--bank=X=1", "--zone-export=NIGHT=1", "--zone=300"]
)
def test_a_name_that_the_tariff_does_not_have_is_refused(run: Any, option: str) -> None:
    code, out = run("rate", "msedcl-lt1b-2025", "--units", "100", option, "--json")
    assert (code, json.loads(out)["error"]["code"]) in ((2, "OPTION_VALUE"), (2, "ZONES_SUM"))


def test_a_bill_is_a_table_for_people(run: Any) -> None:
    code, out = run("rate", "tangedco-lt1a-2022", "--units", "500")
    assert code == 0
    assert "FREE100" in out
    assert "1725.00" in out


def test_explain_says_what_a_tariff_does_and_walks_a_bill(run: Any) -> None:
    _, out = run("explain", "tangedco-lt1a-2022", "--units", "500")
    assert "HALF200: minus 50 % of EC for units above 100 up to 200. Only units at most 500." in out
    assert "FREE100: 100 kWh x -4.5 = -450.00; so far 1950.00." in out
    for path in sorted(EXAMPLES.glob("*.yaml")):
        if path.stem != "fppas":
            assert run("explain", str(path))[0] == 0


def test_list_names_every_shipped_tariff(run: Any) -> None:
    _, out = run("list", "--json")
    assert {"msedcl-lt1b-2020", "bescom-lt1-2025"} <= {row["code"] for row in json.loads(out)}
    assert "tangedco-lt1a-2024" in run("list")[1]


def test_lint_names_file_and_line_and_ends_with_2(run: Any, tmp_path: Path) -> None:
    assert run("lint", "--json")[0] == 0
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "version: 2\ncode: x\nnumber: 1\nname: x\nvalid_from: 2026-01-01\ncharges:\n  - {code: EC, kind: what}\n"
    )
    code, out = run("lint", str(broken), "--json")
    said = json.loads(out)
    assert (code, said["errors"]) == (2, 1)
    assert (said["findings"][0]["code"], said["findings"][0]["line"]) == ("CHARGE_KIND", 7)
    assert f"{broken}:7:" in run("lint", str(broken))[1].replace("\n", "")


def test_a_sheet_is_imported_and_can_be_rated(run: Any, tmp_path: Path) -> None:
    made = tmp_path / "made.yaml"
    assert run("import", str(EXAMPLES / "domestic.csv"), "--to", str(made))[0] == 0
    assert run("lint", str(made), "--strict")[0] == 0
    _, out = run("rate", str(made), "--units", "120", "--load-kw", "2.3", "--zone", "SOLAR=50", "--zone", "PEAK=30",
                 "--flag", "prepaid", "--json")  # fmt: skip
    # 562.00 energy, -46.83 + 14.05 time of day, 225.00 fixed, 120.68 duty, -15.74 rebate, -0.16 rounding
    assert json.loads(out)["total_paise"] == 85900
    faulty = tmp_path / "faulty.csv"
    faulty.write_text("item,kind,value\nEC,slabs,high\n")
    code, out = run("import", str(faulty), "--json")
    assert code == 2
    assert any(fault["line"] == 2 for fault in json.loads(out)["findings"])


def test_monthly_values_are_computed_and_used(run: Any) -> None:
    document = str(EXAMPLES / "fppas.yaml")
    _, out = run("adjustments", document, "--json")
    june = json.loads(out)["months"][0]
    assert june == {"month": "2026-06", "costs_of": "2026-04", "fppas_percent": "8.455", "values": ["8.11"]}
    _, out = run("rate", "delhi-domestic", "--units", "100", "--load-kw", "1", "--date", "2026-06-01",
                 "--adjustments", document, "--json")  # fmt: skip
    assert {"code": "PPAC", "base": "32000", "base_unit": "paise", "rate": "8.11 %", "paise": 2595} in json.loads(out)[
        "lines"
    ]


def test_a_change_within_the_period_is_rated_in_parts(run: Any) -> None:
    _, out = run(
        "rate", "bescom", "--units", "100", "--days", "30", "--load-kw", "2", "--change", "15=load-kw:5", "--json"
    )
    said = json.loads(out)
    assert [part["days"] for part in said["parts"]] == [15, 15]
    fixed = [line["paise"] for part in said["parts"] for line in part["lines"] if line["code"] == "FIXED"]
    assert fixed == [14500, 36250]
    assert said["total_paise"] == sum(part["total_paise"] for part in said["parts"]) + said["rounding_paise"]
    _, out = run(
        "rate", "msedcl-lt1b-2020", "--units", "300", "--days", "30", "--change", "12=msedcl-lt1b-2025", "--json"
    )
    assert [part["energy_paise"] for part in json.loads(out)["parts"]] == [40 * 346 + 80 * 743, 60 * 574 + 120 * 1257]
    for wrong in ("30=kseb", "x=kseb", "5", "5="):
        assert run("rate", "bescom", "--units", "1", "--days", "30", "--change", wrong, "--json")[0] == 2


def test_export_that_nothing_is_billed_on_and_units_in_no_zone_are_told(run: Any) -> None:
    _, out = run("rate", "msedcl-lt1b-2020", "--units", "250", "--export", "10", "--json")
    assert json.loads(out)["notes"] == [
        "--export is not used: msedcl-lt1b-2020 has neither net_metering nor a charge on it"
    ]
    _, out = run("rate", str(EXAMPLES / "ht-industry.yaml"), "--units", "1000", "--zone", "PEAK=200.5", "--json")
    assert "--zone: 799.5 of the units are in no zone" in json.loads(out)["notes"]
