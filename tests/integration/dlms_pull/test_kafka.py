"""The pull connector as it is deployed: `kvarn connect` on the real broker, and meters over TCP."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.step import Origin, Parcel
from tests.builders_frames import World
from tests.integration.dlms_pull.deployment import NOT_FINAL, Deployment, wait
from tests.integration.dlms_pull.process import DEVICE, MeterProcess
from tests.integration.dlms_pull.scene import POINT

pytestmark = pytest.mark.kafka
DAY = 86_400
IST_SECS = 19_800
YESTERDAY = (int(time.time()) + IST_SECS) // DAY * DAY - IST_SECS - DAY
"""Midnight in India, where the meters' profiles begin; rows are 900 s apart."""


@pytest.fixture
def meter() -> Iterator[MeterProcess]:
    with MeterProcess(authentication="gmac", first=YESTERDAY, clock_ahead=600) as process:
        yield process


def rows_of(deployment: Deployment) -> list[tuple[int, int, int]]:
    """(service point, time, imported Wh) of every frame in the topic, as the decode step makes them."""
    world = World(deployment.references)
    found: list[tuple[int, int, int]] = []
    for number, batch in enumerate(deployment.frames()):
        advance = world.step.advance(Parcel(Origin("frames", 0, number), batch), world.store, world.prepared)
        assert not advance.emissions
        made = advance.parcel.batch
        found += zip(made.service_point.tolist(), made.time.tolist(), made.energy[:, 0].tolist(), strict=True)
    return sorted(found)


def test_commands_of_every_kind_are_answered_and_their_rows_can_be_decoded(
    kafka: str, meter: MeterProcess, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, tmp_path, meter)
    command = deployment.command
    switch = command("off", "disconnect")
    sent = [
        command("registers", "read_registers", objects="1.0.1.8.0.255,1:0.0.96.1.1.255:2"),
        command("rows", "read_profile", **{"from": str(YESTERDAY + 1), "to": str(YESTERDAY + DAY)}),
        command("clock", "sync_clock"), switch, command("on", "reconnect"), command("ping", "ping"),
        command("late", "disconnect", secs=-1), command("strange", "ping", DEVICE + 9),
        switch, {**switch, "kind": "reconnect"},
    ]  # fmt: skip
    deployment.send(*sent)
    with deployment.connector() as running:
        deployment.answered(running, *(one["id"] for one in sent))
        running.until(lambda page: page.get("commands_finished") == len(sent))
    finals = deployment.finals()
    # The switch was sent three times: its copy is answered like it, and what else came under its id is refused.
    assert len(finals) == len(sent)
    assert sorted(result["code"] for result in finals if result["id"] == "off") == ["", "", "ID_REUSED"]
    said = {result["id"]: result for result in finals if result["code"] != "ID_REUSED"}
    assert {id: (result["state"], result["code"]) for id, result in said.items()} == {
        **dict.fromkeys(("registers", "rows", "clock", "off", "on", "ping"), ("DONE", "")),
        "late": ("EXPIRED", "EXPIRED"), "strange": ("REFUSED", "METER_UNKNOWN"),
    }  # fmt: skip
    assert [value["value"] for value in said["registers"]["values"]] == ["123456", "KVARN"]
    assert {value["name"]: value["value"] for value in said["clock"]["values"]}["set"] == "1"
    assert abs(int(said["ping"]["values"][0]["value"])) < 5
    assert meter.said("switched") == [1, 2]
    assert meter.said("set") == ["0.0.1.0.0.255"]
    assert rows_of(deployment) == [(POINT, YESTERDAY + 900 * row, 99 + row) for row in range(1, 97)]
    used = meter.said("counter")
    assert used == sorted(set(used))
    # Everything is finished: the next process begins behind it, and goes on behind the counters that were used.
    with deployment.connector() as running:
        deployment.send(command("again", "ping"), switch)
        deployment.answered(running, "again")
        running.until(lambda page: page.get("commands_finished") == 2)
    assert len(deployment.finals()) == len(sent) + 2
    assert meter.said("switched") == [1, 2]
    used = meter.said("counter")
    assert used == sorted(set(used))


@pytest.mark.parametrize(
    ("moment", "switched", "code"),
    [
        ("command-intended", [], "OUTCOME_UNKNOWN"),
        ("command-ended", [1], "OUTCOME_UNKNOWN"),
        ("command-recorded", [1], ""),
        ("command-answered", [1], ""),
    ],
)
def test_a_switch_is_not_sent_again_by_the_process_after_the_one_that_was_killed(
    kafka: str, meter: MeterProcess, tmp_path: Path, moment: str, switched: list[int], code: str
) -> None:
    deployment = Deployment(kafka, tmp_path, meter)
    deployment.send(deployment.command("off", "disconnect"))
    with deployment.connector(kill=moment) as first:
        first.killed()
    assert meter.said("switched") == switched
    deployment.send(deployment.command("after", "ping"))
    with deployment.connector() as second:
        deployment.answered(second, "off", "after")
        second.until(lambda page: page.get("commands_finished") == 2)
    assert deployment.final("off")["code"] == code
    assert deployment.final("after")["state"] == "DONE"
    used = meter.said("counter")
    assert used == sorted(set(used))
    assert deployment.journal()["command/off"]["result"]["code"] == code
    assert meter.said("switched") == switched


def test_a_process_killed_while_the_meter_has_not_answered_yet_leaves_an_honest_answer_and_reads_are_repeated(
    kafka: str, tmp_path: Path
) -> None:
    with (
        MeterProcess(first=YESTERDAY, slow_secs=1.0) as switch,
        MeterProcess(title="4B56490000000002", slow_secs=0.5) as other,
    ):
        deployment = Deployment(kafka, tmp_path, switch, other)
        deployment.send(deployment.command("off", "disconnect"),
                        deployment.command("read", "read_profile", DEVICE + 1, first="1", last="2"))  # fmt: skip
        with deployment.connector() as first:
            wait(lambda: bool(switch.said("switched")), first)
            os.kill(first.process.pid, signal.SIGKILL)
            first.killed()
        assert deployment.finals() == []
        with deployment.connector() as second:
            deployment.answered(second, "off", "read")
        assert deployment.final("off")["code"] == "OUTCOME_UNKNOWN"
        assert deployment.final("read")["state"] == "DONE"
        assert switch.said("switched") == [1]
        assert len(other.said("association")) == 2
        assert [point for point, *_ in rows_of(deployment)] == [POINT + 1] * 2


@pytest.mark.parametrize(("device", "secs", "code"), [(9, 3600, "METER_UNKNOWN"), (0, -1, "EXPIRED")])
def test_what_was_refused_or_expired_stays_so_for_the_next_process(
    kafka: str, meter: MeterProcess, tmp_path: Path, device: int, secs: int, code: str
) -> None:
    deployment = Deployment(kafka, tmp_path, meter)
    deployment.send(deployment.command("off", "disconnect", DEVICE + device, secs))
    with deployment.connector(kill="command-answered") as first:
        first.killed()
    # Now the list has a meter for it.
    listed = (tmp_path / "meters.csv").read_text()
    (tmp_path / "meters.csv").write_text(f"{listed}{DEVICE + 9:016X},{meter.address},gmac,both\n")
    time.sleep(1.1)
    with deployment.connector() as second:
        second.until(lambda page: page.get("commands_finished") == 1)
    assert len(deployment.finals()) == 2
    assert deployment.final("off")["code"] == code
    assert meter.said("association") == []


def test_a_clean_stop_brings_what_acts_to_its_end_and_leaves_the_rest_to_the_next_process(
    kafka: str, tmp_path: Path
) -> None:
    with MeterProcess(first=YESTERDAY, slow_secs=0.5) as meter:
        deployment = Deployment(kafka, tmp_path, meter)
        deployment.send(deployment.command("off", "disconnect"), deployment.command("read", "ping"))
        with deployment.connector() as first:
            wait(lambda: bool(meter.said("switched")), first)
            first.process.send_signal(signal.SIGTERM)
            assert first.process.wait(20) == 0, first.tail()
        assert [(result["id"], result["state"]) for result in deployment.finals()] == [("off", "DONE")]
        with deployment.connector() as second:
            deployment.answered(second, "read")
        assert sorted(result["id"] for result in deployment.finals()) == ["off", "read"]
        assert meter.said("switched") == [1]


def test_a_second_process_takes_over_and_the_first_ends_with_its_reason(
    kafka: str, meter: MeterProcess, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, tmp_path, meter)
    with deployment.connector() as first:
        first.until(lambda page: page.get("meters") == 1)
        with deployment.connector() as second:
            second.until(lambda page: page.get("meters") == 1)
            deployment.send(deployment.command("off", "disconnect"))
            deployment.answered(second, "off")
            assert first.process.wait(20) == 1, first.tail()
            assert "JOURNAL_NOT_WRITTEN" in first.tail()
    assert meter.said("switched") == [1]
    assert [result["state"] for result in deployment.results("off") if result["state"] not in NOT_FINAL] == ["DONE"]


def test_what_is_missing_is_asked_for_once_and_not_again_by_the_next_process(
    kafka: str, meter: MeterProcess, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, tmp_path, meter, gaps=True)
    hour = YESTERDAY + 3600
    gap = f"device,from,to\n{DEVICE:016X},{hour},{hour + 1800}\n"
    deployment.gaps.write_text(gap)
    with deployment.connector() as first:
        first.until(lambda page: page.get("gap_days_asked") == 1)
        assert first.status()["gap_rows"] == 2
    assert rows_of(deployment) == [(POINT, hour + 900 * row, 103 + row) for row in (1, 2)]
    associations = len(meter.said("association"))
    with deployment.connector() as second:
        # One more gap: it is asked for, and shows that the list was taken over.
        deployment.gaps.write_text(gap + f"{DEVICE:016X},{hour + 7200},{hour + 8100}\n")
        second.until(lambda page: page.get("gap_days_asked") == 1)
        assert second.status()["gap_rows"] == 1
        # It came: it is in the list no more, and the journal forgets it.
        deployment.gaps.write_text("device,from,to\n")
        wait(lambda: not any(key.startswith("gap/") for key in kept(deployment)), second)
    assert len(meter.said("association")) == associations + 1
    assert [time for _, time, _ in rows_of(deployment)] == [hour + 900, hour + 1800, hour + 8100]


def kept(deployment: Deployment) -> set[str]:
    """Keys whose newest record is not a deletion."""
    newest = {key.decode(): value for _, key, value in deployment.read("pull-journal", 1)}
    return {key for key, value in newest.items() if value is not None}
