"""A connector comes by all of its moments, in the order of a cut's life."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from connectors.gather import outlet as outlet_module
from connectors.gather.config import GatherOptions
from connectors.gather.outlet import KafkaOutlet, Targets
from connectors.gather.pump import Pump
from connectors.phases import PHASES
from pipeline.reference import FOREVER
from pipeline.runtime.moments import Moments
from schemas.load import load_contracts
from tests.unit.connectors.test_gather import TITLE, glo, registry


class Noted(Moments):
    """Writes down where the process is."""

    def __init__(self) -> None:
        super().__init__(PHASES)
        self.seen: list[str] = []

    def reach(self, moment: str) -> None:
        self.seen.append(moment)


class Broker:
    """A producer whose records are acknowledged at a poll."""

    def __init__(self, _settings: dict[str, Any]) -> None:
        self.waiting: list[Any] = []

    def produce(self, topic: str, value: bytes, on_delivery: Any, **_more: Any) -> None:
        message = type("Message", (), {"value": lambda self: value, "topic": lambda self: topic})()
        self.waiting.append(lambda: on_delivery(None, message))

    def poll(self, _secs: float) -> None:
        while self.waiting:
            self.waiting.pop(0)()


async def test_moments_come_in_the_order_of_a_cuts_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet_module, "Producer", Broker)
    moments = Noted()
    outlet = KafkaOutlet("nowhere:1", load_contracts(), Targets(), "push", moments)
    known = registry([(TITLE + number, number + 1, 0, int(FOREVER)) for number in range(40)])
    pump = Pump(known, 4, outlet, GatherOptions(), lambda: 1_000, moments)
    told: list[str] = []
    for number in range(40):
        frame = glo(TITLE + number)
        pump.offer(np.frombuffer(frame, np.uint8), np.zeros(1, np.int64), np.array([len(frame)], np.uint32),
                   done=lambda: told.append(moments.seen[-1]))  # fmt: skip
    assert moments.seen == []
    pump.cut()
    records = 1 + moments.seen.count("connector-in-flush")
    assert records > 1
    assert moments.seen == ["push-taken", *["connector-in-flush"] * (records - 1), "connector-sent"]
    outlet.poll()
    assert moments.seen[records + 1 :] == ["connector-acknowledged"]
    assert told == ["connector-acknowledged"] * 40
    assert list(dict.fromkeys(moments.seen)) == list(PHASES)
