"""Days of some service points once more through the stage vee, with a state of its own.

What a hot path makes of a day is a function of the rows that came while it was in the window, and of the registers, not
of their order (agents.vee.step). So the rows of a day and of those around it, early ones and late ones, give in a new
state what they would have given there, had all of them been in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from agents.cold.said import put_into
from agents.vee.config import VeeConfig
from agents.vee.step import VeeStep
from agents.vee.tables import page_of
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind
from pipeline.columns import Array, empty
from pipeline.localtime import DAY_SECS
from pipeline.reference import References, Registry
from pipeline.state import StateStore
from pipeline.statement_frames import ANSWER_FLAGS
from pipeline.step import Control, Origin, Parcel, Tick

SENT = np.dtype(
    [
        ("service_point", "<u8"),
        ("device", "<u8"),
        ("time", "<i8"),
        ("kind", "<i8"),
        ("flags", "<i8"),
        ("present", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),  # meter side
    ]
)
"""A row as a meter has sent it."""

LOG = Origin("cold", 0, 0)


class Reading(NamedTuple):
    """What was published of an interval; quality: of each energy; flags: those that say what rules and people did."""

    energy: tuple[int, ...]
    quality: tuple[int, ...]
    method: int
    rules: int
    secs: int
    flags: int = 0


@dataclass
class Replayed:
    """(service point, start) -> what the replay published last: of an interval, and of a day its settlement, columns as
    in ReadingBatch without `day_`."""

    readings: dict[tuple[int, int], Reading] = field(default_factory=dict)
    days: dict[tuple[int, int], dict[str, list[int] | int]] = field(default_factory=dict)


def of_points(references: References, points: Iterable[int]) -> References:
    """The references with the rows of these service points alone."""
    registry, wanted = references.registry, np.array(sorted(points), np.uint64)
    links, own = np.isin(registry.service_point, wanted), np.isin(registry.point, wanted)
    chosen = {"link": links, "point": own}
    columns = {
        column.name: getattr(registry, column.name)[chosen[column.section]]
        for column in Registry.COLUMNS
        if column.section in chosen
    }
    return replace(references, registry=replace(registry, **columns))


def links_at(registry: Registry, device: Array, point: Array, time: Array, kind: Array) -> Array:
    """Link row i64 (n,) of each row; -1 where the device did not stand at the point. A block's stamp ends it."""
    found = np.full(len(device), -1, np.int64)
    blocks = kind == Kind.BLOCK
    for row in range(len(registry.device)):
        same = (device == registry.device[row]) & (point == registry.service_point[row])
        since, until = registry.valid_from[row], registry.valid_to[row]
        within = np.where(blocks, (time > since) & (time <= until), (time >= since) & (time < until))
        found[same & within] = row
    return found


def replay(config: VeeConfig, references: References, sent: Array, said: Array, first: int, last: int) -> Replayed:
    """Take the rows SENT (n,), and what is SAID (m,), of local days `first` to `last` through the stage, until the last
    has left the window.

    references: of the service points concerned alone (`of_points`).
    """
    step, registry = VeeStep(config.model_copy(update={"cold_days": 0, "improve_secs": 0})), references.registry
    made = Replayed()
    if not len(registry.service_point):
        return made
    run = _Run(step, references, made)
    run.send(control=Control({}))
    run.send(tick=_midnight(config, first))
    links = links_at(registry, sent["device"], sent["service_point"], sent["time"], sent["kind"])
    sent, links = sent[links >= 0], links[links >= 0]
    # A day's rows lie behind its begin; the register at that begin came with the day before.
    day = (sent["time"] - 1 + config.offset_secs) // DAY_SECS
    said_day = (said["start"] + config.offset_secs) // DAY_SECS
    for number in range(first - 1, last + config.hot_days):
        if number >= first:
            run.send(tick=_midnight(config, number + 1))
        rows, told = np.flatnonzero(day == number), np.flatnonzero(said_day == number)
        if len(rows) or len(told):
            run.send(batch=_decoded(sent[rows], links[rows], said[told]))
    return made


def _midnight(config: VeeConfig, day: int) -> Tick:
    return Tick(day * DAY_SECS - config.offset_secs, 0)


class _Run:
    """One replay."""

    def __init__(self, step: VeeStep, references: References, made: Replayed) -> None:
        self.step, self.made, self.prepared = step, made, step.prepare(references)
        pages = page_of(references.registry.service_point)
        self.store = StateStore(step.layout, range(int(pages.min()), int(pages.max()) + 1))
        self.offset = 0

    def send(
        self, *, batch: DecodedBatch | None = None, tick: Tick | None = None, control: Control | None = None
    ) -> None:
        """One record."""
        origin = replace(LOG, offset=self.offset)
        parcel = Parcel(origin, batch=batch, tick=tick, control=control)
        self.offset += 1
        batch_made = self.step.advance(parcel, self.store, self.prepared).parcel.batch
        if isinstance(batch_made, ReadingBatch):
            _note(batch_made, self.made)


def _note(batch: ReadingBatch, made: Replayed) -> None:
    shifts = np.arange(N_ENERGY, dtype=np.uint64) * np.uint64(4)
    nibbles = ((batch.quality[:, None] >> shifts) & np.uint64(15)).astype(np.int64)
    columns = (
        batch.service_point.tolist(), batch.interval_start.tolist(), batch.energy.tolist(), nibbles.tolist(),
        batch.method.tolist(), batch.rules.tolist(), batch.interval_secs.tolist(),
        (batch.flags & np.uint16(ANSWER_FLAGS)).tolist(),
    )  # fmt: skip
    for point, start, energy, quality, *others in zip(*columns, strict=True):
        made.readings[point, start] = Reading(tuple(energy), tuple(quality), *others)
    names = [column.name for column in ReadingBatch.COLUMNS if column.section == "settlement"]
    values = {name.removeprefix("day_"): getattr(batch, name).tolist() for name in names}
    for row in range(len(batch.day_start)):
        day = {name: column[row] for name, column in values.items()}
        made.days[day["service_point"], day["start"]] = day


def _decoded(sent: Array, links: Array, said: Array) -> DecodedBatch:
    """Rows and statements as decode hands them on, each a frame of its own."""
    batch, count = empty(DecodedBatch), len(sent)
    for column in DecodedBatch.COLUMNS:
        if column.section == "row":
            setattr(batch, column.name, column.empty(count))
    batch.frame = np.arange(count, dtype=np.uint32)
    batch.link = links.astype(np.uint32)
    for name in SENT.names or ():
        setattr(batch, name, np.ascontiguousarray(sent[name].astype(getattr(batch, name).dtype)))
    put_into(batch, said)
    return batch
