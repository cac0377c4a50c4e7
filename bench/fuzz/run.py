"""The run: a child process decodes, is watched, started again where it ended, and what ended it is narrowed.

The state is a JSON file: what has been done is not done again. A batch that ends the child, or takes longer than the
case allows, is offered once more frame by frame, so that the frame is named, and left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.fuzz.case import FuzzCase
from bench.fuzz.child import Order
from bench.fuzz.kinds import KIND_OF
from bench.throughput.drain import Progress
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.errors import ConfigError, Fatal
from pipeline.jit import sources_stamp

SAVE_BATCHES = 25
STARTING_SECS = 900.0
"""Until the first batch is begun and done: kernels may be compiled first."""
MOST_FAULTS = 50
ROOT = Path(__file__).parents[2]
CHECKED_CACHE = ROOT / ".kvarn" / "checked"
"""Where kernels that check their indices are kept: apart, for they must not be taken for the others."""
ENDED, SILENT = "ended", "silent"
REACH_BATCH = 250


@dataclass
class State:
    """What is done so far. cells: (kind, code) -> frames; sources: stamps of the decoders that did it.

    lane: frames that the decoder for single frames read, lane_taken: those of them that were taken.
    timed: frames that the seconds are of; the first batch of a process, which loads or compiles kernels, is not timed.
    """

    seed: int
    batch: int
    checked: bool
    next: int = 0
    frames: int = 0
    octets: int = 0
    rows: int = 0
    compared: int = 0
    lane: int = 0
    lane_taken: int = 0
    seconds: float = 0.0
    timed: int = 0
    making_secs: float = 0.0
    decoding_secs: float = 0.0
    slowest_secs: float = 0.0
    restarts: int = 0
    cells: Counter[tuple[int, int]] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return {**vars(self), "cells": [[*cell, count] for cell, count in sorted(self.cells.items())]}

    def add(self, line: dict[str, Any], *, timed: bool) -> None:
        """Count a batch in."""
        self.frames, self.octets = self.frames + line["frames"], self.octets + line["octets"]
        self.rows, self.compared = self.rows + line["rows"], self.compared + line["compared"]
        self.lane, self.lane_taken = self.lane + line["lane"][0], self.lane_taken + line["lane"][1]
        if timed:
            making, decoding = line["secs"]
            self.making_secs, self.decoding_secs = self.making_secs + making, self.decoding_secs + decoding
            self.timed, self.slowest_secs = self.timed + line["frames"], max(self.slowest_secs, decoding)
        self.cells.update({(kind, code): count for kind, code, count in line["cells"]})
        self.faults = (self.faults + line["broken"])[:MOST_FAULTS]


def read_state(file: Path | None, case: FuzzCase, *, checked: bool) -> State:
    """What `file` has, or a beginning; raises ConfigError when it is of another run."""
    state = State(case.seed, case.batch_frames, checked)
    if file is not None and file.exists():
        said = json.loads(file.read_text(encoding="utf-8"))
        known = {name: said.get(name) for name in ("seed", "batch", "checked")}
        if known != {"seed": case.seed, "batch": case.batch_frames, "checked": checked}:
            raise ConfigError("SERIES_OTHER", where=str(file), what=f"it is of {known}", do="name another file")
        cells = Counter({(kind, code): count for kind, code, count in said.pop("cells")})
        state = State(**said, cells=cells)
    stamp = decoder_stamp()
    if stamp not in state.sources:
        state.sources.append(stamp)
    return state


def decoder_stamp() -> str:
    """Says which sources of the decoder and of the frames these are."""
    stamps = sources_stamp(ROOT / "agents" / "decode" / "step.py", ROOT) + sources_stamp(Path(__file__), ROOT)
    return hashlib.sha256(stamps.encode()).hexdigest()[:12]


def write_state(file: Path | None, state: State) -> None:
    """Put the state in the place of the one before at once."""
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(state.as_json()), encoding="utf-8")
    beside.replace(file)


class Child:
    """A child process and the lines that it says."""

    def __init__(self, order: Order, *, checked: bool) -> None:
        environment = dict(os.environ)
        if checked:
            environment |= {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(CHECKED_CACHE)}
        command = [sys.executable, "-m", "bench.fuzz.child", order.model_dump_json()]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._said: list[str] = []
        ways = ((self._lines.put, self.process.stdout), (self._said.append, self.process.stderr))
        self._readers = [threading.Thread(target=_read, args=(stream, take), daemon=True) for take, stream in ways]
        for reader in self._readers:
            reader.start()

    def line(self, secs: float) -> dict[str, Any] | None:
        """The next line; None when the process has ended. Raises TimeoutError when it says nothing for so long."""
        try:
            found = self._lines.get(timeout=secs)
        except queue.Empty as error:
            raise TimeoutError from error
        return json.loads(found) if found else None

    def end(self) -> str:
        """End it, if it has not ended; how it ended."""
        if self.process.poll() is None:
            self.process.kill()
        code = self.process.wait()
        for reader in self._readers:
            reader.join()
        tail = "".join(self._said[-3:]).strip().replace("\n", " | ")
        return f"exit code {code}" + (f": {tail}" if tail else "")


def _read(stream: Any, take: Any) -> None:
    with stream:
        for line in stream:
            take(line)
    take("")


@contextmanager
def child(order: Order, *, checked: bool) -> Iterator[Child]:
    """A child that is ended."""
    found = Child(order, checked=checked)
    try:
        yield found
    finally:
        found.end()


def fuzz(case: FuzzCase, file: Path | None, progress: Progress, *, checked: bool = False) -> State:
    """Frames from where the state of `file` ends up to the case's number, in whole batches."""
    state = read_state(file, case, checked=checked)
    while state.next < case.frames:
        _stretch(case, state, file, progress)
    write_state(file, state)
    return state


def _stretch(case: FuzzCase, state: State, file: Path | None, progress: Progress) -> None:
    """As far as one child comes."""
    order = Order(
        seed=case.seed, batch=case.batch_frames, first=state.next, frames=case.frames - state.next,
        oracle_batches=case.oracle_batches, lane_octets=case.lane_octets, lane_batches=case.lane_batches,
    )  # fmt: skip
    allowed, done = STARTING_SECS, 0
    begun, began, earlier = state.next, time.monotonic(), state.seconds
    with child(order, checked=state.checked) as running:
        while True:
            try:
                line = running.line(allowed)
            except TimeoutError:
                _narrow(case, state, begun, f"{SILENT} for {allowed:g} s")
                break
            if line is None:
                ended = running.end()
                if state.next < case.frames:
                    _narrow(case, state, begun, f"{ENDED}, {ended}")
                break
            if "begin" in line:
                begun = line["begin"]
                continue
            allowed, done = case.batch_secs, done + 1
            state.add(line, timed=done > 1)
            state.seconds = round(earlier + time.monotonic() - began, 1)
            state.next = line["first"] + line["frames"]
            progress("frames", min(state.next, case.frames), case.frames)
            if done % SAVE_BATCHES == 0:
                write_state(file, state)
    write_state(file, state)


def _narrow(case: FuzzCase, state: State, first: int, how: str) -> None:
    """Offer the frames of a batch one by one; note the one that ends the child, or all of them; go on behind."""
    count = min(case.batch_frames, case.frames - first)
    order = Order(seed=case.seed, batch=case.batch_frames, first=first, frames=count, singly=True)
    frame, allowed = -1, STARTING_SECS
    with child(order, checked=state.checked) as running:
        while True:
            try:
                line = running.line(allowed)
            except TimeoutError:
                break
            if line is None:
                frame = -1 if frame == first + count - 1 and running.process.wait() == 0 else frame
                break
            frame, allowed = line.get("begin", frame), case.batch_secs
    what = f"{how}; batch of frames {first} to {first + count - 1}"
    state.faults = [*state.faults, {"law": "alive", "frame": frame, "what": what}][:MOST_FAULTS]
    state.restarts += 1
    state.next = first + count


def alone(case: FuzzCase, frame: int, *, checked: bool) -> dict[str, Any]:
    """Frame `frame` made again and decoded alone, in a process of its own; raises Fatal when that ends or hangs."""
    order = Order(seed=case.seed, batch=case.batch_frames, first=frame, frames=1, singly=True, shown=True)
    with child(order, checked=checked) as running:
        try:
            lines = [running.line(STARTING_SECS) for _ in range(2)]
        except TimeoutError:
            lines = [None]
        if None in lines:
            raise Fatal("FUZZ_FAILED", where=f"frame {frame}", what=running.end(), do="look at the decoder")
    said = lines[1]
    assert said is not None
    (kind, code, _), shown = said["cells"][0], said["shown"]
    return {
        "frame": frame, "seed": case.seed, "layer": KIND_OF[kind].layer, "kind": KIND_OF[kind].name,
        "device": shown["device"], "service_point": shown["service_point"], "octets": shown["octets"],
        "verdict": "taken" if code == 0 else REJECT_BY_NUMBER[code].code, "rows": said["rows"],
        "broken": said["broken"],
    }  # fmt: skip


def reach(case: FuzzCase) -> dict[str, Any]:
    """What `bench.fuzz.reach` says of some frames of the seed, in small batches so that all settings come."""
    with tempfile.TemporaryDirectory(prefix="kvarn-fuzz-") as folder:
        file = Path(folder) / "frames.npz"
        order = Order(seed=case.seed, batch=REACH_BATCH, first=0, frames=case.reach_frames, saved=file)
        _ran([sys.executable, "-m", "bench.fuzz.child", order.model_dump_json()], {})
        said = _ran([sys.executable, "-W", "ignore", "-m", "bench.fuzz.reach", str(file)], {"NUMBA_DISABLE_JIT": "1"})
    found: dict[str, Any] = json.loads(said)
    return found


def _ran(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fatal("FUZZ_FAILED", where=command[3], what=done.stderr.strip()[-500:], do="look at the decoder")
    return done.stdout
