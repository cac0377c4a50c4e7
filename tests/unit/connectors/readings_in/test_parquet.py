"""Parquet: types of columns, batches, and what of a broken file is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.folder.config import FolderConfig
from connectors.readings_in.formats import parquet as parquet_format
from connectors.readings_in.formats.parquet import read_parquet
from connectors.readings_topic.config import ReadingsTopicConfig
from pipeline.codes import Kind
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, OTHER, TITLE, faults, frames, read, rows, values
from tests.unit.connectors.readings_in.written import table

HALF = MIDNIGHT + 1800


def one(**columns: Any) -> bytes:
    """One row of these columns, with a device and a stamp."""
    usual = {"device": pa.array([TITLE]), "time": pa.array([f"{HALF}"])}
    return table(pa.table(usual | columns))


def told(octets: bytes, **options: Any) -> Any:
    return read(octets, format="parquet", time_format="epoch", **options)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array([Decimal("0.125")], pa.decimal128(15, 3)), 125),
        (pa.array([Decimal("4503599627.370")], pa.decimal256(40, 9)), 4503599627370),
        (pa.array([0.125], pa.float64()), 125),
        (pa.array([8.1], pa.float64()), 8100),
        (pa.array([8.1], pa.float32()), 8100),
        (pa.array([0.0005], pa.float64()), 1),
        (pa.array([1e-7], pa.float64()), 0),
        (pa.array([7], pa.int64()), 7000),
        (pa.array([7], pa.uint8()), 7000),
        (pa.array(["0.125"]).dictionary_encode(), 125),
        (pa.array([b"0.125"], pa.binary()), 125),
    ],
)
def test_energy_of_any_type_is_what_is_written(column: Any, value: int) -> None:
    assert values(told(one(kwh_imp=column))) == [{"wh_imp": value}]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([datetime.fromtimestamp(HALF, UTC)], pa.timestamp("ns", "UTC")),
        pa.array([datetime.fromtimestamp(HALF, UTC)], pa.timestamp("ms", "Europe/Stockholm")),
        pa.array([datetime(2025, 7, 1, 0, 30)], pa.timestamp("us")),  # noqa: DTZ001 (local time of `zone`)
        pa.array([HALF], pa.int64()),
        pa.array([f"{HALF}"]),
    ],
)
def test_stamps_are_times_of_the_world_or_local_ones(column: Any) -> None:
    ((device, reading),) = rows(told(one(time=column, wh_imp=pa.array([1]))))
    assert (device, reading.time) == (DEVICE, HALF)


def test_dates_are_local_midnights_and_numbers_may_name_meters() -> None:
    columns = pa.table(
        {"device": pa.array([OTHER], pa.uint64()), "time": pa.array([date(2025, 7, 1)]), "kwh_imp": pa.array([900]),
         "kind": pa.array(["daily"]), "other": pa.array([[1, 2]])}
    )  # fmt: skip
    (frame,) = frames(told(table(columns)))
    assert (frame.device, frame.kind, frame.readings[0].time) == (OTHER, Kind.DAILY, MIDNIGHT)


def test_columns_within_others_are_named_with_a_point() -> None:
    columns = pa.table({"meter": pa.array([{"id": TITLE, "at": f"{HALF}"}]), "data": pa.array([{"v": {"kwh": 0.5}}])})
    found = told(
        table(columns), columns={"device": "meter.id", "time": "meter.at"}, values={"data.v.kwh": "wh_imp kWh"}
    )
    assert values(found) == [{"wh_imp": 500}]


def test_a_file_is_read_in_batches_and_rows_are_counted_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_format, "PART_ROWS", 4)
    texts = [str(number) if number % 5 else "x" for number in range(1, 21)]
    columns = pa.table(
        {"device": pa.array([TITLE] * 20), "time": pa.array([MIDNIGHT + 1800 * n for n in range(1, 21)]),
         "wh_imp": pa.array(texts), "quality": pa.array([None, "E"] * 10), "id": pa.array(range(20))}
    )  # fmt: skip
    found = told(table(columns, rows=10))
    assert len(found) >= 5
    assert [value["wh_imp"] for value in values(found)] == [n for n in range(1, 21) if n % 5]
    assert [detail for _, detail in faults(found)] == [f"row {n}, wh_imp: 'x' is no number" for n in (5, 10, 15, 20)]
    assert b'"id": "4"' in next(fault.raw for portion in found for fault in portion.faults)


def test_a_float_that_is_no_number_is_refused() -> None:
    found = told(one(kwh_imp=pa.array([float("nan")])))
    assert faults(found) == [("READING_UNREADABLE", "row 1, kwh_imp: 'nan' is no number")]


def test_what_cannot_be_a_column_is_told() -> None:
    (portion,) = told(one(kwh_imp=pa.array([True])))
    assert (portion.broken, faults([portion])) == (
        True, [("MESSAGE_UNREADABLE", "message: column kwh_imp is a bool")],
    )  # fmt: skip
    (portion,) = told(table(pa.table({"device": pa.array(["a"]), "wh_imp": pa.array([1])})))
    assert "no columns device and time: device, wh_imp" in faults([portion])[0][1]


def test_a_row_group_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_format, "GROUP_OCTETS", 10)
    (portion,) = told(one(wh_imp=pa.array([1])))
    assert "row group 1" in faults([portion])[0][1]


@pytest.mark.parametrize("octets", [b"", b"PAR1", b"PAR1" * 10, bytes(500), b"{}"])
def test_what_is_no_parquet_is_one_fault(octets: bytes) -> None:
    (portion,) = told(octets)
    assert portion.broken
    assert [code for code, _ in faults([portion])] == ["MESSAGE_UNREADABLE"]


def test_a_disk_that_cannot_be_read_is_not_the_files_fault() -> None:
    class Broken:
        closed = False

        def seekable(self) -> bool:
            return True

        def readable(self) -> bool:
            return True

        def seek(self, *_: int) -> int:
            return 0

        def tell(self) -> int:
            return 1000

        def read(self, *_: int) -> bytes:
            raise OSError(5, "Input/output error")

        def size(self) -> int:
            return 1000

        def close(self) -> None:
            pass

    with pytest.raises(OSError, match="Input/output"):
        list(read_parquet(Broken(), FolderConfig(format="parquet")))  # type: ignore[arg-type]


def test_formats_by_suffix_and_what_is_for_files_alone() -> None:
    config = FolderConfig(format="suffix")
    names = {"a.json": "json", "a.CSV": "csv", "a.parquet": "parquet", "a.nem12": "nem12", "a.mscons": "mscons",
             "a.avro": "avro", "a.jsonl": "json", "a.xml": "suffix", "a": "suffix"}  # fmt: skip
    assert {name: config.of(Path(name)).format for name in names} == names
    assert FolderConfig(format="csv").of(Path("a.json")).format == "csv"
    (portion,) = read(b"{}", format="suffix")
    assert "tells no format" in faults([portion])[0][1]
    for form in ("parquet", "suffix"):
        with pytest.raises(ValueError, match="is for files"):
            ReadingsTopicConfig.model_validate({"format": form})
    with pytest.raises(ValueError, match="name one when"):
        FolderConfig(format="suffix", values={"a": "wh_imp kWh"})
