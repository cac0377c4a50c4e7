"""What the recovery bench makes of what it sees."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.worker.outlet import ID_HEADER
from bench.recovery import restart as module
from bench.recovery.case import read_recovery_case
from bench.recovery.figures import figures
from bench.recovery.page import write
from bench.recovery.restart import Restart, Scene, calm, phases
from bench.recovery.run import Outcome
from bench.recovery.tail import Tail
from bench.throughput.watch import Moment
from bench.truth.rows import Tally


def tail(partitions: int = 2) -> Tail:
    made = object.__new__(Tail)
    made.applied, made.copies, made.first_copy_at, made.first_new_at = [-1] * partitions, 0, 0.0, 0.0
    return made


def output(partition: int, offset: int) -> Any:
    name = f"metering/vee/topic-id/{partition}/{offset}/ReadingBatch/0"
    return SimpleNamespace(headers=lambda: [(ID_HEADER, name.encode())])


def test_an_output_made_again_is_a_copy_and_not_new() -> None:
    seen = tail()
    for partition, offset in ((0, 4), (1, 7), (0, 5)):
        seen._note(output(partition, offset))
    seen.arm()
    seen._note(output(0, 5))
    seen._note(output(1, 6))
    assert (seen.applied, seen.copies, seen.first_new_at) == ([5, 7], 2, 0.0)
    assert seen.first_copy_at > 0
    seen._note(output(1, 8))
    assert seen.first_new_at >= seen.first_copy_at


def moment(lag: int) -> Moment:
    return Moment(0.0, {"worker": lag}, 0, {}, 0.0, 0, {}, {"worker": 100 - lag})


def test_the_lag_before_a_kill_is_its_highest_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECS", 0.01)
    monkeypatch.setattr(module, "CALM_SECS", 0.2)
    lags = iter([90, *[3, 8, 5] * 1_000])
    # Two partitions: two records are no lag.
    seen = tail()
    scene = Scene(
        SimpleNamespace(check=lambda: None), {}, SimpleNamespace(look=lambda: moment(next(lags))),
        SimpleNamespace(check=lambda: None, ends=[11, 11]), seen, "worker",
    )  # type: ignore[arg-type]  # fmt: skip
    seen.applied = [10, 7]
    assert calm(scene, "worker", 0.4, lambda done, total: None) == (3, 8)


def test_lag_is_gone_when_both_kinds_are() -> None:
    one = Restart("worker")
    assert one.lag_gone is None
    one.processed = 3.0
    assert one.lag_gone is None
    one.committed = 9.0
    assert one.lag_gone == 9.0


def test_moments_are_read_from_the_part_of_the_log_behind_the_kill(tmp_path: Path) -> None:
    log, now = tmp_path / "worker.log", time.time()

    def line(event: str, secs: float) -> str:
        return json.dumps({"event": event, "timestamp": datetime.fromtimestamp(now + secs, UTC).isoformat()}) + "\n"

    old = line("ready", -5)
    log.write_text(old + line("starting", 1) + "%4|not ours\n" + line("restored", 2) + line("restored", 3.5))
    assert phases(log, len(old), now) == {"starting": 1.0, "restored": 3.5}


def outcome(first: float, gone: float, tally: Tally) -> Outcome:
    case = read_recovery_case()
    restarts = [
        Restart(part, secs, None, gone / 2, gone, 7, 90, {"starting": 1.0, "ready": 5.0})
        for part in case.parts for secs in (2.0, first, 3.0)
    ]  # fmt: skip
    tallies = dict.fromkeys(("readings", "determinants", "losses", "rejects"), tally)
    machine = {
        "cpus": 2,
        "cpu": "a CPU",
        "memory_gib": 1.0,
        "system": "Linux",
        "load_before": 0.0,
        "versions": {"a": "1"},
    }
    return Outcome(case, 200_000.0, 100_000.0, 10, 10**6, restarts, tallies, machine)


@pytest.mark.parametrize(("first", "gone", "ok"), [(9.9, 29.0, True), (10.1, 29.0, False), (9.9, 30.5, False)])
def test_the_goals_are_held_against_the_worst_kill(first: float, gone: float, *, ok: bool) -> None:
    said = figures(outcome(first, gone, Tally()))
    assert said["ok"] is ok
    assert said["recovery_first_output_s"] == {"median": 3.0, "worst": first}
    assert said["lag_gone_s"]["worst"] == gone


def test_rows_that_differ_are_never_ok_and_are_named() -> None:
    said = figures(outcome(1.0, 2.0, Tally(rows=5, missing=2)))
    assert said["ok"] is False
    assert said["correct"]["wrong"]["readings"]["missing"] == 2


def test_the_page_has_the_figures(tmp_path: Path) -> None:
    text = write(figures(outcome(4.5, 20.0, Tally())), "How soon?", tmp_path).read_text()
    assert "**4.5 s**" in text
    assert "| worker | 3 | 3.0 | 4.5 | 20.0 | 20.0 | 21 |" in text
    assert "| 5.0 | position committed |" in text
