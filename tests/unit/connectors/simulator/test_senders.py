"""Senders against small servers of the test's own, and files against what went into them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from connectors.simulator import Fault, Fleet, Frames, Shares, Simulation, SimulatorConfig, build_fleet, parse_faults
from connectors.simulator.frames import joined
from connectors.simulator.kvf import Item, read_kvf
from connectors.simulator.network import MQTT, TCP, UDP
from connectors.simulator.senders.base import FramesOnly, parse_address
from connectors.simulator.senders.mqtt import topic_of
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.play import Route, items_of, play, route_to, shares_for
from connectors.simulator.senders.tcp import TcpSender, whole
from connectors.simulator.senders.udp import UdpSender
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.errors import ConfigError, ContractError, Transient
from pipeline.reference import Registry
from pipeline.reference_codec import registry_to_bytes
from pipeline.step import Tick
from tests.unit.connectors.test_push import listening, until


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return build_fleet(
        SimulatorConfig(meters=40, days=1, seed=3, faults=parse_faults("all,truncated=0.02,wrong_version=0.01"))
    )


@pytest.fixture(scope="module")
def frames(fleet: Fleet) -> Frames:
    return joined([slot.frames for slot in Simulation(fleet).slots() if slot.number < 12])


def bytes_of(frames: Frames) -> list[bytes]:
    return [frames.frame(row) for row in range(len(frames))]


class Kept(FramesOnly):
    """Keeps what it gets, in order."""

    def __init__(self) -> None:
        self.log: list[Item | str] = []

    async def open(self) -> None:
        self.log.append("open")

    async def send(self, frames: Frames) -> None:
        self.log.append(frames)

    async def settle(self) -> None:
        self.log.append("settle")

    async def registry(self, registry: Registry) -> None:
        self.log.append(registry)

    async def tick(self, tick: Tick) -> None:
        self.log.append(tick)

    async def close(self) -> None:
        self.log.append("close")

    @property
    def frames(self) -> Frames:
        return joined([item for item in self.log if isinstance(item, Frames)])


async def test_tcp_keeps_each_meters_order_and_gives_a_broken_frame_a_connection_of_its_own(frames: Frames) -> None:
    streams: dict[int, bytearray] = defaultdict(bytearray)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(streams)
        streams[number] = bytearray()
        while part := await reader.read(65_536):
            streams[number] += part
        writer.close()

    tcp = frames.take(np.flatnonzero(frames.transport == TCP))
    good = whole(tcp)
    assert 0 < (~good).sum() < 60
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    sender = TcpSender(parse_address(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"), connections=3)
    await sender.open()
    await sender.send(tcp)
    await sender.settle()
    await sender.close()
    for _ in range(200):
        if sum(map(len, streams.values())) == len(tcp.payload):
            break
        await asyncio.sleep(0.01)
    server.close()
    await server.wait_closed()
    alone = [row for row in range(len(tcp)) if not good[row]]
    assert sorted(bytes(streams[number]) for number in list(streams)[3:]) == sorted(tcp.frame(row) for row in alone)
    expected: dict[int, bytes] = defaultdict(bytes)
    for row in np.flatnonzero(good).tolist():
        expected[int(tcp.sender[row]) % 3] += tcp.frame(row)
    assert sorted(bytes(streams[number]) for number in list(streams)[:3]) == sorted(expected.values())


async def test_udp_sends_a_datagram_a_frame(frames: Frames) -> None:
    got: list[bytes] = []

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            got.append(data)

    few = frames.take(np.arange(60))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    sender = UdpSender(parse_address(f"udp://127.0.0.1:{transport.get_extra_info('sockname')[1]}"))
    await sender.open()
    await sender.send(few)
    await sender.settle()
    await sender.close()
    for _ in range(100):
        if len(got) == 60:
            break
        await asyncio.sleep(0.01)
    transport.close()
    assert got == bytes_of(few)


async def test_nobody_listening_is_an_error_to_try_again() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(Transient, match="NOBODY_LISTENS"):
        await TcpSender(parse_address(f"tcp://127.0.0.1:{port}")).open()


async def test_a_run_goes_registry_frames_settled_barrier_tick_for_every_slot(fleet: Fleet) -> None:
    tcp, rest, all_of_it = Kept(), Kept(), Kept()
    barriers: list[Tick] = []

    async def barrier(tick: Tick) -> None:
        assert tcp.log[-1] == all_of_it.log[-1] == "settle"
        barriers.append(tick)

    routes = [Route(tcp, TCP), Route(rest, UDP), Route(rest, MQTT), Route(all_of_it, None)]
    sent = await play(items_of(Simulation(fleet).slots()), routes, Pace(), barrier=barrier)
    slots = list(Simulation(fleet).slots())
    assert barriers == [slot.tick for slot in slots]
    assert sent.frames == sum(len(slot.frames) for slot in slots) == sum(sent.by_transport.values())
    whole_run = joined([slot.frames for slot in slots])
    assert bytes_of(all_of_it.frames) == bytes_of(whole_run)
    assert bytes_of(tcp.frames) == bytes_of(whole_run.take(np.flatnonzero(whole_run.transport == TCP)))
    order = [type(item).__name__ for item in all_of_it.log if not isinstance(item, str)]
    assert order[:3] == ["Registry", "Frames", "Tick"]
    assert order.count("Registry") == len(fleet.registry_versions)
    assert all_of_it.log[-1] == "close"


async def test_frames_without_an_address_are_refused(fleet: Fleet) -> None:
    kept = Kept()
    with pytest.raises(ConfigError, match=r"NO_ADDRESS.*udp, mqtt"):
        await play(items_of(Simulation(fleet).slots()), [Route(kept, TCP)], Pace())
    assert kept.log[-1] == "close"


async def test_a_kvf_file_holds_the_run_and_plays_again(fleet: Fleet, tmp_path: Path) -> None:
    path, lines = tmp_path / "run.kvf", tmp_path / "run.hex"
    routes = [route_to(parse_address(f"file:{path}")), route_to(parse_address(f"file:{lines}"))]
    await play(items_of(Simulation(fleet).slots()), routes, Pace())
    for read, made in zip(_packed(read_kvf(path)), _packed(items_of(Simulation(fleet).slots())), strict=True):
        assert read == made
    again = tmp_path / "again.kvf"
    await play(read_kvf(path), [route_to(parse_address(f"file:{again}"))], Pace())
    assert again.read_bytes() == path.read_bytes()
    written = [bytes.fromhex(line) for line in lines.read_text().splitlines() if not line.startswith("#")]
    assert written == [frame for slot in Simulation(fleet).slots() for frame in bytes_of(slot.frames)]


def _packed(items: Iterator[Item]) -> list[object]:
    """Frames joined between ticks: a file may cut them elsewhere."""
    packed: list[object] = []
    for item in items:
        if isinstance(item, Registry):
            packed.append(registry_to_bytes(item))
        elif isinstance(item, Tick):
            packed.append(item)
        else:
            columns = (item.sender, item.hint, item.received_at, item.length, item.transport)
            packed.append((bytes(item.payload), *(column.tolist() for column in columns)))
    return packed


def test_a_cut_or_other_file_is_refused(tmp_path: Path, fleet: Fleet) -> None:
    other = tmp_path / "other.kvf"
    other.write_bytes(b"PK\x03\x04")
    with pytest.raises(ContractError, match="NOT_A_KVF"):
        list(read_kvf(other))
    other.write_bytes(b"KVF1\nF\x10\x00\x00\x00\x01")
    with pytest.raises(ContractError, match="ends early"):
        list(read_kvf(other))


async def _paced(pace: Pace, frames: Frames) -> list[Frames]:
    return [chunk async for chunk in pace.chunks(frames)]


class Clock:
    """Time by hand: sleeping is what moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, secs: float) -> None:
        self.now += secs


async def test_a_rate_is_kept(frames: Frames) -> None:
    clock = Clock()
    chunks = await _paced(Pace(rate=100, clock=clock, sleep=clock.sleep), frames.take(np.arange(300)))
    assert bytes_of(joined(chunks)) == bytes_of(frames.take(np.arange(300)))
    assert clock.now - 100 == pytest.approx(3, abs=0.1)


async def test_a_speed_follows_the_times_of_arrival(frames: Frames) -> None:
    clock = Clock()
    chunks = await _paced(Pace(speed=600, clock=clock, sleep=clock.sleep), frames)
    span = int(frames.received_at[-1] - frames.received_at[0])
    assert bytes_of(joined(chunks)) == bytes_of(frames)
    assert clock.now - 100 == pytest.approx(span / 600, rel=0.02)


async def test_without_a_rate_nothing_waits(frames: Frames) -> None:
    clock = Clock()
    await _paced(Pace(clock=clock, sleep=clock.sleep), frames)
    assert clock.now == 100


def test_addresses_name_scheme_place_and_options() -> None:
    address = parse_address("kafka://10.0.0.1:9192/frames-a?registry=r")
    assert (address.host, address.port, address.path, address.options) == (
        "10.0.0.1",
        9192,
        "frames-a",
        {"registry": "r"},
    )
    assert parse_address("tcp://127.0.0.1").port == 4059
    assert parse_address("file:some/run.kvf").path == "some/run.kvf"
    for wrong in ("http://x", "tcp://x:0x", "file:run.txt", "nothing"):
        with pytest.raises(ConfigError, match="ADDRESS_UNKNOWN"):
            parse_address(wrong)


@pytest.mark.parametrize(
    ("given", "mqtt", "udp"),
    [
        (["tcp://h"], 0.0, 0.0), (["mqtt://h"], 1.0, 0.0), (["udp://h"], 0.0, 1.0),
        (["tcp://h", "mqtt://h"], 0.25, 0.0),
        (["tcp://h", "udp://h"], 0.0, 0.1), (["udp://h", "mqtt://h"], 0.25, 0.75), (["file:x.kvf"], 0.25, 0.1),
        (["tcp://h", "file:x.kvf"], 0.25, 0.1), (["tcp://h", "udp://h", "mqtt://h"], 0.25, 0.1),
    ],
)  # fmt: skip
def test_no_meter_is_on_a_transport_without_an_address(given: list[str], mqtt: float, udp: float) -> None:
    shares = shares_for([parse_address(text) for text in given], Shares())
    assert (shares.mqtt, shares.udp) == (mqtt, udp)


def test_the_topic_of_a_meter_is_its_system_title() -> None:
    assert topic_of(0x4B564E0000001234) == "meters/4B564E0000001234/push"


async def test_the_listener_puts_aside_exactly_the_broken_frames_and_takes_all_others(fleet: Fleet) -> None:
    run = joined([slot.frames for slot in Simulation(fleet).slots()])
    run = run.take(np.flatnonzero(run.transport != MQTT))
    async with listening() as (port, pump, outlet):
        pump.adopt(fleet.registry_versions[-1][1], "last")
        tcp, udp = (route_to(parse_address(f"{scheme}://127.0.0.1:{port}")) for scheme in ("tcp", "udp"))
        await play(iter([run]), [tcp, udp], Pace())
        await until(lambda: pump.counts.acknowledged >= len(run))
    stages = [REJECT_BY_NUMBER[number].stage if number else "" for number in run.expected_reject.tolist()]
    # The last registry knows all meters but those that are never registered.
    put_aside = [
        row for row, stage in enumerate(stages) if stage == "connector" and run.fault[row] != Fault.UNKNOWN_LATER
    ]
    expected = Counter((int(run.expected_reject[row]), run.frame(row)) for row in put_aside)
    assert Counter((aside.number, aside.raw) for aside in outlet.aside) == expected
    assert len({number for number, _ in expected}) == 4
    taken = sorted(set(range(len(run))) - set(put_aside))
    assert Counter(outlet.frames) == Counter(run.frame(row) for row in taken)
