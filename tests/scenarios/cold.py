"""The cold lane over a driver in memory: the topics that it wrote stand in for the warehouse."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agents.cold.answer import Asked, around_of, judge, span_of
from agents.cold.history import AROUND, BILL, DAY, READING, REQUESTED, SAID, Around, History
from agents.vee.config import VeeConfig
from cli.testing import FrameDriver
from pipeline.batch import FrameBatch
from pipeline.codes import Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import KeyRing, References
from pipeline.statement_frames import StatementFrame
from pipeline.wire import frames_record
from tests.builders_cold import asked_of, bill_of, requested, told
from tests.scenarios import rows

NO_KEYS = KeyRing(np.zeros(0, np.uint64), np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))


@dataclass
class Lane:
    """Answers the requests that a driver's topology has written, when it is told to."""

    driver: FrameDriver
    config: VeeConfig = field(default_factory=VeeConfig)
    taken: int = 0
    sent: list[tuple[int, StatementFrame]] = field(default_factory=list)
    history_days: int = 0
    facts: Around = field(default_factory=Around)
    """Of which the readings are left out."""

    def answer(self, most: int | None = None) -> int:
        """Answer the requests that are new, or the first `most` of them; returns how many frames."""
        records = self.driver.records("cold-requests")[self.taken :][:most]
        first, self.taken = self.taken, self.taken + len(records)
        before = len(self.sent)
        for partition in sorted({record["source_partition"] for record in records}):
            self.of_partition(
                partition,
                [(first + place, one) for place, one in enumerate(records) if one["source_partition"] == partition],
            )
        return len(self.sent) - before

    def of_partition(self, partition: int, records: list[tuple[int, Any]]) -> None:
        """Answer these requests, by their places, round by round."""
        if not records:
            return
        asked = [asked_of(place, record, self.config.offset_secs) for place, record in records]
        for _ in range(100):
            made = self.judged(asked)
            for frame in made.frames:
                self.send(partition, frame)
            if not made.again:
                return
        raise AssertionError("no end")

    def judged(self, asked: list[Asked]) -> Any:
        """What is to be answered now."""
        assert self.driver.registry is not None
        history = self.history(asked)
        places = {one.offset for one in asked}
        new, new_said = (np.isin(rows["offset"], list(places)) for rows in (history.requests, history.said))
        return judge(self.config, References(self.driver.registry, NO_KEYS, {}), history, asked, new, new_said)

    def send(self, partition: int, frame: StatementFrame) -> None:
        """Put an answer into the log."""
        raw = np.frombuffer(frame.octets(), np.uint8)
        batch = FrameBatch(
            np.array([frame.service_point], np.uint64), self._device(frame.service_point),
            np.array([frame.said_at], np.int64), np.array([len(raw)], np.uint32), raw,
        )  # fmt: skip
        self.driver.append(partition, frames_record(self.driver.contracts, batch=batch))
        self.sent.append((partition, frame))

    def _device(self, point: int) -> Array:
        registry = self.driver.registry
        assert registry is not None
        devices: Array = registry.device[registry.service_point == point][:1]
        return devices

    def history(self, asked: list[Asked]) -> History:
        """What a warehouse would say."""
        first, last = span_of(asked, self.config)
        points = [one.service_point for one in asked]
        begin, end = (day * DAY_SECS - self.config.offset_secs for day in (first, last + 1))
        table = rows.section(self.driver, "readings", "reading")
        chosen = np.isin(table["service_point"], points) & (table["interval_start"] >= begin)
        chosen &= table["interval_start"] < end
        readings = np.zeros(int(chosen.sum()), READING)
        for name in READING.names or ():
            source = {"start": "interval_start", "secs": "interval_secs"}.get(name, name)
            readings[name] = table[source][chosen]
        settled = rows.days(self.driver)
        of_points = np.isin(settled["day_service_point"], points)
        days = np.zeros(int(of_points.sum()), DAY)
        for name in DAY.names or ():
            days[name] = settled[f"day_{name}"][of_points]
        all_days = settled["day_start"]
        around = self._around(asked, table) if self.history_days else None
        return History(
            int(all_days.min()), readings, self._requests(points), days, self._bills(points), self._said(points), around
        )

    def _around(self, asked: list[Asked], table: rows.Table) -> Around:
        first, last = around_of(asked, self.config, self.history_days)
        day = (table["interval_start"] + self.config.offset_secs) // DAY_SECS
        chosen = np.flatnonzero((day >= first) & (day <= last))
        chosen = chosen[np.argsort(table["revision"][chosen], kind="stable")]
        newest = {(table["service_point"][row], table["interval_start"][row]): row for row in chosen.tolist()}
        kept = np.array(sorted(newest.values()), np.int64)
        kept = kept[table["quality"][kept] & np.uint64(15) == Quality.ACTUAL]
        found = np.zeros(len(kept), AROUND)
        for name in AROUND.names or ():
            source = {"start": "interval_start", "secs": "interval_secs"}.get(name, name)
            found[name] = table[source][kept]
        return replace(self.facts, readings=found)

    def _requests(self, points: list[int]) -> Array:
        records = self.driver.records("cold-requests")
        mine = [(place, one) for place, one in enumerate(records) if one["service_point"] in points]
        made = [row for place, one in mine for row in requested(place, one)]
        return np.array(made, REQUESTED) if made else np.zeros(0, REQUESTED)

    def _said(self, points: list[int]) -> Array:
        records = self.driver.records("cold-requests")
        made = [row for place, one in enumerate(records) if one["service_point"] in points for row in told(place, one)]
        return np.array(made, SAID) if made else np.zeros(0, SAID)

    def _bills(self, points: list[int]) -> Array:
        made = [bill_of(record) for record in self.driver.records("determinants") if record["service_point"] in points]
        return np.array(made, BILL) if made else np.zeros(0, BILL)
