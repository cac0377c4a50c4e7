"""Whatever people ask for and take back, in whatever order statements come: a plain list of edits says the same."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.edits.book import Book
from connectors.edits.config import EditsConfig
from connectors.edits.event import event_of
from connectors.edits.judge import judged
from connectors.edits.statements import statements
from pipeline.statement_frames import Statement, StatementFrame, read_statement_frame
from tests.unit.connectors.edits_log import interval, record
from tests.unit.connectors.readings_in.made import MIDNIGHT
from tests.unit.connectors.test_edits import with_points

STARTS = [MIDNIGHT + 1800 * number for number in range(4)]
CHANNELS = ("wh_imp", "vah_imp")
KNOWN = with_points()

Holding = dict[int, dict[str, int] | str]
"""Start -> values that hold, or DISCARD, or WITHDRAW for what is as the meter sent it."""

values = st.dictionaries(st.sampled_from(CHANNELS), st.integers(0, 9), min_size=1)
proposal = st.one_of(
    st.tuples(st.just("VALUES"), st.dictionaries(st.sampled_from(STARTS), values, min_size=1)),
    st.tuples(st.sampled_from(["DISCARD", "WITHDRAW"]), st.sets(st.sampled_from(STARTS), min_size=1)),
)
step = st.one_of(proposal, st.integers(0, 8))
"""A proposal; or the undoing, perhaps once more, of the edit of this place."""


def oracle(edits: list[tuple[str, Any]], undone: set[int]) -> Holding:
    """From the oldest to the newest edit that was not undone."""
    said: Holding = {start: "WITHDRAW" for _, rows in edits for start in rows}
    for place, (what, rows) in enumerate(edits):
        if place in undone:
            continue
        for start in rows:
            before = said[start]
            if what == "VALUES":
                said[start] = {**(before if isinstance(before, dict) else {}), **rows[start]}
            else:
                said[start] = what
    return said


def told(frames: list[StatementFrame]) -> Holding:
    """What a reader believes for whom the largest number holds."""
    best: dict[int, tuple[int, dict[str, int] | str]] = {}
    for frame in frames:
        for row in frame.rows:
            said: dict[str, int] | str = frame.kind.name
            if frame.kind is Statement.EDIT:
                said = {name: int(row["energy"][bit]) for bit, name in enumerate(CHANNELS) if row["present"] >> bit & 1}
            before = best.setdefault(int(row["start"]), (frame.number, said))
            assert before[0] != frame.number or before[1] == said, "a number says one thing of an interval"
            if frame.number > before[0]:
                best[int(row["start"])] = (frame.number, said)
    return {start: said for start, (_, said) in best.items()}


@given(st.lists(step, max_size=12), st.integers(1, 4), st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_statements_in_any_order_say_what_the_edits_add_up_to(steps: list[Any], together: int, seed: int) -> None:
    book, log, frames = Book(), [], []
    edits: list[tuple[str, Any]] = []
    undone: set[int] = set()
    config = EditsConfig()

    def put(said: dict[str, Any]) -> None:
        log.append(said)
        effect = book.take(event_of(said, len(log) - 1))
        if effect is not None:
            frames.extend(read_statement_frame(one.octets()) for one in statements(effect, book.at_point(7)))

    for place, one in enumerate(steps):
        if isinstance(one, int):
            put(record(id=f"e{one}", event="UNDONE"))
            undone |= {one} if one < len(edits) else set()
        else:
            what, rows = one
            made = [interval(start, **(rows[start] if what == "VALUES" else {})) for start in rows]
            put(record(id=f"e{len(edits)}", what=what, intervals=made))
            edits.append(one)
        # The connector may be late: then several events wait for it.
        while (place + 1) % together == 0 or place + 1 == len(steps):
            due = [(event, judged(event, book, KNOWN, config)) for event in book.due()]
            if not due:
                break
            for event, verdict in due:
                put(event.answer(verdict.event, "people", 9, verdict.code))
    mixed = frames + frames[::2]
    random.Random(seed).shuffle(mixed)
    if not book.asked:
        assert told(mixed) == oracle(edits, undone)
