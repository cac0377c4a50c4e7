"""The pull connector against gurux-dlms's own server as a meter over TCP; no broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.dlms_pull.client import Association, Credentials
from connectors.dlms_pull.commands import State
from connectors.dlms_pull.transport import NoAnswer, TcpConnection
from tests.builders_frames import Link, World, references
from tests.integration.dlms_pull.process import DEVICE, MeterProcess
from tests.integration.dlms_pull.scene import INTEGERS, POINT, Scene, until

FIRST = 1_751_308_200
"""Midnight in India, where the meter's profile begins; its rows are 900 s apart."""

WAYS = [("wrapper", "none"), ("wrapper", "lls"), ("hdlc", "lls"), ("wrapper", "gmac"), ("hdlc", "gmac")]


@pytest.fixture(params=WAYS, ids="-".join)
def meter(request: pytest.FixtureRequest) -> Iterator[MeterProcess]:
    framing, authentication = request.param
    with MeterProcess(framing=framing, authentication=authentication, counter=500) as process:
        yield process


def decoded(scene: Scene):
    """What the decode stage makes of the frames that were pulled."""
    world = World(references([Link(DEVICE, POINT, INTEGERS)]))
    return world.offer(*scene.outlet.frames, devices=DEVICE, points=POINT)


async def test_a_day_of_intervals_is_read_by_range_and_by_entry_and_decodes_as_a_push_does(
    meter: MeterProcess, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, meter.meter())
    by_range = scene.command("read_profile", 1, **{"from": str(FIRST + 1), "to": str(FIRST + 86_400)})
    by_entry = scene.command("read_profile", 2, first="2", last="4")
    results = await scene.run(by_range)
    batch = decoded(scene).parcel.batch
    assert results[0].state is State.DONE, results[0]
    assert {value.name: value.value for value in results[0].values} == {
        "rows": "96", "frames": str(len(scene.outlet.frames)), "first": str(FIRST + 900), "last": str(FIRST + 86_400),
    }  # fmt: skip
    assert batch.time.tolist() == [FIRST + 900 * row for row in range(1, 97)]
    assert batch.energy[:, 0].tolist() == [100 + row for row in range(96)]
    assert batch.physical[:, 0].tolist() == [100 * (2300 + row % 7) for row in range(96)]
    assert set(batch.service_point.tolist()) == {POINT}
    scene.outlet.frames.clear()
    assert (await scene.run(by_entry))[0].values[0].value == "3"
    assert decoded(scene).parcel.batch.time.tolist() == [FIRST + 900 * row for row in (2, 3, 4)]
    assert not decoded(scene).emissions
    if meter.options.authentication == "gmac":
        assert meter.said("hls") == [True, True]
        assert len(meter.said("counter")) == len(set(meter.said("counter")))


async def test_registers_clock_and_switch_are_commanded(meter: MeterProcess, tmp_path: Path) -> None:
    scene = Scene(tmp_path, meter.meter())
    ping, read, off, on = (
        scene.command("ping", 1),
        scene.command("read_registers", 2, objects="1.0.1.8.0.255,1:0.0.96.1.1.255:2,3:1.0.99.99.0.255:2"),
        scene.command("disconnect", 3),
        scene.command("reconnect", 4),
    )
    results = await scene.run(ping, read, off, on)
    assert [result.state for result in results] == [State.DONE] * 4, results
    assert [(value.value, value.unit) for value in results[1].values] == [
        ("123456", "Wh"), ("KVARN", ""), ("", "error 4"),
    ]  # fmt: skip
    assert meter.said("switched") == [1, 2]
    assert [result.values[0].value for result in results[2:]] == ["0", "1"]
    assert [result.state for result in scene.results if result.id == "c3"] == ["ACCEPTED", "RUNNING", "DONE"]


@pytest.mark.parametrize(("authentication", "protection"), [("gmac", 0x10), ("gmac", 0x20), ("gmac", 0), ("lls", 0x30)])
async def test_each_protection_is_spoken(authentication: str, protection: int, tmp_path: Path) -> None:
    with MeterProcess(authentication=authentication) as meter:
        scene = Scene(tmp_path, meter.meter(protection=protection))
        (result,) = await scene.run(scene.command("read_profile", first="1", last="96"))
        assert result.state is State.DONE, result
        assert decoded(scene).parcel.batch.energy[:, 0].tolist() == [100 + row for row in range(96)]
        assert set(meter.said("ciphered")) == {bool(protection)}


async def test_a_clock_is_set_when_it_is_not_too_far_away(tmp_path: Path) -> None:
    with MeterProcess() as meter:
        scene = Scene(tmp_path, meter.meter())
        # The meter's clock is right; the scene's is a year behind.
        (far,) = await scene.run(scene.command("sync_clock", 1))
        (near,) = await scene.run(scene.command("sync_clock", 2, most_secs=str(10**9)))
        assert (far.state, far.code) == (State.FAILED, "CLOCK_TOO_FAR")
        assert near.state is State.DONE
        assert meter.said("set") == ["0.0.1.0.0.255"]
        assert meter.said("value") == ["07e9070203011e0000feb600"]


async def test_columns_in_another_order_are_put_into_the_template_s(tmp_path: Path) -> None:
    with MeterProcess(reorder=True) as meter:
        scene = Scene(tmp_path, meter.meter())
        await scene.run(scene.command("read_profile", 1, first="1", last="2"))
        assert decoded(scene).parcel.batch.energy.tolist() == [[100, 110, 0, 0], [101, 111, 0, 0]]


async def test_layouts_are_learned_once_and_known_after_a_restart(tmp_path: Path) -> None:
    with MeterProcess() as meter:
        scene = Scene(tmp_path, meter.meter())
        for number in (1, 2):
            await scene.run(scene.command("read_profile", number, first="1", last="2"))
        asked = list(zip(meter.said("get"), meter.said("attribute"), strict=True))
        assert asked.count(("1.0.99.1.0.255", 3)) == 1
        assert asked.count(("1.0.1.29.0.255", 3)) == 1


async def test_counters_begin_behind_what_the_meter_has_seen_and_are_never_used_twice(tmp_path: Path) -> None:
    with MeterProcess(authentication="gmac", counter=700) as meter:
        scene = Scene(tmp_path, meter.meter(counter_object="0.0.43.1.3.255"))
        for number in range(3):
            await scene.run(scene.command("ping", number))
        used = meter.said("counter")
        assert min(used) > 700
        assert used == sorted(set(used))


async def test_a_wrong_key_a_wrong_password_and_another_meter_are_told_apart(tmp_path: Path) -> None:
    with MeterProcess(authentication="gmac", encryption="00" * 16) as wrong_key:
        scene = Scene(tmp_path, wrong_key.meter())
        (result,) = await scene.run(scene.command("ping"))
        assert result.state is State.FAILED
        assert result.code in ("NO_ANSWER", "NOT_PROTECTED", "CONNECTION_LOST", "SILENT")
    with MeterProcess(authentication="lls") as wrong_password:
        scene = Scene(tmp_path, wrong_password.meter(), password="87654321")
        (result,) = await scene.run(scene.command("disconnect"))
        assert (result.state, result.code) == (State.FAILED, "METER_REFUSED")
        # Once: a meter shuts itself after some wrong ones.
        assert len(wrong_password.said("association")) == 1
        assert wrong_password.said("switched") == []
    with MeterProcess(authentication="gmac") as other:
        scene = Scene(tmp_path, other.meter(device=DEVICE + 1))
        (result,) = await scene.run(scene.command("disconnect", device=DEVICE + 1))
        assert (result.state, result.code) == (State.FAILED, "OTHER_METER")
        assert other.said("switched") == []


async def test_an_answer_in_plain_is_not_believed_where_it_must_be_ciphered(tmp_path: Path) -> None:
    with MeterProcess(authentication="gmac", unciphered=True) as meter:
        scene = Scene(tmp_path, meter.meter())
        (result,) = await scene.run(scene.command("read_registers", objects="1.0.1.8.0.255"))
        assert (result.state, result.code) == (State.FAILED, "NOT_PROTECTED")


@pytest.mark.parametrize(
    ("bad", "codes"),
    [
        ({"silent": True}, {"SILENT"}),
        ({"close_after": 2}, {"CONNECTION_LOST"}),
        ({"garbage_after": 2}, {"NO_FRAME"}),
        ({"slow_secs": 5.0}, {"SILENT"}),
        ({"framing": "hdlc", "garbage_after": 2}, {"NO_FRAME"}),
        ({"framing": "hdlc", "close_after": 3}, {"CONNECTION_LOST"}),
    ],
    ids=str,
)
async def test_a_bad_meter_holds_up_nobody(bad: dict[str, object], codes: set[str], tmp_path: Path) -> None:
    with MeterProcess(**bad) as first, MeterProcess(title="4B56490000000002") as second:
        scene = Scene(tmp_path, first.meter(), second.meter(), answer_secs=1.0)
        scene.inbox_commands = [
            scene.command("read_registers", 1, objects="1.0.1.8.0.255"),
            scene.command("read_registers", 2, DEVICE + 1, objects="1.0.1.8.0.255"),
        ]
        async with scene.running() as puller, asyncio.timeout(15):
            await until(lambda: any(result.id == "c2" for result in scene.finals()))
            if codes == {"SILENT"}:
                assert [result.id for result in scene.finals()] == ["c2"]
            await until(lambda: puller.finished >= 2)
        found = {result.id: result for result in scene.finals()}
        assert found["c2"].state is State.DONE
        assert found["c1"].state is State.FAILED
        assert found["c1"].code in codes, found["c1"]


async def test_a_switch_whose_answer_is_lost_is_not_switched_again(tmp_path: Path) -> None:
    with MeterProcess(close_after=2) as meter:
        scene = Scene(tmp_path, meter.meter())
        command = scene.command("disconnect")
        (result,) = await scene.run(command)
        assert (result.state, result.code) == (State.FAILED, "OUTCOME_UNKNOWN")
        scene.results.clear()
        (again,) = await scene.run(command)
        assert again == result
        assert meter.said("switched") == [1]


async def test_what_is_missing_is_filled_and_then_asked_for_no_more(tmp_path: Path) -> None:
    with MeterProcess(authentication="gmac") as meter, MeterProcess(title="4B56490000000002", silent=True) as silent:
        gaps = tmp_path / "gaps.csv"
        hour = FIRST + 3600
        gaps.write_text(f"device,from,to\n{DEVICE:016X},{hour},{hour + 1800}\n{DEVICE + 1:016X},{FIRST},{hour}\n")
        scene = Scene(
            tmp_path, meter.meter(), silent.meter(), answer_secs=0.5,
            gaps={"file": str(gaps), "attempts": 2, "first_secs": 60},
        )  # fmt: skip
        async with scene.running() as puller, asyncio.timeout(20):
            await until(lambda: puller.filler.counts.asked >= 2)
            assert puller.filler.counts.failed == 1
            gaps.write_text(f"device,from,to\n{DEVICE + 1:016X},{FIRST},{hour}\n")
            # What came is asked for again while the list still has it.
            await until(lambda: DEVICE not in puller.filler._agenda.gaps)
            scene.now += 60
            await until(lambda: puller.filler.counts.given_up >= 1)
        assert decoded(scene).parcel.batch.time.tolist() == [hour + 900, hour + 1800]
        assert len(meter.said("hls")) == 1
        async with scene.running() as puller:
            await asyncio.sleep(0.1)
            assert puller.filler.counts.given_up == 1
            assert puller.filler.counts.asked == 0


async def test_a_frame_of_hdlc_comes_in_pieces(tmp_path: Path) -> None:
    with MeterProcess(framing="hdlc") as meter:
        connection = await TcpConnection.open(meter.address, "hdlc", 2, 2)
        association = Association(connection, Credentials(48, 1, "hdlc"))
        await association.open()
        buffer = await association.get(7, "1.0.99.1.0.255", 2)
        await association.release()
        await connection.close()
        assert len(buffer.items) == 96
        assert meter.said("disconnected") == [48]


async def test_where_nobody_listens_there_is_no_answer() -> None:
    with pytest.raises(NoAnswer, match="NOT_REACHED"):
        await TcpConnection.open("127.0.0.1:1", "wrapper", 2, 2)
