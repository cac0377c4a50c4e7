"""The topology's table of stages says what the steps themselves say."""

from __future__ import annotations

import pytest

from agents import STAGES as STEPS
from pipeline.topology.stages import STAGES
from schemas.load import shipped_ids


@pytest.mark.parametrize("name", STEPS)
def test_a_step_has_the_outputs_that_topologies_map(name: str) -> None:
    config, build = STEPS[name]
    step = build(config())
    assert step.name == name
    assert dict(step.outputs) == dict(STAGES[name].emits)
    assert step.layout.step == name


def test_every_stage_of_a_topology_can_be_made() -> None:
    assert set(STEPS) == set(STAGES)


def test_stages_read_and_write_shipped_schemas() -> None:
    for stage in STAGES.values():
        assert {stage.reads, *stage.emits.values(), *([stage.makes] if stage.makes else [])} <= set(shipped_ids())
