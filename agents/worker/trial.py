"""A process in which frames are tried that may kill it.

The process gets the state before a record and the record, and makes a child of itself for each trial, so that the state
is handed over once. It is started anew and not split off from the worker, which has threads. Keys are among what it
gets: they go through a pipe, never to disk.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import resource
import select
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from agents.worker.poison import only
from pipeline.errors import Fatal
from pipeline.runtime.chain import Chain, Position, Prepared
from pipeline.runtime.saved import Place
from pipeline.state import StateStore
from pipeline.step import Parcel

LIVED = b"lived"
START_SECS = 300.0
"""For the start of the process and the way of the state there."""
GRACE_SECS = 30.0
LOOK_SECS = 1.0
TRIES = 2
"""A child may also die of what else goes on here, of want of memory or time: once is no verdict."""


class Handed(Prepared):
    """Derived tables made elsewhere, by the versions that they are of."""

    def __init__(self, tables: list[tuple[dict[str, str], tuple[Any, ...]]]) -> None:
        self._tables = tables

    def of(self, versions: Mapping[str, str]) -> tuple[Any, ...]:
        """The tables of these versions, which must be among those handed over."""
        return next(tables for known, tables in self._tables if known == versions)


@dataclass(frozen=True)
class Suspect:
    """A record, and the chain as before it, in a form that goes from process to process."""

    place: Place
    stores: tuple[StateStore, ...]
    position: Position
    parcel: Parcel

    def chain(self) -> Chain:
        """The chain before the record."""
        return self.place.chain(self.stores, self.position)


def suspect(place: Place, chain: Chain, parcel: Parcel) -> Suspect:
    """`parcel` as the record to try, with `chain` as before it."""
    versions = [chain.position.versions]
    if parcel.control is not None:
        versions.append({**versions[0], **parcel.control.versions})
    handed = Handed([(dict(one), place.prepared.of(one)) for one in versions])
    return Suspect(replace(place, prepared=handed), chain.stores, chain.position, parcel)


class Trial:
    """The process from the worker's side; `alive` is called again and again while it is waited for."""

    def __init__(self, record: Suspect, secs: float, alive: Callable[[], None] = lambda: None) -> None:
        origin = record.parcel.origin
        self._where = f"{record.place.plan.name}, partition {origin.partition}, offset {origin.offset}"
        self._record, self._secs, self._alive = record, secs, alive
        ways = multiprocessing.get_context("spawn")
        self._pipe, self._theirs = ways.Pipe()
        self._process = ways.Process(target=serve, args=(self._theirs,), daemon=True)

    def __enter__(self) -> Trial:
        try:
            self._process.start()
            self._theirs.close()
            _send(self._pipe, self._record)
            self._answer(START_SECS)
        except BaseException as error:
            self._end()
            if isinstance(error, OSError):
                raise self._failed(str(error)) from error
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def survives(self, frames: list[int]) -> bool:
        """Whether a process comes through the record without its other frames, in time; raises Fatal when it cannot be
        found out."""
        try:
            self._pipe.send((frames, self._secs))
        except OSError as error:
            raise self._failed(str(error)) from error
        return bool(self._answer(TRIES * self._secs + GRACE_SECS))

    def _answer(self, secs: float) -> Any:
        deadline = time.monotonic() + secs
        while not self._pipe.poll(LOOK_SECS):
            self._alive()
            if time.monotonic() > deadline:
                raise self._failed("it gives no answer")
        self._alive()
        try:
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._failed("it ended") from error

    def _end(self) -> None:
        self._pipe.close()
        if self._process.pid is not None:
            self._process.kill()
            self._process.join()
        self._process.close()

    def _failed(self, what: str) -> Fatal:
        return Fatal(
            "TRIAL_FAILED", where=self._where, what=f"the process in which frames are tried: {what}",
            do="look for a want of memory: it holds the partition's state once more; the next start tries again",
        )  # fmt: skip


def serve(pipe: Connection) -> None:
    """The process: takes a record in, then answers questions until the other side is gone."""
    # A Ctrl-C or a stop of the whole group is the worker's business: here it would look like the death of a frame.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # where there is such a file, a want of memory ends this process before the worker
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        record = _receive(pipe)
        chain = record.chain()
        pipe.send(True)
        while True:
            frames, secs = pipe.recv()
            lived = any(_child_lives(pipe, chain, only(record.parcel, frames), secs) for _ in range(TRIES))
            if lived and not frames:
                # Proven to be harmless: run here too, so that each child finds the kernels loaded.
                _advance(chain.twin(), only(record.parcel, frames))
            pipe.send(lived)
    except (EOFError, OSError):
        return


def _child_lives(pipe: Connection, chain: Chain, parcel: Parcel, secs: float) -> bool:
    """Whether a child comes to the end of the parcel in time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        pipe.close()
        os.close(reading)
        _be_tried(chain, parcel, writing)
    os.close(writing)
    try:
        # Not select(): it takes no descriptor above 1023.
        ready = select.poll()
        ready.register(reading, select.POLLIN)
        return bool(ready.poll(secs * 1000)) and os.read(reading, len(LIVED)) == LIVED
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _be_tried(chain: Chain, parcel: Parcel, writing: int) -> NoReturn:
    try:
        _advance(chain, parcel)
        os.write(writing, LIVED)
    finally:
        os._exit(0)


def _advance(chain: Chain, parcel: Parcel) -> None:
    with suppress(Exception):  # these do not end a process: see `agents.worker.poison`
        chain.advance(parcel)


def _send(pipe: Connection, record: Suspect) -> None:
    """State may be large: arrays go one by one, without a copy of all."""
    found: list[pickle.PickleBuffer] = []
    whole = pickle.dumps(record, protocol=5, buffer_callback=found.append)
    arrays = [buffer.raw() for buffer in found]
    pipe.send((whole, [(array.nbytes, array.readonly) for array in arrays]))
    for array in arrays:
        if array.nbytes:
            pipe.send_bytes(array)


def _receive(pipe: Connection) -> Suspect:
    whole, sizes = pipe.recv()
    arrays: list[memoryview] = []
    for size, readonly in sizes:
        room = bytearray(size)
        if size:
            pipe.recv_bytes_into(room)
        # As it was: kernels are compiled for arrays of the one kind or the other.
        arrays.append(memoryview(room).toreadonly() if readonly else memoryview(room))
    record = pickle.loads(whole, buffers=arrays)  # noqa: S301  from the worker, by a pipe of its own
    assert isinstance(record, Suspect)
    return record
