"""Meters, rows and ticks for the VEE step, written as the oracle has them, and what the step made of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.vee.config import VeeConfig
from agents.vee.estimate.errors import LENGTH_NAMES
from agents.vee.step import VeeStep
from agents.vee.tables import page_of
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Flag, Kind, Method, Role
from pipeline.columns import empty
from pipeline.reference import FOREVER, KeyRing, References, Registry
from pipeline.state import StateStore
from pipeline.step import Control, Origin, Parcel, Tick
from tests.builders_records import emitted
from tests.oracles.settlement_oracle import USUAL_ERRORS, USUAL_ORDER, Published, Settled
from tests.oracles.statements_oracle import Said
from tests.oracles.vee_oracle import DAY, OFFSET, Config, Link, Row

MIDNIGHT = 20_000 * DAY - OFFSET
"""A local midnight, epoch seconds UTC."""

TEMPLATES = {0: 1, 10**9: 2}
"""Register modulus -> a template that has it (pipeline.templates)."""

SAID = {
    "": 0, "estimate": Flag.HEAD_END | Flag.HEAD_END_ESTIMATED, "edit": Flag.HEAD_END | Flag.HEAD_END_EDITED,
    "suspect": Flag.HEAD_END | Flag.HEAD_END_SUSPECT,
}  # fmt: skip
"""What a head-end says of a row -> its flags."""

ALL_ENERGY = 2**N_ENERGY - 1


def points_of_page(page: int, count: int) -> list[int]:
    """The first service points that lie in a page, so that a test's state is small."""
    points = np.arange(1, 2000 * count, dtype=np.uint64)
    return [int(point) for point in points[page_of(points) == page][:count]]


POINTS = points_of_page(0, 60)


def registry(links: Sequence[Link]) -> Registry:
    """Links as they come (row numbers are the oracle's), and a point row each."""
    n = len(links)
    points = sorted({link.point for link in links})
    net = {link.point for link in links if link.net_meter}
    columns: dict[str, Any] = {column.name: column.empty(n) for column in Registry.COLUMNS if column.section == "link"}
    columns |= {column.name: column.empty(len(points)) for column in Registry.COLUMNS if column.section == "point"}
    columns |= {column.name: column.empty() for column in Registry.COLUMNS if column.section == "node"}
    for row, link in enumerate(links):
        columns["device"][row], columns["service_point"][row] = link.device, link.point
        columns["valid_from"][row], columns["valid_to"][row] = link.start, min(link.until, FOREVER)
        columns["template"][row] = TEMPLATES[link.modulus]
        columns["factor_numerator"][row], columns["factor_denominator"][row] = link.numerator, link.denominator
        columns["interval_secs"][row], columns["limit_wh"][row] = link.interval, link.limit
        for bit, known, name in ((1, link.opening, "opening"), (2, link.closing, "closing")):
            if known is not None:
                columns["exchange"][row] |= bit
                columns[name][row] = known
    columns["point"][:] = points
    columns["point_to"][:] = FOREVER
    columns["role"][:] = Role.CONSUMER
    columns["net_meter"][:] = [point in net for point in points]
    return Registry(**columns)


def references(links: Sequence[Link], documents: Mapping[str, bytes] | None = None) -> References:
    """A registry without keys."""
    no_keys = KeyRing(np.zeros(0, np.uint64), np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))
    return References(registry(links), no_keys, documents or {})


def with_statements(batch: DecodedBatch, said: Sequence[Said]) -> DecodedBatch:
    """The batch with statements, as decode would hand them on: each from a frame of its own."""
    for column in DecodedBatch.COLUMNS:
        if column.section == "statement":
            setattr(batch, column.name, column.empty(len(said)))
    for place, one in enumerate(said):
        batch.statement_frame[place] = 20_000 + place
        batch.statement_service_point[place], batch.statement_kind[place] = one.point, one.kind
        batch.statement_number[place], batch.statement_start[place] = one.number, one.start
        batch.statement_secs[place], batch.statement_present[place] = one.secs, one.present
        batch.statement_energy[place] = one.energy
    return batch


def decoded(links: Sequence[Link], rows: Sequence[Row]) -> DecodedBatch:
    """Rows as decode would hand them on, with voltages that say which row it was."""
    batch = empty(DecodedBatch)
    for column in DecodedBatch.COLUMNS:
        if column.section == "row":
            setattr(batch, column.name, column.empty(len(rows)))
    for place, row in enumerate(rows):
        # Rows of one frame follow each other; a row without a number is a frame of its own.
        batch.frame[place] = 10_000 + row.frame if row.frame else place
        batch.service_point[place], batch.device[place] = links[row.link].point, links[row.link].device
        batch.link[place] = row.link
        batch.kind[place] = Kind.BLOCK if row.block else Kind.DAILY
        batch.time[place], batch.counter[place] = row.time, place + 1
        batch.present[place] = ALL_ENERGY
        batch.energy[place] = row.energy
        batch.flags[place] = SAID[row.said]
    return batch


@dataclass
class Vee:
    """A step over one partition, and the last revision of everything that it published."""

    links: Sequence[Link]
    config: VeeConfig = field(default_factory=VeeConfig)
    final: dict[tuple[int, int], Published] = field(default_factory=dict)
    days: dict[tuple[int, int], Settled] = field(default_factory=dict)
    rejects: Counter[str] = field(default_factory=Counter)
    revisions: dict[tuple[int, int], int] = field(default_factory=dict)
    batches: list[ReadingBatch] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    offset: int = 0
    documents: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step = VeeStep(self.config)
        self.prepared = self.step.prepare(references(self.links, self.documents))
        pages = page_of(np.array([link.point for link in self.links], np.uint64))
        self.store = StateStore(self.step.layout, range(int(pages.min()), int(pages.max()) + 1))
        self._send(control=Control({}))

    def relink(self, links: Sequence[Link]) -> None:
        """Put another registry in force."""
        self.links = links
        self.prepared = self.step.prepare(references(links, self.documents))
        self._send(control=Control({}))

    def arrive(self, rows: Sequence[Row]) -> None:
        """One record of rows."""
        self._send(batch=decoded(self.links, rows))

    def state(self, said: Sequence[Said], rows: Sequence[Row] = ()) -> None:
        """One record of statements, and rows beside them."""
        self._send(batch=with_statements(decoded(self.links, rows), said))

    def decoded(self, batch: DecodedBatch) -> None:
        """One record of what decode made."""
        self._send(batch=batch)

    def tick(self, time: int, lateness: int = 0) -> None:
        """One tick."""
        self._send(tick=Tick(time, lateness))

    def both(self, rows: Sequence[Row], time: int, lateness: int = 0) -> None:
        """Rows and a tick in one record."""
        self._send(batch=decoded(self.links, rows), tick=Tick(time, lateness))

    def _send(self, **content: Any) -> None:
        advance = self.step.advance(Parcel(Origin("log", 0, self.offset), **content), self.store, self.prepared)
        self.offset += 1
        self.rejects.update(record["code"] for record in emitted(advance, "rejects"))
        self.requests += emitted(advance, "cold_requests")
        batch = advance.parcel.batch
        if batch is not None:
            assert isinstance(batch, ReadingBatch)
            self.batches.append(batch)
            self._take_readings(batch)
            self._take_days(batch)

    def flags_of(self, point: int) -> dict[int, int]:
        """Begin of each interval -> flags of the last reading."""
        return {
            int(start): int(flags)
            for batch in self.batches
            for of, start, flags in zip(batch.service_point, batch.interval_start, batch.flags, strict=True)
            if of == point
        }

    def _take_readings(self, batch: ReadingBatch) -> None:
        replaced = {int(row): place for place, row in enumerate(batch.prior_reading)}
        for row in range(len(batch.service_point)):
            key = (int(batch.service_point[row]), int(batch.interval_start[row]))
            assert int(batch.revision[row]) > self.revisions.get(key, -1), "a revision must grow"
            self.revisions[key] = int(batch.revision[row])
            self._check_prior(batch, replaced.get(row), key)
            word = int(batch.quality[row])
            self.final[key] = Published(
                tuple(batch.energy[row].tolist()),
                tuple(word >> 4 * channel & 15 for channel in range(N_ENERGY)),
                int(batch.method[row]),
                int(batch.rules[row]),
                int(batch.interval_secs[row]),
                int(batch.expected_error[row]),
            )

    def _check_prior(self, batch: ReadingBatch, place: int | None, key: tuple[int, int]) -> None:
        """What a reading says it replaces is what was published before."""
        known = self.final.get(key)
        assert (place is None) == (known is None), (key, known)
        if place is not None and known is not None:
            assert tuple(batch.prior_energy[place].tolist()) == known.energy
            assert int(batch.prior_quality[place]) == known.quality[0]

    def _take_days(self, batch: ReadingBatch) -> None:
        for row in range(len(batch.day_service_point)):
            key = (int(batch.day_service_point[row]), (int(batch.day_start[row]) + OFFSET) // DAY)
            names = [name for name in Settled.__dataclass_fields__ if name not in ("registers", "state")]
            values = {name: getattr(batch, f"day_{name}")[row].tolist() for name in names}
            self.days[key] = Settled(int(batch.day_registers[row]), **values, state=int(batch.day_state[row]))


def config_of(config: Config) -> VeeConfig:
    """The step's configuration for the oracle's."""
    return VeeConfig(
        hot_days=config.hot_days,
        slot_secs=config.slot,
        grid_tolerance_secs=config.tolerance,
        future_slack_secs=config.slack,
        range_percent=config.range_percent,
        spike_ratio_percent=config.spike_percent,
        spike_floor_wh=config.spike_floor,
        linear_secs=config.linear,
        sum_tolerance_wh=config.sum_tolerance,
    )


def documents_of(config: Config) -> dict[str, bytes]:
    """Documents that say what the oracle's configuration says of estimates; none where it is the usual."""
    if config.order == USUAL_ORDER and config.errors == USUAL_ERRORS:
        return {}
    order: list[dict[str, Any]] = []
    for method, shortest, longest, least in config.order:
        order.append({"method": Method(method).name, "shortest_secs": shortest, "least_days": least})
        if longest is not None and longest <= DAY * 8:
            order[-1]["longest_secs"] = longest
    errors = {
        Method(method).name: dict(zip(LENGTH_NAMES, figures, strict=True)) for method, figures in config.errors.items()
    }
    return {"estimates.yaml": json.dumps({"order": order, "expected_error": errors}).encode()}


def blocks(link: int, first: int, energies: Iterable[int], interval: int = 1800) -> list[Row]:
    """Consecutive block rows of equal Wh and VAh import, the first interval beginning at `first`."""
    return [
        Row(link, True, first + (place + 1) * interval, (energy, energy, 0, 0)) for place, energy in enumerate(energies)
    ]


def register(link: int, time: int, wh: int) -> Row:
    """Midnight registers with equal Wh and VAh import."""
    return Row(link, False, time, (wh, wh, 0, 0))
