"""All edits of the topic, as commands see them: what each is, how it stands, who did what with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from connectors.edits.book import Book
from connectors.edits.event import Event, event_of
from connectors.edits.topic import Placed
from pipeline.edits import EditEvent
from pipeline.wire import UNREADABLE, Contracts

STATES = ("PROPOSED", "WAITING", "IN_FORCE", "TAKEN_BACK", "CLOSED", "REJECTED")
"""Of an edit, open ones first; PROPOSED: the connector has not answered yet."""


@dataclass
class Entry:
    """One edit and its events in their order; `proposal` is the one that counts."""

    proposal: Event
    state: str = "PROPOSED"
    events: list[Event] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its id."""
        return self.proposal.id

    def last(self, *kinds: EditEvent) -> Event | None:
        """The last event of these kinds."""
        return next((event for event in reversed(self.events) if event.event in kinds), None)

    def row(self) -> dict[str, Any]:
        """The edit in a line."""
        proposal, approved = self.proposal, self.last(EditEvent.APPROVED)
        rejected = self.last(EditEvent.REJECTED)
        rows = proposal.intervals
        starts = rows["start"] if len(rows) else np.zeros(1, np.int64)
        held = self.state in ("IN_FORCE", "TAKEN_BACK")
        return {
            "id": self.id, "state": self.state, "service_point": proposal.service_point, "what": proposal.what.name,
            "intervals": len(rows), "from": int(starts.min()), "to": int((starts + rows["secs"]).max()) if len(rows)
            else 0, "wh_imp": int(rows["energy"][:, 0].sum()), "reason": proposal.reason, "why": proposal.why,
            "author": proposal.author, "batch": proposal.batch, "proposed_at": proposal.at,
            "approved_by": approved.author if approved is not None and held else None,
            "code": rejected.code if rejected is not None and self.events[-1] is rejected else "",
            "detail": rejected.detail if rejected is not None and self.events[-1] is rejected else "",
        }  # fmt: skip


class Ledger:
    """Built by reading the topic on; the same answers hold as in the connector."""

    def __init__(self, contracts: Contracts) -> None:
        self.entries: dict[str, Entry] = {}
        self.books: dict[int, Book] = {}
        self.answers: dict[tuple[int, int], Event] = {}
        """The answer to the event at (partition, offset)."""
        self.unreadable = 0
        self._contracts = contracts

    def take(self, placed: Iterable[Placed]) -> None:
        """Read on."""
        for partition, offset, value in placed:
            try:
                event = event_of(self._contracts.decode(value, "Edit"), offset)
            except UNREADABLE:
                self.unreadable += 1
                continue
            self._take(self.books.setdefault(partition, Book()), partition, event)

    def _take(self, book: Book, partition: int, event: Event) -> None:
        known = self.entries.get(event.id)
        if event.event is EditEvent.PROPOSED and (known is None or known.state == "REJECTED"):
            events = [] if known is None else known.events
            known = self.entries[event.id] = Entry(event, events=events)
        book.take(event)
        if not event.asked:
            self.answers.setdefault((partition, event.answers - 1), event)
        if known is None:
            return
        known.events.append(event)
        edit = book.edits.get(event.id)
        if edit is not None:
            known.state = edit.state.name
        elif event.event is EditEvent.REJECTED and event.answers - 1 == known.proposal.offset:
            known.state = "REJECTED"

    def known(self) -> Book:
        """All edits of all partitions in one book, to judge by."""
        return Book({name: edit for book in self.books.values() for name, edit in book.edits.items()})
