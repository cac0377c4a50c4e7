"""Blocks joined over frames: general-block-transfer, and the blocks of GET, SET and ACTION."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.decode.single.explain import note_datum
from agents.decode.single.messages import Answer, Block, Message
from agents.decode.single.octets import MOST_APDU, FrameError, Reader, Section, malformed, missing
from agents.decode.single.responses import GET, take_count, take_get_result
from pipeline.axdr import Datum, read_datum

MOST_OPEN = 64
"""Transfers that may be under way at a time; the oldest one is given up for a new one."""


@dataclass
class _Open:
    """A transfer under way."""

    blocks: list[bytes] = field(default_factory=list)
    size: int = 0


class Transfers:
    """What has come of transfers that are not at their end, by service and invoke id."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], _Open] = {}

    def join(self, block: Block) -> bytes | None:
        """The whole when `block` is the last one, None while more are due; raises FrameError and forgets the others."""
        key = (block.service, block.invoke)
        found = self._open.pop(key, None) or _Open()
        expected = len(found.blocks) + 1
        if found.blocks and block.number == expected - 1 and block.octets == found.blocks[-1]:
            self._open[key] = found  # the same block again
            return None
        if block.number != expected:
            raise missing(f"block {block.number} out of order")
        found.blocks.append(block.octets)
        found.size += len(block.octets)
        if found.size > MOST_APDU:
            raise FrameError("FRAME_TOO_LONG", f"{found.size} octets in blocks")
        if block.last:
            return b"".join(found.blocks)
        if len(self._open) >= MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._open[key] = found
        return None

    def pending(self, block: Block) -> bool:
        """This block's transfer waits for more."""
        return (block.service, block.invoke) in self._open

    def progress(self, block: Block) -> tuple[int, int]:
        """(blocks, octets) of the transfer of `block` so far."""
        found = self._open.get((block.service, block.invoke), _Open())
        return len(found.blocks), found.size


def read_joined(section: Section, service: int, message: Message) -> None:
    """The values of joined blocks: a Data, or what a response with a list holds; raises FrameError."""
    try:
        start, found = _data_of(section.octets)
    except FrameError as error:
        if service != GET or not _read_list(section, message):
            raise error from None
        return
    section.note(0, start, "choice", "data")
    note_datum(section, found)
    message.answers = [Answer(datum=found)]


def _data_of(octets: bytes) -> tuple[int, Datum]:
    """(where it begins, a Data that takes all octets): at once, or behind a choice."""
    found, end = read_datum(octets, 0)
    if end == len(octets):
        return 0, found
    if octets[0] == 0:
        found, end = read_datum(octets, 1)
        if end == len(octets):
            return 1, found
    raise malformed(f"{len(octets) - end} octets behind the data")


def _read_list(section: Section, message: Message) -> bool:
    trial = Section(section.name, section.octets, section.kept)
    reader = Reader(trial)
    try:
        answers = [take_get_result(reader) for _ in range(take_count(reader))]
        reader.finish()
    except FrameError:
        return False
    section.absorb(trial, 0)
    message.answers = answers
    return True
