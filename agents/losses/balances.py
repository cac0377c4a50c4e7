"""A batch of balances: rows of numbers, and the two ways to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.losses.state import DAY
from pipeline.columns import Array
from pipeline.records import EncodedRecords
from pipeline.step import Origin
from pipeline.wire import Contracts

SCHEMA = "Loss"
THOUSAND = 1000


@dataclass(frozen=True)
class Losses:
    """Balances that one tick closed or revised, in order of node, span and start.

    rows BALANCE (n,); names and levels one a row; final bool (n,). The key of a record is its node, 8 bytes big-endian.
    """

    rows: Array
    names: list[str]
    levels: list[str]
    final: Array
    tick_time: int
    origin: Origin

    def __len__(self) -> int:
        return len(self.rows)

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format."""
        keys = self.rows["node"].astype(">u8").view(np.uint8).reshape(-1, 8)
        return EncodedRecords(keys, [contracts.encode(SCHEMA, record) for record in self.records()])

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values."""
        columns = {name: self.rows[name].tolist() for name in self.rows.dtype.names or ()}
        listed = zip(*columns.values(), strict=True)
        return [self._record(index, dict(zip(columns, row, strict=True))) for index, row in enumerate(listed)]

    def _record(self, index: int, row: dict[str, int]) -> dict[str, Any]:
        expected = row["expected"]
        return {
            "node": row["node"],
            "name": self.names[index],
            "level": self.levels[index],
            "span": "DAY" if row["row"] == DAY else "INTERVAL",
            "start": row["start"],
            "secs": row["secs"],
            "revision": row["revision"],
            "supersedes": row["revision"] - 1 or None,
            "state": "FINAL" if self.final[index] else "PROVISIONAL",
            "input_wh": row["input_wh"],
            "output_wh": row["output_wh"],
            "loss_wh": row["input_wh"] - row["output_wh"],
            "estimated_wh": row["estimated_wh"],
            "coverage": row["actual"] * THOUSAND // expected if expected else 0,
            "expected": expected,
            "actual": row["actual"],
            "estimated": row["estimated"],
            "inputs_expected": row["inputs_expected"],
            "inputs_actual": row["inputs_actual"],
            "tick_time": self.tick_time,
            "source_topic_id": self.origin.topic_id,
            "source_partition": self.origin.partition,
            "source_offset": self.origin.offset,
            "source_index": index,
        }
