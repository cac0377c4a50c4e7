"""`kvarn vee --outages --temperatures --check --neighbours` on made files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main


def day_rows(meter: str, day: int, hours: range = range(24), factor: int = 1, zeros: range = range(0)) -> str:
    return "".join(
        f"{meter},2025-07-{day:02} {hour:02}:00,{0 if hour in zeros else (300 + 10 * hour) * factor}\n"
        for hour in hours
    )


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main(["vee", *arguments, "--json"])
    assert ended.value.code == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def one(said: dict[str, Any], id: str) -> dict[str, Any]:
    return next(row for row in said["series"] if row["id"] == id)


def changed(said: dict[str, Any], id: str) -> dict[str, tuple[int, str]]:
    return {row["start"][5:16]: (row["value"], row["method"]) for row in one(said, id)["changed"]}


def test_outages_fill_with_zero_and_make_zeros_actual(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(day_rows(meter, day) for meter in ("M1", "M2") for day in (1, 2))
    rows += day_rows("M1", 3, range(6)) + day_rows("M1", 3, range(10, 24)) + day_rows("M2", 3)
    given = write(tmp_path / "in.csv", "meter,time,wh\n" + rows)
    outages = write(
        tmp_path / "outages.csv",
        "meter,from,until,confirmed,node\nM1,2025-07-03 06:00,2025-07-03 10:00,yes,\n"
        "M2,2025-07-03 06:00,2025-07-03 10:00,no,\n,2025-07-03 06:00,2025-07-03 10:00,yes,3\n",
    )
    said = report(capsys, "--input", given, "--outages", outages)
    assert changed(said, "M1") == {f"07-03T{hour:02}:00": (0, "OUTAGE") for hour in range(6, 10)}
    assert one(said, "M2")["changed"] == []
    assert "V26" not in one(said, "M1")["not_judged"]
    notes = " ".join(said["file"]["notes"])
    assert "1 outages are not confirmed" in notes
    assert "1 outages of nodes" in notes
    without = report(capsys, "--input", given)
    assert {method for _, method in changed(without, "M1").values()} != {"OUTAGE"}
    assert "V26" in one(without, "M1")["not_judged"]


def test_energy_within_an_outage_is_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = write(tmp_path / "in.csv", "meter,time,wh\n" + day_rows("M1", 1) + day_rows("M1", 2))
    outages = write(tmp_path / "outages.json", json.dumps([{"from": "2025-07-02 06:00", "until": "2025-07-02 08:30"}]))
    said = report(capsys, "--input", given, "--outages", outages)
    assert one(said, "M1")["rules"]["V26"] == 2
    assert {row["quality"] for row in one(said, "M1")["changed"]} == {"SUSPECT"}


def test_a_check_meter_fills_and_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = day_rows("M1", 1) + day_rows("M1", 2, range(6)) + day_rows("M1", 2, range(20, 24)) + day_rows("M1", 3)
    given = write(tmp_path / "in.csv", "meter,time,wh\n" + rows)
    hours = [(day, hour) for day in (1, 2, 3) for hour in range(24)]
    check = write(tmp_path / "check.csv", "time,kwh\n" + "".join(
        f"2025-07-{day:02} {hour:02}:00,{(300 + 10 * hour + (50 if (day, hour) == (3, 5) else 0)) / 1000}\n"
        for day, hour in hours
    ))  # fmt: skip
    said = report(capsys, "--input", given, "--check", check)
    assert one(said, "M1")["rules"]["V34"] == 1
    found = changed(said, "M1")
    assert found.pop("07-03T05:00")[1] is None
    assert found == {f"07-02T{hour:02}:00": (300 + 10 * hour, "CHECK_METER") for hour in range(6, 20)}
    assert "V34" in one(report(capsys, "--input", given), "M1")["not_judged"]


def test_neighbours_of_the_file_fill_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = [f"N{number}" for number in range(1, 7)]
    hot = {day: 2 if day == 9 else 1 for day in range(1, 13)}
    rows = "".join(day_rows(name, day, factor=factor) for name in others for day, factor in hot.items())
    rows += "".join(day_rows("M1", day) for day in hot if day != 9) + day_rows("M1", 9, range(4), 2)
    given = write(tmp_path / "in.csv", "meter,time,wh\n" + rows)
    listed = write(tmp_path / "neighbours.csv", f"meter,neighbours\nM1,{' '.join(others)} N77\n")
    said = report(capsys, "--input", given, "--neighbours", listed)
    found = changed(said, "M1")
    assert len(found) == 20
    # The neighbours used twice as much on that day; so is the meter believed to have.
    assert all(method == "NEIGHBOURS" for _, method in found.values())
    assert all(abs(value - 2 * (300 + 10 * int(at[6:8]))) <= 60 for at, (value, _) in found.items())
    assert any("1 neighbours are not in the file: N77" in note for note in said["file"]["notes"])


def test_days_as_warm_fill_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(day_rows("M1", day, factor=2 if day == 2 else 1) for day in range(1, 29) if day != 16)
    rows += day_rows("M1", 16, range(8), 2)
    given = write(tmp_path / "in.csv", "meter,time,wh\n" + rows)
    warm = write(tmp_path / "weather.csv", "day,celsius\n" + "".join(
        f"2025-07-{day:02},{41 if day in (2, 16) else 25}\n" for day in range(1, 29)
    ))  # fmt: skip
    said = report(capsys, "--input", given, "--temperatures", warm)
    assert changed(said, "M1") == {
        f"07-16T{hour:02}:00": (2 * (300 + 10 * hour), "TEMPERATURE") for hour in range(8, 24)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "text", "code"),
    [("--outages", "meter,from\nM1,never\n", "FACTS_UNREADABLE"), ("--outages", "meter,from\n", "FACTS_EMPTY"),
     ("--temperatures", "place,day,celsius\nA,2025-07-01,20\nB,2025-07-01,21\n", "PLACES_SEVERAL"),
     ("--check", "remark\nx\n", "TIME_UNKNOWN")],
)  # fmt: skip
def test_files_of_facts_that_cannot_be_used_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, text: str, code: str
) -> None:
    given = write(tmp_path / "in.csv", "meter,time,wh\n" + day_rows("M1", 1))
    with pytest.raises(SystemExit) as ended:
        main(["vee", "--input", given, option, write(tmp_path / "facts.csv", text)])
    assert ended.value.code == 2
    assert code in capsys.readouterr().err
