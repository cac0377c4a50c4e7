"""Steps of work on exceptions, as records of their topic."""

from __future__ import annotations

import time
from collections.abc import Iterable

from cli.edits.opened import Progress
from cli.exceptions.queue import Exceptional
from connectors.edits.topic import write_values
from pipeline.errors import ConfigError
from pipeline.topology.plan import Plan
from schemas.registry import contracts_of

Step = tuple[Exceptional, str, str, str]
"""(exception, how far it is, its owner, id of the edit)"""


def work_topic(plan: Plan) -> str:
    """The topic of work on exceptions; raises ConfigError when the topology has none."""
    for topic in plan.topics.values():
        if topic.schema == "ExceptionWork":
            return topic.name
    raise ConfigError("WORK_NOWHERE", where=plan.file, what="no topic of schema ExceptionWork",
                      do="add one, and let the sink read it: examples/edits.yaml shows how")  # fmt: skip


def write_work(plan: Plan, steps: Iterable[Step], author: str, note: str) -> int:
    """Write the steps; returns how many."""
    contracts, topic, now = (
        contracts_of(plan.kafka.schema_registry, plan.subjects()),
        work_topic(plan),
        int(time.time()),
    )
    values = [
        (
            one.service_point.to_bytes(8, "big"),
            contracts.encode("ExceptionWork", {
                "service_point": one.service_point, "rule": one.rule, "period_start": one.start, "work": work,
                "owner": owner, "note": note or str(one.row["note"]), "edit": edit, "author": author, "at": now,
            }),
        )
        for one, work, owner, edit in steps
    ]  # fmt: skip
    write_values(plan.kafka.bootstrap, topic, values, Progress(len(values), "written"))
    return len(values)
