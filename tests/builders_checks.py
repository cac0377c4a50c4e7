"""The checks step with its state, fed with what check meters said and with settlements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.checks.config import ChecksConfig
from agents.checks.limits import Prepared
from agents.checks.step import ChecksStep
from agents.vee.limits import CHANGE
from pipeline.batch import ReadingBatch
from pipeline.columns import empty
from pipeline.localtime import DAY_SECS
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel, Tick
from tests.oracles.checks_oracle import Check, Main, Run

OFFSET = 19_800
FIRST_DAY = 20_000
Latest = dict[tuple[int, int], Run]


def begin(day: int) -> int:
    """Local midnight, epoch seconds UTC."""
    return day * DAY_SECS - OFFSET


def tolerance(permille: int = 10) -> Prepared:
    """Half hours, and one tolerance for all."""
    return Prepared(
        np.array([permille]), np.array([0, 1], np.int32), np.array([(-(2**40), 0)], CHANGE), np.zeros(1, np.uint16),
        np.array([1800]),
    )  # fmt: skip


def batch_of(checks: Sequence[Check] = (), mains: Sequence[Main] = ()) -> ReadingBatch:
    """A batch of both."""
    batch = empty(ReadingBatch)
    batch.check_service_point = np.array([one.point for one in checks], "<u8")
    batch.check_number = np.array([one.number for one in checks], "<u8")
    batch.check_start = np.array([begin(one.day) + 900 * one.quarter for one in checks], "<i8")
    batch.check_secs = np.array([900 * one.quarters for one in checks], "<u4")
    batch.check_present = np.array([one.present for one in checks], "<u1")
    batch.check_energy = np.array([one.wh for one in checks], "<i8")
    count = len(mains)
    for column in ReadingBatch.COLUMNS:
        if column.section == "settlement":
            setattr(batch, column.name, column.empty(count))
    batch.day_service_point[:] = [one.point for one in mains]
    batch.day_start[:] = [begin(one.day) for one in mains]
    batch.day_counts[:] = np.array([one.counts for one in mains]).reshape(-1, 4)
    batch.day_registers[:] = [one.registers for one in mains]
    batch.day_register_energy[:, 0] = [one.register_wh for one in mains]
    batch.day_actual[:, 0] = [one.wh for one in mains]
    return batch


class Stage:
    """A step with its state, what it said, and the last word on each exception."""

    def __init__(self, prepared: Prepared | None = None, **options: Any) -> None:
        self.step, self.prepared = ChecksStep(ChecksConfig(**options)), prepared or tolerance()
        self.store, self.offset = StateStore(self.step.layout, range(4)), 0
        self.latest: Latest = {}

    def take(
        self, checks: Sequence[Check] = (), mains: Sequence[Main] = (), tick: int | None = None
    ) -> list[dict[str, Any]]:
        """Records that a parcel gave rise to; tick: local day, of which an hour has passed."""
        batch = batch_of(checks, mains) if checks or mains else None
        moment = None if tick is None else Tick(begin(tick) + 3_600, 0)
        parcel = Parcel(Origin("log", 0, self.offset), batch, moment)
        self.offset += 1
        advance = self.step.advance(parcel, self.store, self.prepared)
        assert advance.parcel is parcel
        found = [record for emission in advance.emissions for record in emission.value.records()]
        for one in found:
            first, end = ((one[name] + OFFSET) // DAY_SECS for name in ("period_start", "period_end"))
            self.latest[one["service_point"], first] = Run(
                one["state"] == "OPEN", end - 1, one["found"], one["expected"], one["wh_at_stake"]
            )
        return found
