"""A device whose keys are exchanged, judged as a plain oracle does: a window of counters for each key."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from tests.builders_exchange import CHANGED, FORMER, NEWER, exchanged, offer_at
from tests.builders_frames import World, block, codes, sealed

OVERLAP = 1_000
KEYS = (FORMER, NEWER)
BODIES = (block((2025, 7, 1, 12, 0, 0)), block((2025, 7, 1, 12, 30, 0)))
WINDOW = 256


@dataclass(frozen=True)
class Sent:
    """A frame: which key, counter and contents; altered: an octet is flipped; `away` s from the exchange received."""

    key: int
    counter: int
    body: int
    altered: bool
    away: int

    @property
    def octets(self) -> bytes:
        raw = bytearray(sealed(BODIES[self.body], self.counter, keys=KEYS[self.key]))
        raw[-20] ^= self.altered
        return bytes(raw)

    @property
    def mark(self) -> int:
        """The octet that tells a duplicate from a replay, made of the tag."""
        return reduce(lambda mark, octet: (mark * 5 + octet) % 256, self.octets[-12:], 0)


@dataclass
class Oracle:
    """What a device that has exchanged its keys may send; seen: counter -> mark, of each key."""

    seen: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))

    def judge(self, sent: Sent) -> str:
        in_force = int(sent.away >= 0)
        near = abs(sent.away) < OVERLAP
        if sent.altered or (sent.key != in_force and not near):
            return "DECRYPT_FAILED"
        seen = self.seen[sent.key]
        newest = max(seen, default=-1)
        if newest - sent.counter >= WINDOW:
            return "COUNTER_TOO_OLD"
        if sent.counter in seen:
            return "COUNTER_DUPLICATE" if seen[sent.counter] == sent.mark else "COUNTER_REPLAYED"
        seen[sent.counter] = sent.mark
        for old in [old for old in seen if max(newest, sent.counter) - old >= WINDOW]:
            del seen[old]
        return ""


frames = st.builds(
    Sent, key=st.integers(0, 1), counter=st.integers(1, 12) | st.sampled_from((250, 258, 267, 900)),
    body=st.integers(0, 1), altered=st.sampled_from((False, False, False, True)),
    away=st.sampled_from((-5_000, -OVERLAP, 1 - OVERLAP, -1, 0, 1, OVERLAP - 1, OVERLAP, 5_000)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(records=st.lists(st.lists(frames, min_size=1, max_size=9), min_size=1, max_size=9))
def test_each_key_has_a_window_whatever_order_frames_come_in(records: list[list[Sent]]) -> None:
    world, oracle = World(exchanged(), DecodeConfig(key_overlap_secs=OVERLAP)), Oracle()
    for record in records:
        made = offer_at(world, [(sent.octets, CHANGED + sent.away) for sent in record])
        wanted = {number: code for number, sent in enumerate(record) if (code := oracle.judge(sent))}
        assert codes(made) == wanted
