"""Plain records of decode: events one by one, because they are few, and the rejects of a record as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from agents.decode.kernels_drift import AHEAD, RESTORED, Drifts
from agents.decode.kernels_rows import Changes
from agents.decode.lane import LogEvent
from agents.decode.single.entries import event_name, is_restored
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.codes import REJECT_NUMBER
from pipeline.columns import Array
from pipeline.events import edges
from pipeline.rejects import MEANINGS, RAW_LIMIT, Rejects
from pipeline.retry import marked
from pipeline.step import Parcel

FRAMES_TOPIC = "frames"

CLOCK_AHEAD, CLOCK_BEHIND = "meter clock ahead", "meter clock behind"
"""Names of the events of a measured clock."""

_COUNTED = np.zeros(len(MEANINGS), np.bool_)
_COUNTED[[REJECT_NUMBER[f"COUNTER_{name}"] for name in ("REPLAYED", "TOO_OLD", "DUPLICATE")]] = True
"""Codes that are about a frame's counter, by number."""
_COUNTER = b"; counter "
_DIGITS = 10
"""Of a counter of 32 bits."""


def device_name(device: int) -> str:
    """A device as records name it: 16 hexadecimal digits."""
    return f"{device:016X}"


def origin_of(parcel: Parcel, index: int) -> dict[str, Any]:
    """Fields that say which record of which log gave rise to the `index`-th of an output."""
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
                **origin_of(parcel, index),
            }
            index += 1


def log_records(parcel: Parcel, events: Iterable[LogEvent], first: int) -> Iterator[dict[str, Any]]:
    """Event records of entries of event logs, behind the `first` records of the same output."""
    batch = parcel.batch
    assert isinstance(batch, FrameBatch)
    for index, event in enumerate(events, first):
        yield {
            "service_point": int(batch.service_point[event.frame]),
            "device": device_name(int(batch.device[event.frame])),
            "time": event.time,
            "received_at": int(batch.received_at[event.frame]),
            "source": "LOG",
            "edge": "RESTORED" if is_restored(event.code) else "OCCURRED",
            "name": event_name(event.code),
            "bit": None,
            "code": event.code,
            "flags": event.flags,
            "frame": event.frame,
            **origin_of(parcel, index),
        }


def drift_records(parcel: Parcel, decoded: DecodedBatch, drifts: Drifts, index: int) -> Iterator[dict[str, Any]]:
    """Event records of clocks that came to be off, or right again; `index`: place of the first in the output.

    `time` is what the clock shows when the frame arrives: `time` less `received_at` is what the clock is ahead.
    """
    assert isinstance(parcel.batch, FrameBatch)
    for place in range(int(drifts.found[0])):
        row, what = int(drifts.row[place]), int(drifts.what[place])
        frame = int(decoded.frame[row])
        received_at = int(parcel.batch.received_at[frame])
        yield {
            "service_point": int(decoded.service_point[row]),
            "device": device_name(int(decoded.device[row])),
            "time": received_at + int(drifts.lead[place]),
            "received_at": received_at,
            "source": "PIPELINE",
            "edge": "RESTORED" if what >= RESTORED else "OCCURRED",
            "name": CLOCK_AHEAD if what in (AHEAD, AHEAD + RESTORED) else CLOCK_BEHIND,
            "bit": None,
            "code": None,
            "flags": int(decoded.flags[row]),
            "frame": frame,
            **origin_of(parcel, index + place),
        }


def _word(halves: Array) -> int:
    return int(halves[0]) << 64 | int(halves[1])


def rejects_of(parcel: Parcel, code: Array, counter: Array, said: Mapping[int, bytes]) -> Rejects | None:
    """Rejects of all frames with a code, in the order of the frames; None when there is none.

    said: what else there is to say of a frame, ASCII.
    """
    batch = parcel.batch
    assert isinstance(batch, FrameBatch)
    frames = np.flatnonzero(code)
    if not len(frames):
        return None
    numbers, length = code[frames], batch.length[frames].astype(np.int64)
    start = np.cumsum(batch.length, dtype=np.int64)[frames] - length
    # The lengths of a broken record may reach beyond its octets; such a frame is refused by itself.
    kept = np.clip(len(batch.payload) - start, 0, np.minimum(length, RAW_LIMIT))
    # Octet k of all that are kept is at k, less what is kept of the frames before, behind the start of its own.
    places = np.arange(kept.sum()) + np.repeat(start - (np.cumsum(kept) - kept), kept)
    return Rejects(
        stage="decode", topic=FRAMES_TOPIC, origin=parcel.origin, code=numbers, frame=frames,
        service_point=batch.service_point[frames], device=batch.device[frames],
        received_at=batch.received_at[frames].astype(np.int64), time=None,
        detail=_with_marks(_with_said(_details(numbers, counter[frames]), said, frames), parcel.requeued, frames),
        raw=batch.payload[places], raw_length=kept,
    )  # fmt: skip


def _details(numbers: Array, counter: Array) -> Array:
    """What is said of frames with these codes: their meaning, and what the counter was where it is about that."""
    details = MEANINGS[numbers]
    counted = np.flatnonzero(_COUNTED[numbers])
    if not len(counted):
        return details
    said = np.zeros(len(details), f"S{len(_COUNTER) + _DIGITS}")
    said[counted] = np.strings.add(_COUNTER, counter[counted].astype(f"S{_DIGITS}"))
    whole: Array = np.strings.add(details, said)
    return whole


def _with_said(details: Array, said: Mapping[int, bytes], frames: Array) -> Array:
    if not said:
        return details
    tails = np.array([said.get(frame, b"") for frame in frames.tolist()])
    whole: Array = np.strings.add(details, tails)
    return whole


def _with_marks(details: Array, requeued: Array | None, frames: Array) -> Array:
    """The same, each with the mark of a frame that had been offered again."""
    if requeued is None:
        return details
    marks = np.array([marked(times).encode() for times in requeued[frames].tolist()])
    whole: Array = np.strings.add(details, marks)
    return whole
