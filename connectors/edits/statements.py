"""What holds of intervals by all edits of their service point, as statement frames.

A statement says all of an interval, so each is made from every edit that holds of it, the newer over the older: an edit
of one channel leaves what an earlier one said of another. What is taken back so brings back what was under it. Each
has the number of the answer that it follows from: answers of a partition have an order, and none has two statements
about an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from connectors.edits.book import Edit, Effect
from pipeline.columns import Array
from pipeline.edits import EditWhat
from pipeline.statement_frames import MOST_ROWS, ROW, Statement, StatementFrame

KIND = {EditWhat.VALUES: Statement.EDIT, EditWhat.DISCARD: Statement.DISCARD, EditWhat.WITHDRAW: Statement.WITHDRAW}


@dataclass
class Said:
    """What holds of one interval: of which kind, and by which edit."""

    start: int
    secs: int
    by: Edit
    kind: Statement = Statement.WITHDRAW
    present: int = 0
    energy: tuple[int, ...] = ()

    def add(self, edit: Edit, row: Array) -> None:
        """A newer edit of the interval."""
        if edit.taken_back:
            return
        kind, present, energy = KIND[edit.proposal.what], int(row["present"]), tuple(row["energy"].tolist())
        if kind is Statement.EDIT and self.kind is Statement.EDIT:
            energy = tuple(
                new if present >> bit & 1 else old
                for bit, (new, old) in enumerate(zip(energy, self.energy, strict=True))
            )
            present |= self.present
        self.kind, self.secs, self.by, self.present, self.energy = kind, int(row["secs"]), edit, present, energy


def statements(effect: Effect, at_point: Iterable[Edit]) -> Iterator[StatementFrame]:
    """Frames for the intervals of the edit that began or ceased to hold; `at_point`: all that have held at its service
    point, in the order of their numbers."""
    said: dict[int, Said] = {}
    for row in effect.edit.proposal.intervals:
        said[int(row["start"])] = Said(int(row["start"]), int(row["secs"]), effect.edit)
    for edit in at_point:
        for row in edit.proposal.intervals:
            one = said.get(int(row["start"]))
            if one is not None:
                one.add(edit, row)
    alike: dict[tuple[Statement, int], list[Said]] = {}
    for one in sorted(said.values(), key=lambda one: one.start):
        alike.setdefault((one.kind, one.by.number), []).append(one)
    for (kind, _), rows in sorted(alike.items()):
        for place in range(0, len(rows), MOST_ROWS):
            yield _frame(kind, rows[place : place + MOST_ROWS], effect)


def _frame(kind: Statement, said: list[Said], effect: Effect) -> StatementFrame:
    rows = np.zeros(len(said), ROW)
    rows["start"] = [one.start for one in said]
    rows["secs"] = [one.secs for one in said]
    if kind is Statement.EDIT:
        rows["present"] = [one.present for one in said]
        rows["energy"] = [one.energy for one in said]
    proposal, answer = said[0].by.proposal, effect.answer
    why = f"{proposal.reason}: {proposal.why}" if proposal.why else proposal.reason
    return StatementFrame(
        kind,
        proposal.service_point,
        answer.offset + 1,
        answer.at,
        rows,
        proposal.id,
        proposal.author,
        why,
    )
