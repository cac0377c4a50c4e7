"""Orders, readings, bills and crashes in any order: the receiver has what a plain model says, each reading once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.sap_receiver import Receiver, receiving
from pipeline.errors import Transient
from sinks.records import Record
from sinks.sap_mdus.sink import SapMdusSink
from tests.unit.sinks.sap_mdus.builders import determinant, gathered, order, sink_of

POINTS = (1, 2)
STEPS = st.tuples(
    st.sampled_from(["reading", "reading", "order", "cancel", "billed"]), st.sampled_from(POINTS), st.integers(0, 3),
    st.sampled_from(["", "", "answer lost", "killed"]),
)  # fmt: skip


@dataclass
class Model:
    """What each order should come to, said in the plainest way."""

    state: dict[int, str] = field(default_factory=dict)
    reading: dict[int, int] = field(default_factory=dict)
    there: dict[int, int] = field(default_factory=dict)
    cases: Counter[int] = field(default_factory=Counter)
    last_case: dict[int, int] = field(default_factory=dict)

    def do(self, what: str, point: int, value: int) -> None:
        known = self.state.get(point)
        if what == "reading":
            self.reading[point] = value
            if known == "BILLED" and self.there.get(point) != value and self.last_case.get(point) != value:
                self.cases[point] += 1
                self.last_case[point] = value
        elif what == "order" and known in (None, "CANCELLED"):
            self.state[point] = "OPEN"
        elif what == "billed" and known is not None:
            self.state[point] = "BILLED"
        elif what == "cancel" and known == "OPEN":
            self.state[point] = "CANCELLED"
        if point in self.reading and self.state.get(point) in ("OPEN", "ENTERED"):
            self.there[point] = self.reading[point]
            self.state[point] = "ENTERED"


def record(what: str, point: int, value: int, place: dict[str, int]) -> Record:
    kind = "determinants" if what == "reading" else "orders"
    place[kind] = place.get(kind, -1) + 1
    if what == "reading":
        return determinant(place[kind], point, 1_000_000 + 1_000 * value)
    event = {"order": "ORDERED", "cancel": "CANCELLED", "billed": "BILLED"}[what]
    return order(place[kind], f"100{point}", point, event=event)


def brought(sink: SapMdusSink, receiver: Receiver, one: Record, crash: str, folder: Path) -> SapMdusSink:
    """Write a record's block; with a crash the receiver takes it, and another sink writes the same block again."""
    (block,) = gathered(sink, one)
    receiver.silent = 1 if crash else 0
    try:
        sink.write(block)
    except Transient:
        if crash == "killed":
            sink.close()
            sink = sink_of(receiver, folder, orders="required")
        sink.write(block)
    receiver.silent = 0
    return sink


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_the_receiver_has_what_the_model_says(steps: list[tuple[str, int, int, str]]) -> None:
    model, place = Model(), dict[str, int]()
    with TemporaryDirectory() as name, receiving() as receiver:
        folder = Path(name)
        sink = sink_of(receiver, folder, orders="required")
        for what, point, value, crash in steps:
            model.do(what, point, value)
            sink = brought(sink, receiver, record(what, point, value, place), crash, folder)
        cases = Counter(int(row["order"][-1]) for row in sink.journal.cases())
        waiting = sink.journal.waiting(10)
        sink.close()
    there: dict[int, int] = {}
    for one in receiver.taken.values():
        document = one.find("MeterReadingDocument")
        shown = document.findtext("Result/MeterReadingResultValue")
        there[int(document.findtext("ID")[-1])] = round(float(shown)) - 1_000
    assert there == model.there
    assert cases == model.cases
    assert waiting == []
    assert {kind for _, kind in receiver.refused} <= {"DUPLICATE_UUID"}
