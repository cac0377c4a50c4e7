"""Tariff files with faults, calendars by season, and the spreadsheet."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from agents.rating.engine.catalogue import FOLDER
from agents.rating.engine.documents import parse, read_document
from agents.rating.engine.format.calendar import Calendar
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lint import FAULT_CODES, lint
from agents.rating.engine.sheet import read_sheet, to_yaml
from cli.reference.pages import ROOT
from pipeline.errors import ConfigError

DELHI = (FOLDER / "delhi-industry-2019.yaml").read_text()
SHEET = ROOT / "examples" / "tariffs" / "domestic.csv"


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "said"),
    [
        ("name: Delhi industry", "nme: Delhi industry", "KEY_UNKNOWN", 8, "nme"),
        ("number: 5", "number: five", "VALUE_INVALID", 7, "number"),
        ("rate: 250", "rate: lots", "VALUE_INVALID", 36, "lots"),
        ("kind: fixed", "kind: fxed", "CHARGE_KIND", 36, "fxed"),
        ("of: FIXED, factor", "of: DEMAND, factor", "TARIFF_RULE", 37, "does not stand above"),
        ("zone: PEAK,", "zone: EVENING,", "TARIFF_RULE", 28, "not a zone"),
        ('"22:00-01:00"', '"22:00-01:10"', "TARIFF_RULE", 17, "quarter hours"),
        ('"22:00-01:00"', '"22:00-00:00"', "TARIFF_RULE", 12, "exactly once"),
        ("until: 09-30", "until: 09-29", "TARIFF_RULE", 12, "0 seasons"),
        ("rate: 7.75", "rate: 7.75\n    rate: 8", "KEY_TWICE", 28, "stands twice"),
        ("version: 2", "version: 2: 3", "TARIFF_YAML", 5, "mapping"),
        ("category: industry", "status: draft", "NOT_IN_FORCE", 10, "draft"),
        ("percent: 20", "percent: 5", "PEAK_LOW", 35, "5 %"),
        ("percent: -20", "percent: -10", "SOLAR_HIGH", 35, "-10 %"),
        ("rate: 7.75", "rate: 0", "RATE_ZERO", 23, "EC is 0"),
    ],
)
def test_a_fault_is_named_with_its_line(old: str, new: str, code: str, line: int, said: str) -> None:
    assert old in DELHI
    _, faults = lint(DELHI.replace(old, new, 1).encode(), "x.yaml")
    found = [fault for fault in faults if fault.code == code]
    assert found, faults
    assert said in found[0].message
    assert found[0].line == line
    assert found[0].hint


def test_every_code_that_is_found_is_in_the_table() -> None:
    text = DELHI.replace("rate: 7.75", "rate: none").replace("number: 5", "number: 0").encode()
    codes = {row.code for row in FAULT_CODES}
    assert len(read_document(text, "x").faults) == 2
    assert {fault.code for fault in read_document(text, "x").faults} <= codes
    with pytest.raises(ConfigError, match=r"line 7: number.*line 27: "):
        parse(text, "x.yaml")


def test_a_zone_follows_season_day_type_and_window() -> None:
    calendar = Calendar.model_validate(
        {
            "seasons": [{"code": "HOT", "since": "04-01", "until": "09-30"},
                        {"code": "COLD", "since": "10-01", "until": "03-31"}],
            "holidays": ["2026-08-15"],
            "zones": [
                {"code": "PEAK", "windows": ["18:00-22:00"], "days": ["weekday", "saturday"], "seasons": ["HOT"]},
                {"code": "BASE", "windows": ["22:00-18:00"], "days": ["weekday", "saturday"], "seasons": ["HOT"]},
                {"code": "FREE", "windows": ["00:00-24:00"], "days": ["sunday", "holiday"], "seasons": ["HOT"]},
                {"code": "WINTER", "windows": ["00:00-24:00"], "seasons": ["COLD"]},
            ],
        }
    )  # fmt: skip
    days = {"2026-08-14": "PEAK", "2026-08-15": "FREE", "2026-08-16": "FREE", "2026-12-31": "WINTER"}
    for day, expected in days.items():
        zone = calendar.zone_at(datetime.date.fromisoformat(day), 19 * 4)
        assert zone is not None
        assert zone.code == expected


def test_a_sheet_becomes_a_tariff_that_reads_the_same() -> None:
    data, document = read_sheet(SHEET.read_bytes(), SHEET.name)
    assert document.faults == ()
    assert document.tariff is not None
    assert parse(to_yaml(data, SHEET.name), "domestic.yaml") == document.tariff
    assert document.tariff.code == "example-domestic-2026"
    assert [charge.code for charge in document.tariff.charges] == ["EC", "TOD", "FIXED", "FAC", "DUTY", "PREPAID"]
    semicolons = SHEET.read_text().replace('"Domestic, an example"', "Domestic").replace(",", ";").encode("utf-8-sig")
    assert read_sheet(semicolons, "x.csv")[1].faults == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("EC,slabs,,300,7.10", "EC,slabs,,300,7;10", 11, "rate"),
        ("flag=prepaid", "prepaid!", 19, "not understood"),
        ("item,kind,name", "item,sort,name", 1, "sort"),
        ("DUTY,percent", "DUTY,percentage", 18, "percentage"),
        ("round_up=true", "round_up", 15, "NAME=VALUE"),
    ],
)
def test_a_fault_of_a_sheet_is_named_with_its_row(old: str, new: str, line: int, said: str) -> None:
    text = SHEET.read_text()
    assert old in text
    _, document = read_sheet(text.replace(old, new, 1).encode(), "x.csv")
    assert document.tariff is None
    assert (line, True) in [(fault.line, said in fault.message) for fault in document.faults]


def test_the_published_schema_is_that_of_the_model() -> None:
    found = json.loads(Path(ROOT / "schemas" / "tariff-v2.schema.json").read_text())
    model = Tariff.model_json_schema()
    assert found["properties"] == json.loads(json.dumps(model["properties"]))
    assert found["$defs"] == json.loads(json.dumps(model["$defs"]))
    assert found["additionalProperties"] is False
