"""Whether an event of an edit has the effect that its author wants: by the registry, by the rules of approval.

Pure: what was answered stands in the log, so nobody asks again when the registry has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from connectors.edits.book import Book, Edit
from connectors.edits.config import EditsConfig
from connectors.edits.event import Event
from pipeline.columns import Array
from pipeline.edits import FAULT_BY_CODE, EditEvent, EditWhat
from pipeline.lookup import find
from pipeline.reading_frames import EARLIEST, LARGEST, LATEST
from pipeline.reference import Registry

UNKNOWN_LIMIT = LARGEST


@dataclass(frozen=True)
class Verdict:
    """The answer to an event; with REJECTED the code of pipeline.edits, and what it is about."""

    event: EditEvent
    code: str = ""
    about: str = ""

    @property
    def detail(self) -> str:
        """The code in words."""
        if not self.code:
            return ""
        meaning = FAULT_BY_CODE[self.code].meaning
        return f"{self.about}: {meaning}" if self.about else meaning


class _FaultError(Exception):
    def __init__(self, code: str, about: str = "") -> None:
        super().__init__(code)
        self.verdict = Verdict(EditEvent.REJECTED, code, about)


def judged(event: Event, book: Book, registry: Registry, config: EditsConfig) -> Verdict:
    """What is answered to a person's event."""
    try:
        _check_said(event)
        if event.event is EditEvent.PROPOSED:
            return _proposed(event, book, registry, config)
        edit = book.edits.get(event.id)
        if edit is None or edit.proposal.service_point != event.service_point:
            raise _FaultError("EDIT_UNKNOWN")
        if event.event is EditEvent.UNDONE:
            return _undone(event, edit, config)
        return _decided(event, edit, config)
    except _FaultError as fault:
        return fault.verdict


def _check_said(event: Event) -> None:
    if not event.author.strip():
        raise _FaultError("AUTHOR_MISSING")
    if event.reason == "OTHER" and not event.why.strip():
        raise _FaultError("WHY_MISSING")


def _proposed(event: Event, book: Book, registry: Registry, config: EditsConfig) -> Verdict:
    if event.id in book.edits:
        raise _FaultError("EDIT_KNOWN", f"it is {book.edits[event.id].state.name}")
    most = _check_intervals(event, registry, config)
    if config.approval == "none" or 0 < _energy(event, most) <= config.approve_above_wh:
        return Verdict(EditEvent.IN_FORCE)
    return Verdict(EditEvent.WAITING)


def _decided(event: Event, edit: Edit, config: EditsConfig) -> Verdict:
    """Approved or refused. An author may give up, but not approve."""
    if edit.state is not EditEvent.WAITING:
        raise _FaultError("NOT_WAITING", f"it is {edit.state.name}")
    own = _person(event.author) == _person(edit.proposal.author)
    if event.event is EditEvent.REFUSED and own:
        return Verdict(EditEvent.CLOSED)
    if own:
        raise _FaultError("SAME_PERSON", event.author)
    _check_approver(event.author, config)
    return Verdict(EditEvent.IN_FORCE if event.event is EditEvent.APPROVED else EditEvent.CLOSED)


def _undone(event: Event, edit: Edit, config: EditsConfig) -> Verdict:
    if edit.state is not EditEvent.IN_FORCE:
        raise _FaultError("NOT_IN_FORCE", f"it is {edit.state.name}")
    if _person(event.author) != _person(edit.proposal.author):
        _check_approver(event.author, config)
    return Verdict(EditEvent.TAKEN_BACK)


def _check_approver(author: str, config: EditsConfig) -> None:
    if config.approvers and _person(author) not in {_person(name) for name in config.approvers}:
        raise _FaultError("NOT_APPROVER", author)


def _person(name: str) -> str:
    """A person by any spelling: nobody becomes a second one by another case or a space."""
    return " ".join(name.split()).casefold()


def _energy(event: Event, most: list[int]) -> int:
    """[Wh] What an edit is about, at most; `most`: what the meter can pass in each interval."""
    if event.what is EditWhat.VALUES:
        return int(np.abs(event.intervals["energy"]).max(axis=1).sum())
    return sum(most)


def _check_intervals(event: Event, registry: Registry, config: EditsConfig) -> list[int]:
    """[Wh] The most that the meter can pass in each interval."""
    rows = event.intervals
    if not len(rows):
        raise _FaultError("INTERVALS_MISSING")
    if len(rows) > config.most_intervals:
        raise _FaultError("INTERVALS_TOO_MANY", f"{len(rows)} of {config.most_intervals}")
    starts = np.sort(rows["start"])
    for before, after in pairwise(starts.tolist()):
        if before == after:
            raise _FaultError("INTERVAL_TWICE", _shown(before, ZoneInfo(config.timezone)))
    point = event.service_point
    if not 0 < point < 1 << 63 or find(*registry.by_point, np.uint64(point)) < 0:
        raise _FaultError("POINT_UNKNOWN", str(point))
    zone, links = ZoneInfo(config.timezone), list(_links(registry, point))
    return [_check_interval(event, row, registry, links, zone) for row in rows]


def _links(registry: Registry, point: int) -> Iterator[int]:
    """Rows of the links of a service point, in order of time."""
    order, index = registry.links_of_point
    place = int(find(*index, np.uint64(point)))
    while 0 <= place < len(order) and int(registry.service_point[order[place]]) == point:
        yield int(order[place])
        place += 1


def _check_interval(event: Event, row: Array, registry: Registry, links: list[int], zone: ZoneInfo) -> int:
    start, secs = int(row["start"]), int(row["secs"])
    if not EARLIEST <= start < LATEST:
        raise _FaultError("NOT_LINKED", f"{start} s")
    about = _shown(start, zone)
    link = next((one for one in links if registry.valid_from[one] <= start < registry.valid_to[one]), None)
    if link is None:
        raise _FaultError("NOT_LINKED", about)
    interval = int(registry.interval_secs[link])
    if secs != interval:
        raise _FaultError("INTERVAL_OTHER", f"{about}, {secs} s in place of {interval} s")
    offset = datetime.fromtimestamp(start, zone).utcoffset() or timedelta()
    if (start + int(offset.total_seconds())) % secs:
        raise _FaultError("OFF_GRID", about)
    if start + secs > event.at:
        raise _FaultError("IN_FUTURE", about)
    most = _most(registry, link)
    _check_values(event, row, most, about)
    return most


def _check_values(event: Event, row: Array, most: int, about: str) -> None:
    if event.what is not EditWhat.VALUES:
        if row["present"]:
            raise _FaultError("VALUE_UNUSED", about)
        return
    if not row["present"]:
        raise _FaultError("VALUE_MISSING", about)
    lowest, highest = int(row["energy"].min()), int(row["energy"].max())
    if lowest < 0:
        raise _FaultError("VALUE_NEGATIVE", f"{about}, {lowest}")
    if highest > most and (not event.override or highest > LARGEST):
        raise _FaultError("VALUE_ABOVE_LIMIT", f"{about}, {highest} of {most}")


def _most(registry: Registry, link: int) -> int:
    """[Wh] What the meter can pass in an interval, times its multiplying factor (rule V09)."""
    limit = int(registry.limit_wh[link])
    factor = int(registry.factor_numerator[link]), max(1, int(registry.factor_denominator[link]))
    return limit * factor[0] // factor[1] if limit > 0 and factor[0] > 0 else UNKNOWN_LIMIT


def _shown(start: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(start, zone).isoformat(timespec="minutes")
