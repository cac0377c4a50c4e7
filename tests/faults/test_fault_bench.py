"""The fault bench itself, on short logs: the pipeline passes, the pipeline with one guarantee left out does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.case import Case, Load, NaiveLoad
from bench.faults.mutants import BY_NAME as MUTANTS
from bench.faults.trial import Result, Trial, run_trial
from bench.faults.ways import WAYS
from cli.services.stack import why_not
from tests.faults.harness import ROOT

LOAD = Load(meters=4000, frames=48_000, batch_frames=100, faults=True, late_permille=20)
CASE = Case(name="faults", question="", unit="rows", gate=0, goal=0, load=LOAD, naive=NaiveLoad())


def tried(trial: Trial, folder: Path) -> Result:
    """A trial on the real services; skipped where they cannot run, which is a failure where they must."""
    reason = why_not(WAYS[trial.kind.way].services)
    if reason is not None and os.environ.get("CI") != "true":
        pytest.skip(reason)
    return run_trial(trial, CASE, LOAD, ROOT / "topologies.yaml", folder, lambda what, done, total: None)


@pytest.mark.parametrize(
    ("fault", "count"),
    [("worker killed", 3), ("worker cut off", 1), ("page damaged", 1), ("connectors killed", 2)],
)
def test_nothing_is_lost_doubled_or_different(fault: str, count: int, tmp_path: Path) -> None:
    found = tried(Trial(fault, 1, count), tmp_path)
    assert found.error == ""
    assert (found.lost, found.doubled, found.different, found.conflicts) == (0, 0, 0, 0), found.examples
    assert found.tries >= count
    assert found.rows > found.frames > 0
    assert found.ok


def test_a_guarantee_that_is_left_out_is_noticed(tmp_path: Path) -> None:
    mutant = MUTANTS["origins forgotten"]
    found = tried(Trial(mutant.under.name, 1, 3, mutant.name), tmp_path)
    assert found.error == ""
    assert found.doubled > 0
    assert not found.ok
