"""Words of the ring and of midnights hold what was put there, in planes where they have no room."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.vee import kernels_midnights, kernels_words, planes
from agents.vee.config import VeeConfig
from agents.vee.kernels_cells import MOST, find_planes
from agents.vee.kernels_tick import enter_points
from agents.vee.state import ALL_PLANES, AMENDED, HALF, MEMBERS, Pages, layout, pages_of
from agents.vee.tables import page_of
from pipeline.state import StateStore
from tests.builders_vee import POINTS

CONFIG = VeeConfig(hot_days=2, slot_secs=3600)
PLACES, MIDNIGHTS = CONFIG.hot_days * CONFIG.slots_per_day, CONFIG.hot_days + 1


class World:
    """Some service points of one page, and their planes."""

    def __init__(self) -> None:
        self.store = StateStore(layout(CONFIG), range(1))
        self.points = np.array(POINTS[:3], np.uint64)
        self.view: Pages = pages_of(self.store, planes.page_records(self.store))
        slots = self.store.locate(self.points, self.points)
        enter_points(self.view, slots)
        self.planes = np.zeros(ALL_PLANES, np.int64)

    def slot(self, point: int) -> int:
        """Where a point lies; `planes` are its."""
        one = self.points[point : point + 1]
        slot = int(self.store.locate(one, one)[0])
        find_planes(self.view, slot, self.planes)
        return slot

    def grant(self, point: int, lacking: int) -> None:
        """Give a point what it lacks, once: then it lacks nothing."""
        numbers = planes.lacking_planes(int(lacking))
        of = np.full(len(numbers), self.points[point], np.uint64)
        self.view = planes.grant(self.store, self.view, of, page_of(of), np.array(numbers, np.uint8))
        self.slot(point)


cells = st.one_of(st.sampled_from([*kernels_words.KINDS, kernels_words.GOOD_AS_SENT, 2]), st.integers(1, 255))
energies = st.one_of(
    st.integers(0, 30), st.integers(400, 600), st.integers(900, 2200), st.integers(8000, 9300), st.just(0),
    st.sampled_from([2**24 - 1, 2**24, 2**24 + 5, MOST, 2 * MOST + 1, 2**32, 2**36 + 3, kernels_words.LARGEST]),
)  # fmt: skip
stories = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from([0, HALF, AMENDED, HALF | AMENDED]), st.integers(0, PLACES - 1), cells,
        st.lists(energies, min_size=4, max_size=4), st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(stories)
def test_words_hold_any_cell_with_any_energies_and_take_another_cell(story: list[Any]) -> None:
    world, known = World(), dict[tuple[int, int, int], tuple[int, list[int]]]()
    out = np.zeros(4, np.int64)
    for point, group, place, cell, values, again in story:
        world.slot(point)
        energy = np.array(values, np.int64)
        world.grant(point, kernels_words.lacks_plane(world.planes, group, cell, energy))
        assert not kernels_words.lacks_plane(world.planes, group, cell, energy)
        kernels_words.write_energies(world.view, world.planes, group, place, cell, energy)
        if again:
            cell = (cell + 1) % 256
            world.grant(point, kernels_words.lacks_for_cell(world.view, world.planes, group, place, cell))
            kernels_words.write_cell(world.view, world.planes, group, place, cell)
        known[point, group, place] = (cell, values)
    for (point, group, place), (cell, values) in known.items():
        world.slot(point)
        word = int(kernels_words.word_at(world.view, place, world.planes[group * MEMBERS]))
        assert kernels_words.cell_of(word) == cell
        kernels_words.read_words(world.view, world.planes, group, place, False, out)
        assert out.tolist() == values


registers = st.one_of(st.integers(-1, 2), st.integers(0, 10**9), st.integers(2**30 - 4, 2**30 + 2), st.just(2**62))
nights = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, MIDNIGHTS - 1), st.sampled_from(["put", "put", "put", "drop", "copy"]),
        st.sampled_from([7, 8, 2**63 + 9]), st.lists(registers, min_size=4, max_size=4),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(nights)
def test_midnights_hold_any_registers_of_any_meter(story: list[Any]) -> None:
    world, known = World(), dict[tuple[int, int], tuple[int, list[int]]]()
    for point, night, what, device, values in story:
        slot = world.slot(point)
        if what == "put":
            kept = np.array(values, np.int64)
            world.grant(point, kernels_midnights.lacks(world.view, slot, world.planes, night, np.uint64(device), kept))
            slot = world.slot(point)
            kernels_midnights.store(world.view, slot, world.planes, night, np.uint64(device), kept)
            known[point, night] = (device, values)
        elif what == "drop":
            kernels_midnights.drop(world.view, slot, world.planes, night)
            known.pop((point, night), None)
        elif (point, night) in known:
            after = (night + 1) % MIDNIGHTS
            kernels_midnights.copy(world.view, slot, world.planes, night, after)
            known[point, after] = known[point, night]
    out = np.zeros(4, np.int64)
    for point in range(3):
        for night in range(MIDNIGHTS):
            slot = world.slot(point)
            device, values = known.get((point, night), (0, [-1] * 4))
            assert int(kernels_midnights.device_at(world.view, slot, world.planes, night)) == device
            kernels_midnights.load(world.view, slot, world.planes, night, out)
            assert not device or out.tolist() == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8))
def test_numbers_of_64_bits_fit_three_words(numbers: list[int]) -> None:
    world = World()
    slot = world.slot(0)
    for place, number in enumerate(numbers):
        kernels_words.put_long(world.view, slot, 3 * place, number)
    assert [int(kernels_words.long_at(world.view, slot, 3 * place)) for place in range(len(numbers))] == numbers
