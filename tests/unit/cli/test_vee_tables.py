"""CSV files as other systems write them: columns in any order, names of all kinds, numbers and stamps of any place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.vee.limits import RuleSets
from cli.vee.run import run
from cli.vee.source import Asked, Content, read

BEGIN = datetime(2024, 1, 1)  # noqa: DTZ001 (stamps without a zone)
QUARTER = timedelta(minutes=15)


def rows(count: int, form: Callable[[datetime, int], str], step: timedelta = QUARTER) -> str:
    return "".join(form(BEGIN + number * step, number) + "\n" for number in range(count))


def of(tmp_path: Path, text: str | bytes, **asked: str) -> Content:
    path = tmp_path / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, Asked(timezone="UTC", **asked), lambda _: None)  # type: ignore[arg-type]


def seen(content: Content) -> dict[str, tuple[int, int]]:
    return {one.id: (len(one), int(one.value.sum())) for one in content.readings}


def on_a_grid(content: Content, step: timedelta = QUARTER) -> bool:
    """Readings are all those of the grid from BEGIN on."""
    (one,) = content.readings
    first = int(BEGIN.replace(tzinfo=UTC).timestamp())
    seconds = int(step.total_seconds())
    return sorted(one.start.tolist()) == [first + seconds * number for number in range(len(one))]


@pytest.mark.parametrize("name", ["meter_id", "Meter Serial Number", "consumer_no", "site_id", "Meter No."])
@pytest.mark.parametrize("id", ["1000000001", "170012345678", "20240101", "7"])
def test_numbers_of_meters_are_neither_times_nor_energy(tmp_path: Path, name: str, id: str) -> None:
    text = f"{name},timestamp,kwh\n" + rows(8, lambda time, _: f"{id},{time:%Y-%m-%d %H:%M},0.25")
    content = of(tmp_path, text)
    assert seen(content) == {id: (8, 2000)}
    assert on_a_grid(content)


def test_a_bad_row_is_a_fault_of_its_row_alone(tmp_path: Path) -> None:
    text = "timestamp,kwh\n" + rows(96, lambda t, n: f"{'-' if n == 9 else t.isoformat()},{'ERR' if n == 5 else 0.25}")
    content = of(tmp_path, text + "Total,24\n")
    assert seen(content) == {"mine": (94, 94 * 250)}
    assert [fault.partition(":")[0] for fault in content.faults] == [
        "line 11, column 1", "line 98, column 1", "line 7, column 2",
    ]  # fmt: skip


FORMS = [
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%y %H:%M",
    "%d-%b-%y %H:%M",
    "%d.%m.%Y %H:%M",
]


@pytest.mark.parametrize("form", FORMS)
def test_days_and_months_are_told_apart_by_the_stamps(tmp_path: Path, form: str) -> None:
    content = of(tmp_path, "timestamp,kwh\n" + rows(96 * 20, lambda time, _: f"{time:{form}},0.25"))
    assert (on_a_grid(content), content.fault_count) == (True, 0)


def test_the_end_of_a_day_as_24_00(tmp_path: Path) -> None:
    def end(time: datetime, _: int) -> str:
        last = time + QUARTER
        return f"{last:%d-%m-%Y %H:%M},0.25" if last.time() != BEGIN.time() else f"{time:%d-%m-%Y} 24:00,0.25"

    content = of(tmp_path, "interval_end,kwh\n" + rows(288, end))
    assert (on_a_grid(content), content.fault_count) == (True, 0)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Block", lambda time: str(time.hour * 4 + time.minute // 15 + 1)),
        ("block_no", lambda time: str(time.hour * 4 + time.minute // 15)),
        ("Time Block", lambda time: f"{time:%H:%M} - {time + QUARTER:%H:%M}"),
        ("Time", lambda time: f"{time:%I:%M %p}"),
        ("Time", lambda time: f"{time:%H:%M:%S}"),
    ],
)
def test_a_date_and_its_part_of_the_day(tmp_path: Path, name: str, form: Callable[[datetime], str]) -> None:
    content = of(tmp_path, f"Date,{name},kWh\n" + rows(288, lambda time, _: f"{time:%d-%m-%Y},{form(time)},0.25"))
    assert (on_a_grid(content), seen(content)) == (True, {"mine": (288, 72_000)})


def test_hours_of_a_day_by_number(tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    content = of(tmp_path, "date,hour,kwh\n" + rows(72, lambda time, _: f"{time:%Y-%m-%d},{time.hour + 1},1.5", hour))
    assert (on_a_grid(content, hour), seen(content)) == (True, {"mine": (72, 108_000)})


def test_columns_that_are_no_meter_and_no_energy_are_left_out(tmp_path: Path) -> None:
    header = "start,end,weekday,kwh,voltage,current,pf,kW\n"
    text = rows(96, lambda t, _: f"{t.isoformat()},{(t + QUARTER).isoformat()},{t:%a},0.25,230.1,1.2,0.98,1")
    content = of(tmp_path, header + text)
    assert (seen(content), on_a_grid(content)) == ({"mine": (96, 24_000)}, True)
    assert [note.split("'")[1] for note in content.notes] == ["voltage", "current", "pf", "kW"]


def test_a_text_that_changes_with_time_is_no_meter(tmp_path: Path) -> None:
    content = of(tmp_path, "timestamp,kind,kwh\n" + rows(8, lambda t, n: f"{t.isoformat()},{'ab'[n // 4]},0.25"))
    assert (seen(content), content.notes) == ({"mine": (8, 2000)}, ["column 'kind' is not used"])


@pytest.mark.parametrize(
    ("sign", "number", "wh"),
    [
        (";", "0,250", 250), (";", "1.250,5", 1_250_500), (",", '"0,25"', 250), (",", '"1,00,250"', 100_250_000),
        (";", "1,250", 1250),
    ],
)  # fmt: skip
def test_commas_in_numbers(tmp_path: Path, sign: str, number: str, wh: int) -> None:
    content = of(tmp_path, f"Zeit{sign}kWh\n"
                 + rows(8, lambda time, _: f"{time:%d.%m.%Y %H:%M}{sign}{number}"))  # fmt: skip
    assert seen(content) == {"mine": (8, 8 * wh)}
    assert "comma" in content.notes[0]


def test_names_with_commas_between_semicolons(tmp_path: Path) -> None:
    content = of(tmp_path, "Zeit (lokal, MEZ), x;kWh\n" + rows(8, lambda time, _: f"{time:%d.%m.%Y %H:%M};0.25"))
    assert seen(content) == {"mine": (8, 2000)}


def test_a_table_of_days_with_decimal_commas(tmp_path: Path) -> None:
    names = ";".join(f"{hour:02}:00" for hour in range(24))
    content = of(tmp_path, f"Datum;{names}\n" + "".join(f"0{day}.01.2024;{'0,5;' * 23}0,5\n" for day in range(1, 10)))
    assert seen(content) == {"mine": (216, 108_000)}


def test_lines_above_the_names_and_other_encodings(tmp_path: Path) -> None:
    table = "timestamp,kwh\r\n" + rows(8, lambda time, _: f"{time.isoformat()},0.25")
    assert seen(of(tmp_path, f"Report of use\r\n\r\nfor a house\r\n{table}")) == {"mine": (8, 2000)}
    assert seen(of(tmp_path, table.encode("utf-16"))) == {"mine": (8, 2000)}


@pytest.mark.parametrize(
    "names",
    [
        ["M1", "M2"],
        ["A", "B", "V"],
        ["Meter A", "Meter no 2"],
        ["1001", "1002"],
        [f"M{number}" for number in range(1, 25)],
    ],
)
def test_a_column_a_meter(tmp_path: Path, names: list[str]) -> None:
    text = rows(8, lambda time, _: f"{time.isoformat()}," + ",".join(["0.25"] * len(names)))
    assert seen(of(tmp_path, f"timestamp,{','.join(names)}\n{text}")) == dict.fromkeys(names, (8, 2000))


@pytest.mark.parametrize("name", ["kwh", "kwh_cumulative"])
def test_a_register_gives_its_steps(tmp_path: Path, name: str) -> None:
    """Readings 20 and 21 lack: the three intervals beside them are not known, what they sum to is."""
    text = rows(97, lambda time, n: "" if n in (20, 21) else f"{time.isoformat()},{12_000 + n * 0.25}")
    content = of(tmp_path, f"timestamp,{name}\n" + text.replace("\n\n", "\n").replace("\n\n", "\n"))
    assert seen(content) == {"mine": (93, 93 * 250)}
    assert len(content.registers["mine", "wh_imp"]) == 95
    assert content.notes == [f"column '{name}' holds a register: its steps are taken"]


def test_energy_that_rises_for_a_day_is_no_register(tmp_path: Path) -> None:
    content = of(tmp_path, "timestamp,wh\n" + rows(24, lambda time, n: f"{time.isoformat()},{100 + n}"))
    assert seen(content) == {"mine": (24, 2676)}


def test_a_name_says_the_unit_before_the_option_does(tmp_path: Path) -> None:
    text = rows(8, lambda time, _: f"{time.isoformat()},0.25,M")
    assert seen(of(tmp_path, f"timestamp,kwh,meter\n{text}", unit="Wh")) == {"M": (8, 2000)}
    text = rows(8, lambda time, _: f"{time.isoformat()},250,M,Wh")
    assert seen(of(tmp_path, f"timestamp,value,meter,unit\n{text}")) == {"M": (8, 2000)}


def test_a_stamp_years_from_all_others_makes_no_gap(tmp_path: Path) -> None:
    text = rows(96, lambda time, n: f"{'2074-01-01 00:00' if n == 50 else time.isoformat()},0.{n % 7 + 1}")
    content = of(tmp_path, f"timestamp,kwh\n{text}")
    (done,) = run(content, None, RuleSets(None), None)
    assert len(done.series.grid) == 96
    assert done.reports[0]["rules"]["V06"] == 1
    assert content.notes == ["mine: 1 readings lie years from the others and are not used, the first at "
                             "2074-01-01T00:00:00+00:00"]  # fmt: skip


def test_clocks_some_seconds_off_have_the_grid_of_the_others(tmp_path: Path) -> None:
    text = rows(96, lambda time, n: f"{time + timedelta(seconds=n % 20 + 3)},0.{n % 7 + 1}")
    (done,) = run(of(tmp_path, f"timestamp,kwh\n{text}"), None, RuleSets(None), None)
    grid = done.series.grid
    assert (grid.interval, len(grid), int(grid.start[0])) == (900, 96, int(BEGIN.replace(tzinfo=UTC).timestamp()))
