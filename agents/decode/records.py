"""Plain records of decode: events and rejects, one by one, because they are few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from agents.decode.kernels_rows import Changes
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER
from pipeline.columns import Array
from pipeline.events import edges
from pipeline.step import Parcel

RAW_LIMIT = 64 * 1024
"""Octets of a frame that a reject carries at most."""

FRAMES_TOPIC = "frames"

_COUNTER_CODES = frozenset(REJECT_NUMBER[f"COUNTER_{name}"] for name in ("REPLAYED", "TOO_OLD", "DUPLICATE"))


def device_name(device: int) -> str:
    """A device as records name it: 16 hexadecimal digits."""
    return f"{device:016X}"


def _origin(parcel: Parcel, index: int) -> dict[str, Any]:
    origin = parcel.origin
    return {
        "source_topic_id": origin.topic_id,
        "source_partition": origin.partition,
        "source_offset": origin.offset,
        "source_index": index,
    }


def event_records(parcel: Parcel, decoded: DecodedBatch, changes: Changes) -> Iterator[dict[str, Any]]:
    """Event records of the event status words that changed, in the order of the frames."""
    assert isinstance(parcel.batch, FrameBatch)
    index = 0
    for change, row in enumerate(changes.row.tolist()):
        before, after = (_word(words[change]) for words in (changes.before, changes.after))
        frame = int(decoded.frame[row])
        for edge in edges(before, after, bool(changes.late[change])):
            yield {
                "service_point": int(decoded.service_point[row]),
                "device": device_name(int(decoded.device[row])),
                "time": int(decoded.time[row]),
                "received_at": int(parcel.batch.received_at[frame]),
                "source": "ESW",
                "edge": "RESTORED" if edge.restored else "OCCURRED",
                "name": edge.event.name,
                "bit": edge.event.bit,
                "code": edge.code,
                "flags": int(decoded.flags[row]),
                "frame": frame,
                **_origin(parcel, index),
            }
            index += 1


def _word(halves: Array) -> int:
    return int(halves[0]) << 64 | int(halves[1])


def reject_records(parcel: Parcel, code: Array, counter: Array) -> Iterator[dict[str, Any]]:
    """Reject records of all frames with a code, in the order of the frames."""
    batch = parcel.batch
    assert isinstance(batch, FrameBatch)
    frames = np.flatnonzero(code)
    if not len(frames):
        return
    ends = np.cumsum(batch.length, dtype=np.int64)
    for index, frame in enumerate(frames.tolist()):
        number = int(code[frame])
        row = REJECT_BY_NUMBER[number]
        start = int(ends[frame]) - int(batch.length[frame])
        yield {
            "stage": "decode",
            "code": row.code,
            "parked": row.parked,
            "topic": FRAMES_TOPIC,
            "partition": parcel.origin.partition,
            "offset": parcel.origin.offset,
            "frame": frame,
            "service_point": int(batch.service_point[frame]),
            "device": device_name(int(batch.device[frame])),
            "received_at": int(batch.received_at[frame]),
            "time": None,
            "detail": f"{row.meaning}; counter {counter[frame]}" if number in _COUNTER_CODES else row.meaning,
            "raw": bytes(batch.payload[start : min(int(ends[frame]), start + RAW_LIMIT)]),
            **_origin(parcel, index),
        }
