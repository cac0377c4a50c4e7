"""The hot window's memory: planes for the few, marks for the checkpoint, pages that grow."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from agents.vee.config import VeeConfig
from agents.vee.state import FREE, HOT, PLANE, POOL, layout
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.reference import FOREVER
from pipeline.state import KEYS, StateStore
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, config_of, register
from tests.oracles.vee_oracle import DAY, Link, Row
from tests.property.test_vee import Story, stories

METER = Link(1007, POINTS[0], 0, FOREVER)


def copy(store: StateStore) -> dict[str, Array]:
    """All rows as bytes: table -> (slices, pages, capacity, bytes)."""
    return {
        name: area.rows.copy().view(np.uint8).reshape(*area.rows.shape, area.rows.dtype.itemsize)
        for name, area in store.areas.items()
    }


def check_marks(before: dict[str, Array], store: StateStore) -> None:
    """Every record that differs is marked in its page and among the changed slots."""
    for name, area in store.areas.items():
        differs = (copy(store)[name] != before[name]).any(axis=-1)
        slots = np.unpackbits(area.changed.view(np.uint8), axis=-1, bitorder="little").astype(bool)
        assert not (differs & ~slots).any(), f"{name}: a change without its bit"
        assert not (differs.any(axis=-1) & (area.dirty == 0)).any(), f"{name}: a change in a page that is not dirty"


@settings(max_examples=15, deadline=None)
@given(stories)
def test_every_change_is_marked_for_the_checkpoint(story: Story) -> None:
    vee = Vee(story.links, config_of(story.config))
    for rows, (time, lateness) in story.steps:
        before, capacity = copy(vee.store), vee.store.capacity
        for area in vee.store.areas.values():
            area.changed[:], area.dirty[:] = 0, 0
        if rows:
            vee.arrive(rows)
        vee.tick(time, lateness)
        if vee.store.capacity == capacity:
            check_marks(before, vee.store)


def planes(vee: Vee) -> int:
    """Slots that are planes of some point."""
    return int((vee.store.areas["hot"].flat[0]["kind"] == PLANE).sum())


def day(vee: Vee, number: int, energies: list[int], closing: int) -> None:
    """One closed day of half hours."""
    start = MIDNIGHT + number * DAY
    vee.tick(start + DAY - 1)
    vee.arrive([*blocks(0, start, energies), register(0, start + DAY, closing)])
    vee.tick(start + DAY)


def test_planes_go_back_when_no_interval_of_the_window_needs_them() -> None:
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.arrive([register(0, MIDNIGHT, 0)])
    day(vee, 0, [100] * 47 + [70_000], 75_000)
    assert planes(vee) == 5, "Wh and VAh of the large one; amended, and its large one"
    total = 75_000
    for number in range(1, 4):
        total += 4800
        day(vee, number, [100] * 48, total)
    vee.tick(MIDNIGHT + 4 * DAY + 1800)
    assert planes(vee) == 0
    pool = vee.store.keys >= POOL + np.uint64(1)
    assert (vee.store.areas["hot"].flat[0]["kind"][pool] == FREE).all()
    day(vee, 4, [100] * 47 + [70_000], total + 75_000)
    assert planes(vee) == 5
    assert int((vee.store.keys >= POOL + np.uint64(1)).sum()) == 5, "the pool's slots are used again"


def test_large_and_small_energies_of_one_meter_stay_apart() -> None:
    """A small interval in a place whose high words were used three days before."""
    vee = Vee([replace(METER, limit=40_000, numerator=1)])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + 1800)
    vee.arrive([Row(0, True, MIDNIGHT + 1800, (200_000, 200_000, 0, 0))])
    for number in range(1, 4):
        vee.tick(MIDNIGHT + number * DAY)
    vee.arrive([*blocks(0, MIDNIGHT + 3 * DAY, [100]), register(0, MIDNIGHT + 3 * DAY, 0)])
    vee.tick(MIDNIGHT + 4 * DAY - 1)
    vee.arrive([*blocks(0, MIDNIGHT + 3 * DAY + 1800, [100] * 47), register(0, MIDNIGHT + 4 * DAY, 4800)])
    vee.tick(MIDNIGHT + 4 * DAY)
    settled = vee.days[POINTS[0], MIDNIGHT // DAY + 4]
    assert (settled.actual[0], settled.counts[0], settled.unexplained[0]) == (4800, 48, 0)


def test_pages_that_grow_in_the_middle_of_a_batch_lose_nothing() -> None:
    links = [Link(10_000 + point, point, 0, FOREVER, numerator=100) for point in POINTS[:12]]
    small, crowded = Vee(links), Vee(links)
    rng = random.Random(3)
    rows = [
        row for link in range(len(links)) for row in blocks(link, MIDNIGHT, [rng.randrange(2000) for _ in range(48)])
    ]
    for vee in (small, crowded):
        vee.tick(MIDNIGHT)
        if vee is crowded:  # almost fill the page, so that the planes of large energies do not fit
            keys = np.array(POINTS[12:45], np.uint64)
            vee.store.locate(keys, keys)
        capacity = vee.store.capacity
        vee.tick(MIDNIGHT + DAY - 1)
        vee.arrive(rows)
        vee.tick(MIDNIGHT + DAY)
        assert (vee.store.capacity > capacity) is (vee is crowded)
    assert crowded.final == small.final
    assert crowded.days == small.days


def octets_of_a_slot(config: VeeConfig) -> float:
    """With its key and its marks."""
    tables = (KEYS, *layout(config).tables)
    return sum(table.slices * (table.dtype.itemsize + 1 / 8) for table in tables)


def config_in(slot_secs: int) -> VeeConfig:
    """With places of this length."""
    return VeeConfig(slot_secs=slot_secs, grid_tolerance_secs=200)


def slots_of(channels: int, slot_secs: int) -> int:
    """Slots of a meter of this many channels that lived three days, its own among them."""
    link = replace(METER, interval=slot_secs)
    vee = Vee([link], config_in(slot_secs))
    vee.tick(MIDNIGHT)
    places, registers = DAY // slot_secs, [0] * N_ENERGY
    for number in range(3):
        start = MIDNIGHT + number * DAY
        rows = []
        for place in range(places):
            energy = tuple([900 + place, 1000 + place, 40 + place, 44 + place][:channels] + [0] * (N_ENERGY - channels))
            rows.append(Row(0, True, start + (place + 1) * slot_secs, energy))
            registers = [register + own for register, own in zip(registers, energy, strict=True)]
        vee.tick(start + DAY - 1)
        vee.arrive([*rows, Row(0, False, start + DAY, tuple(registers))])
        vee.tick(start + DAY)
        assert vee.days[POINTS[0], start // DAY + 1].counts[0] == places
    return 1 + planes(vee)


def test_a_half_hourly_meter_without_export_takes_520_octets_one_of_four_channels_at_15_minutes_1950() -> None:
    assert HOT.itemsize == 24
    assert slots_of(2, 1800) * octets_of_a_slot(config_in(1800)) <= 520
    assert slots_of(4, 900) * octets_of_a_slot(config_in(900)) <= 1950
