"""The connector of edits, its broker in memory: answers stand in the log before anything follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from connectors.edits.config import EditsConfig
from connectors.edits.connector import run
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from pipeline.errors import Transient
from pipeline.reference import FOREVER, Registry
from pipeline.statement_frames import Statement, StatementFrame, read_statement_frame
from tests.unit.connectors.edits_log import CONTRACTS, EditsLog, interval, record
from tests.unit.connectors.readings_in.made import MIDNIGHT, known
from tests.unit.connectors.test_push import MemoryOutlet, until

FIRST, SECOND = MIDNIGHT, MIDNIGHT + 1800


def with_points(registry: Registry | None = None) -> Registry:
    """Points 7 and 8 with a meter of 1800 s that passes 5,000 Wh in an interval, and a factor of 2."""
    made = registry or known()
    made.limit_wh[:] = 5_000
    made.factor_numerator[:], made.factor_denominator[:] = 2, 1
    for column in Registry.COLUMNS:
        if column.section == "point":
            setattr(made, column.name, column.empty(2))
    made.point = np.array([7, 8], np.uint64)
    made.point_from = np.zeros(2, np.int64)
    made.point_to = np.full(2, FOREVER)
    return made


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> EditsLog:
    return EditsLog().install(monkeypatch)


@asynccontextmanager
async def connected(outlet: MemoryOutlet, **options: Any) -> AsyncIterator[Pump]:
    """A connector that runs."""
    config = EditsConfig.model_validate({"gather": GatherOptions(batch_age_ms=5), **options})
    pump = Pump(with_points(), 4, outlet, config.gather, lambda: 1_000, stated=True)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    running = asyncio.ensure_future(run(config, "people", ("nowhere:1", CONTRACTS), pump, stop))
    try:
        yield pump
    finally:
        stop.set()
        await running
        pumping_stop.set()
        await pumping


async def settled(log: EditsLog) -> None:
    """Wait until every event is answered, and what follows is committed."""
    await until(lambda: log.committed == [len(values) for values in log.records])
    asked = [one for values in range(2) for one in log.events(values) if not one["answers"]]
    await until(lambda: sum(len(log.answers(number)) for number in range(2)) == len(asked))
    await until(lambda: log.committed == [len(values) for values in log.records])


def told(outlet: MemoryOutlet) -> list[StatementFrame]:
    return [read_statement_frame(frame) for frame in outlet.frames]


def holding(outlet: MemoryOutlet) -> dict[int, tuple[Statement, int, list[int]]]:
    """What a reader of the statements believes of each interval, in whatever order they came."""
    known: dict[int, tuple[int, Statement, int, list[int]]] = {}
    for frame in sorted(told(outlet), key=lambda one: -one.number):
        for row in frame.rows:
            said = (frame.number, frame.kind, int(row["present"]), row["energy"].tolist())
            before = known.setdefault(int(row["start"]), said)
            assert before[0] != said[0] or before == said, "one number says one thing"
    return {start: said[1:] for start, said in known.items()}


async def test_what_a_person_proposes_holds_and_is_answered(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(intervals=[interval(FIRST, wh_imp=400), interval(SECOND, wh_imp=300, vah_imp=310)], why="seen"))
    async with connected(outlet):
        await settled(log)
    (frame,) = told(outlet)
    assert (frame.kind, frame.service_point, frame.number, frame.said_at) == (Statement.EDIT, 7, 2, 1_000)
    assert (frame.id, frame.who, frame.why) == ("e1", "asha", "READ_ON_SITE: seen")
    assert frame.rows["start"].tolist() == [FIRST, SECOND]
    assert frame.rows["present"].tolist() == [1, 3]
    assert frame.rows["energy"][:, :2].tolist() == [[400, 0], [300, 310]]
    (_, answer) = log.events()
    assert (answer["event"], answer["answers"], answer["author"], answer["at"]) == ("IN_FORCE", 1, "people", 1_000)


async def test_discard_and_withdraw_are_statements_too(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(id="d", what="DISCARD", intervals=[interval(FIRST)]))
    log.write(1, record(id="w", service_point=8, what="WITHDRAW", intervals=[interval(FIRST)]))
    async with connected(outlet):
        await settled(log)
    assert {(one.kind, one.service_point, one.number) for one in told(outlet)} == {
        (Statement.DISCARD, 7, 2), (Statement.WITHDRAW, 8, 2),
    }  # fmt: skip


async def test_an_edit_waits_for_a_second_person(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(intervals=[interval(FIRST, wh_imp=400)]))
    async with connected(outlet, approval="second_person"):
        await settled(log)
        assert outlet.frames == []
        log.write(0, record(event="APPROVED", author="ASHA "), record(event="APPROVED", author="ravi"))
        await settled(log)
    assert log.answers() == [("e1", "WAITING", ""), ("e1", "REJECTED", "SAME_PERSON"), ("e1", "IN_FORCE", "")]
    assert [one.number for one in told(outlet)] == [6]


async def test_only_those_listed_approve_and_an_author_may_give_up(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(intervals=[interval(FIRST, wh_imp=400)]), record(id="e2", intervals=[interval(FIRST)]),
              record(event="APPROVED", author="ravi"), record(event="REFUSED"), record(event="APPROVED", author="mei"),
              record(id="e2", event="APPROVED", author="mei"))  # fmt: skip
    async with connected(outlet, approval="second_person", approvers=["mei"]):
        await settled(log)
    assert [(code or event) for name, event, code in log.answers() if name == "e1"] == [
        "WAITING", "NOT_APPROVER", "CLOSED", "NOT_WAITING",
    ]  # fmt: skip
    assert [code for name, _, code in log.answers() if name == "e2"] == ["VALUE_MISSING", "EDIT_UNKNOWN"]
    assert outlet.frames == []


async def test_small_edits_need_nobody_else_but_zeros_and_estimates_do(log: EditsLog) -> None:
    log.write(0, record(id="small", intervals=[interval(FIRST, wh_imp=400), interval(SECOND, wh_imp=100)]),
              record(id="large", intervals=[interval(FIRST, wh_imp=400), interval(SECOND, wh_imp=101)]),
              record(id="zero", intervals=[interval(FIRST, wh_imp=0)]),
              record(id="discard", what="DISCARD", intervals=[interval(FIRST)]))  # fmt: skip
    async with connected(MemoryOutlet(), approval="second_person", approve_above_wh=500):
        await settled(log)
    assert [event for _, event, _ in log.answers()] == ["IN_FORCE", "WAITING", "WAITING", "WAITING"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AUTHOR_MISSING", {"author": " "}),
        ("WHY_MISSING", {"reason": "OTHER"}),
        ("INTERVALS_MISSING", {"intervals": []}),
        ("INTERVALS_TOO_MANY", {"intervals": [interval(FIRST + 1800 * n, wh_imp=1) for n in range(5)]}),
        ("INTERVAL_TWICE", {"intervals": [interval(FIRST, wh_imp=1), interval(FIRST, vah_imp=1)]}),
        ("POINT_UNKNOWN", {"service_point": 9}),
        ("POINT_UNKNOWN", {"service_point": -1}),
        ("NOT_LINKED", {"intervals": [interval(0, wh_imp=1)]}),
        ("INTERVAL_OTHER", {"intervals": [interval(FIRST, 900, wh_imp=1)]}),
        ("OFF_GRID", {"intervals": [interval(FIRST + 900, wh_imp=1)]}),
        ("IN_FUTURE", {"at": FIRST + 1799}),
        ("VALUE_MISSING", {"intervals": [interval(FIRST)]}),
        ("VALUE_UNUSED", {"what": "DISCARD"}),
        ("VALUE_NEGATIVE", {"intervals": [interval(FIRST, wh_imp=-1)]}),
        ("VALUE_ABOVE_LIMIT", {"intervals": [interval(FIRST, vah_imp=10_001)]}),
        ("VALUE_ABOVE_LIMIT", {"intervals": [interval(FIRST, vah_imp=2**60)], "override": True}),
        ("EDIT_UNKNOWN", {"event": "UNDONE"}),
    ],
)
async def test_what_cannot_be_is_rejected_with_its_code(log: EditsLog, code: str, said: dict[str, Any]) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(**{"intervals": [interval(FIRST, wh_imp=1)], **said}))
    async with connected(outlet, most_intervals=4):
        await settled(log)
    assert log.answers() == [("e1", "REJECTED", code)]
    assert log.events()[-1]["detail"]
    assert outlet.frames == []


async def test_the_limit_is_times_the_factor_and_can_be_overridden(log: EditsLog) -> None:
    log.write(0, record(id="most", intervals=[interval(FIRST, wh_imp=10_000)]),
              record(id="more", intervals=[interval(FIRST, wh_imp=10_001)], override=True),
              record(id="now", intervals=[interval(FIRST, wh_imp=1)], at=FIRST + 1800))  # fmt: skip
    async with connected(MemoryOutlet()):
        await settled(log)
    assert [event for _, event, _ in log.answers()] == ["IN_FORCE"] * 3


async def test_what_is_undone_brings_back_what_was_under_it(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(id="old", intervals=[interval(FIRST, wh_imp=1, vah_imp=2)]),
              record(id="new", intervals=[interval(FIRST, wh_imp=5), interval(SECOND, wh_imp=6)]))  # fmt: skip
    async with connected(outlet):
        await settled(log)
        assert holding(outlet)[FIRST] == (Statement.EDIT, 3, [5, 2, 0, 0])
        log.write(0, record(id="new", event="UNDONE", reason="MISTAKE"))
        await settled(log)
        assert holding(outlet) == {FIRST: (Statement.EDIT, 3, [1, 2, 0, 0]), SECOND: (Statement.WITHDRAW, 0, [0] * 4)}
        log.write(0, record(id="old", event="UNDONE"), record(id="old", event="UNDONE"))
        await settled(log)
    assert holding(outlet)[FIRST][0] is Statement.WITHDRAW
    assert [code or event for _, event, code in log.answers()] == [
        "IN_FORCE", "IN_FORCE", "TAKEN_BACK", "TAKEN_BACK", "NOT_IN_FORCE",
    ]  # fmt: skip


async def test_an_older_edit_undone_leaves_the_newer_one_as_it_is(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(id="old", what="DISCARD", intervals=[interval(FIRST)]),
              record(id="new", intervals=[interval(FIRST, wh_imp=5)]),
              record(id="old", event="UNDONE"))  # fmt: skip
    async with connected(outlet):
        await settled(log)
    assert holding(outlet)[FIRST] == (Statement.EDIT, 1, [5, 0, 0, 0])


async def test_a_copy_of_a_proposal_changes_nothing(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, *[record(intervals=[interval(FIRST, wh_imp=1)])] * 2)
    async with connected(outlet):
        await settled(log)
    assert [code for _, _, code in log.answers()] == ["", "EDIT_KNOWN"]
    assert len(outlet.frames) == 1


async def test_a_restart_tells_again_what_was_not_committed_and_judges_nothing_twice(log: EditsLog) -> None:
    first, second = MemoryOutlet(), MemoryOutlet()
    log.write(0, record(intervals=[interval(FIRST, wh_imp=1)]))
    async with connected(first):
        await settled(log)
    # Kafka had the answer, and the process was lost before it committed. Other rules of approval hold now.
    log.committed = [1, 0]
    async with connected(second, approval="second_person"):
        await settled(log)
    assert second.frames == first.frames
    assert log.answers() == [("e1", "IN_FORCE", "")]
    third = MemoryOutlet()
    async with connected(third):
        log.write(0, record(event="UNDONE"))
        await settled(log)
    assert [one.kind for one in told(third)] == [Statement.WITHDRAW], "what was committed is not told again"


async def test_of_two_answers_the_first_holds(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    asked = record(intervals=[interval(FIRST, wh_imp=1)])
    log.write(0, asked, record(event="REJECTED", answers=1, code="OFF_GRID"), record(event="IN_FORCE", answers=1))
    async with connected(outlet):
        await until(lambda: log.committed == [3, 0])
    assert outlet.frames == []


async def test_long_edits_are_several_frames_of_one_number(log: EditsLog) -> None:
    outlet = MemoryOutlet()
    log.write(0, record(intervals=[interval(FIRST + 1800 * n, wh_imp=n) for n in reversed(range(700))]))
    async with connected(outlet):
        await settled(log)
    assert [(len(one.rows), one.number) for one in told(outlet)] == [(300, 2), (300, 2), (100, 2)]
    assert np.concatenate([one.rows["energy"][:, 0] for one in told(outlet)]).tolist() == list(range(700))


async def test_who_may_not_answer_stops(log: EditsLog) -> None:
    log.refusing = True
    log.write(0, record(intervals=[interval(FIRST, wh_imp=1)]))
    pump = Pump(with_points(), 4, MemoryOutlet(), GatherOptions(), lambda: 1_000, stated=True)
    with pytest.raises(Transient, match="EDITS_UNANSWERED"):
        await run(EditsConfig(), "people", ("nowhere:1", CONTRACTS), pump, asyncio.Event())


def test_options_that_need_approval_say_so() -> None:
    with pytest.raises(ValueError, match="second_person"):
        EditsConfig(approvers=("mei",))
    with pytest.raises(ValueError, match="no zone"):
        EditsConfig(timezone="Mars/Olympus")
