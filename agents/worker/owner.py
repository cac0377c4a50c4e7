"""One source partition in the hands of this process: restored, worked on, copied for checkpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Semaphore

import structlog

from agents.worker.deaths import Deaths
from agents.worker.fuse import Fuse, counted, weight_of
from agents.worker.killers import DETAIL, killers
from agents.worker.outlet import Outlet
from agents.worker.poison import NOT_POISON, OF_THE_MACHINE, only, others, reported, take_without_poison
from agents.worker.settings import WorkerSettings
from agents.worker.trial import Trial, suspect
from agents.worker.unreadable import RECORD_FRAMES, put_aside
from agents.worker.vault import Vault
from pipeline.batch import FrameBatch
from pipeline.checkpoint import Head, Progress, check_log
from pipeline.errors import Fatal
from pipeline.runtime.chain import Chain, Outputs, Prepared
from pipeline.runtime.moments import Moments
from pipeline.runtime.saved import ChainCopy, Place, Saved, copy_chain, nothing_saved, restore_chain
from pipeline.step import Origin, Parcel, Step
from pipeline.topology.plan import ChainPlan
from pipeline.wire import Contracts

log = structlog.get_logger("kvarn.worker")

AGAIN_SECS = 0.02


@dataclass(frozen=True)
class Work:
    """What all owners of a process share."""

    plan: ChainPlan
    steps: tuple[Step, ...]
    prepared: Prepared
    contracts: Contracts
    source_id: str
    settings: WorkerSettings
    outlet: Outlet
    fuse: Fuse
    phases: Moments
    restoring: Semaphore
    deaths: Deaths = field(default_factory=Deaths)

    def place(self, partition: int) -> Place:
        """A partition of the source."""
        return Place(self.plan, self.steps, self.prepared, self.contracts, self.source_id, partition)


class Owner:
    """`open` and `write` run on the vault's threads, `apply` and `copy` on the thread of the steps."""

    chain: Chain
    saved: Saved
    progress: Progress

    def __init__(self, work: Work, partition: int) -> None:
        self.partition = partition
        self.busy_secs = 0.0
        self.saved_at = self.alive_at = time.monotonic()
        self.at_rest = Event()
        self.at_rest.set()
        self._work = work
        self._place = work.place(partition)
        self._vault = Vault(work.plan, work.settings, partition, work.phases)
        self._careful = False

    def open(self) -> None:
        """Fence the owner before, restore the checkpoint, hold it against the log; Fatal when it does not fit."""
        begin = time.monotonic()
        self._vault.fence()
        self._work.phases.reach("in-restore")
        fenced = time.monotonic()
        with self._work.restoring:
            free = time.monotonic()
            self._restore()
        self.progress = Progress(self.chain.position.applied, self.chain.position.applied)
        self._work.deaths.passed(self.partition, self.progress.applied)
        log.info(
            "restored", chain=self._work.plan.name, partition=self.partition, applied=self.progress.applied,
            secs=round(time.monotonic() - free, 3), fence_secs=round(fenced - begin, 3),
            wait_secs=round(free - fenced, 3),
        )  # fmt: skip

    def _restore(self, sequence: int = 0) -> None:
        head, records = self._read(sequence)
        low, high, committed = self._vault.log()
        where = f"{self._work.plan.name}/{self.partition}"
        if head is not None:
            self.chain, self.saved = restore_chain(self._place, head, records)
            check_log(self.chain.position.applied, low, high, where)
        elif records or (committed is not None and committed > low):
            raise Fatal(
                "STATE_LOST", where=where, what=f"no checkpoint, though the group has worked up to offset {committed}",
                do="restore the state topic, or delete the group's offsets to begin anew from the log",
            )  # fmt: skip
        else:
            if committed is not None:
                check_log(committed - 1, low, high, where)
            self.chain, self.saved = self._place.fresh(low - 1), nothing_saved(self._place)

    def _read(self, sequence: int) -> tuple[Head | None, dict[bytes, bytes]]:
        """The last checkpoint, number `sequence` at least: the broker shows one a moment after it has taken it."""
        deadline = time.monotonic() + self._work.settings.broker_secs
        while True:
            raw, records = self._vault.read()
            head = None if raw is None else Head.from_bytes(raw)
            if sequence <= (0 if head is None else head.sequence) or time.monotonic() > deadline:
                return head, records
            time.sleep(AGAIN_SECS)

    def apply(self, offset: int, raw: bytes | None, at: float = 0.0) -> None:
        """Take the next record on and hand its outputs to the producer; a copy does nothing.

        at: when it was written, epoch seconds; 0 where that is not known.
        """
        begin = time.perf_counter()
        if not self.progress.admit(offset):
            return
        outputs, frames = self._outputs(offset, raw)
        self._work.phases.reach("in-batch")
        for output in outputs:
            self._work.outlet.send(output, at)
            self._work.phases.reach("in-outputs")
        self._work.outlet.poll(0)
        self.progress.apply(offset)
        if frames:
            self._work.fuse.count(frames, sum(weight_of(output) for output in outputs))
        self.busy_secs += time.perf_counter() - begin

    def _outputs(self, offset: int, raw: bytes | None) -> tuple[Outputs, int]:
        """What a record gives rise to, and how many frames it counts for."""
        raw = raw or b""  # of a record without a value
        try:
            parcel = self.chain.read(raw, self._work.source_id, self.partition, offset)
        except OF_THE_MACHINE:
            raise
        except Exception as error:
            outputs = put_aside(self.chain, Origin(self._work.source_id, self.partition, offset), raw, error)
            log.warning("unreadable record", partition=self.partition, offset=offset, exc_info=error)
            return outputs, RECORD_FRAMES
        frames = counted(parcel)
        return self._take(offset, parcel), frames

    def _take(self, offset: int, parcel: Parcel) -> Outputs:
        deaths = self._work.deaths
        bad = self._killers(offset, parcel) if deaths.suspected(self.partition, offset) else []
        if not bad:
            outputs = self._advance(offset, parcel)
            deaths.forget(self.partition, offset)
            return outputs
        assert isinstance(parcel.batch, FrameBatch)
        # Not forgotten: after a restart it comes again, until a checkpoint has it.
        outputs = self._advance(offset, only(parcel, others(parcel.batch, bad)))
        return reported(self.chain, parcel, outputs, bad, DETAIL)

    def _killers(self, offset: int, parcel: Parcel) -> list[int]:
        """Frames of a record at which the process died before, found in a process that may die of them."""
        log.warning("record on trial", partition=self.partition, offset=offset)
        with Trial(suspect(self._place, self.chain, parcel), self._work.settings.trial_secs, self._breathe) as trial:
            bad = killers(parcel, trial.survives)
        log.warning("record tried", partition=self.partition, offset=offset, killers=bad)
        return bad

    def _breathe(self) -> None:
        self.alive_at = time.monotonic()

    def _advance(self, offset: int, parcel: Parcel) -> Outputs:
        """Noted as under way: if the process dies here, the next start knows at which record."""
        if self._careful:
            return self._take_carefully(offset, parcel)
        self._work.deaths.enter(self.partition, offset)
        try:
            outputs = self.chain.advance(parcel)
        except NOT_POISON:
            raise
        except Exception as error:
            log.warning("step failed", partition=self.partition, offset=offset, exc_info=error)
            self._rebuild(offset)
            return self._take_carefully(offset, parcel)
        finally:
            self._work.deaths.leave()
        self.chain.position.applied = offset
        return outputs

    def _take_carefully(self, offset: int, parcel: Parcel) -> Outputs:
        """Apply to a copy of the state, so that a record that fails has changed nothing."""
        after = self.chain.twin()
        self._work.deaths.enter(self.partition, offset)
        try:
            outputs = after.advance(parcel)
        except NOT_POISON:
            raise
        except Exception as error:
            after, outputs = take_without_poison(self.chain, parcel, error)
            log.warning("poison", partition=self.partition, offset=offset, exc_info=error)
        finally:
            self._work.deaths.leave()
        after.position.applied = offset
        self.chain = after
        return outputs

    def _rebuild(self, offset: int) -> None:
        """The state before `offset` again: a step that failed has left the working state half changed.

        From here to the next checkpoint each record is tried on a copy: poison comes in bursts.
        """
        # A checkpoint on its way names pages of the state that is dropped here.
        if not self.at_rest.wait(self._work.settings.broker_secs):
            raise Fatal(
                "CHECKPOINT_SLOW", where=f"{self._work.plan.name}/{self.partition}", what="a checkpoint did not end",
                do="check the broker",
            )  # fmt: skip
        self._careful = True
        self._restore(self.saved.sequence)
        if self.chain.position.applied != self.progress.saved:
            raise Fatal(
                "STATE_OTHER", where=f"{self._work.plan.name}/{self.partition}",
                what=f"the checkpoint is at {self.chain.position.applied}, not at {self.progress.saved}",
                do="nothing: the next start goes on from it",
            )  # fmt: skip
        for place, raw in self._vault.replay(self.chain.position.applied + 1, offset):
            # Their outputs were sent the first time.
            self._outputs(place, raw)

    def copy(self) -> ChainCopy:
        """What a checkpoint writes, as of now; the outputs up to here are closed with it."""
        self.at_rest.clear()
        copy = copy_chain(self._place, self.chain, self.saved)
        self.progress.copied(self._work.outlet.mark())
        self.busy_secs, self.saved_at, self._careful = 0.0, time.monotonic(), False
        return copy

    def write(self, copy: ChainCopy) -> None:
        """Write a copy in one transaction; raises Fatal when another owner has fenced this one."""
        self._vault.write(copy.records())
