"""A worker killed at any moment writes what one writes that was never killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.load import load_contracts
from tests.faults.harness import PREPARED, Command, kill_plans, run_to_end, run_with_kills, started, written
from tests.faults.toy_runs import SETTINGS, Feed, toy_command


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_leave_no_trace_in_what_is_written(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    killed = toy_command(kafka, f"{unique}-killed", source, TOY_PAUSE="0.004")
    feed = Feed(kafka, source, seed=5, records=60, poison=0.0005)
    feed()
    plans = kill_plans(seed=11, count=20, prepared=7)
    assert sum(plan.startswith(PREPARED) for plan in plans) >= 5
    assert run_with_kills(kafka, killed, plans, tmp_path, feed) == 20
    calm = toy_command(kafka, f"{unique}-calm", source)
    run_to_end(kafka, calm, tmp_path)
    disturbed, undisturbed = written(kafka, killed, f"{unique}-killed"), written(kafka, calm, f"{unique}-calm")
    assert undisturbed.copies == 0
    assert disturbed.copies > 0
    assert disturbed.different == []
    assert disturbed.records == undisturbed.records


@pytest.mark.kafka
def test_a_clean_stop_repeats_nothing_at_the_next_start(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    toy = toy_command(kafka, unique, source)
    feed = Feed(kafka, source, seed=3, records=20)
    for _ in range(3):
        feed()
        run_to_end(kafka, toy, tmp_path)
    assert written(kafka, toy).copies == 0


@pytest.mark.kafka
def test_poison_frames_are_rejected_and_the_others_counted(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    toy = toy_command(kafka, unique, source)
    feed = Feed(kafka, source, seed=4, records=10, poison=0.02)
    feed()
    run_to_end(kafka, toy, tmp_path)
    contracts = load_contracts()
    rejects = [
        contracts.decode(value, "Reject") for topic, _, _, value in written(kafka, toy).records.values()
        if topic.endswith("-rejects")
    ]  # fmt: skip
    poison = [reject for reject in rejects if reject["code"] == "POISON"]
    assert len(poison) == feed.poisoned > 10
    assert {reject["raw"] for reject in poison} == {b"poison"}
    # The toy rejects empty frames: those that were emptied must not show.
    assert all(reject["detail"].isdigit() for reject in rejects if reject["code"] != "POISON")
    assert len({(reject["partition"], reject["offset"], reject["frame"]) for reject in poison}) == feed.poisoned


@pytest.mark.kafka
def test_masses_of_poison_stop_the_process(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    toy = toy_command(kafka, unique, source)
    settings = json.dumps({"bootstrap": kafka, **SETTINGS, "fuse_share": 0.05, "fuse_frames": 200})
    toy = Command(**{**vars(toy), "environment": {**toy.environment, "TOY_SETTINGS": settings}})
    Feed(kafka, source, seed=4, records=10, poison=0.4)()
    with started(toy, tmp_path) as process:
        assert process.wait(60) == 1
        assert "TOO_MANY_REJECTS" in process.tail()
