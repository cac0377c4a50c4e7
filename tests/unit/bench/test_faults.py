"""The fault bench's own rules: seeded plans, planned and unplanned ends, results that say when something is wrong."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.worker.phases import PHASES as WORKER_MOMENTS
from bench.faults.audit import turned_back
from bench.faults.figures import figures, mutant_figures
from bench.faults.kinds import KINDS, SINK
from bench.faults.mutants import MUTANTS
from bench.faults.page import write, write_mutants
from bench.faults.parts import MOST_ENDS, Parts
from bench.faults.plans import gaps_of, plans_of
from bench.faults.series import more_of, mutants_of, read_fault_case, run_series, trials_of
from bench.faults.trial import Result, Trial
from cli.processes.children import Processes
from connectors.phases import PHASES as CONNECTOR_MOMENTS
from pipeline.errors import ConfigError, Fatal
from pipeline.runtime.moments import VARIABLE
from sinks.phases import PHASES as SINK_MOMENTS

KILLS = [kind for kind in KINDS if kind.way == "kill"]
GOOD = Result("worker killed/1/3", "worker killed", 1, tries=3, moments={"in-batch": 3}, rows=10, recovery_s=[1.0, 4.0])


@pytest.mark.parametrize("kind", KILLS, ids=lambda kind: kind.name)
def test_the_moments_of_a_kind_are_moments_of_its_process(kind) -> None:  # type: ignore[no-untyped-def]
    known = SINK_MOMENTS if kind.part == SINK else WORKER_MOMENTS
    assert {moment for moment, _ in kind.moments} <= set(known)


def test_the_moments_of_connectors_are_theirs() -> None:
    (kind,) = [kind for kind in KINDS if kind.way == "connectors"]
    assert {moment for moment, _ in kind.moments} == set(CONNECTOR_MOMENTS)


@pytest.mark.parametrize("kind", KILLS, ids=lambda kind: kind.name)
def test_a_seed_gives_the_same_plans_and_every_moment_its_share(kind) -> None:  # type: ignore[no-untyped-def]
    count = 3 * len(kind.moments)
    plans = plans_of(kind, 7, count)
    assert plans == plans_of(kind, 7, count) != plans_of(kind, 8, count)
    hit = [plan.partition(":")[0] for plan in plans]
    assert sorted(hit) == sorted([moment for moment, _ in kind.moments] * 3)
    assert all(1 <= int(plan.partition(":")[2]) <= dict(kind.moments)[plan.partition(":")[0]] for plan in plans)


def test_waits_lie_between_their_bounds() -> None:
    assert all(2.0 <= gap <= 8.0 for gap in gaps_of(3, 50, 2.0, 8.0))
    assert gaps_of(3, 5, 2.0, 8.0) == gaps_of(3, 5, 2.0, 8.0)


def test_the_case_names_every_kind_and_the_series_has_each_of_them_for_each_seed() -> None:
    case = read_fault_case()
    assert set(case.counts) == set(case.quick_counts) == {kind.name for kind in KINDS}
    trials = trials_of(case, quick=False, only=[])
    assert len({trial.name for trial in trials}) == len(case.seeds) * len(KINDS)
    assert [trial.fault for trial in trials_of(case, quick=True, only=["sink killed"])] == ["sink killed"]
    assert [trial.fault for trial in trials_of(case, quick=True, only=["page damaged"])] == ["page damaged"]
    assert {trial.fault for trial in trials_of(case, quick=True, only=[])} == set(case.quick_faults)
    with pytest.raises(ConfigError, match="FAULT_UNKNOWN"):
        trials_of(case, quick=True, only=["meteor"])


def test_mutants_are_all_tried_or_those_named() -> None:
    case = read_fault_case()
    assert [trial.mutant for trial in mutants_of(case, [])] == [mutant.name for mutant in MUTANTS]
    assert [trial.mutant for trial in mutants_of(case, ["no fence"])] == ["no fence"]
    with pytest.raises(ConfigError, match=r"FAULT_UNKNOWN.*no such mutant"):
        mutants_of(case, ["worker killed"])


@pytest.mark.parametrize(
    "bad",
    [{"lost": 1}, {"doubled": 1}, {"different": 1}, {"conflicts": 1}, {"error": "stuck"}, {"tries": 0}],
    ids=lambda bad: next(iter(bad)),
)
def test_a_trial_that_went_wrong_or_did_nothing_makes_the_series_fail(bad: dict[str, int]) -> None:
    assert figures([GOOD.as_json()])["ok"] is True
    said = figures([GOOD.as_json(), replace(GOOD, **bad).as_json()])  # type: ignore[arg-type]
    assert (said["ok"], said["faults"][0]["ok"]) == (False, False)


def test_figures_sum_up_a_kind() -> None:
    kind = figures([GOOD.as_json(), GOOD.as_json()])["faults"][0]
    assert (kind["trials"], kind["tries"], kind["moments"]) == (2, 6, {"in-batch": 6})
    assert kind["recovery_s"] == {"median": 2.5, "worst": 4.0}
    assert figures([])["ok"] is False


def test_a_whole_series_must_have_killed_often_enough_in_enough_moments() -> None:
    case = read_fault_case().model_copy(update={"least_kills": 6, "least_moments": 2, "least_each": 3})
    line = GOOD.as_json()
    assert figures([{**line, "moments": {"in-batch": 3, "sink-read": 3}}], case)["ok"] is True
    assert figures([{**line, "moments": {"in-batch": 4, "sink-read": 2}}], case)["ok"] is False
    assert figures([{**line, "moments": {"in-batch": 5}}], case)["ok"] is False
    said = figures([{**line, "moments": {"in-batch": 5, "frozen": 9}}])
    assert (said["kills"], said["kills_by_moment"]) == (5, {"in-batch": 5}), "a freeze is no kill"


def test_a_series_that_killed_too_seldom_goes_on_with_the_kills_done_least_but_not_for_ever() -> None:
    case = read_fault_case().model_copy(update={"least_kills": 8, "least_moments": 2, "least_each": 4})
    worker = {**GOOD.as_json(), "fault": "worker killed", "moments": {"in-batch": 7}}
    sink = {**GOOD.as_json(), "fault": "sink killed", "moments": {"sink-read": 3}}
    (trial,) = more_of(case, [worker, sink])
    assert (trial.fault, trial.seed in case.seeds) == ("worker killed", False)
    (trial,) = more_of(case, [worker, worker, sink])
    assert trial.fault == "sink killed", "the one with fewer runs"
    assert more_of(case, [worker, sink, {**sink, "moments": {"sink-read": 1}}]) == [], "it is enough"
    assert more_of(case, [{**sink, "moments": {}}] * case.most_seeds) == []
    assert more_of(case, [{**GOOD.as_json(), "fault": "worker frozen", "moments": {}}]) == []


def test_the_pages_say_what_the_figures_say(tmp_path: Path) -> None:
    case, machine = (
        read_fault_case(),
        {"cpus": 2, "cpu": "C", "memory_gib": 4, "system": "S", "load_before": 0, "versions": {"kvarn": "0"}},
    )
    line = {**GOOD.as_json(), "apart": {"refetched": 7}, "lost": 3, "ok": False}
    text = write(figures([line]), case.load.model_dump(), case.question, machine, tmp_path).read_text()
    assert "NOT as an undisturbed run" in text
    assert "| worker killed | 3 | 3 | 0 | 0 | 0 | 0 | 2.5 | 4.0 |" in text
    assert "worker killed: 7 refetched" in text
    mutant = {**line, "trial": "no fence/1/2", "ok": True}
    text = write_mutants(mutant_figures([mutant]), case.quick.model_dump(), machine, tmp_path).read_text()
    assert "NOT all were noticed" in text
    assert "| no fence |" in text


def test_a_mutants_end_is_told_by_what_the_process_said_itself() -> None:
    log = "exit code 1: restored | PAGES_OTHER at metering/4: 1102 records, the head says 1006 - start it again"
    mutant = {**GOOD.as_json(), "trial": "no fence/1", "error": f"PART_ENDED at worker.metering: {log}", "ok": False}
    said = mutant_figures([mutant])["mutants"][0]
    assert said["ended_with"] == "PART_ENDED, PAGES_OTHER"
    assert mutant_figures([{**mutant, "error": "PUSH_LOST at mqtt: gone"}])["mutants"][0]["ended_with"] == "PUSH_LOST"


def test_a_series_takes_what_was_done_before_from_its_file(tmp_path: Path) -> None:
    kept = tmp_path / "series.jsonl"
    kept.write_text(json.dumps(GOOD.as_json()) + "\n")
    trials = [Trial("worker killed", 1, 3)]
    nothing = lambda what, done, total: pytest.fail("it was carried out again")  # noqa: E731
    assert list(run_series(read_fault_case(), trials, Path("none"), kept, nothing, quick=True)) == [GOOD.as_json()]


DIES = "import os, signal, time; os.environ.get('KVARN_KILL') and os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path, {}) as running:
        yield running


def ended(parts: Parts) -> list[tuple[str, str]]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := parts.ended():
            return found
        time.sleep(0.02)
    return []


def test_a_part_that_ends_as_planned_is_started_again_under_its_next_plan(processes: Processes) -> None:
    parts = Parts(processes, {"worker": [sys.executable, "-c", DIES]}, {"worker": ["a:1", "b:2"]})
    parts.start_all(["worker"])
    assert [ended(parts), ended(parts)] == [[("worker", "a:1")], [("worker", "b:2")]]
    time.sleep(0.2)
    assert parts.ended() == [], "without a plan it lives on"


@pytest.mark.parametrize(("code", "may"), [(1, False), (3, True)])
def test_any_other_end_of_a_part_is_a_finding(processes: Processes, code: int, may: bool) -> None:
    command = [sys.executable, "-c", f"raise SystemExit({code})"]
    parts = Parts(processes, {"worker": command}, may_end={"worker"} if may else set())
    parts.start_all(["worker"])
    with pytest.raises(Fatal, match="PART_ENDED"):
        ended(parts)


def test_a_part_that_may_end_by_itself_is_started_again(processes: Processes) -> None:
    code = f"import os; raise SystemExit(1 if os.environ.get('{VARIABLE}', 'x') == '' else 0)"
    parts = Parts(processes, {"worker": [sys.executable, "-c", code]}, may_end={"worker"})
    parts.start_all(["worker"])
    assert ended(parts) == [("worker", "")]


def test_a_part_that_never_gets_to_work_is_a_finding_though_it_may_end(processes: Processes) -> None:
    parts = Parts(processes, {"worker": [sys.executable, "-c", "raise SystemExit(1)"]}, may_end={"worker"})
    parts.start_all(["worker"])
    for _ in range(MOST_ENDS):
        assert ended(parts) == [("worker", "")]
    with pytest.raises(Fatal, match="PART_ENDED"):
        ended(parts)


def test_a_part_that_has_worked_may_end_again_and_again(processes: Processes) -> None:
    works = 'print(\'{"event": "ready"}\', flush=True); raise SystemExit(1)'
    parts = Parts(processes, {"worker": [sys.executable, "-c", works]}, may_end={"worker"})
    parts.start_all(["worker"])
    for _ in range(MOST_ENDS + 2):
        assert ended(parts) == [("worker", "")]


STOPS = (
    "import os, signal, time\n"
    "plan = os.environ.get('KVARN_KILL')\n"
    "signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGKILL) if plan else os._exit(0))\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


def test_a_part_that_kills_itself_while_it_is_stopped_has_work_left_and_all_run_again(processes: Processes) -> None:
    command = [sys.executable, "-c", STOPS]
    parts = Parts(processes, {"worker": command, "sink": command}, {"sink": ["sink-in-shutdown:1"]})
    parts.start_all(["sink", "worker"])
    assert until(lambda: parts.said("sink", "ready") and parts.said("worker", "ready"))
    assert parts.stop_all() is False
    assert set(processes.running) == {"worker", "sink"}
    assert until(lambda: parts.said("sink", "ready") and parts.said("worker", "ready"))
    assert parts.stop_all() is True
    assert not processes.running


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_checkpoint_must_come_after_the_one_before_it_of_its_partition() -> None:
    assert turned_back([("state/0", 1), ("state/1", 7), ("state/0", 2), ("state/1", 9)]) == []
    found = turned_back([("state/0", 1), ("state/0", 4), ("state/0", 2), ("state/0", 3), ("state/1", 1)])
    assert found == ["state/0: checkpoint 2 after 4"]
    assert turned_back([("state/0", 4), ("state/0", 4)]) == ["state/0: checkpoint 4 after 4"]
