"""Kernels from pushes to plaintext and frame heads.

A frame: WRAPPER (IEC 62056-47: version 1, source 1, destination 64, length), then general-glo-ciphering (DB, 08, system
title, length, security control 0x30, invocation counter, ciphertext, 12 octets of tag).
"""

from __future__ import annotations

import numpy as np

from connectors.simulator.skeletons import (
    FORM_CLOCK,
    FORM_FLOAT,
    FORM_INVOKE,
    FORM_NAME,
    FORM_TIME,
    FORM_WHOLE,
    FORM_WORD,
)
from pipeline.jit import allocating_kernel, expanded

WRAPPER_OCTETS, TITLE_OCTETS, SECURITY_OCTETS, TAG_OCTETS = 8, 8, 5, 12
GENERAL_GLO, PROTECTED = 0xDB, 0x30
SERVER_PORT, CLIENT_PORT = 1, 64
IST = 19_800
UNSPECIFIED_DAY = 0xFF


@expanded
def length_octets(length):  # type: ignore[no-untyped-def]
    """Octets that a length takes (A-XDR: below 128 one)."""
    return 1 if length < 128 else (2 if length < 256 else 3)


@allocating_kernel
def frame_lengths(plain_length, wrapped, out):  # type: ignore[no-untyped-def]
    """out u32 (n,) = octets of each frame, from its plaintext's i64 (n,)."""
    for item in range(plain_length.shape[0]):
        inner = plain_length[item] + SECURITY_OCTETS + TAG_OCTETS
        octets = 2 + TITLE_OCTETS + length_octets(inner) + inner
        out[item] = octets + (WRAPPER_OCTETS if wrapped[item] else 0)


@expanded
def put_whole(out, place, width, value):  # type: ignore[no-untyped-def]
    """`value` as a big-endian integer of `width` octets (two's complement)."""
    for octet in range(width):
        out[place + octet] = np.uint8((value >> (8 * (width - 1 - octet))) & 255)


@allocating_kernel
def put_clock(out, place, time, zone, status):  # type: ignore[no-untyped-def]
    """COSEM date-time of epoch seconds `time` in Indian Standard Time (days to date: proleptic Gregorian eras)."""
    local = time + IST
    days = local // 86_400
    rest = local - days * 86_400
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    turned = (5 * of_year + 2) // 153
    month = turned + 3 if turned < 10 else turned - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    put_whole(out, place, 2, year)
    out[place + 2] = month
    out[place + 3] = of_year - (153 * turned + 2) // 5 + 1
    out[place + 4] = UNSPECIFIED_DAY
    out[place + 5] = rest // 3600
    out[place + 6] = rest // 60 % 60
    out[place + 7] = rest % 60
    out[place + 8] = 0
    put_whole(out, place + 9, 2, np.int64(zone))
    out[place + 11] = status


@allocating_kernel
def write_plain(  # type: ignore[no-untyped-def]
    shapes, number, start, values, stamp, counter, status, device, names, zones, out
):
    """Plaintexts to out u8, each from start i64 (n,); number i64 (n,) as in `skeletons`; device i32 (n,), row."""
    word = np.zeros(1, np.uint32)
    real = word.view(np.float32)
    for item in range(number.shape[0]):
        push, base = number[item], start[item]
        first = shapes.start[push]
        for octet in range(shapes.length[push]):
            out[base + octet] = shapes.octets[first + octet]
        row = device[item]
        for which in range(shapes.patched[push], shapes.patched[push] + shapes.patches[push]):
            place, form = base + shapes.patch[which, 0], shapes.patch[which, 1]
            width, source = shapes.patch[which, 2], shapes.patch[which, 3]
            if form == FORM_FLOAT:
                real[0] = np.float32(values[item, source] / shapes.patch[which, 5] * shapes.patch[which, 4])
                put_whole(out, place, width, np.int64(word[0]))
            elif form == FORM_WHOLE:
                put_whole(out, place, width, values[item, source] * shapes.patch[which, 4] // shapes.patch[which, 5])
            elif form == FORM_CLOCK:
                put_clock(out, place, stamp[item], zones[row], status[item])
            elif form == FORM_TIME:
                put_clock(out, place, values[item, source], zones[row], 0)
            elif form == FORM_NAME:
                for octet in range(width):
                    out[place + octet] = names[row, octet]
            elif form == FORM_WORD:
                put_whole(out, place, 8, values[item, source])
                put_whole(out, place + 8, 8, values[item, source + 1])
            elif form == FORM_INVOKE:
                put_whole(out, place, width, np.int64(counter[item]))


@allocating_kernel
def write_heads(offset, length, wrapped, version, declared, title, counter, plain_length, out, sealed):  # type: ignore[no-untyped-def]
    """WRAPPER and ciphering head of each frame to out u8; sealed i64 (n,) = where its ciphertext begins.

    version u16 and declared i64 (n,; -1: the true length) are what the WRAPPER says.
    """
    for item in range(offset.shape[0]):
        place = offset[item]
        if wrapped[item]:
            size = np.int64(length[item]) - WRAPPER_OCTETS if declared[item] < 0 else declared[item]
            put_whole(out, place, 2, np.int64(version[item]))
            put_whole(out, place + 2, 2, np.int64(SERVER_PORT))
            put_whole(out, place + 4, 2, np.int64(CLIENT_PORT))
            put_whole(out, place + 6, 2, size)
            place += WRAPPER_OCTETS
        out[place] = GENERAL_GLO
        out[place + 1] = TITLE_OCTETS
        put_whole(out, place + 2, TITLE_OCTETS, np.int64(title[item]))
        place += 2 + TITLE_OCTETS
        inner = plain_length[item] + SECURITY_OCTETS + TAG_OCTETS
        width = length_octets(inner)
        if width > 1:
            out[place] = 0x80 + width - 1
            put_whole(out, place + 1, width - 1, inner)
        else:
            out[place] = inner
        place += width
        out[place] = PROTECTED
        put_whole(out, place + 1, 4, np.int64(counter[item]))
        sealed[item] = place + SECURITY_OCTETS
