"""Kernels over many frames at once: cut, identify, resolve, scatter.

WRAPPER: IEC 62056-47, eight octets: version u16 = 1, source u16, destination u16, length u16.
general-glo-ciphering: octet DB, length 08, system title (8 octets) (IEC 62056-5-3). Readings of a head-end: see
`pipeline.reading_frames`.
"""

from __future__ import annotations

import numpy as np

from pipeline.codes import Kind
from pipeline.jit import allocating_kernel, peek8
from pipeline.lookup import KEY_GROUPS, PAGE_GROUPS, PAGES, find, mix
from pipeline.reading_frames import FIRST_OCTET as READINGS
from pipeline.reading_frames import HEAD, ROW

WRAPPER_OCTETS = 8
TITLE_OCTETS = 8
GENERAL_GLO = 0xDB
READINGS_OCTETS = HEAD.size + ROW.itemsize
READINGS_DEVICE, READINGS_KIND, READINGS_TIME = 8, 2, HEAD.size
"""Where a frame of readings has its device, its kind and its first stamp."""
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


@allocating_kernel
def identify(payload, offsets, lengths, limit, decoded, hint, device, code):  # type: ignore[no-untyped-def]
    """device u64 (n,) from the system title of each frame, else `hint` u64 (0: none); code u8: 0 or why it is unusable.

    A frame that ends before its declared length is passed on when it can be told whose it is: decode rejects it with
    its service point. Frames of readings are taken only where `decoded` says so: they are not encrypted, and nothing
    that is sent by a meter may look like one. Returns how many there are; `limit` does not hold for them.
    """
    readings = 0
    for item in range(offsets.shape[0]):
        place = offsets[item]
        end = place + np.int64(lengths[item])
        device[item] = hint[item]
        code[item] = 0
        short = False
        if end - place >= 2 and payload[place] == 0:
            if payload[place + 1] != 1:
                code[item] = WRONG_VERSION
                continue
            if end - place < WRAPPER_OCTETS:
                code[item] = TRUNCATED
                continue
            declared = (np.int64(payload[place + 6]) << 8) | np.int64(payload[place + 7])
            if declared > limit:
                code[item] = TOO_LONG
                continue
            place += WRAPPER_OCTETS
            short = end - place < declared
        elif end - place > limit and not (decoded and payload[place] == READINGS):
            code[item] = TOO_LONG
            continue
        if end - place >= 2 + TITLE_OCTETS and payload[place] == GENERAL_GLO and payload[place + 1] == TITLE_OCTETS:
            title = np.uint64(0)
            for octet in range(TITLE_OCTETS):
                title = (title << np.uint64(8)) | np.uint64(payload[place + 2 + octet])
            device[item] = title
        elif end > place and payload[place] == READINGS:
            if not decoded or end - place < READINGS_OCTETS or place != offsets[item]:
                code[item] = UNREADABLE
                continue
            device[item] = np.uint64(peek8(payload, place + READINGS_DEVICE))
            readings += 1
        if device[item] == 0:
            code[item] = TRUNCATED if short else UNREADABLE
    return readings


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
