"""What the events of one partition of edits add up to. The same events give the same book; nothing else changes it.

A person's event changes nothing by itself: its answer does, which stands behind it in the same partition. So whoever
reads the partition knows what holds, and an answer that was once given is not given otherwise by a later reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.edits.event import Event
from pipeline.edits import EditEvent


@dataclass
class Edit:
    """An edit that was proposed; `number`: 1 + the offset of the answer that put it in force, 0 before.

    taken_back: the same of the answer that took it back, 0 while it holds.
    """

    proposal: Event
    state: EditEvent
    number: int = 0
    taken_back: int = 0


@dataclass(frozen=True)
class Effect:
    """Something to be told to the service point: the edit that began or ceased to hold, by this answer."""

    edit: Edit
    answer: Event


@dataclass
class Book:
    """All edits of a partition: `asked` are people's events without an answer, by offset."""

    edits: dict[str, Edit] = field(default_factory=dict)
    asked: dict[int, Event] = field(default_factory=dict)
    rejected: int = 0
    _answering: set[int] = field(default_factory=set)
    _at_point: dict[int, list[Edit]] = field(default_factory=dict)

    def take(self, event: Event) -> Effect | None:
        """Read on by one event; what is to be told because of it."""
        if event.asked:
            self.asked[event.offset] = event
            return None
        # Two processes may answer at once, when one is thought to be lost: the first answer holds.
        asked = self.asked.pop(event.answers - 1, None)
        self._answering.discard(event.answers - 1)
        return self._answered(asked, event) if asked is not None and asked.id == event.id else None

    def due(self) -> Iterator[Event]:
        """People's events to be answered now. Of an edit one is answered at a time, and at a service point none before
        one that waits for that: edits come into force in the order in which they were asked for."""
        busy = {self.asked[offset].id for offset in self._answering}
        held: set[int] = set()
        for offset, event in sorted(self.asked.items()):
            if offset in self._answering or event.service_point in held:
                continue
            if event.id in busy:
                held.add(event.service_point)
                continue
            busy.add(event.id)
            self._answering.add(offset)
            yield event

    def at_point(self, service_point: int) -> list[Edit]:
        """The edits that have held at a service point, in the order of their numbers."""
        return self._at_point.get(service_point, [])

    def count(self, state: EditEvent) -> int:
        """Edits in a state."""
        return sum(edit.state is state for edit in self.edits.values())

    def _answered(self, asked: Event, answer: Event) -> Effect | None:
        if answer.event is EditEvent.REJECTED:
            self.rejected += 1
            return None
        edit = self.edits.get(asked.id)
        if edit is None:
            edit = self.edits[asked.id] = Edit(asked, answer.event)
        edit.state = answer.event
        if answer.event is EditEvent.IN_FORCE:
            edit.number = answer.offset + 1
            self._at_point.setdefault(edit.proposal.service_point, []).append(edit)
            return Effect(edit, answer)
        if answer.event is EditEvent.TAKEN_BACK:
            edit.taken_back = answer.offset + 1
            return Effect(edit, answer)
        return None
