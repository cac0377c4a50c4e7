"""A worker process from start to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Semaphore
from typing import Any

import structlog
import uvloop

from agents.worker.ahead import prepare_ahead
from agents.worker.app import make_app, source_of
from agents.worker.deaths import deaths_of
from agents.worker.fuse import Fuse
from agents.worker.outlet import Outlet
from agents.worker.owner import Work
from agents.worker.phases import PHASES
from agents.worker.settings import WorkerSettings
from agents.worker.shell import Shell
from pipeline.errors import Fatal, KvarnError
from pipeline.reference import References
from pipeline.runtime.chain import Prepared
from pipeline.runtime.collector import collect_seldom
from pipeline.runtime.kafka_topics import topic_id
from pipeline.runtime.memory import hold_little
from pipeline.runtime.moments import Moments
from pipeline.step import Step
from pipeline.topology.plan import ChainPlan
from pipeline.wire import Contracts

log = structlog.get_logger("kvarn.worker")

STOP_SECS = 30.0
FAILED, UNEXPECTED = 1, "UNEXPECTED"
"""Exit code and code of what is no error of ours."""


def run_worker(
    plan: ChainPlan,
    steps: Sequence[Step],
    contracts: Contracts,
    fetch: Callable[[Mapping[str, str]], References],
    settings: WorkerSettings,
    exit_code: Callable[[KvarnError], int] = lambda _: 1,
) -> None:
    """Run a chain until SIGTERM or SIGINT; topics must be there.

    `fetch` gives the References of versions, waiting for them as long as makes sense, and raises Fatal without them.
    Ends the process with `exit_code(error)` when something is wrong: going on would lose or double something.
    """
    hold_little()
    log.info("starting", chain=plan.name, instance=settings.instance, cpu_secs=round(time.process_time(), 2))
    prepared = Prepared(tuple(steps), fetch)
    prepare_ahead(plan, settings, prepared)
    collect_seldom()
    source_id = topic_id(settings.bootstrap, plan.source.name)
    work = Work(
        plan, tuple(steps), prepared, contracts, source_id, settings,
        Outlet(settings), Fuse(settings.fuse_share, settings.fuse_frames), Moments.from_environment(PHASES),
        Semaphore(settings.restore_threads), deaths_of(plan, settings, source_id),
    )  # fmt: skip
    # Faust names its logs by the module of the app's class.
    logging.getLogger("agents.worker.engine_fence").setLevel(logging.WARNING)
    uvloop.run(_run(work, exit_code))


def ending(error: BaseException, exit_code: Callable[[KvarnError], int]) -> tuple[int, dict[str, Any]]:
    """The exit code that an error ends the process with, and what its last line says."""
    number, code, reason = FAILED, UNEXPECTED, repr(error)
    if isinstance(error, KvarnError):
        number, code, reason = exit_code(error), error.code, str(error)
    return number, {"code": code, "reason": reason, "exit_code": number}


def stop_slow(chain: str) -> Fatal:
    """The reason of an end that should have been a clean stop."""
    return Fatal(
        "STOP_SLOW", where=chain, what=f"not stopped cleanly in {STOP_SECS:.0f} s",
        do="nothing: the next start goes on from the last checkpoint",
    )  # fmt: skip


async def _run(work: Work, exit_code: Callable[[KvarnError], int]) -> None:
    def end(error: BaseException) -> None:
        number, said = ending(error, exit_code)
        log.critical("worker ends", **said, exc_info=None if isinstance(error, KvarnError) else error)
        sys.stderr.flush()
        # Without Python's and Faust's farewells: they would commit, flush or hang.
        os._exit(number)

    app = make_app(work.plan, work.settings)
    shell = Shell(app, work, end)
    app.agent(source_of(app, work.plan), name=work.plan.name, concurrency=1)(shell.consume)
    app.on_rebalance_complete.connect(shell.take_over, weak=False)
    app.on_partitions_revoked.connect(shell.give_up, weak=False)
    app.on_before_shutdown.connect(shell.finish, weak=False)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def leave() -> None:
        stop.set()
        # Whatever it is doing: Faust was seen to wait for ever for a rebalance that began as it was told to stop.
        loop.call_later(STOP_SECS, end, stop_slow(work.plan.name))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    app.in_worker = True
    try:
        await app.start()
        watch, guard = asyncio.create_task(shell.watch()), asyncio.create_task(shell.guard())
        crash = asyncio.create_task(app.wait_until_stopped())
        await asyncio.wait([asyncio.create_task(stop.wait()), crash], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            raise app.crash_reason or RuntimeError("Faust stopped by itself")
        guard.cancel()
        await app.stop()
        await watch
        work.deaths.close()
    except BaseException as error:  # noqa: BLE001  every end has a reason and a code
        end(error)
