"""What a restart will need, made ready while the process is still joining its group.

The tables of a large registry take seconds to read and prepare, and only the head of a checkpoint says which version is
in force. So a thread looks for the newest head of any partition right at the start. It is a guess that saves time and
nothing else: what a partition really needs is asked for again when it is restored.
"""

from __future__ import annotations

import time
from threading import Thread

import structlog

from agents.worker.settings import WorkerSettings
from agents.worker.vault import StateReader
from pipeline.checkpoint import Head
from pipeline.errors import KvarnError
from pipeline.runtime.chain import Prepared
from pipeline.runtime.memory import give_back
from pipeline.topology.plan import ChainPlan

log = structlog.get_logger("kvarn.worker")


def prepare_ahead(plan: ChainPlan, settings: WorkerSettings, prepared: Prepared) -> None:
    """Begin, on a thread of its own; whoever asks `prepared` for the same versions waits for it."""
    Thread(target=_prepare, args=(plan, settings, prepared), name="ahead", daemon=True).start()


def _prepare(plan: ChainPlan, settings: WorkerSettings, prepared: Prepared) -> None:
    begin = time.monotonic()
    try:
        head = newest_head(plan, settings)
        if head is None:
            return
        prepared.of(head.versions)
        give_back()
    except KvarnError as error:
        # It will happen again where it matters, and end the process there.
        log.info("not prepared ahead", chain=plan.name, reason=str(error))
    else:
        log.info("versions in force", chain=plan.name, secs=round(time.monotonic() - begin, 3))


def newest_head(plan: ChainPlan, settings: WorkerSettings) -> Head | None:
    """The head of the first partition of which one is found at once."""
    for partition in range(plan.source.partitions):
        raw = StateReader(plan, settings, partition).last_head()
        if raw is not None:
            return Head.from_bytes(raw)
    return None
