"""The cold connector: what it waits for, what it does again, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from connectors.cold import connector
from connectors.cold.config import ColdConfig
from connectors.cold.connector import Answers, Cold, Lane, Place, Request
from pipeline.errors import Transient
from pipeline.statement_frames import ROW, Statement, StatementFrame, read_statement_frame
from pipeline.step import Origin
from pipeline.wire import read_frames
from schemas.load import load_contracts

CONTRACTS = load_contracts()


@dataclass
class Positions:
    """A broker on which each group passes what it is asked for after so many looks."""

    looks: int = 0
    asked: list[tuple[str, dict[tuple[str, int], int]]] = field(default_factory=list)

    def ends(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        return {(topic, partition): 7 for topic, count in topics.items() for partition in range(count)}

    def passed(self, group: str, wanted: Mapping[tuple[str, int], int]) -> bool:
        self.asked.append((group, dict(wanted)))
        self.looks -= 1
        return self.looks < 0

    def close(self) -> None:
        pass


@dataclass
class Message:
    place: tuple[str, int, int]

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.place[2]


@dataclass
class Producer:
    """Takes records, each 100 offsets behind the one before."""

    sent: list[tuple[str, int, bytes]] = field(default_factory=list)
    fails: bool = False

    def produce(self, topic: str, *, value: bytes, partition: int, on_delivery: Callable[..., None]) -> None:
        self.sent.append((topic, partition, value))
        on_delivery("broker away" if self.fails else None, Message((topic, partition, 100 * len(self.sent))))

    def flush(self, _secs: float) -> int:
        return 0


def answer(point: int = 7) -> StatementFrame:
    rows = np.zeros(1, ROW)
    rows["start"], rows["secs"], rows["present"] = 1_751_308_200, 1800, 1
    return StatementFrame(Statement.ANSWER, point, 3, 1_751_308_200, rows, "cold/0/1", "cold lane", "late")


def request(offset: int = 40, partition: int = 1) -> Request:
    return Request(0, 5, {"service_point": 7, "source_partition": partition, "source_offset": offset})


@dataclass
class World:
    """A connector whose judge gives `results` one after the other."""

    results: list[Any]
    stopped: bool = False
    pauses: list[float] = field(default_factory=list)
    cold: Any = None

    def __post_init__(self) -> None:
        lane = Lane(self._judge, [("workers", "frames", 2), ("raters", "decoded", 1)], "sink", {"readings": 1})
        place = Place("cold", "127.0.0.1:1", CONTRACTS, "frames", 2)
        self.cold = Cold(ColdConfig(back_off_secs=4), place, lane, lambda: self.stopped)
        self.cold._positions, self.cold._producer = Positions(), Producer()

    def _judge(self, _requests: Any) -> Answers:
        result = self.results.pop(0)
        if isinstance(result, Transient):
            raise result
        assert isinstance(result, Answers)
        return result


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(connector.time, "sleep", found.append)
    return found


def test_an_answer_is_a_statement_in_the_partition_that_the_request_came_from() -> None:
    world = World([Answers([(1, 901, answer())], again=False)])
    world.cold.answer([request()])
    ((topic, partition, value),) = world.cold._producer.sent
    parcel: Any = read_frames(CONTRACTS, value, Origin("t", partition, 0))
    assert (topic, partition, parcel.batch.service_point.tolist()) == ("frames", 1, [7])
    assert parcel.batch.device.tolist() == [901]
    assert read_statement_frame(parcel.batch.payload.tobytes()).number == 3
    assert vars(world.cold.counts) == {"requests": 1, "answers": 1, "rounds": 1, "tries": 0}


def test_it_judges_when_workers_and_the_sink_have_passed_all_that_was_written() -> None:
    world = World([Answers([(1, 901, answer())], again=True), Answers([], again=False)])
    world.cold.answer([request(offset=40)])
    first, second, third, *later = world.cold._positions.asked
    # What this log held at the start, and the request's own record.
    assert first == ("workers", {("frames", 0): 7, ("frames", 1): 41})
    assert second == ("raters", {("decoded", 0): 7})
    assert third == ("sink", {("readings", 0): 7})
    # In the next round its own answer too.
    assert later[0] == ("workers", {("frames", 0): 7, ("frames", 1): 101})


def test_while_the_warehouse_is_away_it_tries_again_with_longer_pauses(pauses: list[float]) -> None:
    away = [Transient("WAREHOUSE_AWAY", where="w", what="refused", do="wait") for _ in range(4)]
    world = World([*away, Answers([], again=False)])
    world.cold.answer([request()])
    assert pauses == [1.0, 2.0, 4.0, 4.0]
    assert world.cold.counts.tries == 4


def test_a_reader_that_lags_is_waited_for(pauses: list[float]) -> None:
    world = World([Answers([], again=False)])
    world.cold._positions.looks = 3
    world.cold.answer([request()])
    assert pauses == [connector.LOOK_SECS] * 3


def test_told_to_stop_it_judges_nothing_more() -> None:
    world = World([], stopped=True)
    world.cold.answer([request()])
    assert world.cold.counts.requests == 0


def test_answers_that_cannot_be_written_end_the_process_before_the_request_is_done() -> None:
    world = World([Answers([(1, 901, answer())], again=False)])
    world.cold._producer.fails = True
    with pytest.raises(Transient, match="ANSWERS_NOT_WRITTEN"):
        world.cold.answer([request()])
    assert world.cold.counts.requests == 0
