"""Files of recorded load: what is damaged or does not belong together is refused, a recording ends whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.replay.files import FileLoad
from bench.replay.record import record
from connectors.simulator.kvf import Item, Logged, Recorded, Source, read_any, read_kvf
from pipeline.errors import ConfigError, ContractError
from pipeline.step import Tick
from tests.unit.bench.recordings import BARE, RECORDS, T0, logged, quiet, read, recorded, written


def test_a_recorded_file_holds_the_records_as_they_were(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a.kvf")
    assert read(file) == [Source(2, "frames"), *RECORDS]
    assert [place for place, _ in read_any(file)][-1] == file.stat().st_size
    load = FileLoad(file)
    assert [item for _, item in load.records()] == RECORDS
    assert (load.recorded, load.partitions, list(load.items())) == (True, 2, [])


@pytest.mark.parametrize("place", [0, 20, 40, 60, -1])
def test_a_damaged_octet_is_found_and_its_record_named(tmp_path: Path, place: int) -> None:
    file = recorded(tmp_path / "a.kvf")
    ends = [end for end, _ in read_any(file)]
    octets = bytearray(file.read_bytes())
    at = ends[1] + 5 + place % (ends[2] - ends[1] - 5)
    octets[at] ^= 0x10
    file.write_bytes(octets)
    found: list[Item | Recorded] = []
    with pytest.raises(ContractError, match=rf"NOT_A_KVF at .*a\.kvf at byte {ends[1]}:"):
        found.extend(item for _, item in read_any(file))
    assert found == [Source(2, "frames"), RECORDS[0]]


@pytest.mark.parametrize("lost", [1, 4, 30])
def test_a_file_that_ends_early_says_where(tmp_path: Path, lost: int) -> None:
    file = recorded(tmp_path / "a.kvf")
    last = [end for end, _ in read_any(file)][-2]
    file.write_bytes(file.read_bytes()[:-lost])
    with pytest.raises(ContractError, match=rf"at byte {last}: a record ends early"):
        read(file)


def test_a_length_that_cannot_be_is_not_read(tmp_path: Path) -> None:
    file = written(tmp_path / "a.kvf", [])
    file.write_bytes(file.read_bytes() + b"L\xff\xff\xff\xff")
    with pytest.raises(ContractError, match="at byte 5: a record ends early"):
        read(file)


def test_what_was_recorded_of_a_topic_is_no_fleet(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"RECORDED.*bench replay"):
        list(read_kvf(recorded(tmp_path / "a.kvf")))


def test_a_folder_is_played_in_the_order_of_names_and_time_never_goes_back(tmp_path: Path) -> None:
    recorded(tmp_path / "b.kvf", [logged(1, [BARE])])
    recorded(tmp_path / "a.kvf", [logged(5, [BARE, BARE]), logged(9, [BARE])])
    load = FileLoad(tmp_path)
    rows = list(load.records())
    assert [(row.frames, row.time_ms - T0) for _, row in rows] == [(2, 5000), (1, 9000), (1, 9000)]
    assert rows[-1][0] == load.total == sum(file.stat().st_size for file in tmp_path.iterdir())


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    recorded(tmp_path / "a.kvf")
    recorded(tmp_path / "b.kvf", partitions=3)
    with pytest.raises(ConfigError, match=r"FILES_DIFFER.*a.kvf: 2 partitions, b.kvf: 3 partitions"):
        FileLoad(tmp_path)
    written(tmp_path / "b.kvf", [Tick(5, 0)])
    with pytest.raises(ConfigError, match=r"FILES_DIFFER.*b.kvf: no partitions"):
        FileLoad(tmp_path)


def test_nothing_to_play_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.kvf", written(tmp_path / "empty.kvf", [])):
        with pytest.raises(ConfigError, match="NOTHING_TO_PLAY"):
            FileLoad(path)


class Topic:
    """As TopicLoad, without a broker; ends as it is told to."""

    partitions, topic, total, name = 2, "frames", len(RECORDS), "kafka://b/frames"

    def __init__(self, end: BaseException | None = None) -> None:
        self._end = end

    def records(self) -> Iterator[tuple[int, Logged]]:
        yield from enumerate(RECORDS, 1)
        if self._end is not None:
            raise self._end


def test_a_recording_is_read_again_as_it_was(tmp_path: Path) -> None:
    topic: Any = Topic()
    tally = record(topic, tmp_path / "a.kvf", quiet)
    assert read(tmp_path / "a.kvf") == [Source(2, "frames"), *RECORDS]
    assert (tally.records, tally.frames, tally.first_ms, tally.last_ms) == (4, 6, T0, T0 + 4000)
    with pytest.raises(ConfigError, match=r"FILE_NOT_WRITTEN.*there already"):
        record(topic, tmp_path / "a.kvf", quiet)
    with pytest.raises(ConfigError, match=r"does not end in \.kvf"):
        record(topic, tmp_path / "a.txt", quiet)


def test_a_limit_ends_behind_the_record_that_reaches_it(tmp_path: Path) -> None:
    topic: Any = Topic()
    assert record(topic, tmp_path / "a.kvf", quiet, limit=3).frames == 3
    assert read(tmp_path / "a.kvf") == [Source(2, "frames"), *RECORDS[:3]]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), ContractError("NOT_FRAMES", where="x", what="x", do="x")])
def test_whatever_ends_a_recording_leaves_a_whole_file(tmp_path: Path, end: BaseException) -> None:
    topic: Any = Topic(end)
    if isinstance(end, KeyboardInterrupt):
        assert record(topic, tmp_path / "a.kvf", quiet).stopped
    else:
        with pytest.raises(ContractError):
            record(topic, tmp_path / "a.kvf", quiet)
    assert read(tmp_path / "a.kvf") == [Source(2, "frames"), *RECORDS]
