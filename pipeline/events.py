"""Events of the event status word, once: bit, name, event codes.

Bits and codes: IS 15959 part 2, event status word 0.0.94.91.18.255 (bit 0 is the highest of the first octet) and event
code tables. Bits that are not listed are makers' own: they are in the word of the snapshot, and raise no event.
"""

from __future__ import annotations

from dataclasses import dataclass

ESW_BITS = 128


@dataclass(frozen=True)
class EswEvent:
    """One bit: the code of its occurrence and of its restoration, None where the standard has none.

    `momentary`: the bit marks a moment (an edge); its end says nothing. Others are set while the condition lasts.
    """

    bit: int
    name: str
    occurred: int | None
    restored: int | None
    momentary: bool = False


ESW_EVENTS: tuple[EswEvent, ...] = (
    EswEvent(0, "voltage missing, phase R", 1, 2),
    EswEvent(1, "voltage missing, phase Y", 3, 4),
    EswEvent(2, "voltage missing, phase B", 5, 6),
    EswEvent(3, "over-voltage", 7, 8),
    EswEvent(4, "low voltage", 9, 10),
    EswEvent(5, "voltage unbalance", 11, 12),
    EswEvent(6, "current reversed, phase R", 51, 52),
    EswEvent(7, "current reversed, phase Y", 53, 54),
    EswEvent(8, "current reversed, phase B", 55, 56),
    EswEvent(9, "current unbalance", 63, 64),
    EswEvent(10, "current bypass", 65, 66),
    EswEvent(11, "over-current", 67, 68),
    EswEvent(12, "very low power factor", 205, 206),
    EswEvent(51, "earth loading", 69, 70),
    EswEvent(81, "magnetic influence", 201, 202),
    EswEvent(82, "neutral disturbance", 203, 204),
    EswEvent(83, "cover open", 251, None),
    # 301 disconnected or 302 connected: the relay's state tells which, the bit does not.
    EswEvent(84, "load switch changed", None, None, momentary=True),
    EswEvent(85, "last gasp", 101, None, momentary=True),
    EswEvent(86, "first breath", 102, None, momentary=True),
    EswEvent(87, "billing counter incremented", None, None, momentary=True),
)


@dataclass(frozen=True)
class Edge:
    """An event that a change of the word stands for."""

    event: EswEvent
    restored: bool

    @property
    def code(self) -> int | None:
        """Its event code."""
        return self.event.restored if self.restored else self.event.occurred


def edges(before: int, after: int, late: bool) -> list[Edge]:
    """Events between two words (bit 0 the highest of 128), in the order of their bits.

    `late`: `after` is older than the word in force, which `before` is: what it shows and the word in force does not has
    occurred, but nothing can be said to have ended.
    """
    found = []
    for event in ESW_EVENTS:
        mask = 1 << (ESW_BITS - 1 - event.bit)
        if after & mask and not before & mask:
            found.append(Edge(event, restored=False))
        elif before & mask and not after & mask and not event.momentary and not late:
            found.append(Edge(event, restored=True))
    return found
