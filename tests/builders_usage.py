"""Settled days for the usage stage, and what it made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from agents.usage.config import UsageConfig
from agents.usage.limits import Prepared
from agents.usage.step import UsageStep
from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.columns import Array, empty
from pipeline.localtime import DAY_SECS
from pipeline.lookup import PAGES
from pipeline.reference import FOREVER, KeyRing, References
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel, Tick
from tests.builders_vee import registry
from tests.oracles.usage_oracle import Change, Day
from tests.oracles.vee_oracle import Link

OFFSET = 19_800
EPOCH = date(1970, 1, 1)
PROVISIONAL, FINAL = 0, 1
BOTH = 3
INTERVAL = 1800


@dataclass(frozen=True)
class Row:
    """A settlement: of which point and day, whether it is final, and Wh in columns that differ from what is usual.

    A day that is not known must lack intervals.
    """

    point: int
    day: date
    figures: Day
    state: int = FINAL
    registers: int = 0
    columns: dict[str, int] = field(default_factory=dict)


def batch_of(rows: Sequence[Row]) -> ReadingBatch:
    """The rows as a batch; a day whose intervals did not all come has registers when its use is known all the same."""
    batch = empty(ReadingBatch)
    count = len(rows)
    days = np.array([(row.day - EPOCH).days for row in rows], np.int64)
    batch.day_service_point = np.array([row.point for row in rows], "<u8")
    batch.day_start = np.asarray(days * DAY_SECS - OFFSET, "<i8")
    batch.day_state = np.array([row.state for row in rows], "<u1")
    batch.day_link = np.zeros(count, "<u4")
    came = [row.figures.known and not row.figures.absent for row in rows]
    batch.day_registers = np.array(
        [
            row.registers or (BOTH if row.figures.known and not whole else 0)
            for row, whole in zip(rows, came, strict=True)
        ],
        "<u2",
    )
    counts = [(row.figures.intervals - row.figures.absent, row.figures.absent, 0, 0) for row in rows]
    batch.day_counts = np.array(counts, "<u2").reshape(-1, 4)
    use = [row.figures.use for row in rows]
    moved = np.where(batch.day_registers & BOTH == BOTH, use, 0)
    nothing = [0] * count
    for name, values in {
        "actual": use, "estimated": nothing, "suspect": nothing, "unexplained": nothing, "register_energy": moved,
        "opening": nothing, "closing": moved,
    }.items():  # fmt: skip
        own = [row.columns.get(name, int(value)) for row, value in zip(rows, values, strict=True)]
        column: Array = np.zeros((count, N_ENERGY), "<i8")
        column[:, 0] = own
        setattr(batch, f"day_{name}", column)
    batch.day_demand = np.zeros((count, 2), "<i8")
    batch.day_demand[:, 0] = [row.figures.peak * INTERVAL // 3600 for row in rows]
    return batch


def prepared_of(
    step: UsageStep, documents: dict[str, bytes] | None = None, interval: int = INTERVAL, tariff: int = 0,
    factor: tuple[int, int] = (1, 1),
) -> Prepared:  # fmt: skip
    """Tables of a registry with one meter."""
    none = KeyRing(np.zeros(0, np.uint64), np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))
    link = Link(7, 7, 0, FOREVER, interval=interval, numerator=factor[0], denominator=factor[1])
    own = registry([link])
    own.tariff[:] = tariff
    return step.prepare(References(own, none, documents or {}))


class Stage:
    """The stage on a store of its own."""

    def __init__(
        self, config: UsageConfig | None = None, documents: dict[str, bytes] | None = None, tariff: int = 0,
        factor: tuple[int, int] = (1, 1),
    ) -> None:  # fmt: skip
        self.step = UsageStep(config or UsageConfig())
        self.store = StateStore(self.step.layout, range(PAGES))
        self.prepared = prepared_of(self.step, documents, tariff=tariff, factor=factor)
        self.offset = 0

    def take(self, rows: Sequence[Row], tick: int | None = None) -> list[dict[str, Any]]:
        """The exceptions that one record of settlements gives rise to; tick: log time at which they were made."""
        return self.take_batch(batch_of(rows), tick)

    def take_batch(self, batch: ReadingBatch, tick: int | None = None) -> list[dict[str, Any]]:
        """Those of a batch."""
        parcel = Parcel(Origin("log", 0, self.offset), batch, None if tick is None else Tick(tick, 0))
        self.offset += 1
        advance = self.step.advance(parcel, self.store, self.prepared)
        assert advance.parcel is parcel
        return [record for emission in advance.emissions for record in emission.value.records()]

    def changes(self, records: Iterable[Sequence[Row]]) -> dict[int, dict[str, list[Change]]]:
        """Point -> rule -> what was opened and closed, in order."""
        found: dict[int, dict[str, list[Change]]] = {}
        for rows in records:
            for record in self.take(rows):
                found.setdefault(record["service_point"], {}).setdefault(record["rule"], []).append(change_of(record))
        return found


def change_of(record: dict[str, Any]) -> Change:
    """An exception as the oracle has it."""
    first, last = (
        date.fromordinal(EPOCH.toordinal() + (record[name] + OFFSET) // DAY_SECS)
        for name in ("period_start", "period_end")
    )
    return record["rule"], record["state"], first, date.fromordinal(last.toordinal() - 1)
