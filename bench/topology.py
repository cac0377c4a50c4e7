"""What the bench must find in a topology."""

from __future__ import annotations

from pipeline.errors import ConfigError
from pipeline.topology.plan import ChainPlan, Plan


def reader_of_frames(plan: Plan) -> ChainPlan:
    """The chain that reads what connectors write; raises ConfigError when not one does."""
    found = [chain for chain in plan.chains if chain.reads == "FrameBatch"]
    if len(found) != 1:
        raise ConfigError(
            "BENCH_TOPOLOGY", where=plan.file, what=f"{len(found)} chains read frames",
            do="give a topology in which one does",
        )  # fmt: skip
    return found[0]
