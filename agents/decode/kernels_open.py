"""Kernels over the frames of a batch: what each is, which device and key it belongs to, where its octets lie.

WRAPPER (IEC 62056-47): version u16 = 1, source u16, destination u16, length u16, APDU. general-glo-ciphering (IEC
62056-5-3): DB, length 08, system title (8), length, security control, invocation counter u32, octets, tag (12). These
two, and what is sent plain, are read here; other framings and ciphers are asked for (`kernels_unframe`,
`kernels_security`) where the first octet is another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.decode.kernels_axdr import big_endian
from agents.decode.kernels_keys import FIRST_SPAN, NO_KEY, span_at
from agents.decode.kernels_security import (
    GENERAL_GLO,
    OTHERWISE,
    SECURITY_HEAD,
    read_other_security,
    read_security,
)
from agents.decode.kernels_unframe import unframe
from pipeline.codes import REJECT_NUMBER
from pipeline.columns import Array
from pipeline.gcm import Frames, Keys
from pipeline.gcm_single import AUTHENTICATED, KEY_LENGTH, TAG_LENGTH
from pipeline.jit import AHEAD, inlined, kernel, peek8, poke8, prefetch
from pipeline.lookup import first_place
from pipeline.reading_frames import FIRST_OCTET as READINGS
from pipeline.statement_frames import FIRST_OCTET as STATEMENT

WRAPPER_LENGTH = 8
DATA_NOTIFICATION = 0x0F

OTHER_CIPHER = 0x80
"""In place of the security control octet of a frame that `agents.decode.others` opens: compressed, and nothing else."""

GOOD = 0
UNREADABLE = REJECT_NUMBER["FRAME_UNREADABLE"]
WRAPPER_VERSION = REJECT_NUMBER["WRAPPER_VERSION"]
TOO_LONG = REJECT_NUMBER["FRAME_TOO_LONG"]
TRUNCATED = REJECT_NUMBER["FRAME_TRUNCATED"]
APDU_UNKNOWN = REJECT_NUMBER["APDU_UNKNOWN"]
SECURITY_UNSUPPORTED = REJECT_NUMBER["SECURITY_UNSUPPORTED"]
KEY_UNKNOWN = REJECT_NUMBER["KEY_UNKNOWN"]
DECRYPT_FAILED = REJECT_NUMBER["DECRYPT_FAILED"]
MALFORMED = REJECT_NUMBER["DATA_MALFORMED"]

DEVICE = np.dtype([("device", "<u8"), ("link", "<i4"), ("key", "<i4"), ("check", "<u4")])
"""A place of the device index: first link row and key row, -1 where there is none, and the check value of the key;
device 0: free. Of a device with several keys the key row is FIRST_SPAN less the row of its first SPAN.
"""


class Opened(NamedTuple):
    """What is known of each frame before its contents are read.

    code u8: 0, or the number of a reject
    security u8: security control octet; 0 for a frame without ciphering
    mark u8: octet that tells this frame from another one with its counter
    link i64: first link row of the device, -1 when the registry does not know it
    check u32: check value of the device's key
    frames: key row in `keys`, system title, counter; start and length of the APDU, or of its protected octets
    keys: the frames' own keys, one row a frame
    span i64: row of `Tables.spans` of the key, -1 for devices with one key
    """

    code: Array
    security: Array
    mark: Array
    link: Array
    check: Array
    frames: Frames
    keys: Keys
    span: Array


class Policy(NamedTuple):
    """Settings as kernels take them."""

    plain: bool
    unauthenticated: bool
    strict: bool
    zero_is_utc: bool
    offset: int
    limit: int
    overlap: int


def new_opened(count: int) -> Opened:
    """Room for `count` frames."""
    code, security, mark = (np.zeros(count, np.uint8) for _ in range(3))
    row, link = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    check, counter = np.zeros(count, np.uint32), np.zeros(count, np.uint32)
    start, length = np.zeros(count, np.int64), np.zeros(count, np.int64)
    frames = Frames(row, np.zeros(count, np.uint64), counter, start, length, start)
    keys = Keys(np.empty((count, KEY_LENGTH), np.uint8), np.empty((count, KEY_LENGTH), np.uint8))
    return Opened(code, security, mark, link, check, frames, keys, np.full(count, -1, np.int64))


@kernel
def enter_devices(devices, links, keys, checks, index):  # type: ignore[no-untyped-def]
    """Fill `index` DEVICE (more than n,): devices u64 (n,), link and key rows i64 (n,), check values u32 (n,)."""
    size = index.shape[0]
    for item in range(devices.shape[0]):
        place = first_place(devices[item], size)
        while index[place].device != 0:
            place += np.int64(1)
            if place == size:
                place = np.int64(0)
        index[place].device = devices[item]
        index[place].link = links[item]
        index[place].key = keys[item]
        index[place].check = checks[item]


@inlined
def find_device(index, device):  # type: ignore[no-untyped-def]
    """Place of `device` in the index, or -1."""
    size = index.shape[0]
    place = first_place(device, size)
    while index[place].device != 0:
        if index[place].device == device:
            return place
        place += np.int64(1)
        if place == size:
            place = np.int64(0)
    return np.int64(-1)


@inlined
def apdu_span(payload, p, end, limit):  # type: ignore[no-untyped-def]
    """(code, start of the APDU) of the frame in [p, end): in a WRAPPER, or as it is."""
    if end > payload.shape[0] or end - p < 2:
        return TRUNCATED, p
    if payload[p] != 0:
        return (TOO_LONG if end - p > limit else GOOD), p
    if payload[p + 1] != 1:
        return WRAPPER_VERSION, p
    if end - p < WRAPPER_LENGTH:
        return TRUNCATED, p
    declared = np.int64(big_endian(payload, p + 6, 2))
    p += WRAPPER_LENGTH
    if declared > limit:
        return TOO_LONG, p
    if declared > end - p or declared < 2:
        return TRUNCATED, p
    return (GOOD if declared == end - p else MALFORMED), p


@inlined
def mark_of(payload, p, end):  # type: ignore[no-untyped-def]
    """One octet that depends on all of [p, end)."""
    mark = np.uint64(0)
    for place in range(p, end):
        mark = mark * np.uint64(5) + np.uint64(payload[place])
    return np.uint8(mark)


@kernel
def gather(devices, received, index, pairs, spans, opened):  # type: ignore[no-untyped-def]
    """First link, keys and check value of each frame's device u64 (n,); pairs u8 (keys, 32) and spans as in Tables.

    Of several keys it is the one in force when the frame was received, i64 (n,), epoch s.

    Three things at a time: a place of the index is asked for, one that has come tells which keys to ask for, and those
    of a frame before that are copied.
    """
    own_encryption, own_authentication = opened.keys.encryption, opened.keys.authentication
    link, check, key_row = opened.link, opened.check, opened.frames.key_row
    count = devices.shape[0]
    width = pairs.shape[1]
    for item in range(count + 2 * AHEAD):
        if item < count:
            prefetch(index, first_place(devices[item], index.shape[0]))
        found = item - AHEAD
        if 0 <= found < count and devices[found] != 0:
            place = find_device(index, devices[found])
            if place >= 0:
                link[found], key_row[found], check[found] = index[place].link, index[place].key, index[place].check
                if key_row[found] < NO_KEY:
                    span = span_at(spans, FIRST_SPAN - key_row[found], received[found])
                    opened.span[found], key_row[found], check[found] = span, spans[span].row, spans[span].check
                prefetch(pairs, key_row[found] * width)
                prefetch(pairs, (key_row[found] + 1) * width - 1)
        copied = item - 2 * AHEAD
        if copied >= 0 and key_row[copied] >= 0:
            first = key_row[copied] * width
            key_row[copied] = copied
            for word in range(0, KEY_LENGTH, 8):
                poke8(own_encryption, copied * KEY_LENGTH + word, peek8(pairs, first + word))
                poke8(own_authentication, copied * KEY_LENGTH + word, peek8(pairs, first + KEY_LENGTH + word))


@inlined
def is_usual(payload, p, first):  # type: ignore[no-untyped-def]
    """Whether the APDU at `p` of a frame that begins at `first` is read as it stands."""
    tag = payload[p]
    # Readings of a head-end, and statements, stand bare: in a WRAPPER, or in any other framing, they would come from a
    # meter's network.
    return tag in (GENERAL_GLO, DATA_NOTIFICATION) or (tag in (READINGS, STATEMENT) and p == first)


@kernel
def open_frames(payload, lengths, devices, policy, opened):  # type: ignore[no-untyped-def]
    """Fill the rest of `opened` for frames that lie one after the other in `payload` u8; lengths u32 (n,).

    Frames of other framings are rewritten in place. Returns how many are for `agents.decode.others`: their `security`
    is OTHER_CIPHER, and `start` and `length` are of the whole APDU.
    """
    code, security, mark = opened.code, opened.security, opened.mark
    key_row, title, counter = opened.frames.key_row, opened.frames.title, opened.frames.counter
    start, length = opened.frames.start, opened.frames.length
    plain, unauthenticated, limit = policy.plain, policy.unauthenticated, policy.limit
    end, others = np.int64(0), 0
    for item in range(lengths.shape[0]):
        first, end = end, end + np.int64(lengths[item])
        stop, known = end, True
        verdict, p = apdu_span(payload, first, end, limit)
        if verdict == MALFORMED or (verdict == GOOD and not is_usual(payload, p, first)):
            verdict, p, stop = unframe(payload, first, end)
            if verdict == GOOD and stop - p > limit:
                verdict = TOO_LONG
            known = verdict == GOOD and payload[p] == DATA_NOTIFICATION
        if verdict == GOOD and devices[item] == 0:
            verdict = UNREADABLE
        code[item] = verdict
        if verdict != GOOD:
            key_row[item] = -1
            continue
        apdu = p
        if payload[p] == GENERAL_GLO:
            verdict, p = read_security(payload, p, stop, devices[item], unauthenticated)
        elif known:
            key_row[item] = -1
            start[item], length[item] = p, stop - p
            if not plain and payload[p] != READINGS and payload[p] != STATEMENT:
                code[item] = SECURITY_UNSUPPORTED
            continue
        else:
            start[item], length[item] = p, stop - p
            verdict, p = read_other_security(payload, p, stop, devices[item], unauthenticated)
        if verdict == OTHERWISE:
            others += 1
            code[item], security[item] = GOOD, OTHER_CIPHER
            start[item], length[item] = apdu, stop - apdu
            continue
        if verdict == GOOD and key_row[item] < 0:
            verdict = KEY_UNKNOWN
        code[item] = verdict
        if verdict != GOOD:
            key_row[item] = -1
            continue
        tag = TAG_LENGTH if payload[p] & AUTHENTICATED else 0
        security[item] = payload[p]
        title[item], counter[item] = devices[item], np.uint32(big_endian(payload, p + 1, 4))
        start[item], length[item] = p + SECURITY_HEAD, stop - p - SECURITY_HEAD - tag
        mark[item] = mark_of(payload, stop - tag if tag else p + SECURITY_HEAD, stop)
    return others
