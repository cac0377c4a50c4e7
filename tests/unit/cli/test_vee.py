"""`kvarn vee` on small files: layouts of CSV, NEM12 with broken lines, Green Button; its report and its output."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.vee.layout import layout_of
from cli.vee.limits import RuleSets
from cli.vee.run import run
from cli.vee.source import Asked, Content, read
from cli.vee.write import Writer
from pipeline.codes import Method
from pipeline.errors import ConfigError
from pipeline.quality import Quality

HALF_HOURS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 30)]


def content(tmp_path: Path, text: str, name: str = "file.csv", **asked: Any) -> Content:
    path = tmp_path / name
    path.write_text(text)
    return read(path, Asked(**asked), lambda _count: None)


def reports(found: Content, interval: int | None = None) -> list[dict[str, Any]]:
    return [one for done in run(found, interval, RuleSets(None), None) for one in done.reports]


def test_a_row_a_reading_with_several_meters_and_a_quality(tmp_path: Path) -> None:
    found = content(tmp_path, "meter;time;kwh;quality\n" + "".join(
        f"{meter};2025-07-01 {hour:02}:00;0.{hour + 10};{'E' if hour == 3 else 'A'}\n"
        for meter in ("M1", "M2") for hour in range(6)
    ))  # fmt: skip
    assert [(one.id, one.name, len(one)) for one in found.readings] == [("M1", "wh_imp", 6), ("M2", "wh_imp", 6)]
    assert found.readings[0].value.tolist() == [100, 110, 120, 130, 140, 150]
    assert found.readings[0].quality[3] == Quality.ESTIMATED
    assert [one["methods"] for one in reports(found)] == [{"HEAD_END": 1}] * 2


def test_channels_of_one_meter_are_siblings(tmp_path: Path) -> None:
    rows = "".join(f"2025-07-01 {hour:02}:00,{hour}.5,{hour}.6,{hour}\n" for hour in range(5))
    found = content(tmp_path, "time,import_kwh,kvah,export_kwh\n" + rows + "2025-07-01 05:00,1.0,,0\n")
    assert [one.name for one in found.readings] == ["wh_imp", "vah_imp", "wh_exp"]
    said = {one["channel"]: one for one in reports(found)}
    assert said["wh_imp"]["rules"]["V33"] == 1
    assert said["wh_imp"]["interval_secs"] == 3600


def test_days_as_rows_with_a_column_an_interval(tmp_path: Path) -> None:
    head = "id,date," + ",".join(HALF_HOURS)
    found = content(
        tmp_path, f"{head}\nM1,01-07-2025,{','.join(['0.25'] * 48)}\nM1,02-07-2025,{','.join(['0.5'] * 48)}\n"
    )
    (one,) = found.readings
    assert (one.id, len(one), int(one.value.sum())) == ("M1", 96, 36_000)
    assert one.start[0] == 1_751_308_200
    assert reports(found)[0]["start"] == "2025-07-01T00:00:00+05:30"


def test_ends_of_intervals_are_moved_to_their_begin(tmp_path: Path) -> None:
    text = "interval_end,wh\n2025-07-01 00:30,5\n2025-07-01 01:00,6\n2025-07-01 01:30,7\n"
    assert reports(content(tmp_path, text))[0]["start"] == "2025-07-01T00:00:00+05:30"
    assert reports(content(tmp_path, text, stamps="begin"))[0]["start"] == "2025-07-01T00:30:00+05:30"


def test_five_minutes_of_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "five.csv.gz"
    rows = "".join(f"2025-07-01T{m // 60:02}:{m % 60:02}:00Z,{m}\n" for m in range(0, 600, 5) if m != 300)
    path.write_bytes(gzip.compress(f"start,wh\n{rows}".encode()))
    (said,) = reports(read(path, Asked(), lambda _count: None))
    assert (said["interval_secs"], said["intervals"], said["rules"]["V01"]) == (300, 120, 1)


def test_the_hour_that_comes_twice_is_told_apart_by_the_order(tmp_path: Path) -> None:
    hours = ["00:00", "01:00", "01:00", "02:00"]
    text = "time,kwh\n" + "".join(f"2023-10-29 {hour},0.{place + 1}\n" for place, hour in enumerate(hours))
    (said,) = reports(content(tmp_path, text, timezone="Europe/London"))
    assert (said["intervals"], said["rules"]) == (4, {})
    spring = content(tmp_path, "time,kwh\n2023-03-26 00:00,1\n2023-03-26 01:00,1\n2023-03-26 02:00,1\n",
                     timezone="Europe/London")  # fmt: skip
    assert (spring.fault_count, spring.faults[0][:16]) == (1, "line 3, column 1")


def test_tails_of_binary_floats_are_whole_watt_hours(tmp_path: Path) -> None:
    found = content(tmp_path, "time,kwh\n2025-07-01,0.30000000000000004\n2025-07-02,6.959999999999997\n")
    assert found.readings[0].value.tolist() == [300, 6960]
    assert (found.rounded, found.tails) == (2, 2)


def test_what_cannot_be_read_is_told_with_line_and_column(tmp_path: Path) -> None:
    rows = "".join(f"2025-07-01 {hour:02}:00,{hour}\n" for hour in range(24)) * 25
    found = content(tmp_path, f"time,wh\n{rows}2025-07-31 00:00,12x\nnever,5\n2025-07-31 02:00\n")
    assert found.faults == [
        "line 603, column 1: 'never' is no time", "line 604: 1 columns, too few",
        "line 602, column 2: '12x' is no number",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "FILE_EMPTY"), ("time,wh\n", "FILE_EMPTY"), ("name,wh\nx,5\n", "TIME_UNKNOWN"),
     ("time,remark\n2025-07-01 00:00,well\n", "VALUES_UNKNOWN"), ("time,wh\n2025-07-01 00:00,5\n", "INTERVAL_UNKNOWN")],
)  # fmt: skip
def test_a_file_that_says_too_little_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        reports(content(tmp_path, text))
    assert refused.value.code == code


def test_intervals_that_fill_no_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="INTERVAL_ODD"):
        reports(content(tmp_path, "time,wh\n2025-07-01 00:00,5\n2025-07-01 00:07,5\n"))


def test_columns_are_told_by_their_names() -> None:
    layout = layout_of(["LCLid,stdorToU,DateTime,KWH/hh", "MAC1,Std,2012-10-12 00:30:00.0, 0 "], "x", None, None)
    assert (layout.id, layout.time, [value.column for value in layout.values]) == (0, 2, [3])


NEM12 = """100,NEM12,200505181432,MDP,RETAIL
200,NMI1,E1Q1,E1,E1,N1,METER,KWH,30,
300,20050315,{day},A,,,20050316014209,
300,20050316,{day},V,,,20050317014209,
400,1,40,A,,
400,41,44,S14,76,fault
400,45,46,F16,,
400,47,48,N,,
900
"""


def test_qualities_of_nem12_and_records_over_several_lines(tmp_path: Path) -> None:
    day = ",".join(f"{place}.25" for place in range(48))
    text = NEM12.format(day=day)
    whole = content(tmp_path, text, "whole.csv")
    (said,) = reports(whole)
    assert said["methods"].pop(Method.HEAD_END.name) == 6
    assert sum(said["methods"].values()) == 2, "what lacks is estimated"
    assert said["quality"] == {"ACTUAL": 88, "ESTIMATED": 6, "MANUAL": 2}
    assert said["rules"]["V01"] == 2, "N is no value"
    assert (said["start"], said["timezone"]) == ("2005-03-15T00:00:00+10:00", "Australia/Brisbane")
    broken = content(tmp_path, text.replace("20.25,", "20.\n25,").replace("30.25,", "30.25,\n"), "broken.csv")
    assert broken.readings[0].value.tolist() == whole.readings[0].value.tolist()
    assert (broken.fault_count, broken.notes) == (0, ["4 lines were parts of records that are broken over several"])


def test_nem12_that_is_written_is_read_again_as_the_same(tmp_path: Path) -> None:
    day = ",".join(f"{place}.25" for place in range(48))
    (first,) = run(content(tmp_path, NEM12.format(day=day)), None, RuleSets(None), None)
    out = tmp_path / "out.nem12"
    with Writer(out) as writer:
        writer.write(first)
    lines = out.read_text().splitlines()
    assert lines[1] == "200,NMI1,E1,E1,E1,,,KWH,30,"
    said = [line.split(",") for line in lines if line.startswith("400")]
    assert [(low, high, code[0], reason) for _, low, high, code, reason, _ in said] == [
        ("1", "40", "A", ""), ("41", "44", "S", "45"), ("45", "46", "S", "45"), ("47", "48", "S", "78"),
    ]  # fmt: skip
    (second,) = run(read(out, Asked(), lambda _count: None), None, RuleSets(None), None)
    was, now = first.settled["wh_imp"], second.settled["wh_imp"]
    assert now.value.tolist() == was.value.tolist()
    assert ((now.quality == Quality.ACTUAL) == (was.quality == Quality.ACTUAL)).all()


def test_the_command_writes_a_report_and_the_final_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def kvarn(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(("vee", *arguments))
        return int(ended.value.code or 0), capsys.readouterr().out

    rows = "".join(f"2025-07-01 {hour:02}:00,{hour + 100}\n" for hour in range(24) if hour != 5)
    path, out = tmp_path / "mine.csv", tmp_path / "out.csv"
    path.write_text(f"time,wh\n{rows}")
    code, text = kvarn("--input", str(path), "--output", str(out), "--json")
    said = json.loads(text)
    assert (code, said["totals"]["rules"]) == (0, {"V01": 1})
    assert [(row["value"], row["method"]) for row in said["series"][0]["changed"]] == [(105, "LINEAR")]
    written = list(csv.DictReader(out.open()))
    assert len(written) == 24
    assert (written[5]["value"], written[5]["quality"], written[5]["as_sent"]) == ("105", "ESTIMATED", "")
    code, text = kvarn("--input", str(path))
    assert code == 0
    assert "Rules that failed" in text
    assert "V12, V13, V20 (no registers)" in text
    code, text = kvarn("--json")
    assert (code, json.loads(text)["error"]["code"]) == (2, "INPUT_MISSING")


def test_limits_of_a_document_hold(tmp_path: Path) -> None:
    rules, data = tmp_path / "mine.yaml", tmp_path / "mine.csv"
    rules.write_text("change_percent: 1000\n")
    data.write_text("time,wh\n2025-07-01 00:00,200\n2025-07-01 01:00,900\n2025-07-01 02:00,200\n")
    found = read(data, Asked(), lambda _count: None)
    (strict,) = reports(found)
    (loose,) = [one for done in run(found, None, RuleSets(rules), None) for one in done.reports]
    assert strict["rules"] == {"V21": 1}
    assert loose["rules"] == {}
