"""Readings to frames: those of one meter, one kind and one installation together, in order of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from connectors.gather.links import links_at
from connectors.readings_in.records import MOST_RAW, Fault, Records
from connectors.readings_in.rows import Rows
from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.reading_frames import HEAD, MOST_OCTETS, MOST_ROWS, MOST_TEXT, frame_of, rows_of, texts_of_rows
from pipeline.reference import Registry

SHARED_TEXTS = 20
"""Texts that every frame of a message brings along, when no reading has an id: then they are numbered once."""


@dataclass
class Built:
    """Frames as a pump takes them: payload u8, offsets i64 and lengths u32 (frames,); `rows`: readings in them."""

    payload: Array = field(default_factory=lambda: np.zeros(0, np.uint8))
    offsets: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: Array = field(default_factory=lambda: np.zeros(0, np.uint32))
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)


def build(rows: Rows, records: Records, registry: Registry, head_end: str) -> Built:
    """Frames of rows. Rows whose intervals are not as long as the registry says of their meter are faults."""
    link = links_of(rows, registry)
    good, faults = _of_length(rows, link, registry, records)
    frames: list[bytes] = []
    for kind in (Kind.BLOCK, Kind.DAILY, Kind.INSTANT):
        chosen = np.flatnonzero(good & (rows.kind == kind))
        if len(chosen):
            order = np.lexsort((rows.time[chosen], link[chosen], rows.device[chosen]))
            frames += _frames(rows, chosen[order], link[chosen[order]], kind, head_end)
    lengths = np.array([len(frame) for frame in frames], np.uint32)
    offsets = np.cumsum(lengths, dtype=np.int64) - lengths
    return Built(np.frombuffer(b"".join(frames), np.uint8), offsets, lengths, int(good.sum()), faults)


def links_of(rows: Rows, registry: Registry) -> Array:
    """Row i64 (n,) of the registry under which each was measured; -1 where the device is not known."""
    return links_at(rows.device, rows.time - (rows.kind == Kind.BLOCK), registry)


def _of_length(rows: Rows, link: Array, registry: Registry, records: Records) -> tuple[Array, list[Fault]]:
    known = (link >= 0) & (rows.interval > 0)
    own = np.zeros(len(rows), np.int64)
    own[known] = registry.interval_secs[link[known]]
    other = known & (own != rows.interval)
    faults = [
        Fault(
            records.place(source), "", "INTERVAL_OTHER",
            f"intervals of {rows.interval[row]} s, the meter's are {own[row]} s", records.raw(source)[:MOST_RAW],
            int(rows.device[row]),
        )
        for row, source in zip(np.flatnonzero(other).tolist(), rows.source[other].tolist(), strict=True)
    ]  # fmt: skip
    return ~other, faults


def _frames(rows: Rows, order: Array, link: Array, kind: Kind, head_end: str) -> list[bytes]:
    """Frames of one kind from the rows in `order`."""
    present, targets = rows.present[order], rows.targets
    columns = int(np.bitwise_or.reduce(present))
    places = [place for place, target in enumerate(targets) if columns >> target & 1]
    made = rows_of(rows.time[order], present, rows.flags[order], columns, rows.values[order][:, places],
                   rows.interval[order] if kind == Kind.BLOCK else np.zeros(len(order), np.int64))  # fmt: skip
    quality, identity, device = rows.quality[order], rows.id[order], rows.device[order]
    source, said = head_end.encode(), [text.encode() for text in rows.quality_texts]
    shared = len(said) <= SHARED_TEXTS and not (identity >= 0).any()
    if shared:
        texts_of_rows(made, np.where(quality < 0, 0, quality + 2), np.zeros(len(order), np.int64))
    frames = []
    for begin, end in _runs(device, link, _most(kind, made.shape[1])):
        own = made[begin:end]
        texts = [source, *said]
        if not shared:
            texts = _own_texts(own, quality[begin:end], identity[begin:end], rows, source)
        frames.append(frame_of(kind, int(device[begin]), columns, own, texts))
    return frames


def _most(kind: Kind, size: int) -> int:
    """Rows of a frame at most; each may have two texts of its own."""
    room = MOST_OCTETS - HEAD.size - (SHARED_TEXTS + 1) * (MOST_TEXT + 2)
    return 1 if kind == Kind.INSTANT else min(MOST_ROWS, room // (size + 2 * (MOST_TEXT + 2)))


def _runs(device: Array, link: Array, most: int) -> list[tuple[int, int]]:
    """(begin, end) of each frame: one device, one link, at most `most` rows."""
    changes = np.flatnonzero((device[1:] != device[:-1]) | (link[1:] != link[:-1])) + 1
    edges = [0, *changes.tolist(), len(device)]
    return [(begin, min(begin + most, last)) for first, last in pairwise(edges) for begin in range(first, last, most)]


def _own_texts(made: Array, quality: Array, identity: Array, rows: Rows, source: bytes) -> list[bytes]:
    """Number the texts of one frame in its rows; the texts, the source's name first."""
    numbers: dict[str, int] = {}
    columns = []
    for places, known in ((quality, rows.quality_texts), (identity, rows.id_texts)):
        texts = ["" if place < 0 else known[place] for place in places.tolist()]
        columns.append([numbers.setdefault(text, len(numbers) + 2) if text else 0 for text in texts])
    texts_of_rows(made, np.array(columns[0]), np.array(columns[1]))
    return [source, *(text.encode() for text in numbers)]
