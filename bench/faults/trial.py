"""One trial: a full log, drained by the real processes under one fault, then compared with the generator's truth.

1. versions and a first interval are taken in and the parts stop cleanly, as in the throughput case
2. the frames are written
3. the parts drain them while the disturbance goes on; whoever ends as planned is started again
4. everything stops cleanly; the warehouse (base tables, without FINAL) is compared with what the generator's formulas
   say, the raw topics with themselves
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from bench.case import Case, Load
from bench.faults.audit import Audit, audit
from bench.faults.kinds import BY_NAME, Kind
from bench.faults.mutants import BY_NAME as MUTANTS
from bench.faults.parts import Parts
from bench.faults.scene import SESSION_SECS, Scene
from bench.faults.ways import WAYS
from bench.faults.ways.base import Disturbance
from bench.throughput.drain import MASTER_KEY, Drain, Progress
from bench.throughput.watch import Moment, Watch
from bench.truth.check import check
from bench.truth.warehouse import Warehouse
from cli.deployment import prepare
from cli.processes.children import Processes
from cli.run import parts
from pipeline.errors import Fatal, KvarnError, Transient

LOOK_SECS = 0.2
BROKER_SECS = 1.0
STUCK_SECS = 150.0
"""Nothing was done for so long: longer than any fault lasts, and a restart after it."""


@dataclass(frozen=True)
class Trial:
    """What is done: a fault by name, `count` times, at moments of `seed`; `mutant`: with that guarantee left out."""

    fault: str
    seed: int
    count: int
    mutant: str = ""

    @property
    def name(self) -> str:
        """It has one result in a series."""
        return f"{self.mutant or self.fault}/{self.seed}/{self.count}"

    @property
    def kind(self) -> Kind:
        """The fault; a mutant has one of its own."""
        return MUTANTS[self.mutant].under if self.mutant else BY_NAME[self.fault]

    def command(self, command: Sequence[str]) -> list[str]:
        """The command of a part, python -m cli.main ..., as this trial starts it."""
        return [command[0], "-m", "bench.faults.mutant", self.mutant, *command[3:]] if self.mutant else list(command)


@dataclass
class Result:
    """What came of it: rows of the warehouse that are missing, too many, or other than they must be; copies and
    conflicts on the raw topics; what is counted apart and no fault; seconds from each fault to the next progress."""

    trial: str
    fault: str
    seed: int
    tries: int = 0
    moments: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    different: int = 0
    copies: int = 0
    conflicts: int = 0
    apart: dict[str, int] = field(default_factory=dict)
    recovery_s: list[float] = field(default_factory=list)
    examples: list[Any] = field(default_factory=list)
    error: str = ""

    @property
    def ok(self) -> bool:
        """Nothing lost, doubled or different, and the trial came to its end."""
        return not (self.error or self.lost or self.doubled or self.different or self.conflicts) and self.tries > 0

    def as_json(self) -> dict[str, Any]:
        """One line of a series."""
        return asdict(self) | {"ok": self.ok}


def run_trial(trial: Trial, case: Case, load: Load, file: Path, folder: Path, progress: Progress) -> Result:
    """Carry a trial out; what ends it early is its `error`."""
    result = Result(trial.name, trial.fault, trial.seed)
    way = WAYS[trial.kind.way]
    drain = Drain(case, load, file, folder, progress, way.services, way.settings(folder))
    with drain.open():
        drain.environment |= {"KVARN_SESSION_SECS": str(SESSION_SECS), "KVARN_CHECKPOINT_SECS": "1"}
        scene = _scene(trial, drain)
        fault = way(scene)
        try:
            fault.prepare()
            raw = _under_fault(scene, fault, result)
        except (KvarnError, KafkaException) as error:
            result.error = str(error)
            return result
        finally:
            fault.close()
    result.copies, result.conflicts = raw.copies, len(raw.conflicts)
    result.examples += raw.conflicts[:5]
    _compare(result, drain, fault, progress)
    return result


def _scene(trial: Trial, drain: Drain) -> Scene:
    assert drain.plan is not None
    takes_part = WAYS[trial.kind.way].takes_part
    commands = {
        name: trial.command(command)
        for name, command in parts(drain.plan, drain.file).items()
        if takes_part(name, drain.plan)
    }
    return Scene(trial.kind, trial.seed, trial.count, drain, commands)


def _under_fault(scene: Scene, fault: Disturbance, result: Result) -> Audit:
    drain, plan, names = scene.drain, scene.plan, [name for name in scene.commands if "#" not in name]
    contracts = prepare(plan)
    feed = drain.feed(plan, contracts)
    with Processes(drain.folder / "logs", drain.environment) as processes:
        calm = Parts(processes, scene.commands, environment=scene.environment)
        feed.open(drain.folder / "keys", MASTER_KEY)
        calm.start_all(names)
        _drain(calm, scene, None)
        calm.stop_all()
        result.frames = fault.feed(feed, lambda done, total: drain.progress("frames into Kafka", done, total))
        disturbed = Parts(processes, scene.commands, fault.plans, environment=scene.environment)
        disturbed.start_all(names)
        begin = time.monotonic()
        fault.begin(disturbed)
        try:
            result.recovery_s = _drain(disturbed, scene, fault)
            fault.end(disturbed)
            while not disturbed.stop_all():
                _drain(disturbed, scene, fault, begun=True)
        finally:
            result.seconds = round(time.monotonic() - begin, 1)
            result.tries, result.moments = fault.done.tries, dict(fault.done.moments)
            result.apart, result.lost = dict(fault.done.apart), fault.done.lost
            fault.close()
    return audit(plan, contracts)


@dataclass
class Recoveries:
    """Seconds from each fault to the next that the disturbed part had to show."""

    secs: list[float] = field(default_factory=list)
    _since: float | None = None
    _made: int = 0
    _known: int = 0

    def look(self, now: Moment, fault: Disturbance | None) -> None:
        """Take in how far all parts are. What a part made before its fault may be seen in the first look after it."""
        if fault is None:
            return
        made = fault.made(now)
        if len(fault.done.at) > self._known:
            self._known, self._since, self._made = len(fault.done.at), fault.done.at[-1], made
        elif self._since is not None and made > self._made:
            self.secs.append(round(time.monotonic() - self._since, 2))
            self._since = None


def _drain(parts_: Parts, scene: Scene, fault: Disturbance | None, *, begun: bool = False) -> list[float]:
    """Until nothing is left to do; seconds from each fault to the next progress of the disturbed part."""
    drain, logs = scene.drain, scene.services.settings.folder("kafka") / "logs"
    moved, recoveries = time.monotonic(), Recoveries()
    with closing(Watch(scene.services.kafka, scene.plan, {}, logs)) as watch:
        before = last = watch.look()
        total = max(sum(before.lag.values()), 1)
        while True:
            time.sleep(LOOK_SECS)
            if fault is not None:
                fault.step(parts_)
            else:
                parts_.processes.check()
            now = _look(watch) or last
            recoveries.look(now, fault)
            if now.made != last.made or now.lag != last.lag:
                moved = time.monotonic()
            last = now
            drain.progress(f"drain, faults {fault.done.tries if fault else 0}", total - sum(now.lag.values()), total)
            if now.idle and (begun or now.written > before.written) and (fault is None or fault.calm):
                return recoveries.secs
            if time.monotonic() - moved > STUCK_SECS:
                raise Fatal("TRIAL_STUCK", where="drain", what=f"lag {dict(now.lag)}", do="see the logs in "
                            f"{parts_.processes.logs}")  # fmt: skip


def _look(watch: Watch) -> Moment | None:
    """None while the broker does not answer: asking must not keep it from being started again."""
    try:
        return watch.look(BROKER_SECS)
    except (Transient, KafkaException):
        return None


def _compare(result: Result, drain: Drain, fault: Disturbance, progress: Progress) -> None:
    load = drain.load
    with closing(Warehouse(fault.warehouse)) as warehouse:
        tallies = check(
            warehouse, load.plan(1), load.numbers, lambda done, total: progress("truth", done, total),
            fault.further_rejects,
        )  # fmt: skip
    for table, tally in tallies.items():
        result.rows += tally.rows
        result.lost += tally.missing
        result.doubled += tally.unexpected
        result.different += tally.other
        result.examples += [{"table": table, **example} for example in tally.examples]
