"""The prepaid connector over topics in memory: what it reads when, and what it writes together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.connector import Keeper, Place, Rates
from pipeline.errors import Transient
from pipeline.step import Tick
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.builders_prepaid import DEVICE, HOUR, JANUARY, charge, day, payment
from tests.builders_readings import PLAIN, plain

CONTRACTS = load_contracts()
MONDAY = JANUARY + 4 * 86_400
CONFIG = PrepaidConfig(grace_hours=0, commit_secs=0.000_001)


@dataclass(frozen=True)
class Message:
    """As much of a message of the client's library as the connector reads."""

    place: tuple[str, int, int]
    octets: bytes

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.place[2]

    def value(self) -> bytes:
        return self.octets


@dataclass
class Topics:
    """Topics in memory; `written`: what was written together, with the offsets of what was done."""

    ledger: list[bytes] = field(default_factory=list)
    behind: set[tuple[str, int]] = field(default_factory=set)
    waiting: list[Message] = field(default_factory=list)
    written: list[tuple[list[tuple[str, str]], list[tuple[str, int, int]]]] = field(default_factory=list)
    _done: list[tuple[str, int, int]] = field(default_factory=list)
    _offset: int = 0

    def put(self, topic: str, octets: bytes) -> None:
        self.waiting.append(Message((topic, 0, self._offset), octets))
        self._offset += 1

    def open(self, _ledger: str, take: Callable[[bytes], None]) -> None:
        for raw in self.ledger:
            take(raw)

    def read(self) -> list[Message]:
        found, self.waiting = self.waiting, []
        return found

    def done(self, message: Message) -> None:
        self._done.append(message.place)

    def write(self, records: Sequence[tuple[str, bytes, bytes]]) -> None:
        kinds = []
        for topic, _, raw in records:
            schema = "LedgerEntry" if topic == "ledger" else "Command"
            kinds.append((topic, CONTRACTS.decode(raw, schema)["kind"]))
            if topic == "ledger":
                self.ledger.append(raw)
        if records or self._done:
            self.written.append((kinds, self._done))
        self._done = []

    def close(self) -> None:
        pass


def keeper(topics: Topics, refresh: Callable[[], None] = lambda: None) -> Keeper:
    rates = Rates(charge, lambda _point, _at: DEVICE, refresh)
    made = Keeper(CONFIG, Place("prepaid", "", CONTRACTS, "ledger"), rates, topics)
    made.open()
    return made


def say(topics: Topics, *records: dict[str, Any]) -> None:
    for record in records:
        topic, schema = ("payments", "Payment") if "mode" in record else ("determinants", "Determinant")
        topics.put(topic, CONTRACTS.encode(schema, plain(PLAIN[schema], **record)))


def tick(topics: Topics, at: int) -> None:
    topics.put("prepaid-ticks", frames_record(CONTRACTS, tick=Tick(at, 3600)))


def test_entries_commands_and_offsets_are_written_together() -> None:
    topics = Topics()
    here = keeper(topics)
    say(topics, payment("open", "OPEN", 10_000), day(0, 90_000))
    tick(topics, MONDAY + 11 * HOUR)
    here.go_on()
    ((kinds, done),) = topics.written
    assert kinds == [("ledger", kind) for kind in ("OPENED", "DEDUCTION", "WARNED", "WARNED", "WARNED", "LOW",
                                                   "DISCONNECT")] + [("commands", "disconnect")]  # fmt: skip
    assert done == [("payments", 0, 0), ("determinants", 0, 1), ("prepaid-ticks", 0, 2)]
    here.go_on()
    assert len(topics.written) == 1, "nothing has come"


def test_time_waits_for_payments_that_have_not_been_read() -> None:
    topics = Topics()
    here = keeper(topics)
    say(topics, payment("open", "OPEN", 10_000), day(0, 90_000))
    tick(topics, MONDAY + 11 * HOUR)
    topics.behind = {("payments", 0), ("prepaid-ticks", 0)}
    here.go_on()
    say(topics, payment("p", amount=100_000))
    topics.behind = {("prepaid-ticks", 0)}
    here.go_on()
    assert [done for _, done in topics.written] == [[("payments", 0, 0), ("determinants", 0, 1)], [("payments", 0, 3)]]
    tick(topics, MONDAY + 12 * HOUR)
    topics.behind = set()
    here.go_on()
    kinds = [kind for written, _ in topics.written for _, kind in written]
    assert kinds == ["OPENED", "DEDUCTION", "RECHARGE"], "what was paid is not overtaken by the tick"
    assert topics.written[2] == ([], [("prepaid-ticks", 0, 4)]), "of ticks that waited the last one counts"


def test_a_new_keeper_goes_on_with_the_ledger_and_posts_no_copy() -> None:
    topics = Topics()
    told = [payment("open", "OPEN", 10_000), day(0, 9_000)]
    say(topics, *told)
    keeper(topics).go_on()
    again = keeper(topics)
    say(topics, *told, payment("p", amount=7))
    again.go_on()
    assert [kind for _, kind in topics.written[1][0]] == ["RECHARGE"]


def test_a_record_that_cannot_be_read_is_left_out_and_the_others_are_posted() -> None:
    topics = Topics()
    here = keeper(topics)
    topics.put("payments", b"no record")
    say(topics, payment("open", "OPEN", 10_000))
    tick(topics, MONDAY)
    topics.put("prepaid-ticks", topics.waiting[-1].value()[:-1])
    here.go_on()
    done = [("payments", 0, 0), ("payments", 0, 1), ("prepaid-ticks", 0, 3)]
    assert topics.written == [([("ledger", "OPENED")], done)]


def test_tariffs_that_cannot_be_read_leave_those_before_in_force() -> None:
    def away() -> None:
        raise Transient("REGISTRY_SLOW", where="registry", what="no end", do="wait")

    topics = Topics()
    here = keeper(topics, away)
    assert not here.refresh()
    say(topics, payment("open", "OPEN", 50_000))
    tick(topics, MONDAY)
    here.go_on()
    assert [kind for _, kind in topics.written[0][0]] == ["OPENED"]
