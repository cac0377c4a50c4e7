"""The topic of edits in memory, as commands open it, with a connector that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.edits.book import Book
from connectors.edits.config import EditsConfig
from connectors.edits.event import event_of
from connectors.edits.judge import judged
from connectors.edits.topic import Placed
from pipeline.reference import Registry
from tests.unit.connectors.edits_log import CONTRACTS, EditsLog


class AnsweringTopic:
    """What commands write is judged as the connector does; `silent`: it is not running."""

    def __init__(self, log: EditsLog, registry: Registry, config: EditsConfig) -> None:
        self.log, self.registry, self.config = log, registry, config
        self.silent = False
        self._next = [0] * len(log.records)

    def opened(self, _bootstrap: str, topic: str) -> AnsweringTopic:
        assert topic == self.config.source
        self._next = [0] * len(self.log.records)
        return self

    @property
    def at_end(self) -> bool:
        return self._next == [len(values) for values in self.log.records]

    def read(self) -> list[Placed]:
        found = []
        for partition, values in enumerate(self.log.records):
            found += [Placed(partition, at, values[at]) for at in range(self._next[partition], len(values))]
            self._next[partition] = len(values)
        return found

    def write(self, values: Sequence[tuple[bytes, bytes]], told: Callable[[int], None]) -> list[tuple[int, int]]:
        places = []
        for key, value in values:
            partition = key[-1] % len(self.log.records)
            places.append((partition, len(self.log.records[partition])))
            self.log.records[partition].append(value)
            told(len(places))
        if not self.silent:
            self.answer()
        return places

    def answer(self) -> None:
        for partition, values in enumerate(self.log.records):
            book, at = Book(), 0
            while True:
                for at in range(at, len(values)):  # noqa: B020
                    book.take(event_of(CONTRACTS.decode(values[at], "Edit"), at))
                at = len(values)
                due = list(book.due())
                for event in due:
                    verdict = judged(event, book, self.registry, self.config)
                    said = event.answer(verdict.event, "people", 1_000, verdict.code, verdict.detail)
                    self.log.write(partition, said)
                if not due:
                    break

    def close(self) -> None:
        pass
