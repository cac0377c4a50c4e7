"""A batch of determinants: rows of numbers, and the two ways to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.rating.charges import MONTH, TariffBook
from agents.rating.encode import Frame, Texts, encode_rows, plan_of
from agents.rating.fine import Extras
from agents.rating.fine_tariffs import FineTariffs
from agents.rating.quantities import Asked, Listed, asked_of, listed, plain
from agents.rating.rows import KINDS, REASONS, SOURCES, STATES
from pipeline.avro_bytes import avro_long, avro_map, avro_string
from pipeline.channels import ENERGY
from pipeline.columns import Array
from pipeline.records import EncodedRecords
from pipeline.step import Origin
from pipeline.wire import HEADER, MAGIC, Contracts

SCHEMA = "Determinant"

_NULLABLE = ("supersedes", "demand_w", "demand_start", "demand_va", "demand_va_start", "power_factor", "total_paise",
             "delta_paise")  # fmt: skip


@dataclass(frozen=True)
class Determinants:
    """Determinants that one parcel gave rise to, in the order of their index.

    rows ROW (n,); base, paise i64 (n, lines) of their bills; extras: what fine state adds, of the versions `fine`
    (None: of none); versions are (kind, hash) in order of kind. The key of a
    record is its account, 8 bytes big-endian.
    """

    rows: Array
    base: Array
    paise: Array
    book: TariffBook
    texts: Texts
    versions: tuple[tuple[str, str], ...]
    origin: Origin
    extras: Extras
    fine: FineTariffs | None

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self) -> Array:
        """Kafka keys u8 (n, 8)."""
        return self.rows["account"].astype(">i8").view(np.uint8).reshape(-1, 8)

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """The records in the Confluent wire format."""
        schema: Any = contracts.schemas[SCHEMA]
        plan = plan_of(schema)
        frame = Frame(
            HEADER.pack(MAGIC, contracts.ids[SCHEMA]),
            avro_map(self.versions),
            avro_string(self.origin.topic_id),
            avro_long(self.origin.partition),
            avro_long(self.origin.offset),
        )
        rows = np.ascontiguousarray(self.rows)
        values = encode_rows(plan, frame, rows, self.base, self.paise, self.book, self.texts, self._asked())
        return EncodedRecords(self.keys(), values)

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values; slow."""
        quantities = listed(np.ascontiguousarray(self.rows), self._asked())
        return [self._record(index, quantities) for index in range(len(self.rows))]

    def _asked(self) -> Asked:
        return asked_of(self.texts.zones, self.extras, self.fine)

    def _record(self, index: int, quantities: Listed) -> dict[str, Any]:
        row = {name: self.rows[index][name].tolist() for name in self.rows.dtype.names or ()}
        tariff = self.book.tariffs[row["tariff"]] if row["has_tariff"] else None
        same = ("account", "service_point", "period_start", "period_end", "revision", "meter_segments", "estimated_wh",
                "intervals_expected", "intervals_actual", "intervals_estimated", "intervals_missing",
                "intervals_suspect", "lineage_from", "lineage_to", "source_index")  # fmt: skip
        return {
            **{name: row[name] for name in same},
            **{name: row[name] if row[f"has_{name}"] else None for name in _NULLABLE},
            "kind": KINDS[row["kind"]],
            "reason": REASONS[row["reason"]],
            "state": STATES[row["state"]],
            **{channel.name: value for channel, value in zip(ENERGY, row["energy"], strict=True)},
            **{f"delta_{channel.name}": value for channel, value in zip(ENERGY, row["delta"], strict=True)},
            "registers": [
                {
                    "channel": channel.name,
                    "opening": row["opening"][place] if row["has_opening"] else None,
                    "closing": row["closing"][place] if row["has_closing"] else None,
                    "source": SOURCES[row["source"]],
                }
                for place, channel in enumerate(ENERGY)
            ],
            "zones": [
                {"zone": zone.code, "wh": row["zones"][place]}
                for place, zone in enumerate(tariff.zones if tariff is not None else ())
            ],
            "quantities": plain(quantities, index),
            "tariff": None if tariff is None else tariff.code,
            "lines": self._lines(index, row["tariff"]) if row["has_total_paise"] else [],
            "versions": dict(self.versions),
            "source_topic_id": self.origin.topic_id,
            "source_partition": self.origin.partition,
            "source_offset": self.origin.offset,
        }

    def _lines(self, index: int, version: int) -> list[dict[str, Any]]:
        lines = zip(self.book.texts[version], self.base[index].tolist(), self.paise[index].tolist(), strict=False)
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
