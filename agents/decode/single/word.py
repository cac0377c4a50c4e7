"""The event status word: which bits are set, what they are called, and what changed since the word before."""

from __future__ import annotations

from typing import Any

from agents.decode.single.described import Described
from pipeline.axdr import Datum
from pipeline.events import ESW_BITS, ESW_EVENTS, edges

_BY_BIT = {event.bit: event for event in ESW_EVENTS}
_MAKERS = {122: "CT open, phase R (maker's)", 123: "CT open, phase Y (maker's)", 124: "CT open, phase B (maker's)"}


def word_of(datum: Datum) -> int:
    """The word as a number of 128 bits, the first bit the highest; shorter words are filled up."""
    count, octets = datum.value
    if count > ESW_BITS:
        octets = octets[: ESW_BITS // 8]
    return int.from_bytes(octets.ljust(ESW_BITS // 8, b"\0"), "big")


def told_word(word: int, found: Described) -> list[int]:
    """The bits that are set; their names go to the details."""
    bits = [bit for bit in range(ESW_BITS) if word >> (ESW_BITS - 1 - bit) & 1]
    found.details["bits"] = [_told(bit) for bit in bits]
    return bits


def _told(bit: int) -> dict[str, Any]:
    event = _BY_BIT.get(bit)
    if event is None:
        return {"bit": bit, "name": _MAKERS.get(bit, "a maker's own"), "kind": "unknown", "code": None}
    return {
        "bit": bit, "name": event.name, "kind": "edge" if event.momentary else "level", "code": event.occurred,
    }  # fmt: skip


def told_edges(before: list[int], after: list[int]) -> list[dict[str, Any]]:
    """Events between two words of a meter, in the order of their bits."""
    words = [sum(1 << (ESW_BITS - 1 - bit) for bit in bits) for bits in (before, after)]
    return [
        {
            "bit": edge.event.bit, "name": edge.event.name, "edge": "restored" if edge.restored else "occurred",
            "code": edge.code,
        }
        for edge in edges(words[0], words[1], late=False)
    ]  # fmt: skip
