"""What the Quix Streams peer reads and keeps as octets: meters' keys, and a meter's state in its store."""

from __future__ import annotations

import struct
from pathlib import Path

from bench.naive.checks import Meter
from bench.naive.decode import Keys

TITLE, KEY = 8, 16
STATE = struct.Struct(">I4qq4qq")
"""As all peers keep it (bench.peers.truth.STATE): counter, last energies, highest, time-of-day zones, demand."""


def read_keys(path: Path) -> Keys:
    """Keys by system title, from records of title, encryption key, authentication key."""
    raw, step = path.read_bytes(), TITLE + 2 * KEY
    return {
        raw[at : at + TITLE]: (raw[at + TITLE : at + TITLE + KEY], raw[at + TITLE + KEY : at + step])
        for at in range(0, len(raw), step)
    }


def opened(octets: bytes | None) -> Meter:
    """A meter's state; that of a new one when there is none."""
    if octets is None:
        return Meter()
    newest, first, second, third, fourth, highest, *zones, demand = STATE.unpack(octets)
    return Meter(newest, (first, second, third, fourth), highest, zones, demand)


def packed(meter: Meter) -> bytes:
    """The same as octets, of a meter that has pushed."""
    return STATE.pack(meter.newest, *meter.last, meter.highest, *meter.zones, meter.demand)
