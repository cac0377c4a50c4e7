"""Moments at which tests end the process."""

from __future__ import annotations

import os
import signal

import pytest

from agents.worker.phases import PHASES
from pipeline.errors import ConfigError
from pipeline.runtime.moments import Moments
from tests.faults.harness import OTHERS, PREPARED, kill_plans


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, number: found.append(number))
    return found


def test_without_a_plan_nothing_happens(kills: list[int]) -> None:
    phases = Moments(PHASES)
    for phase in PHASES:
        phases.reach(phase)
    assert kills == []


def test_the_planned_time_is_counted(kills: list[int]) -> None:
    phases = Moments(PHASES, "in-pages:3")
    for _ in range(2):
        phases.reach("in-pages")
        phases.reach("after-flush")
    assert kills == []
    phases.reach("in-pages")
    assert kills == [signal.SIGKILL]


def test_a_process_may_be_frozen_instead_of_killed(kills: list[int]) -> None:
    phases = Moments(PHASES, "in-pages:1:freeze")
    phases.reach("in-pages")
    phases.reach("in-pages")
    assert kills == [signal.SIGSTOP]


@pytest.mark.parametrize(
    "plan", ["in-pages", "in-pages:x", "nowhere:1", "in-pages:1:sleep", "in-pages:1:freeze:2", "in-pages:1:"]
)
def test_a_plan_that_names_no_moment_is_refused(plan: str) -> None:
    with pytest.raises(ConfigError, match="KILL_PLAN"):
        Moments(PHASES, plan)


def test_plans_are_the_same_for_a_seed_and_hold_what_was_asked_for() -> None:
    plans = kill_plans(3, 20, 7)
    assert plans == kill_plans(3, 20, 7) != kill_plans(4, 20, 7)
    phases = [plan.partition(":")[0] for plan in plans]
    assert sum(phase in PREPARED for phase in phases) == 7
    assert set(phases) <= set(PHASES)
    assert set(OTHERS) | set(PREPARED) <= set(PHASES)
    for plan in plans:
        Moments(PHASES, plan)
