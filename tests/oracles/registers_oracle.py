"""Registers of one service point's midnights and exchanges, and what they say of a span, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.oracles.vee_oracle import Link, Oracle

DAY, OFFSET, CHANNELS = 86_400, 19_800, 4


def _at(oracle: Oracle, link: Link, day: int) -> Sequence[int] | None:
    device, known = oracle.registers.get((link.point, day), (0, [-1] * CHANNELS))
    return known if device == link.device else None


def origin_of(oracle: Oracle, point: int, day: int) -> int:
    """The midnight whose registers are kept for a day's: its own, or that of an earlier day whose registers go on."""
    oldest = day == oracle.today - oracle.config.hot_days + 1
    return oracle.carried[point][0] if oldest and point in oracle.carried else day


def opening_of(oracle: Oracle, link: Link, day: int) -> Sequence[int] | None:
    midnight = origin_of(oracle, link.point, day) * DAY - OFFSET
    if link.start >= midnight and link.opening is not None:
        return link.opening
    return None if link.start > midnight else _at(oracle, link, day)


def closing_of(oracle: Oracle, link: Link, day: int) -> Sequence[int] | None:
    return link.closing if link.until <= day * DAY - OFFSET else _at(oracle, link, day)


def opens_at(oracle: Oracle, point: int, day: int) -> bool:
    """A span may begin at this midnight: the register of the meter that stands then is known, or none stands."""
    midnight = day * DAY - OFFSET
    if origin_of(oracle, point, day) != day:
        return True
    for link in oracle.links_of(point, midnight, midnight + 1):
        registers = opening_of(oracle, link, day)
        return registers is not None and registers[0] >= 0
    return True


def closes_at(oracle: Oracle, point: int, day: int) -> bool:
    """A span may end at this midnight: the register of the meter that stood until then is known, or none stood."""
    midnight = day * DAY - OFFSET
    for link in oracle.links_of(point, midnight - 1, midnight):
        registers = closing_of(oracle, link, day)
        return registers is not None and registers[0] >= 0
    return True


def span_energy(oracle: Oracle, point: int, first: int, last: int) -> tuple[dict[int, int], int]:
    origin = origin_of(oracle, point, first)
    begin, end = origin * DAY - OFFSET, last * DAY - OFFSET
    energy = dict.fromkeys(range(CHANNELS), 0)
    links = oracle.links_of(point, begin, end)
    for link in links:
        opening, closing = opening_of(oracle, link, first), closing_of(oracle, link, last)
        seconds = min(end, link.until) - max(begin, link.start)
        for channel in list(energy):
            if opening is None or closing is None or opening[channel] < 0 or closing[channel] < 0:
                del energy[channel]
                continue
            new, old = closing[channel], opening[channel]
            if new < old:
                new += link.modulus
                most = link.limit * (seconds // link.interval + 1) if link.limit else link.modulus // 2
                if not link.modulus or new < old or new - old > most:
                    del energy[channel]
                    continue
            part = new * link.numerator // link.denominator - old * link.numerator // link.denominator
            energy[channel] += part
    if origin != first:
        energy = {channel: value - oracle.carried[point][1][channel] for channel, value in energy.items()}
        energy = {channel: value for channel, value in energy.items() if value >= 0}
    return (energy if 0 in energy else {}), len(links)
