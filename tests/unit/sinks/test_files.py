"""The file sink: names that say what is in a file, whole files alone, folders that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError, Transient
from sinks.files.config import FilesConfig
from sinks.files.sink import MARK, FilesSink
from tests.builders_readings import plain_record, readings_record


def test_a_file_is_named_by_what_it_holds(tmp_path: Path) -> None:
    sink = FilesSink(FilesConfig(folder=tmp_path / "out", format="csv"))
    sink.open()
    sink.accept(readings_record(0, 3, partition=2))
    sink.accept(readings_record(1, 3, partition=2))
    sink.accept(plain_record("Determinant", 0))
    sink.flush()
    found = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.csv"))
    assert [path.parent.name for path in found] == ["determinant", "readings"]
    assert found[1].name.endswith("-p002-000000000000-000000000001.csv")
    assert not list(tmp_path.rglob("*.part"))
    text = (tmp_path / "out" / found[1]).read_text()
    assert text.startswith("service_point,device,interval_start,")
    assert len(text.splitlines()) == 7


def test_a_block_without_rows_of_the_format_makes_no_file(tmp_path: Path) -> None:
    sink = FilesSink(FilesConfig(folder=tmp_path))
    sink.open()
    sink.accept(readings_record(0, 0))
    sink.flush()
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_folder_keeps_its_identity(tmp_path: Path) -> None:
    places = set()
    for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        sink = FilesSink(FilesConfig(folder=folder))
        sink.open()
        places.add(sink.place)
    assert len(places) == 2
    assert (tmp_path / "a" / MARK).read_text().strip() in places


def test_a_folder_that_cannot_be_used_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="FOLDER_UNUSABLE"):
        FilesSink(FilesConfig(folder=tmp_path / "file")).open()


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    sink = FilesSink(FilesConfig(folder=tmp_path, spare_bytes=1 << 60))
    sink.open()
    sink.accept(readings_record(0))
    with pytest.raises(Transient, match="FOLDER_FULL"):
        sink.flush()
