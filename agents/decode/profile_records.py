"""Records of rows of profiles that are kept as their meter sends them: nameplates, billing, what stands at events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from agents.decode.lane import SentRow
from agents.decode.records import device_name, origin_of
from pipeline.batch import FrameBatch
from pipeline.step import Parcel


def profile_records(parcel: Parcel, rows: Iterable[SentRow]) -> Iterator[dict[str, Any]]:
    """ProfileRow records, in the order of the frames and of the rows in them."""
    batch = parcel.batch
    assert isinstance(batch, FrameBatch)
    for index, sent in enumerate(rows):
        yield {
            "service_point": int(batch.service_point[sent.frame]),
            "device": device_name(int(batch.device[sent.frame])),
            "time": sent.time,
            "received_at": int(batch.received_at[sent.frame]),
            "profile": sent.row.profile,
            "code": sent.row.code,
            "template": sent.row.template,
            "values": [asdict(value) for value in sent.row.values],
            "flags": sent.flags,
            "frame": sent.frame,
            **origin_of(parcel, index),
        }
