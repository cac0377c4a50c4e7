"""Frames of a log: their octets, what they say, and a hash over those of a bill."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.decode.describe import Options, describe_with
from agents.decode.single.ciphering import Keys
from cli.explain.logs import FrameLog
from pipeline.batch import FrameBatch
from pipeline.step import Origin
from pipeline.wire import Contracts, read_frames

Place = tuple[int, int, int]
"""Partition, offset, frame; frame -1: whichever of the device."""


@dataclass(frozen=True)
class Frame:
    """A frame of a log, as it came."""

    place: Place
    device: int
    received_at: int
    octets: bytes


def frames_at(
    contracts: Contracts, log: FrameLog, wanted: Mapping[Place, int]
) -> tuple[dict[Place, list[Frame]], dict[Place, str]]:
    """(frames of each place, why there are none of others); wanted: place -> device that is meant, 0 for any."""
    offsets: dict[int, set[int]] = defaultdict(set)
    for partition, offset, _ in wanted:
        offsets[partition].add(offset)
    records = {
        (partition, offset): value
        for partition, numbers in sorted(offsets.items())
        for offset, value in log.read(partition, sorted(numbers)).items()
    }
    found: dict[Place, list[Frame]] = {}
    gone: dict[Place, str] = {}
    for place, device in wanted.items():
        raw = records.get(place[:2])
        if raw is None:
            gone[place] = f"{log.where} no longer has offset {place[1]} of partition {place[0]}"
            continue
        parcel = read_frames(contracts, raw, Origin("", place[0], place[1]))
        batch = parcel.batch if isinstance(parcel.batch, FrameBatch) else None
        meant = 0 if log.exact and place[2] >= 0 else device
        found[place] = [] if batch is None else list(_of(batch, place, meant))
        if not found[place]:
            gone[place] = f"the record at offset {place[1]} of partition {place[0]} has no such frame of this meter"
    return {place: frames for place, frames in found.items() if frames}, gone


def _of(batch: FrameBatch, place: Place, device: int) -> Iterable[Frame]:
    ends = np.cumsum(batch.length.astype(np.int64))
    for number in range(len(ends)) if place[2] < 0 else (place[2],):
        if number < len(ends) and device in (0, int(batch.device[number])):
            octets = batch.payload[int(ends[number]) - int(batch.length[number]) : int(ends[number])].tobytes()
            yield Frame((place[0], place[1], number), int(batch.device[number]), int(batch.received_at[number]), octets)


def described(frame: Frame, keys: Keys) -> dict[str, Any]:
    """A frame for JSON: where it stands, its octets, and what `kvarn decode --explain` says of it."""
    partition, offset, number = frame.place
    return {
        "partition": partition,
        "offset": offset,
        "frame": number,
        "device": f"{frame.device:016X}",
        "received_at": frame.received_at,
        "octets": len(frame.octets),
        "hex": frame.octets.hex().upper(),
        "decoded": [item.as_dict(explain=True) for item in describe_with([frame.octets], Options(keys, explain=True))],
    }


def hash_of(frames: Sequence[Frame]) -> str:
    """SHA-256, hex, over frames in order of partition, offset and frame: of each its length, four octets big-endian,
    then its octets."""
    digest = hashlib.sha256()
    for frame in sorted(frames, key=lambda frame: frame.place):
        digest.update(len(frame.octets).to_bytes(4, "big") + frame.octets)
    return digest.hexdigest()
