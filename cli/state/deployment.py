"""The state of a deployment, as its last checkpoints in the state topics have it."""

from __future__ import annotations

from collections.abc import Callable

from agents.worker.settings import WorkerSettings
from agents.worker.vault import StateReader
from bench.memory.report import StateReport
from cli.stages import make_steps
from pipeline.checkpoint import Head, check_head
from pipeline.errors import ConfigError
from pipeline.lookup import pages_of_partition
from pipeline.runtime.saved import restore_stores
from pipeline.state import Layout
from pipeline.topology.plan import ChainPlan, Plan


def add_deployment(plan: Plan, report: StateReport, progress: Callable[[int, int], None]) -> int:
    """Add the state of all chains, one partition at a time; returns how many partitions have a checkpoint.

    Raises Fatal when a checkpoint is of another layout, Transient when the broker does not answer, ConfigError when
    there is no checkpoint at all.
    """
    places = [(chain, partition) for chain in plan.chains for partition in range(chain.source.partitions)]
    layouts = {chain.name: [step.layout for step in make_steps(chain)] for chain in plan.chains}
    found = 0
    for done, (chain, partition) in enumerate(places):
        progress(done, len(places))
        found += _add_partition(plan.kafka.bootstrap, chain, partition, layouts[chain.name], report)
    progress(len(places), len(places))
    if not found:
        raise ConfigError(
            "NO_CHECKPOINT", where=", ".join(chain.state.name for chain in plan.chains),
            what="no partition has a checkpoint",
            do="wait until the workers have made one, or look at a simulated fleet: --profile d1-30",
        )  # fmt: skip
    return found


def _add_partition(
    bootstrap: str, chain: ChainPlan, partition: int, layouts: list[Layout], report: StateReport
) -> bool:
    raw, records = StateReader(chain, WorkerSettings(bootstrap=bootstrap), partition).read()
    if raw is None:
        return False
    head = Head.from_bytes(raw)
    check_head(head, chain.name, partition, head.source_id, layouts)
    pages = pages_of_partition(partition, chain.source.partitions)
    for layout, (store, _) in zip(layouts, restore_stores(layouts, pages, head, records), strict=True):
        report.add(layout.step, store)
    return True
