"""Devices whose keys are exchanged, and frames that come at a time of their own."""

from dataclasses import replace

import numpy as np

from pipeline.keystore import key_ring
from pipeline.reference import BEGINNING, KeyRing, References
from pipeline.step import Origin, Parcel
from tests.builders_frames import DEVICE, POINT, RECEIVED, World, frame_batch, references

FORMER = (bytes(range(0x10)), bytes(range(0xD0, 0xE0)))
NEWER = (bytes(range(0x20, 0x30)), bytes(range(0xB0, 0xC0)))
NEWEST = (bytes(range(0x40, 0x50)), bytes(range(0xC0, 0xD0)))
CHANGED = RECEIVED
"""When the keys are exchanged."""


def ring(*keys, device=DEVICE) -> KeyRing:
    """Keys (pair, valid_from) of a device."""
    octets = [np.frombuffer(b"".join(pair[part] for pair, _ in keys), np.uint8).reshape(-1, 16) for part in (0, 1)]
    since = np.array([since for _, since in keys], np.int64)
    return key_ring(np.full(len(keys), device, np.uint64), *octets, None, since)


def exchanged(*keys) -> References:
    """References with these keys; without any, FORMER is exchanged for NEWER at CHANGED."""
    return replace(references(), keys=ring(*(keys or ((FORMER, BEGINNING), (NEWER, CHANGED)))))


def offer_at(world: World, frames, *, requeued: int = 0):
    """Offer (frame, received at) together; what the step makes of them."""
    batch = replace(
        frame_batch([frame for frame, _ in frames], DEVICE, POINT),
        received_at=np.array([received for _, received in frames], np.int64),
    )
    again = np.full(len(frames), requeued, np.uint32) if requeued else None
    parcel = Parcel(Origin("frames-1", 3, world.offset), batch, requeued=again)
    world.offset += 1
    return world.step.advance(parcel, world.store, world.prepared)
