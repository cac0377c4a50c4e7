"""Sinks, determinants and orders for the tests of the SAP sink."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.sap_receiver import Receiver
from pipeline.reference import FOREVER, Registry
from sinks.read import read_record
from sinks.records import Block, Record
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.sink import SapMdusSink
from tests.builders_readings import CONTRACTS, MIDNIGHT, plain_record
from tests.unit.connectors.test_gather import registry

DAY = 86_400
MONTH_END = MIDNIGHT + 31 * DAY
DEVICE = 0x4B564E0000000000
"""Device of service point n is DEVICE + n."""


@dataclass
class Time:
    """A clock that stands still."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def devices(points: int = 50, factor: tuple[int, int] = (1, 1)) -> Registry:
    made = registry([(DEVICE + point, point, 0, int(FOREVER)) for point in range(1, points + 1)])
    made.factor_numerator[:], made.factor_denominator[:] = factor
    return made


def sink_of(receiver: Receiver, folder: Path, points: int = 50, factor: tuple[int, int] = (1, 1),
            clock: Callable[[], float] = time.time, **options: Any) -> SapMdusSink:  # fmt: skip
    """An open sink that knows the registry."""
    settings = {"url": receiver.url, "journal": folder / "journal.sqlite", **options}
    sink = SapMdusSink(SapMdusConfig.model_validate(settings), clock)
    sink.open()
    sink.take_registry("1", devices(points, factor))
    return sink


def determinant(
    offset: int, point: int = 1, closing: int | None = 1_234_567, *, opening: int | None = 1_000_000, energy: int = 0,
    revision: int | None = None, state: str = "FINAL", channel: str = "wh_imp", **values: Any,
) -> Record:  # fmt: skip
    """A month's determinant with one register."""
    fields = {
        "service_point": point, "period_start": MIDNIGHT, "period_end": MONTH_END, "kind": "MONTH", "state": state,
        "revision": offset if revision is None else revision, "meter_segments": 1, channel: energy,
        "registers": [{"channel": channel, "opening": opening, "closing": closing, "source": "REGISTERS"}],
    }  # fmt: skip
    return plain_record("Determinant", offset, topic="determinants", **{**fields, **values})


ORDER = {
    "event": "ORDERED", "device": "", "device_id": f"{DEVICE + 1:016X}", "measurement_task": "T1", "channel": "wh_imp",
    "reason": "01", "time": MONTH_END, "received_at": MIDNIGHT, "message": "",
    "code": "", "note": "",
}  # fmt: skip


def order(offset: int, id: str = "1001", point: int = 1, **values: Any) -> Record:
    """An event of an order."""
    fields = {**ORDER, "id": id, "service_point": point, "device_id": f"{DEVICE + point:016X}", **values}
    raw = CONTRACTS.encode("MeterReadingOrder", fields)
    return read_record(CONTRACTS, "MeterReadingOrder", "mr-orders", 0, offset, raw)


def gathered(sink: SapMdusSink, *records: Record) -> list[Block]:
    """Blocks of records, not yet written."""
    for record in records:
        sink.accept(record)
    return sink.blocks.cut(sink.blocks.partitions())


def brought(sink: SapMdusSink, *records: Record) -> None:
    """Take records and write them, one block."""
    for record in records:
        sink.accept(record)
    sink.flush()
