"""Which missing intervals are asked for, when, and how often; waits, windows and bounds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dlms_pull.backoff import Window, wait_secs, window
from connectors.dlms_pull.filler import BEHIND_SECS, GROWTH, LOOK_SECS, Filler, Surroundings
from connectors.dlms_pull.gaps import DAY, Agenda, Gap, GapOptions, Tried, choose, days, read_gaps
from connectors.dlms_pull.gateways import Gateways
from connectors.dlms_pull.journal import MemoryJournal
from connectors.dlms_pull.meters import Meter
from connectors.dlms_pull.profiles import DeviceUnknown, ProfileReader, Pulled
from connectors.dlms_pull.transport import failed
from pipeline.templates import TEMPLATE_BY_NUMBER
from tests.unit.connectors.test_push import until

IST = 19_800
MIDNIGHT = 1_751_308_200
"""2025-07-01 00:00 in India."""
DEVICE = 0x4B56490000000001


@given(st.integers(1, 60), st.floats(0.1, 1e4), st.floats(0.1, 1e6), st.floats(0, 0.999999))
def test_a_wait_is_at_least_half_of_what_it_may_be_and_never_more(
    attempt: int, first: float, most: float, chance: float
) -> None:
    full = min(most, first * 2 ** (attempt - 1))
    assert full / 2 <= wait_secs(attempt, first, most, lambda: chance) <= full


@given(st.integers(0, DAY - 1), st.integers(0, DAY - 1), st.integers(0, 10 * DAY))
def test_a_window_opens_after_the_delay_that_it_says(since: int, until: int, now: int) -> None:
    mine = Window(since, until, IST)
    delay = mine.delay(now)
    assert 0 <= delay < DAY
    assert mine.delay(now + delay) == 0


def test_a_window_goes_over_midnight_and_the_whole_day_is_one() -> None:
    night = window("22:00-04:00", IST)
    assert night.delay(MIDNIGHT) == 0
    assert night.delay(MIDNIGHT + 4 * 3600) == 18 * 3600
    assert window("00:00-24:00", IST).delay(MIDNIGHT + 777) == 0
    for wrong in ("22:00", "25:00-01:00", "10:77-11:00", "ten-eleven"):
        with pytest.raises(ValueError):
            window(wrong, IST)


@given(st.integers(MIDNIGHT, MIDNIGHT + 5 * DAY), st.integers(1, 6 * DAY))
def test_days_cover_what_is_missing_once_and_none_crosses_midnight(since: int, secs: int) -> None:
    found = days(DEVICE, since, since + secs, IST)
    assert found[0].first == since + 1
    assert found[-1].last == since + secs
    assert all(one.last + 1 == two.first for one, two in pairwise(found))
    assert all((gap.first - 1 + IST) // DAY == (gap.last - 1 + IST) // DAY for gap in found)


def test_a_list_is_read_and_every_dirty_row_is_named() -> None:
    text = (
        "device,from,to\n"
        f"{DEVICE:016X},{MIDNIGHT},{MIDNIGHT + 2 * DAY}\n"
        f"{DEVICE:016X},2025-07-05T00:00:00+05:30,2025-07-05T00:30:00+05:30\n"
        "xyz,1,2\n4B56490000000001,5,5\n4B56490000000001,5\n4B56490000000001,2025-07-05T00:00:00,9\n"
        f"4B,{MIDNIGHT},{MIDNIGHT + 1}\n"
    )
    gaps, dirty = read_gaps(text, IST)
    assert [(gap.first - MIDNIGHT, gap.last - MIDNIGHT) for gap in gaps] == [
        (1, DAY), (DAY + 1, 2 * DAY), (4 * DAY + 1, 4 * DAY + 1800),
    ]  # fmt: skip
    assert [row.line for row in dirty] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    "times",
    [f"{1000 * MIDNIGHT},{1000 * MIDNIGHT + 900}", f"{2**32 - 900},{2**32}",
     "2105-07-05T00:00:00Z,2106-07-05T00:00:00Z",
     "1960-07-05T00:00:00Z,1960-07-05T01:00:00Z", f"{'9' * 5000},{'9' * 5000}", '"1,2'],
)  # fmt: skip
def test_a_time_that_is_none_is_a_dirty_row(times: str) -> None:
    gaps, dirty = read_gaps(f"{DEVICE:016X},{times}\n{DEVICE:016X},{MIDNIGHT},{MIDNIGHT + 900}\n", IST)
    assert [gap.first for gap in gaps] == [MIDNIGHT + 1]
    assert [row.line for row in dirty] == [1]
    assert len(dirty[0].reason) <= 200


def test_a_gap_is_asked_for_so_often_and_each_wait_is_longer() -> None:
    agenda, gap = Agenda(GapOptions(attempts=3, first_secs=100, most_secs=1000)), Gap(DEVICE, 1, 2)
    agenda.take([gap], {})
    now, asked = 0.0, []
    for _ in range(10_000):
        if agenda.due(now):
            assert agenda.due_of(DEVICE, now) == [gap]
            asked.append(now)
            agenda.asked(gap, now, lambda: 1.0)
        now += 1
    assert asked == [0, 100, 300]
    assert agenda.given_up == 1


def test_what_is_no_longer_missing_is_forgotten_and_what_was_tried_is_remembered() -> None:
    agenda, gap = Agenda(GapOptions(attempts=2)), Gap(DEVICE, 1, 2)
    agenda.take([gap, Gap(DEVICE, 7, 9)], {gap.key: Tried(1, 50.0), Gap(DEVICE, 7, 9).key: Tried(2, 0.0)})
    assert agenda.due(49) == []
    assert agenda.due(50) == [DEVICE]
    assert agenda.due_of(DEVICE, 50) == [gap]
    assert agenda.given_up == 1
    agenda.take([], {})
    assert agenda.gaps == {}
    assert agenda.due(50) == []


@given(
    st.lists(st.integers(1, 30), unique=True),
    st.sets(st.integers(1, 30), max_size=10), st.integers(1, 20), st.integers(1, 4),
)  # fmt: skip
def test_nobody_waits_for_a_gateway_that_is_not_his(due: list[int], busy: set[int], total: int, each: int) -> None:
    address = {device: f"gateway {device % 4}" for device in range(1, 31)}
    chosen = choose(due, address, busy, total, each)
    running = [*busy, *chosen]
    assert len(set(running)) == len(running) <= max(total, len(busy))
    for gateway in set(address.values()):
        held = sum(address[device] == gateway for device in running)
        assert held <= max(each, sum(address[device] == gateway for device in busy))
    # Whoever is left out is left out for his own gateway, for his meter, or for the total.
    for device in due:
        if device not in running and len(running) < total:
            assert sum(address[other] == address[device] for other in running) >= each


async def test_a_gateway_has_so_many_at_once_and_a_meter_one() -> None:
    gateways, at, most = Gateways(5, 2), dict[str, int](), dict[str, int]()

    async def talk(device: int) -> None:
        address = f"g{device % 3}:1"
        async with gateways.place(address, device):
            for name in (address, "all", str(device)):
                at[name] = at.get(name, 0) + 1
                most[name] = max(most.get(name, 0), at[name])
            await asyncio.sleep(0.001)
            for name in (address, "all", str(device)):
                at[name] -= 1

    await asyncio.gather(*(talk(device % 20) for device in range(200)))
    assert most["all"] == 5
    assert all(most[f"g{number}:1"] == 2 for number in range(3))
    assert all(most[str(device)] == 1 for device in range(20))
    assert gateways._gateways == gateways._meters == gateways._waiting == {}


class SlowDoor:
    """Meters in memory; those of one gateway never answer."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0

    @asynccontextmanager
    async def session(self, meter: Meter) -> AsyncIterator[SlowDoor]:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            if meter.address == "dead:1":
                await asyncio.sleep(0.5)
                raise failed("SILENT", meter.address, "nothing")
            await asyncio.sleep(0.001)
            yield self
        finally:
            self.open -= 1


class Reader(ProfileReader):
    """Gives one row of whatever is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def read(self, _talk, meter, _template, _asked):  # type: ignore[no-untyped-def]
        self.asked.append(meter.device)
        return Pulled(1, None, None, (b"frame",))


async def test_thousands_of_meters_are_asked_while_a_dead_gateway_waits_for_its_time() -> None:
    meters = {device: Meter(device, "dead:1" if device % 100 == 0 else f"g{device % 50}:1")
              for device in range(1, 3001)}  # fmt: skip
    listed: list[list[Gap] | None] = [[Gap(device, 1, 2) for device in meters]]
    journal, door, reader, delivered = MemoryJournal(), SlowDoor(), Reader(), list[int]()

    async def deliver(device: int, _frames: tuple[bytes, ...]) -> None:
        delivered.append(device)

    def template(device: int):  # type: ignore[no-untyped-def]
        if device == 7:
            raise DeviceUnknown("not in the registry")
        return TEMPLATE_BY_NUMBER[2]

    filler = Filler(
        Surroundings(door, journal, reader, lambda: meters, template, deliver, lambda: listed.pop() if listed else None,
                     lambda: 1000.0, lambda: 0.5),
        Agenda(GapOptions(attempts=1)), window("00:00-24:00", IST), 200, 4,
    )  # fmt: skip
    begin = asyncio.get_running_loop().time()
    while len(delivered) < 2969:
        await filler.look()
        await asyncio.sleep(0)
        assert asyncio.get_running_loop().time() - begin < 20
    assert door.most <= 200
    # 30 dead meters, 4 at a time, half a second each: they are far from done.
    assert filler.counts.failed < 30
    filler_stop = asyncio.Event()
    filler_stop.set()
    await filler.run(filler_stop)
    assert len(delivered) == len(set(delivered)) == 2969
    assert len(journal.under("gap/")) >= 2969


async def test_an_answer_that_nothing_can_be_made_of_does_not_end_the_filler() -> None:
    for error in (ValueError("power"), OverflowError("too large"), OSError("no room")):
        reader = Reader()

        async def read(*_asked: object, error: Exception = error) -> Pulled:
            raise error

        reader.read = read  # type: ignore[method-assign]
        listed: list[list[Gap] | None] = [[Gap(7, 1, 2)]]

        async def deliver(_device: int, _frames: tuple[bytes, ...]) -> None: ...

        filler = Filler(
            Surroundings(SlowDoor(), MemoryJournal(), reader, lambda: {7: Meter(7, "g:1")},
                         lambda _device: TEMPLATE_BY_NUMBER[2], deliver,
                         lambda listed=listed: listed.pop() if listed else None,  # type: ignore[misc]
                         lambda: 1000.0, lambda: 0.5),
            Agenda(GapOptions(attempts=1)), window("00:00-24:00", IST), 2, 2,
        )  # fmt: skip
        await filler.look()
        await filler.idle()
        await filler.look()
        assert (filler.counts.asked, filler.counts.failed) == (1, 1)


async def test_no_meter_more_is_begun_while_this_process_is_behind_and_a_free_place_is_not_waited_for() -> None:
    meters = {device: Meter(device, f"g{device}:1") for device in range(1, 20 * GROWTH + 1)}
    listed: list[list[Gap] | None] = [[Gap(device, 1, 2) for device in meters]]
    hold, reader, loop, busy = asyncio.Event(), Reader(), asyncio.get_running_loop(), [True]

    class Held(SlowDoor):
        @asynccontextmanager
        async def session(self, _meter: Meter) -> AsyncIterator[SlowDoor]:
            self.open += 1
            await hold.wait()
            yield self

    async def deliver(_device: int, _frames: tuple[bytes, ...]) -> None: ...

    def work() -> None:
        time.sleep(2 * BEHIND_SECS)
        if busy[0]:
            loop.call_soon(work)

    door, stop = Held(), asyncio.Event()
    filler = Filler(
        Surroundings(door, MemoryJournal(), reader, lambda: meters, lambda _device: TEMPLATE_BY_NUMBER[2], deliver,
                     lambda: listed.pop() if listed else None, lambda: 1000.0, lambda: 0.5),
        Agenda(GapOptions(attempts=1)), window("00:00-24:00", IST), len(meters), 4,
    )  # fmt: skip
    running = asyncio.ensure_future(filler.run(stop))
    work()
    for _ in range(5):
        await asyncio.sleep(0)
        assert door.open <= 2 * GROWTH
    busy[0] = False
    begin = loop.time()
    await until(lambda: door.open == len(meters))
    # So many are begun a turn, and the turns are short.
    assert loop.time() - begin < LOOK_SECS * len(meters) / GROWTH / 2
    hold.set()
    await filler.idle()
    assert len(reader.asked) == len(meters)
    stop.set()
    await running
