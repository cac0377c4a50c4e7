"""The generator's pushes in other shapes: opened, as compact arrays, sealed again, in HDLC frames.

All frames of a batch have one length, so a batch is a matrix with a row a frame. Layouts: IEC 62056-5-3
(general-glo-ciphering), IEC 62056-6-2 (Data, compact-array), IEC 62056-46 (HDLC, CRC-16/X-25).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from connectors.simulator.burst import BurstPlan
from connectors.simulator.burst_kernel import (
    BUFFER_HEAD,
    CLOCK_AT,
    DEVIATION,
    FLOAT_STEP,
    HEAD_OCTETS,
    LONG_OCTETS,
    PLAIN_OCTETS,
    ROW_OCTETS,
    TAG_OCTETS,
    TITLE_HEAD,
)
from connectors.simulator.kernels import GENERAL_GLO, PROTECTED, put_clock
from connectors.simulator.skeletons import CLOCK_OCTETS
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.reference import KeyRing

FLOAT32, UINT8, OCTETS, STRUCTURE, COMPACT_ARRAY = 23, 17, 9, 2, 19
COLUMN_OCTETS = PLAIN_OCTETS - CLOCK_AT - CLOCK_OCTETS
"""Of a row: seven floats and the meter's health, with their tags."""
FLOATS = COLUMN_OCTETS // FLOAT_STEP

FLAG, UI = 0x7E, 0x13
CLIENT, SERVER = 0x81, 0x03
LLC = (0xE6, 0xE7, 0x00)
HDLC_HEAD = 8 + len(LLC)
"""Flag, format, two addresses, control, check sequence, then the LLC head."""
HDLC_TAIL = 3


class Sealed(NamedTuple):
    """Where the octets that are protected lie in a batch, and under which keys; see pipeline.gcm."""

    keys: gcm.Keys
    frames: gcm.Frames
    security: Array


def matrix(batch: FrameBatch) -> Array:
    """The frames of a batch, which have one length: u8 (frames, octets)."""
    return np.asarray(batch.payload, np.uint8).reshape(len(batch.length), -1)


def with_octets(batch: FrameBatch, octets: Array) -> FrameBatch:
    """The batch with other frames, u8 (frames, octets)."""
    count, length = octets.shape
    return FrameBatch(batch.service_point, batch.device, batch.received_at, np.full(count, length, np.uint32),
                      np.ascontiguousarray(octets).reshape(-1))  # fmt: skip


def sealed_in(batch: FrameBatch, ring: KeyRing, head: int, tail: int) -> Sealed:
    """Of frames with `head` octets before the ciphertext, which end with counter and title's length as general-glo has
    them, and `tail` octets behind the tag."""
    octets = matrix(batch)
    count, length = octets.shape
    rows = (np.asarray(batch.device) - TITLE_HEAD).astype(np.int64)
    start = np.arange(count, dtype=np.int64) * length + head
    counter = np.ascontiguousarray(octets[:, head - 4 : head]).view(">u4").reshape(-1).astype(np.uint32)
    # A row of the table a frame, as decode has gathered them when it opens frames.
    keys = gcm.Keys(np.ascontiguousarray(ring.encryption[rows]), np.ascontiguousarray(ring.authentication[rows]))
    frames = gcm.Frames(
        np.arange(count, dtype=np.int64), np.array(batch.device, np.uint64), counter, start,
        np.full(count, length - head - tail - TAG_OCTETS, np.int64), start,
    )  # fmt: skip
    return Sealed(keys, frames, np.full(count, PROTECTED, np.uint8))


def opened(batch: FrameBatch, sealed: Sealed) -> Array:
    """The plaintexts u8 (frames, octets); raises Fatal when one does not open."""
    octets, good = np.array(batch.payload, np.uint8), np.zeros(len(batch.length), np.uint8)
    context = gcm.new_context(encrypt=False)
    try:
        gcm.unseal_batch(context, sealed.keys, sealed.frames, sealed.security, octets, octets, good)
    finally:
        gcm.free_context(context)
    if not good.all():
        raise Fatal("BENCH_FAILED", where="decode", what=f"{int((good == 0).sum())} frames do not open",
                    do="look at the generator's keys")  # fmt: skip
    length = int(sealed.frames.length[0])
    first = int(sealed.frames.start[0])
    plain: Array = octets.reshape(len(good), -1)[:, first : first + length]
    return plain


def head_octets(plain: int) -> int:
    """Octets before the ciphertext of a plaintext of so many."""
    return HEAD_OCTETS + (LONG_OCTETS if plain + 5 + TAG_OCTETS > 127 else 0)


def resealed(batch: FrameBatch, plain: Array, number: int, ring: KeyRing) -> FrameBatch:
    """The batch with these plaintexts u8 (frames, octets), sealed under counter `number`."""
    count, length = plain.shape
    head, inner = head_octets(length), 5 + length + TAG_OCTETS
    out = np.zeros((count, head + length + TAG_OCTETS), np.uint8)
    out[:, 0], out[:, 1] = GENERAL_GLO, 8
    out[:, 2:10] = np.array(batch.device, ">u8").view(np.uint8).reshape(count, 8)
    out[:, 10 : head - 5] = [inner] if head == HEAD_OCTETS else [0x80 + LONG_OCTETS, inner >> 8, inner & 255]
    out[:, head - 5] = PROTECTED
    out[:, head - 4 : head] = np.frombuffer(number.to_bytes(4, "big"), np.uint8)
    made = with_octets(batch, out)
    sealed = sealed_in(made, ring, head, 0)
    frames = sealed.frames._replace(start=np.arange(count, dtype=np.int64) * length)
    context = gcm.new_context(encrypt=True)
    try:
        gcm.seal_batch(context, sealed.keys, frames, np.ascontiguousarray(plain).reshape(-1), made.payload)
    finally:
        gcm.free_context(context)
    return made


def compact(plain: Array, plan: BurstPlan, number: int) -> Array:
    """The buffer of day profiles u8 (frames, octets) as a compact array: each row's clock is there, tags are not.

    `number`: of the frame, which says the days' stamps.
    """
    count, rows = len(plain), plan.rows
    first = CLOCK_AT - 2 + BUFFER_HEAD + 2 + CLOCK_OCTETS
    values = np.zeros((count, rows, COLUMN_OCTETS), np.uint8)
    for row in range(rows):
        at = first + row * ROW_OCTETS
        values[:, row] = plain[:, at : at + COLUMN_OCTETS]
    body = np.zeros((count, rows, 1 + CLOCK_OCTETS + 4 * FLOATS + 1), np.uint8)
    clock = np.zeros(CLOCK_OCTETS, np.uint8)
    for row in range(rows):
        put_clock(clock, 0, plan.end_of((number - 1) * rows + row + 1), DEVIATION, 0)
        body[:, row, 0], body[:, row, 1 : 1 + CLOCK_OCTETS] = CLOCK_OCTETS, clock
    untagged = [octet for octet in range(COLUMN_OCTETS) if octet % FLOAT_STEP]
    body[:, :, 1 + CLOCK_OCTETS :] = values[:, :, untagged]
    size = body.shape[1] * body.shape[2]
    described = (COMPACT_ARRAY, STRUCTURE, FLOATS + 2, OCTETS, *(FLOAT32,) * FLOATS, UINT8, 0x82, size >> 8, size & 255)
    head = np.broadcast_to(np.array(described, np.uint8), (count, len(described)))
    return np.hstack((plain[:, : CLOCK_AT - 2], head, body.reshape(count, size)))


def in_hdlc(batch: FrameBatch) -> FrameBatch:
    """Each frame as the information of one HDLC UI frame from server 1 to client 64."""
    inner = matrix(batch)
    count, length = inner.shape
    whole = HDLC_HEAD + length + HDLC_TAIL
    out = np.zeros((count, whole), np.uint8)
    said = 0xA000 | (whole - 2)
    out[:, :6] = (FLAG, said >> 8, said & 255, CLIENT, SERVER, UI)
    out[:, 6:8] = checks(out[:, 1:6])
    out[:, 8:HDLC_HEAD], out[:, HDLC_HEAD:-HDLC_TAIL] = LLC, inner
    out[:, -HDLC_TAIL:-1], out[:, -1] = checks(out[:, 1:-HDLC_TAIL]), FLAG
    return with_octets(batch, out)


def _table() -> Array:
    crc = np.arange(256, dtype=np.uint16)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> 1) ^ np.uint16(0x8408), crc >> 1).astype(np.uint16)
    return crc


_TABLE = _table()


def checks(octets: Array) -> Array:
    """CRC-16/X-25 of each row as it is sent, u8 (rows, 2): the lower octet first."""
    crc = np.full(len(octets), 0xFFFF, np.uint16)
    for column in range(octets.shape[1]):
        crc = (crc >> 8) ^ _TABLE[(crc ^ octets[:, column]) & 255]
    return np.stack(((~crc) & 255, (~crc) >> 8), axis=1).astype(np.uint8)
