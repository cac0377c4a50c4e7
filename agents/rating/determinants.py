"""A batch of determinants: rows of numbers, and the two ways to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.rating.charges import MONTH, TariffBook
from agents.rating.encode import Texts, encode_rows, origin_head, power_factor, versions_map
from agents.rating.rows import KINDS, REASONS, SOURCES, STATES
from pipeline.channels import ENERGY
from pipeline.columns import Array
from pipeline.records import EncodedRecords
from pipeline.step import Origin
from pipeline.wire import HEADER, MAGIC, Contracts

CHUNK = 20_000
"""Rows encoded at once: bounds the buffer at some tens of MB."""

SCHEMA = "Determinant"


@dataclass(frozen=True)
class Determinants:
    """Determinants that one parcel gave rise to, in the order of their index.

    rows ROW (n,); version i32 (n,) tariff version that it was rated with, -1 for none; base, paise i64 (n, lines);
    total i64 (n,); versions are (kind, hash) in order of kind. The key of a record is its account, 8 bytes big-endian.
    """

    rows: Array
    version: Array
    base: Array
    paise: Array
    total: Array
    book: TariffBook
    texts: Texts
    versions: tuple[tuple[str, str], ...]
    origin: Origin

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self) -> list[bytes]:
        """Kafka keys, one a record."""
        raw = self.rows["account"].astype(">u8").tobytes()
        return [raw[place : place + 8] for place in range(0, len(raw), 8)]

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format."""
        head = HEADER.pack(MAGIC, contracts.ids[SCHEMA])
        versions = versions_map(self.versions)
        origin = origin_head(self.origin.topic_id, self.origin.partition, self.origin.offset)
        values: list[bytes] = []
        for begin in range(0, len(self.rows), CHUNK):
            part = slice(begin, begin + CHUNK)
            values += encode_rows(
                head, self.rows[part], self.version[part], self.base[part], self.paise[part], self.total[part],
                self.book, self.texts, versions, origin, begin,
            )  # fmt: skip
        return EncodedRecords(self.keys(), values)

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values; slow."""
        return [self._record(index) for index in range(len(self.rows))]

    def _record(self, index: int) -> dict[str, Any]:
        row = {name: self.rows[index][name].tolist() for name in self.rows.dtype.names or ()}
        energy = [channel.name for channel in ENERGY]
        wh, vah = row["energy"][0], row["energy"][1]
        rated = int(self.version[index]) >= 0
        return {
            "account": row["account"],
            "service_point": row["service_point"],
            "period_start": row["period_start"],
            "period_end": row["period_end"],
            "kind": KINDS[row["kind"]],
            "revision": row["revision"],
            "supersedes": row["revision"] - 1 or None,
            "reason": REASONS[row["reason"]],
            "state": STATES[row["state"]],
            "meter_segments": row["segments"],
            **dict(zip(energy, row["energy"], strict=True)),
            **{f"delta_{name}": value for name, value in zip(energy, row["delta"], strict=True)},
            "estimated_wh": row["estimated"],
            "registers": [
                {
                    "channel": name,
                    "opening": row["opening"][place] if row["known"] & 1 else None,
                    "closing": row["closing"][place] if row["known"] & 2 else None,
                    "source": SOURCES[row["source"]],
                }
                for place, name in enumerate(energy)
            ],
            "zones": self._zones(row),
            "demand_w": row["demand_w"] if row["demand_start"] else None,
            "demand_start": row["demand_start"] or None,
            "demand_va": row["demand_va"] if row["demand_va_start"] else None,
            "demand_va_start": row["demand_va_start"] or None,
            "power_factor": int(power_factor(wh, vah)) if vah > 0 else None,
            "intervals_expected": row["expected"],
            "intervals_actual": row["counts"][0],
            "intervals_estimated": row["counts"][1],
            "intervals_missing": row["counts"][2],
            "intervals_suspect": row["counts"][3],
            "tariff": self.book.tariffs[row["version"]].code if row["version"] >= 0 else None,
            "lines": self._lines(index) if rated else [],
            "total_paise": int(self.total[index]) if rated else None,
            "delta_paise": row["delta_paise"] if rated else None,
            "versions": dict(self.versions),
            "lineage_from": row["first_offset"],
            "lineage_to": row["last_offset"],
            "source_topic_id": self.origin.topic_id,
            "source_partition": self.origin.partition,
            "source_offset": self.origin.offset,
            "source_index": index,
        }

    def _zones(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        if row["version"] < 0:
            return []
        zones = self.book.tariffs[row["version"]].zones
        return [{"zone": zone.code, "wh": row["zones"][place]} for place, zone in enumerate(zones)]

    def _lines(self, index: int) -> list[dict[str, Any]]:
        texts = self.book.texts[int(self.version[index])]
        lines = zip(texts, self.base[index].tolist(), self.paise[index].tolist(), strict=False)
        return [
            {
                "code": text.code,
                "base": base // MONTH if text.base_unit == "months" else base,
                "base_unit": text.base_unit,
                "rate": text.rate,
                "paise": paise,
            }
            for text, base, paise in lines
            if base
        ]


def empty_bill(rows: int, lines: int) -> tuple[Array, Array, Array]:
    """Arrays for `rate_periods`: base, paise (rows, lines) and total (rows,)."""
    base = np.zeros((rows, lines), np.int64)
    return base, np.zeros_like(base), np.zeros(rows, np.int64)
