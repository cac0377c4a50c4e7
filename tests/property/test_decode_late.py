"""Whatever comes in between, and however often it is begun anew: what is offered again is accepted once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.step import Origin, Parcel
from tests.builders_frames import DEVICE, POINT, World, block, frame_batch, sealed

MOST = 900
FRAMES = [sealed(block((2025, 7, 1, 12, 0, 0)), counter) for counter in range(1, MOST + 1)]
"""Of one device; frame n has counter n + 1."""

steps = st.lists(
    st.tuples(st.sampled_from(("new", "again", "anew")), st.integers(1, 300)), min_size=1, max_size=12
)  # fmt: skip


class Device:
    """A device whose first frames were refused, and what has been accepted of it."""

    def __init__(self, refused: int) -> None:
        self.world = World()
        self.refused, self.new, self.place = refused, refused, 0
        self.accepted: list[int] = []

    def offer(self, first: int, last: int, *, again: bool) -> None:
        frames = FRAMES[first:last]
        if not frames:
            return
        requeued = np.ones(len(frames), np.uint32) if again else None
        batch = frame_batch(frames, DEVICE, POINT)
        parcel = Parcel(Origin("frames-1", 3, self.world.offset), batch, requeued=requeued)
        self.world.offset += 1
        made = self.world.step.advance(parcel, self.world.store, self.world.prepared).parcel.batch
        self.accepted += [] if made is None else made.counter.tolist()

    def step(self, what: str, size: int) -> None:
        if what == "new":
            self.offer(self.new, self.new + size, again=False)
            self.new = min(self.new + size, MOST)
            return
        if what == "anew":
            self.place = 0
        last = min(self.place + size, self.refused)
        self.offer(self.place, last, again=True)
        self.place = last


@settings(max_examples=60, deadline=None)
@given(refused=st.integers(1, 500), made=steps)
def test_every_frame_gives_its_rows_once(refused: int, made: list[tuple[str, int]]) -> None:
    device = Device(refused)
    for what, size in made:
        device.step(what, size)
    device.step("again", MOST)
    device.step("new", MOST)
    device.step("anew", MOST)
    assert sorted(device.accepted) == list(range(1, MOST + 1))
