"""From a plan to running steps: the one place where stage names meet their code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import agents
from pipeline.reference import References
from pipeline.runtime.references import ReferenceStore, read_references
from pipeline.step import Step
from pipeline.topology.plan import ChainPlan


def make_steps(plan: ChainPlan) -> tuple[Step, ...]:
    """The steps of a chain, in order, from its checked options."""
    return tuple(agents.STAGES[stage.name][1](stage.options) for stage in plan.stages)


def fetch_references(store: ReferenceStore, master_key: bytes | None) -> Callable[[Mapping[str, str]], References]:
    """Versions -> References."""

    def fetch(versions: Mapping[str, str]) -> References:
        return read_references(store, versions, master_key)

    return fetch
