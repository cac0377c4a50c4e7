"""The check by several processes, each with its share of the meters and a warehouse of its own.

Only one process may have the folder of an embedded warehouse open, so that each gets one that shares its large files:
the engine never writes into a file that it has closed. What is small, its lock among it, is copied.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import closing
from itertools import chain
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from bench.truth.check import Part, check_rest, check_slice, slices
from bench.truth.rows import Tally
from bench.truth.warehouse import Warehouse
from connectors.simulator.burst import BurstPlan
from sinks.clickhouse.config import EMBEDDED

LEAST_SLICES = 4
"""With fewer, starting a process takes longer than it saves."""

LINKED_OCTETS = 65_536
LOOK_SECS = 0.5

_done: Synchronized[int]
"""In a process of the pool: meters that all of them have looked at."""


def check_dsn(dsn: str, plan: BurstPlan, numbers: range, progress: Callable[[int, int], None]) -> dict[str, Tally]:
    """As `bench.truth.check.check`, of the warehouse at `dsn`, which nothing may have open."""
    shares = _shares(list(slices(plan, numbers)), len(os.sched_getaffinity(0)))
    if len(shares) > 1 and dsn.startswith(EMBEDDED):
        part = _by_processes(Path(dsn.removeprefix(EMBEDDED)), plan, numbers, shares, progress)
    else:
        part = _share(dsn, plan, numbers, list(chain.from_iterable(shares)), lambda count: None)
    with closing(Warehouse(dsn)) as warehouse:
        found = check_rest(warehouse, plan, part)
    progress(plan.meters, plan.meters)
    return found


def _shares(every: list[range], processes: int) -> list[list[range]]:
    count = processes if len(every) >= LEAST_SLICES else 1
    return [every[len(every) * share // count : len(every) * (share + 1) // count] for share in range(count)]


def _by_processes(
    folder: Path, plan: BurstPlan, numbers: range, shares: list[list[range]], progress: Callable[[int, int], None]
) -> Part:
    # Not forked: threads of the warehouse and of Kafka's clients may be running here.
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    with (
        tempfile.TemporaryDirectory(prefix="truth-", dir=folder.parent, ignore_cleanup_errors=True) as temporary,
        ProcessPoolExecutor(len(shares), context, initializer=_begin, initargs=(done,)) as pool,
    ):
        futures = []
        for number, share in enumerate(shares):
            own = linked(folder, Path(temporary) / str(number))
            futures.append(pool.submit(_share, f"{EMBEDDED}{own}", plan, numbers, share, _count))
        while wait(futures, LOOK_SECS).not_done:
            progress(done.value, plan.meters)
        whole = Part.empty(plan, numbers)
        for future in futures:
            whole.add(future.result())
    return whole


def linked(folder: Path, copy: Path) -> Path:
    """A copy of a warehouse's folder; large files are the same ones under a second name."""
    shutil.copytree(folder, copy, copy_function=_link_or_copy, symlinks=True)
    return copy


def _link_or_copy(source: str, target: str) -> None:
    if Path(source).stat().st_size >= LINKED_OCTETS:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _begin(done: Synchronized[int]) -> None:
    global _done
    _done = done


def _count(meters: int) -> None:
    with _done.get_lock():
        _done.value += meters


def _share(dsn: str, plan: BurstPlan, numbers: range, share: list[range], count: Callable[[int], None]) -> Part:
    part = Part.empty(plan, numbers)
    with closing(Warehouse(dsn)) as warehouse:
        for meters in share:
            check_slice(warehouse, plan, numbers, meters, part)
            count(len(meters))
    return part
