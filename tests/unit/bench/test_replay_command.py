"""`kvarn bench replay`: what reaches connectors, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.replay.frames import carried
from bench.replay.times import epoch_ms, iso, shown, zone_of
from cli.bench import _progress
from cli.replay import record_command, replay_command
from connectors.simulator import Simulation, SimulatorConfig, build_fleet
from connectors.simulator.frames import joined
from connectors.simulator.kvf import Item, Recorded
from pipeline.errors import ConfigError, ContractError
from tests.unit.bench.recordings import BARE, RECORDS, SENT, T0, logged, recorded, written


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


def test_times_are_in_a_named_zone() -> None:
    zone = zone_of("Asia/Kolkata")
    assert epoch_ms("2026-01-01T05:30", zone) == epoch_ms("2026-01-01T00:00Z", zone) == T0
    assert epoch_ms(None, zone) is None
    assert iso(T0 + 5, zone) == "2026-01-01T05:30:00.005+05:30"
    assert shown(T0, zone) == "2026-01-01 05:30:00 Asia/Kolkata"
    assert iso(None, zone) is None
