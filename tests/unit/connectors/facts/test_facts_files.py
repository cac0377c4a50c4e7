"""Files of facts: columns of each kind, CSV and JSON, and what is wrong with a row."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.facts.files import FactFile
from connectors.facts.model import OPEN, Fact, FactKind, id_of, key_of, record_of
from pipeline.errors import ConfigError

INDIA = ZoneInfo("Asia/Kolkata")
NOON = 1_751_351_400  # 2025-07-01 12:00 in India


def read(
    tmp_path: Path, text: str, name: str = "facts.csv", kind: FactKind | None = None
) -> tuple[list[Fact], list[str]]:
    path = tmp_path / name
    path.write_text(text)
    file = FactFile(path, INDIA, kind)
    return [fact for _, fact in file.facts()], file.faults


def test_outages_of_points_and_nodes_open_and_ended(tmp_path: Path) -> None:
    facts, faults = read(
        tmp_path,
        "service_point;node;from;until;confirmed;source;id;revision;why\n"
        "7;;2025-07-01 12:00;2025-07-01T13:00:00+05:30;;OMS;o-1;2;tree\n;3;1751351400;;no;;;;\n",
    )
    assert faults == []
    assert facts == [
        Fact(FactKind.OUTAGE, "7", start=NOON, until=NOON + 3600, source="OMS", id="o-1", revision=2, why="tree"),
        Fact(FactKind.OUTAGE, node=3, start=NOON, until=OPEN, confirmed=False),
    ]
    assert (id_of(facts[0]), id_of(facts[1])) == ("o-1", f"outage/node/3/{NOON}")
    assert (key_of(facts[0]), key_of(facts[1])) == (b"point/7", b"node/3")


def test_temperatures_of_days_and_hours_in_tenths(tmp_path: Path) -> None:
    facts, faults = read(tmp_path, "place,day,celsius\nPune,2025-07-01,31.25\nPune,2025-07-01 12:00,-0.5\n")
    assert faults == []
    assert [(one.start, one.until, one.value) for one in facts] == [
        (NOON - 43_200, NOON + 43_200, 313), (NOON, NOON + 3600, -5),
    ]  # fmt: skip


def test_a_check_meter_and_neighbours(tmp_path: Path) -> None:
    facts, faults = read(tmp_path, "service_point,from,secs,kwh\n7,2025-07-01 12:00,1800,1.2345\n")
    assert (faults, facts) == (
        [],
        [Fact(FactKind.CHECK, "7", start=NOON, until=NOON + 1800, value=1235, channel="wh_imp")],
    )
    facts, faults = read(tmp_path, "service_point,neighbours\n7,8 9;10 8\n")
    assert (faults, [one.neighbours for one in facts]) == ([], [("8", "9", "10")])


@pytest.mark.parametrize("name", ["facts.json", "facts.jsonl"])
def test_json_says_the_same(tmp_path: Path, name: str) -> None:
    items = [
        {"kind": "outage", "service_point": 7, "from": NOON, "until": None, "confirmed": True},
        {"kind": "NEIGHBOURS", "service_point": 7, "neighbours": [8, 9]},
        {"kind": "temperature", "place": "Pune", "day": "2025-07-01", "celsius": 30.15},
    ]
    text = json.dumps({"facts": items}) if name == "facts.json" else "\n".join(map(json.dumps, items))
    facts, faults = read(tmp_path, text, name)
    assert faults == []
    assert facts == [
        Fact(FactKind.OUTAGE, "7", start=NOON), Fact(FactKind.NEIGHBOURS, "7", neighbours=("8", "9")),
        Fact(FactKind.TEMPERATURE, place="Pune", start=NOON - 43_200, until=NOON + 43_200, value=302),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("7,,2025-07-01 12:00,2025-07-01 11:00,", "column until: it is not behind"),
        ("7,,yesterday,,", "column from: 'yesterday' is no time"),
        ("7,,,,", "column from: it is empty"),
        ("7,x,2025-07-01,,", "column node: 'x' is no whole number"),
        ("7,,2025-07-01,,perhaps", "column confirmed: 'perhaps' is neither yes nor no"),
        ("7,,2025-07-01,,yes,more", "6 cells, and 5 columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line_and_the_others_are_used(
    tmp_path: Path, row: str, said: str
) -> None:
    facts, faults = read(
        tmp_path, f"service_point,node,from,until,confirmed\n8,,2025-07-01,,\n\n{row}\n9,,2025-07-01,,\n"
    )
    assert [fact.point for fact in facts] == ["8", "9"]
    (fault,) = faults
    assert fault.startswith("line 4, ")
    assert said in fault


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [("a,b\n1,2\n", "facts.csv", "FACT_KIND_UNKNOWN"), ("{", "facts.json", "FILE_UNREADABLE"),
     ('"facts"', "facts.json", "FILE_UNREADABLE"), ("\x00\xff", "facts.jsonl", "FILE_UNREADABLE")],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, name: str, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text, name)
    assert refused.value.code == code


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="FILE_UNREADABLE"):
        list(FactFile(Path("/nowhere/facts.csv"), INDIA).facts())


@pytest.mark.parametrize("point", ["M1", "0", "-3", "18446744073709551616", "٧"])
def test_a_record_has_numbers_of_service_points_alone(point: str) -> None:
    with pytest.raises(ValueError, match="is no number from 1 on"):
        record_of(Fact(FactKind.OUTAGE, point, start=NOON), NOON, "asha")
    with pytest.raises(ValueError, match="is no number from 1 on"):
        record_of(Fact(FactKind.NEIGHBOURS, "7", neighbours=(point,)), NOON, "asha")
