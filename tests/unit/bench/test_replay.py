"""Load that was recorded: its files, its spacing, and its frames on their way to connectors."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from bench.replay.files import FileLoad
from bench.replay.frames import carried, frames_of
from bench.replay.record import record
from bench.replay.spacing import Spacing
from bench.replay.times import epoch_ms, iso, shown, zone_of
from bench.replay.to_connectors import Replay, check_schemes
from cli.bench import _progress
from cli.replay import record_command, replay_command
from connectors.simulator import Simulation, SimulatorConfig, build_fleet
from connectors.simulator.frames import Frames, joined
from connectors.simulator.kvf import MAGIC, Item, Logged, Recorded, Source, read_any, read_kvf, write_item
from connectors.simulator.network import MQTT, TCP, UDP
from connectors.simulator.senders.base import parse_address
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.tcp import whole
from pipeline.batch import FrameBatch
from pipeline.errors import ConfigError, ContractError
from pipeline.step import Control, Tick
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.unit.connectors.test_gather import TITLE, glo, wrapped

CONTRACTS = load_contracts()
BARE = glo(TITLE + 1)
T0 = 1_767_225_600_000


def batch(frames: list[bytes], device: int = TITLE) -> FrameBatch:
    count = len(frames)
    return FrameBatch(
        np.full(count, 27, np.uint64), np.arange(device, device + count, dtype=np.uint64),
        np.full(count, T0 // 1000, np.int64), np.array([len(frame) for frame in frames], np.uint32),
        np.frombuffer(b"".join(frames), np.uint8),
    )  # fmt: skip


def logged(place: int, frames: list[bytes], partition: int = 0, key: bytes | None = None) -> Logged:
    """A record `place` seconds after the first."""
    value = frames_record(CONTRACTS, batch=batch(frames))
    return Logged(partition, T0 + 1000 * place, len(frames), key, value)


RECORDS = [
    logged(0, [wrapped(glo(TITLE)), BARE]),
    Logged(1, T0 + 1000, 0, b"", frames_record(CONTRACTS, tick=Tick(T0 // 1000, 0), control=Control({"keys": "k1"}))),
    logged(2, [wrapped(glo(TITLE + 5))], 1, b"some key"),
    logged(4, [BARE, BARE, BARE]),
]


def written(path: Path, items: list[Item | Recorded]) -> Path:
    with path.open("wb") as out:
        out.write(MAGIC)
        for item in items:
            write_item(out, item)
    return path


def recorded(path: Path, records: list[Logged] = RECORDS, partitions: int = 2) -> Path:
    return written(path, [Source(partitions, "frames"), *records])


def read(path: Path) -> list[Item | Recorded]:
    return [item for _, item in read_any(path)]


# --------------------------------------------------------------------------------------------------- files


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


# ------------------------------------------------------------------------------------------------- recording


class Topic:
    """As TopicLoad, without a broker; ends as it is told to."""

    partitions, topic, total, name = 2, "frames", len(RECORDS), "kafka://b/frames"

    def __init__(self, end: BaseException | None = None) -> None:
        self._end = end

    def records(self) -> Iterator[tuple[int, Logged]]:
        yield from enumerate(RECORDS, 1)
        if self._end is not None:
            raise self._end


def quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


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


# --------------------------------------------------------------------------------------------------- spacing


class Clock:
    """Time by hand: sleeping is what moves it, by a little more than was asked for."""

    def __init__(self, late: float = 0.0) -> None:
        self.now, self.late = 100.0, late

    def __call__(self) -> float:
        return self.now

    def sleep(self, secs: float) -> None:
        self.now += secs + self.late


@pytest.mark.parametrize(("speed", "expected"), [(1.0, [0, 1, 2, 4]), (4.0, [0, 0.25, 0.5, 1]), (0.5, [0, 2, 4, 8])])
def test_records_leave_as_far_apart_as_they_were_recorded_over_the_speed(speed: float, expected: list[float]) -> None:
    clock = Clock()
    spacing = Spacing(speed, clock.sleep, clock)
    left = []
    for row in RECORDS:
        spacing.done(spacing.wait(row.time_ms))
        left.append(clock.now - 100)
    assert left == expected
    assert spacing.behind == 0


def test_who_is_late_catches_up_and_the_most_is_said() -> None:
    clock = Clock()
    spacing = Spacing(1.0, clock.sleep, clock)
    left = []
    for row, takes in zip(RECORDS, (1.75, 0.0, 0.0, 0.0), strict=True):
        due = spacing.wait(row.time_ms)
        left.append(clock.now - 100)
        clock.now += takes
        spacing.done(due)
    assert left == [0, 1.75, 2, 4]
    assert spacing.behind == 1.75


def test_as_fast_as_it_goes_nothing_waits_and_nothing_is_late() -> None:
    clock = Clock(1.0)
    spacing = Spacing(0.0, clock.sleep, clock)
    for row in RECORDS:
        spacing.done(spacing.wait(row.time_ms))
    assert (clock.now, spacing.behind) == (100, None)


async def test_a_fleets_frames_that_are_held_up_are_said_to_be_late() -> None:
    clock = Clock()

    async def sleep(secs: float) -> None:
        clock.sleep(secs)

    frames = replace(frames_of(CONTRACTS, logged(0, [BARE] * 4)), received_at=np.array([0, 10, 20, 30]) + T0 // 1000)
    pace = Pace(speed=10, clock=clock, sleep=sleep)
    async for _ in pace.chunks(frames):
        clock.now += 1.25
    assert pace.behind == pytest.approx(0.75)
    free = Pace(clock=clock, sleep=sleep)
    async for _ in free.chunks(frames):
        clock.now += 5
    assert free.behind == 0


# ------------------------------------------------------------------------------------------------ transports


def of_records() -> Frames:
    return joined([frames_of(CONTRACTS, row) for row in RECORDS if row.frames])


def bytes_of(frames: Frames) -> list[bytes]:
    return [frames.frame(row) for row in range(len(frames))]


SENT = [wrapped(glo(TITLE)), BARE, wrapped(glo(TITLE + 5)), BARE, BARE, BARE]


def test_frames_of_records_are_the_bytes_that_came_with_their_meters() -> None:
    frames = of_records()
    assert bytes_of(frames) == SENT
    assert frames.sender.tolist() == [TITLE, TITLE + 1, TITLE, TITLE, TITLE + 1, TITLE + 2]


def test_over_tcp_a_bare_frame_gets_a_wrapper_that_says_its_length() -> None:
    frames = carried(of_records(), ["tcp"])
    assert set(frames.transport.tolist()) == {TCP}
    assert whole(frames).all()
    assert [frame[8:] for frame in bytes_of(frames)] == [frame if frame == BARE else frame[8:] for frame in SENT]
    assert bytes_of(frames)[0] == SENT[0]


def test_mqtt_takes_bare_frames_beside_tcp_and_all_where_it_is_alone() -> None:
    frames = carried(of_records(), ["tcp", "mqtt"])
    assert frames.transport.tolist() == [TCP, MQTT, TCP, MQTT, MQTT, MQTT]
    assert bytes_of(frames) == SENT
    frames = carried(of_records(), ["mqtt"])
    assert (set(frames.transport.tolist()), bytes_of(frames)) == ({MQTT}, SENT)


def test_a_meter_stays_with_one_of_tcp_and_udp() -> None:
    frames = carried(of_records(), ["udp", "tcp"])
    expected = np.where(frames.sender % 2 == 0, TCP, UDP)
    assert frames.transport.tolist() == expected.tolist()
    assert len(set(expected.tolist())) == 2


@pytest.mark.parametrize("schemes", [[], ["file"], ["kafka", "tcp"], ["kafka", "kafka"]])
def test_addresses_that_nothing_is_replayed_to_are_refused(schemes: list[str]) -> None:
    with pytest.raises(ConfigError, match="NO_ADDRESS"):
        check_schemes([parse_address("file:x.kvf" if name == "file" else f"{name}://h/t") for name in schemes])


def test_two_addresses_of_a_kind_are_refused(tmp_path: Path) -> None:
    addresses = [parse_address("tcp://h:1"), parse_address("tcp://h:2")]
    with pytest.raises(ConfigError, match="ADDRESSES_ALIKE"):
        Replay(FileLoad(recorded(tmp_path / "a.kvf")), addresses, 0)


# ------------------------------------------------------------------------------------------- to a connector


class Server:
    """Takes TCP connections on a thread of its own, and keeps what comes."""

    def __init__(self) -> None:
        self.octets: list[bytes] = []
        self.address = ""
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        taking: set[asyncio.Task[None] | None] = set()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taking.add(asyncio.current_task())
            while part := await reader.read(65_536):
                self.octets.append(part)
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        self.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._end.wait()
        await asyncio.gather(*filter(None, taking))
        server.close()
        await server.wait_closed()


def app() -> typer.Typer:
    made = typer.Typer()
    made.command("record")(record_command(_progress))
    made.command("replay")(replay_command(_progress))
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app(), list(arguments))


def test_frames_of_a_recorded_file_reach_a_connector_with_their_spacing(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a.kvf")
    with Server() as server:
        result = run("replay", "--from", str(file), "--to", server.address, "--speed", "20", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert len(b"".join(server.octets)) == sum(map(len, SENT)) + 8 * SENT.count(BARE)
    assert (said["frames"], said["records"], said["complete"], said["speed"]) == (6, 4, True, 20.0)
    assert (said["first"], said["zone"]) == ("2026-01-01T05:30:00.000+05:30", "Asia/Kolkata")
    assert said["seconds"] >= 4 / 20
    assert said["behind_s"] is not None


def test_a_fleets_file_is_played_by_the_same_command_and_a_limit_cuts_it(tmp_path: Path) -> None:
    fleet = build_fleet(SimulatorConfig(meters=20, days=1, seed=2))
    slots = list(Simulation(fleet).slots())[:3]
    items: list[Item | Recorded] = [item for slot in slots for item in (slot.frames, slot.tick)]
    file = written(tmp_path / "fleet.kvf", items)
    frames = carried(joined([slot.frames for slot in slots]), ["tcp"])
    with Server() as server:
        result = run("replay", "--from", str(file), "--to", server.address, "--speed", "0", "--json")
        assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["frames"] == len(frames)
    assert sum(map(len, server.octets)) == len(frames.payload)
    assert json.loads(result.stdout)["behind_s"] is None
    with Server() as server:
        said = json.loads(run("replay", "--from", str(file), "--to", server.address, "--limit", "7", "--speed", "0",
                              "--json").stdout)  # fmt: skip
    assert said["frames"] == 7
    assert sum(map(len, server.octets)) == int(frames.length[:7].sum())


def test_an_interrupt_ends_the_waiting_and_says_how_far_it_came(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a.kvf", [logged(0, [BARE]), logged(3600, [BARE])])
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    try:
        with Server() as server:
            timer.start()
            result = run("replay", "--from", str(file), "--to", server.address, "--json")
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130, result.output
    said = json.loads(result.stdout)
    assert (said["frames"], said["complete"]) == (1, False)
    assert said["seconds"] < 30


def test_a_damaged_file_ends_the_command_with_its_place(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a.kvf")
    octets = bytearray(file.read_bytes())
    octets[-1] ^= 1
    file.write_bytes(octets)
    last = len(octets) - len(RECORDS[-1].value) - 29
    with Server() as server:
        error = run("replay", "--from", str(file), "--to", server.address, "--speed", "0").exception
    assert isinstance(error, ContractError)
    assert f"at byte {last}" in str(error)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("record", "--from", "tcp://h", "--to", "x.kvf"), "ADDRESS_UNKNOWN"),
        (("record", "--from", "kafka://h", "--to", "x.kvf"), "ADDRESS_UNKNOWN"),
        (("record", "--from", "kafka://h/t", "--to", "x.kvf", "--zone", "Mars/Base"), "ZONE_UNKNOWN"),
        (("record", "--from", "kafka://h/t", "--to", "x.kvf", "--from-time", "yesterday"), "TIME_WRONG"),
        (("replay", "--from", "none.kvf", "--to", "tcp://h"), "NOTHING_TO_PLAY"),
        (("replay", "--from", "none.kvf", "--to", "file:x.kvf"), "NO_ADDRESS"),
    ],
)
def test_what_is_wrong_with_the_options_is_said(arguments: tuple[str, ...], code: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, ConfigError)
    assert error.code == code


# ----------------------------------------------------------------------------------------------------- times


def test_times_are_in_a_named_zone() -> None:
    zone = zone_of("Asia/Kolkata")
    assert epoch_ms("2026-01-01T05:30", zone) == epoch_ms("2026-01-01T00:00Z", zone) == T0
    assert epoch_ms(None, zone) is None
    assert iso(T0 + 5, zone) == "2026-01-01T05:30:00.005+05:30"
    assert shown(T0, zone) == "2026-01-01 05:30:00 Asia/Kolkata"
    assert iso(None, zone) is None
