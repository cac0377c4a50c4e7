"""One kill and what followed, in seconds from the kill."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.recovery.paced import PacedFeed
from bench.recovery.tail import Tail
from bench.throughput.watch import Moment, Watch
from cli.processes.children import Processes

LOOK_SECS = 0.1
SETTLE_SECS = 0.5
"""What a part had handed over before it died has come by then, and no new process is up as soon as that."""

CALM_SECS = 10.0
"""The lag before the kill is its highest of so long: it rises and falls with each checkpoint."""


@dataclass
class Restart:
    """Seconds from the kill; None: not seen.

    first_output: an output of a record that had none before; for other parts than the worker of frames, the first
    position committed beyond those from before. first_copy: an output made again. processed: the records that wait for
    their outputs are as few as before; committed: those behind the group's position too. lag_gone: both.
    """

    part: str
    first_output: float | None = None
    first_copy: float | None = None
    processed: float | None = None
    committed: float | None = None
    copies: int = 0
    waiting: int = 0
    """Most records that waited."""
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def lag_gone(self) -> float | None:
        """Seconds until both lags are as before."""
        known = [secs for secs in (self.processed, self.committed) if secs is not None]
        return max(known) if self.committed is not None and len(known) == 2 else None

    def as_json(self) -> dict[str, Any]:
        """For the figures."""
        return asdict(self) | {"lag_gone": self.lag_gone}


@dataclass
class Scene:
    """What runs."""

    processes: Processes
    commands: dict[str, list[str]]
    watch: Watch
    feed: PacedFeed
    tail: Tail
    frames_reader: str
    """The part that makes the outputs that the tail reads."""

    def waiting(self) -> int:
        """Records of the log that no output was seen of yet."""
        return sum(end - 1 - applied for end, applied in zip(self.feed.ends, self.tail.applied, strict=True))

    def look(self) -> Moment:
        """Everybody alive, and how far all are."""
        self.processes.check()
        self.feed.check()
        return self.watch.look()


def calm(scene: Scene, part: str, secs: float, progress: Callable[[int, int], None]) -> tuple[int, int]:
    """(most records waiting for outputs, largest lag of the part) of the last seconds of steady load.

    A record a partition is no lag: between two looks one comes anyway.
    """
    begin, waiting, lag = time.monotonic(), len(scene.feed.ends), len(scene.feed.ends)
    while (past := time.monotonic() - begin) < secs:
        moment = scene.look()
        if past > secs - CALM_SECS:
            waiting, lag = max(waiting, scene.waiting()), max(lag, moment.lag[part])
        progress(int(past), int(secs))
        time.sleep(LOOK_SECS)
    return waiting, lag


def kill(scene: Scene, part: str, before: tuple[int, int], most_secs: float) -> Restart:
    """Kill a part, start it again at once, and look on until the lag is what it was."""
    done, log = Restart(part), scene.processes.logs / f"{part}.log"
    read, copies = log.stat().st_size, scene.tail.copies
    process = scene.processes.running.pop(part)
    process.send_signal(signal.SIGKILL)
    killed, killed_at = time.monotonic(), time.time()
    process.wait()
    scene.processes.start(part, scene.commands[part])
    time.sleep(SETTLE_SECS)
    scene.tail.arm()
    position = scene.watch.look().done[part]
    while done.lag_gone is None:
        moment, past = scene.look(), time.monotonic() - killed
        _note(done, scene, moment, position, before, past)
        done.waiting = max(done.waiting, scene.waiting())
        if past > most_secs:
            # Given up: at least so long.
            done.first_output, done.processed, done.committed = done.first_output or past, past, past
        time.sleep(LOOK_SECS)
    if part == scene.frames_reader and scene.tail.first_new_at:
        done.first_output = scene.tail.first_new_at - killed
        done.first_copy = scene.tail.first_copy_at - killed if scene.tail.first_copy_at else None
    done.copies = scene.tail.copies - copies
    done.phases = phases(log, read, killed_at)
    return done


def _note(
    done: Restart, scene: Scene, moment: Moment, position: int, before: tuple[int, int], past: float
) -> None:  # fmt: skip
    part = done.part
    mine = part == scene.frames_reader
    begun = scene.tail.first_new_at > 0 if mine else moment.done[part] > position
    if not begun:
        return
    done.first_output = done.first_output or past
    if done.processed is None and (not mine or scene.waiting() <= before[0]):
        done.processed = past
    if done.committed is None and moment.lag[part] <= before[1]:
        done.committed = past


def phases(log: Path, begin: int, since: float) -> dict[str, float]:
    """Event -> seconds from the kill to its last line in the part's log (JSON lines), from octet `begin` on."""
    found: dict[str, float] = {}
    with log.open("rb") as file:
        file.seek(begin)
        for line in file:
            try:
                said = json.loads(line)
                at = datetime.fromisoformat(said["timestamp"]).timestamp()
            except (ValueError, KeyError, TypeError):
                continue
            found[said["event"]] = round(at - since, 2)
    return found
