"""What the kernels of rating are handed, and how it is made of batches and references.

Kernels that are handed forty arrays take a minute to compile: a settlement is one record here (`ITEM`), and what the
registry and the tariffs have to say is looked up before and after.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.rating.calendar import QUARTER_SECS
from agents.rating.charges import TariffBook
from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Quality, Role
from pipeline.columns import Array
from pipeline.jit import AHEAD, kernel, prefetch
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find, find_many
from pipeline.reference import Registry
from pipeline.state import StateStore

TARIFF_NUMBERS = 65_536
DEFAULT_SECS = 1800
"""Length of the intervals of a link that the registry in force does not have."""

BILLED_QUALITIES = (Quality.ACTUAL, Quality.ESTIMATED, Quality.MANUAL, Quality.DERIVED)
BILLED = sum(1 << int(quality) for quality in BILLED_QUALITIES)
"""Bit n: energy of quality n counts."""
NOT_BILLED = 255
"""Zone of a reading that counts nothing."""

ITEM = np.dtype(
    [
        ("point", "<u8"),
        ("holder", "<i8"),  # row of the registry's points; -1: not known
        ("begin", "<i8"),
        ("secs", "<i8"),  # length of its intervals
        ("state", "<i8"),
        ("registers", "<i8"),
        ("opening", "<i8", (N_ENERGY,)),
        ("closing", "<i8", (N_ENERGY,)),
        ("energy", "<i8", (N_ENERGY,)),  # actual + estimated
        ("estimated", "<i8"),
        ("counts", "<i8", (4,)),
        ("demand_w", "<i8"),
        ("demand_va", "<i8"),
        ("demand_start", "<i8"),  # 0: no actual interval
        ("demand_va_start", "<i8"),
    ]
)
"""One settlement row of a ReadingBatch."""


class Marked(NamedTuple):
    """One table of the state: rows (slices, slots), changed u64 (slices, slots / 64), dirty u8 (slices, pages); the
    rows once more as octets u8, to ask for any part of one."""

    rows: Array
    changed: Array
    dirty: Array
    octets: Array


class State(NamedTuple):
    """The state of one partition: keys u64 (slots,); `offset` are the seconds of local time east of UTC."""

    keys: Array
    days: Marked
    settled: Marked
    months: Marked
    capacity: int
    offset: int


class Tariffs(NamedTuple):
    """The tariff book by number: place i32 (65536,) number -> place in first and last, -1 for none; first, last i64 are
    rows of versions."""

    place: Array
    first: Array
    last: Array
    versions: Array
    calendars: Array


def state_of(store: StateStore, offset: int) -> State:
    """Good until the store grows."""
    day, settled, month = (_marked(store, name) for name in ("day", "settled", "month"))
    return State(store.keys, day, settled, month, store.capacity, offset)


def _marked(store: StateStore, table: str) -> Marked:
    area = store.areas[table]
    return Marked(area.flat, area.marks, area.dirty, area.octets)


def tariffs_of(book: TariffBook) -> Tariffs:
    """The book by number."""
    numbers, first, count = np.unique(book.versions["number"], return_index=True, return_counts=True)
    assert len(numbers) < 2**15, "a tariff's place is kept in 16 bits for each link"
    place = np.full(TARIFF_NUMBERS, -1, np.int32)
    place[numbers] = np.arange(len(numbers))
    first = first.astype(np.int64)
    return Tariffs(place, first, first + count - 1, book.versions, book.calendars)


def tariff_of_links(registry: Registry, tariffs: Tariffs) -> Array:
    """Place of a link's tariff i16 (links,): that of its service point when the link began (else of its first row)."""
    if not len(registry.point):
        return np.full(len(registry.service_point), -1, np.int16)
    rows = np.empty(len(registry.service_point), np.int64)
    find_many(*registry.by_point, np.ascontiguousarray(registry.service_point), rows)
    found = rows >= 0
    while True:
        after = np.minimum(rows + 1, len(registry.point) - 1)
        same = found & (after > rows) & (registry.point[after] == registry.service_point)
        moves = same & (registry.point_from[after] <= registry.valid_from)
        if not moves.any():
            break
        rows[moves] += 1
    billed = found & (registry.role[rows] == Role.CONSUMER)
    return np.where(billed, tariffs.place[registry.tariff[rows]], -1).astype(np.int16)


@kernel
def version_at(number, time, first, last, versions):  # type: ignore[no-untyped-def]
    """Row of the version in force at `time` among those of the tariff at place `number`, or -1."""
    row = last[number]
    while row >= first[number]:
        if versions[row].valid_from <= time:
            return row
        row -= 1
    return np.int64(-1)


@kernel
def zones_of(quality, link, start, offset, link_tariff, tariffs, out):  # type: ignore[no-untyped-def]
    """out u8 (n,): zone of each reading by the local quarter hour it begins in, 0 without a tariff, NOT_BILLED when
    quality u64 (n,) says that it counts nothing."""
    for row in range(quality.shape[0]):
        if row + AHEAD < quality.shape[0]:
            prefetch(link_tariff, link[row + AHEAD])
        zone = np.uint8(0)
        if not (BILLED >> np.int64(quality[row] & np.uint64(15))) & 1:
            zone = np.uint8(NOT_BILLED)
        elif link[row] < link_tariff.shape[0] and link_tariff[link[row]] >= 0:
            version = version_at(link_tariff[link[row]], start[row], tariffs.first, tariffs.last, tariffs.versions)
            if version >= 0:
                quarter = (start[row] + offset) % DAY_SECS // QUARTER_SECS
                zone = tariffs.calendars[tariffs.versions[version].calendar, quarter]
        out[row] = zone


@kernel
def holders_of(service_point, time, index, keys, point, since, out):  # type: ignore[no-untyped-def]
    """out i64 (n,): row of each service point at its time (its first row before that), -1 when it is not known."""
    for item in range(service_point.shape[0]):
        row = find(index, keys, service_point[item])
        while (
            row >= 0
            and row + 1 < point.shape[0]
            and point[row + 1] == service_point[item]
            and since[row + 1] <= time[item]
        ):
            row += 1
        out[item] = row


class Days(NamedTuple):
    """The columns of a ReadingBatch's settlements that determinants are made of, without `day_`."""

    service_point: Array
    start: Array
    link: Array
    state: Array
    registers: Array
    opening: Array
    closing: Array
    actual: Array
    estimated: Array
    counts: Array
    demand: Array
    demand_start: Array


def items_of(batch: ReadingBatch, registry: Registry, network_meters: bool) -> Array:
    """ITEM (n,): settlements of who is billed, by service point and day.

    By service point, not by slot: the order of slots depends on when pages grew.
    """
    count = len(batch.day_service_point)
    if not count:
        return np.zeros(0, ITEM)
    holder = np.empty(count, np.int64)
    holders_of(
        batch.day_service_point, batch.day_start, *registry.by_point, registry.point, registry.point_from, holder
    )
    order = _in_order(batch.day_service_point, batch.day_start)
    if not network_meters and len(registry.role):
        order = order[(holder[order] < 0) | (registry.role[holder[order]] == Role.CONSUMER)]
    items = np.empty(len(order), ITEM)
    days = Days(*(getattr(batch, f"day_{name}") for name in Days._fields))
    fill_items(order, holder, days, registry.interval_secs, items)
    return items


def _in_order(point: Array, start: Array) -> Array:
    """Places i64 (n,) by service point, and by start where there are several of one."""
    order = np.argsort(point)
    ordered = point[order]
    # Most often one day closes, of which each point has one settlement.
    return order if (ordered[1:] != ordered[:-1]).all() else np.lexsort((start, point))


@kernel
def fill_items(order, holder, days, secs, items):  # type: ignore[no-untyped-def]
    """items ITEM (n,): the settlements of days at places order i64 (n,); holder i64 and secs u32 as ITEM has them, by
    settlement and by link."""
    for item in range(order.shape[0]):
        place, out = order[item], items[item]
        if item + AHEAD < order.shape[0]:
            coming = order[item + AHEAD]
            prefetch(days.opening, coming * N_ENERGY)
            prefetch(days.closing, coming * N_ENERGY)
            prefetch(days.actual, coming * N_ENERGY)
            prefetch(days.estimated, coming * N_ENERGY)
        out.point, out.holder = np.uint64(days.service_point[place]), holder[place]
        out.begin, link = days.start[place], days.link[place]
        out.secs = np.int64(secs[link]) if link < secs.shape[0] else np.int64(DEFAULT_SECS)
        out.state, out.registers = np.int64(days.state[place]), np.int64(days.registers[place])
        for channel in range(N_ENERGY):
            out.opening[channel], out.closing[channel] = days.opening[place, channel], days.closing[place, channel]
            out.energy[channel] = days.actual[place, channel] + days.estimated[place, channel]
        out.estimated = days.estimated[place, 0]
        for kind in range(days.counts.shape[1]):
            out.counts[kind] = np.int64(days.counts[place, kind])
        # Largest interval -> mean power; an estimate never makes a demand.
        out.demand_w, out.demand_start = _power(days, place, 0, out.secs)
        out.demand_va, out.demand_va_start = _power(days, place, 1, out.secs)


@kernel
def _power(days, place, channel, secs):  # type: ignore[no-untyped-def]
    """(mean power of the largest actual interval, when it began), zeros when there was none."""
    start = days.demand_start[place, channel]
    if start <= 0:
        return np.int64(0), np.int64(0)
    return days.demand[place, channel] * 3600 // secs, start
