"""Rows that a clock set has cut or repeated, in plain Python: what `agents.vee.kernels_parts` is compared with.

Everything that is known of a service point's good rows is kept, and what an interval is worth is worked out anew from
all of it, by the definition:

- an odd row covers the seconds from the latest known stamp before it, but no more than an interval and not beyond its
  local midnight; of two with one stamp the larger counts;
- a regular row covers its interval; of two in different frames the larger counts, of two in one frame both do;
- an interval that an odd row reaches, or that has several rows, is the sum of them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.oracles.settlement_oracle import Published, figure, share

if TYPE_CHECKING:
    from tests.oracles.vee_oracle import Link, Oracle

DAY, OFFSET, CHANNELS = 86_400, 19_800, 4
ACTUAL, ESTIMATED = 1, 3
V02, V03, CLOCK_SET, SAME_AGAIN = 2, 64, 12, 20
Energies = tuple[int, ...]


@dataclass
class Parts:
    """By (service point, stamp): the good rows on and off the grid, and those that one frame has shown together."""

    odd: dict[tuple[int, int], Energies] = field(default_factory=dict)
    lone: dict[tuple[int, int], Energies] = field(default_factory=dict)
    repeated: dict[tuple[int, int], set[Energies]] = field(default_factory=dict)

    def note_regular(self, point: int, end: int, energy: Energies) -> None:
        """A good row came, alone as far as its frame says."""
        self.lone[point, end] = max(self.lone.get((point, end), energy), energy)

    def begin(self, point: int, stamp: int, interval: int) -> int:
        """Where the time of an odd row begins."""
        midnight = stamp - (stamp + OFFSET) % DAY
        known = [end for where in (self.odd, self.lone, self.repeated) for of, end in where if of == point]
        return max([stamp - interval, midnight, *(other for other in known if other < stamp)])

    def rows(self, point: int, start: int, interval: int) -> list[Energies]:
        """Energies of all rows in an interval; of a single regular row none."""
        end = start + interval
        cut = []
        for (of, stamp), energy in self.odd.items():
            begin = self.begin(of, stamp, interval)
            if of == point and begin < end and stamp > start:
                grid = stamp - (stamp + OFFSET) % interval
                seconds = [max(grid - begin, 0), stamp - max(grid, begin)]
                place = 1 if start == grid else 0
                cut.append(tuple(share(value, seconds, seconds)[place] for value in energy))
        repeated = self.repeated.get((point, end), set())
        if not cut and not repeated:
            return []
        regular = repeated or ({self.lone[point, end]} if (point, end) in self.lone else set())
        return [*cut, *regular]


def take_odd(oracle: Oracle, link: Link, start: int, stamp: int, energy: Energies) -> int:
    """A good row off the grid, in the interval from `start`."""
    known = oracle.parts.odd.get((link.point, stamp))
    if known == energy:
        return SAME_AGAIN
    oracle.parts.odd[link.point, stamp] = max(known or energy, energy)
    put_together(oracle, link, start, other=known is not None)
    return 0


def take_repeated(oracle: Oracle, link: Link, start: int, energies: set[Energies]) -> int:
    """Several good rows of one frame that close the interval from `start`."""
    key = link.point, start + link.interval
    known = oracle.parts.repeated.setdefault(key, set())
    if energies <= known:
        return SAME_AGAIN
    known |= energies
    put_together(oracle, link, start, other=False)
    return 0


def take_regular(oracle: Oracle, link: Link, start: int, energy: Energies) -> int:
    """A good row of an interval that is put together already."""
    key = link.point, start + link.interval
    if key in oracle.parts.repeated:
        return SAME_AGAIN if energy in oracle.parts.repeated[key] else 0
    known = oracle.parts.lone.get(key)
    if known == energy:
        return SAME_AGAIN
    oracle.parts.note_regular(*key, energy)
    put_together(oracle, link, start, other=known is not None)
    return 0


def put_together(oracle: Oracle, link: Link, own: int, *, other: bool) -> None:
    """Publish what the rows of an interval and of its neighbours in the day are worth."""
    from tests.oracles.vee_oracle import information

    for start in (own - link.interval, own, own + link.interval):
        if (start + OFFSET) // DAY != (own + OFFSET) // DAY:
            continue
        cell, end = oracle.cell(link.point, start), start + link.interval
        rows = oracle.parts.rows(link.point, start, link.interval)
        if not rows and not cell.parted:
            continue
        was = cell.sent, cell.twice, cell.parted
        cell.twice = cell.twice or bool(cell.suspect) or (other and start == own)
        cell.twice = cell.twice and (link.point, end) not in oracle.parts.repeated
        cell.suspect, cell.offered, cell.parted = 0, False, bool(rows)
        cell.sent = tuple(map(sum, zip(*rows, strict=True))) if rows else oracle.parts.lone[link.point, end]
        if was == (cell.sent, cell.twice, cell.parted):
            continue
        twice = V02 if cell.twice else 0
        if rows:
            expected = figure(oracle.config_at(link.point, start).errors, CLOCK_SET, link.interval)
            made = Published(cell.sent, (ESTIMATED,) * CHANNELS, CLOCK_SET, V03 | twice, link.interval, expected)
        else:
            told = information(cell.sent, link)
            made = Published(cell.sent, (ACTUAL,) * CHANNELS, 0, twice | told, link.interval)
        oracle.publish(link, start, made)
