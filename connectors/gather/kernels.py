"""Kernels over many frames at once: cut, identify, resolve, scatter.

WRAPPER: IEC 62056-47, eight octets: version u16 = 1, source u16, destination u16, length u16. Titles, and other
framings: see `connectors.gather.kernels_title`. Readings of a head-end: see `pipeline.reading_frames`; what people and
systems say of a service point: see `pipeline.statement_frames`.
"""

from __future__ import annotations

import numpy as np

from connectors.gather.kernels_title import HEAD_ROOM, title_of
from pipeline.codes import Kind
from pipeline.jit import allocating_kernel, inlined, peek8
from pipeline.lookup import KEY_GROUPS, PAGE_GROUPS, PAGES, find, mix
from pipeline.reading_frames import FIRST_OCTET as READINGS
from pipeline.reading_frames import HEAD, ROW
from pipeline.statement_frames import FIRST_OCTET as STATEMENT
from pipeline.statement_frames import HEAD as STATEMENT_HEAD
from pipeline.statement_frames import ROW as STATEMENT_ROW

WRAPPER_OCTETS = 8
DATA_NOTIFICATION = 0x0F
READINGS_OCTETS = HEAD.size + ROW.itemsize
READINGS_DEVICE, READINGS_KIND, READINGS_TIME = 8, 2, HEAD.size
"""Where a frame of readings has its device, its kind and its first stamp."""
STATEMENT_OCTETS = STATEMENT_HEAD.size + STATEMENT_ROW.itemsize
STATEMENT_POINT = 8
"""Where a statement has its service point."""
STATED = 255
"""In place of a code, until `statement_points`: the frame is a statement, which names its service point itself."""
BLOCK = int(Kind.BLOCK)

UNKNOWN, UNREADABLE, WRONG_VERSION, TOO_LONG, TRUNCATED = 1, 2, 3, 4, 5
"""Numbers of `pipeline.codes.REJECT_CODES`; a test holds them equal."""


@allocating_kernel
def cut_wrapper(stream, start, end, limit, offsets, lengths):  # type: ignore[no-untyped-def]
    """Cut whole WRAPPER frames out of `stream` u8 [start, end).

    Writes offset i64 and length u32 (header included) of each; returns (frames, first octet not used, code): code is 0,
    WRONG_VERSION or TOO_LONG when the stream cannot be cut any further. Stops when `offsets` is full.
    """
    frames = 0
    place = start
    while end - place >= WRAPPER_OCTETS and frames < offsets.shape[0]:
        if (np.int64(stream[place]) << 8) | np.int64(stream[place + 1]) != 1:
            return frames, place, WRONG_VERSION
        length = (np.int64(stream[place + 6]) << 8) | np.int64(stream[place + 7])
        if length > limit:
            return frames, place, TOO_LONG
        if end - place < WRAPPER_OCTETS + length:
            break
        offsets[frames] = place
        lengths[frames] = WRAPPER_OCTETS + length
        frames += 1
        place += WRAPPER_OCTETS + length
    return frames, place, 0


@inlined
def apdu_at(payload, place, end, limit, decoded, stated):  # type: ignore[no-untyped-def]
    """(code, place of the APDU, whether it is cut short) of the frame in [place, end): in a WRAPPER, or as it is."""
    if end - place < 2 or payload[place] != 0:
        own = (decoded and payload[place] == READINGS) or (stated and payload[place] == STATEMENT)
        return (TOO_LONG if end - place > limit and not own else 0), place, False
    if payload[place + 1] != 1:
        return WRONG_VERSION, place, False
    if end - place < WRAPPER_OCTETS:
        return TRUNCATED, place, True
    declared = (np.int64(payload[place + 6]) << 8) | np.int64(payload[place + 7])
    place += WRAPPER_OCTETS
    return (TOO_LONG if declared > limit else 0), place, end - place < declared


@allocating_kernel
def identify(payload, offsets, lengths, limit, decoded, stated, hint, device, code):  # type: ignore[no-untyped-def]
    """device u64 (n,) from the system title of each frame, else `hint` u64 (0: none); code u8: 0 or why it is unusable.

    The title stands in the head of a general-glo, general-ded or general-ciphering APDU, in any framing. A frame that
    ends before its declared length is passed on when it can be told whose it is: decode rejects it with its service
    point. Frames of readings are taken only where `decoded` says so: they are not encrypted, and nothing that is sent
    by a meter may look like one; statements, which get the code STATED, only where `stated` says so. Returns how many
    there are of both; `limit` does not hold for them.
    """
    readings, statements = 0, 0
    head = np.empty(HEAD_ROOM, np.uint8)
    for item in range(offsets.shape[0]):
        first = offsets[item]
        end = first + np.int64(lengths[item])
        device[item] = hint[item]
        verdict, place, short = apdu_at(payload, first, end, limit, decoded, stated)
        reason = np.int64(TRUNCATED if short else UNREADABLE)
        tag = np.int64(payload[place]) if verdict == 0 and place < end else np.int64(DATA_NOTIFICATION)
        if tag == READINGS:
            if not decoded or end - place < READINGS_OCTETS or place != first:
                code[item] = UNREADABLE
                continue
            device[item] = np.uint64(peek8(payload, place + READINGS_DEVICE))
            readings += 1
        elif tag == STATEMENT:
            if not stated or end - place < STATEMENT_OCTETS or place != first:
                code[item] = UNREADABLE
                continue
            statements += 1
            code[item] = STATED
            continue
        elif tag != DATA_NOTIFICATION:
            found, title = title_of(payload, place, end, place == first, head)
            device[item] = title if title != 0 else device[item]
            reason = found or reason
        code[item] = reason if verdict == 0 and device[item] == 0 else verdict
    return readings, statements


@allocating_kernel
def reading_times(payload, offsets, code, at):  # type: ignore[no-untyped-def]
    """at i64 (n,) of usable frames of readings becomes the time of their first one.

    What was measured long ago belongs to where the meter stood then. A block's stamp closes its interval, so it
    belongs to the second before.
    """
    for item in range(offsets.shape[0]):
        if code[item] == 0 and payload[offsets[item]] == READINGS:
            at[item] = peek8(payload, offsets[item] + READINGS_TIME)
            at[item] -= payload[offsets[item] + READINGS_KIND] == BLOCK


@allocating_kernel
def resolve(index, keys, link_device, link_from, link_point, device, at, point, code):  # type: ignore[no-untyped-def]
    """point u64 (n,) of each usable device as of `at` i64 (n,); code UNKNOWN where there is none.

    A device whose last link has ended still sends what it has stored: its last service point takes it.
    """
    for item in range(device.shape[0]):
        point[item] = 0
        if code[item] != 0:
            continue
        row = find(index, keys, device[item])
        if row < 0:
            code[item] = UNKNOWN
            continue
        chosen = row
        while row < link_device.shape[0] and link_device[row] == device[item]:
            if link_from[row] <= at[item]:
                chosen = row
            row += 1
        point[item] = link_point[chosen]


@allocating_kernel
def statement_points(payload, offsets, index, keys, point, code):  # type: ignore[no-untyped-def]
    """point u64 (n,) of frames that are STATED: as they say; code becomes 0, or UNKNOWN where the registry's index over
    service points does not have it."""
    for item in range(offsets.shape[0]):
        if code[item] == STATED:
            point[item] = np.uint64(peek8(payload, offsets[item] + STATEMENT_POINT))
            code[item] = 0 if find(index, keys, point[item]) >= 0 else UNKNOWN


@allocating_kernel
def count_partitions(point, code, partitions, partition, frames, octets, lengths):  # type: ignore[no-untyped-def]
    """partition i32 (n,) of each usable frame, else -1; frames and octets i64 (partitions,) are counted up."""
    for item in range(point.shape[0]):
        partition[item] = -1
        if code[item] == 0:
            page = np.int64(mix(point[item]) & np.uint64(KEY_GROUPS - 1)) // PAGE_GROUPS
            chosen = page * partitions // PAGES
            partition[item] = chosen
            frames[chosen] += 1
            octets[chosen] += np.int64(lengths[item])


@allocating_kernel
def scatter(payload, offsets, lengths, partition, frame_at, octet_at, order, packed):  # type: ignore[no-untyped-def]
    """Copy the frames to `packed` u8, by partition and within it in order of arrival; order i64 = frame numbers.

    frame_at, octet_at i64 (partitions,): where each partition begins; moved on.
    """
    for item in range(offsets.shape[0]):
        chosen = partition[item]
        if chosen < 0:
            continue
        order[frame_at[chosen]] = item
        frame_at[chosen] += 1
        start = octet_at[chosen]
        length = np.int64(lengths[item])
        for octet in range(length):
            packed[start + octet] = payload[offsets[item] + octet]
        octet_at[chosen] = start + length
