"""Kernels over the head of a ciphered APDU: whose it is, how it is protected, and who opens it.

Behind the head stand a length, the security control octet, the invocation counter u32, protected octets and the tag
(12). Heads (IEC 62056-5-3): general-glo DB and general-ded DC with the sender's system title; glo-* and ded-* of one
service with nothing; general-ciphering DD with five octet strings and what its key is.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_axdr import BROKEN, big_endian, length_at
from pipeline.codes import REJECT_NUMBER
from pipeline.gcm_frames import PROTECTED
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, TAG_LENGTH
from pipeline.jit import inlined, kernel

GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING = 0xDB, 0xDC, 0xDD
TITLE_LENGTH = 8
SECURITY_HEAD = 5
"""Security control octet and invocation counter."""

SUITE, BROADCAST, COMPRESSED, MOST_SUITE, LONG_SUITE = 0x0F, 0x40, 0x80, 2, 2
"""Of the security control octet; suites 0 and 1 have keys of 16 octets, suite 2 of 32."""

GOOD = 0
OTHERWISE = 254
"""In place of a code: it is opened frame by frame, by `agents.decode.others`."""

UNREADABLE = REJECT_NUMBER["FRAME_UNREADABLE"]
TRUNCATED = REJECT_NUMBER["FRAME_TRUNCATED"]
APDU_UNKNOWN = REJECT_NUMBER["APDU_UNKNOWN"]
SECURITY_UNSUPPORTED = REJECT_NUMBER["SECURITY_UNSUPPORTED"]
KEY_UNKNOWN = REJECT_NUMBER["KEY_UNKNOWN"]
MALFORMED = REJECT_NUMBER["DATA_MALFORMED"]


@kernel
def judge_control(control, declared, unauthenticated):  # type: ignore[no-untyped-def]
    """The code for a security control octet that is none of suite 0 with a key of the device; OTHERWISE: see there."""
    mode = control & PROTECTED
    if control & COMPRESSED or control & SUITE > MOST_SUITE or mode == 0:
        return SECURITY_UNSUPPORTED
    if mode == ENCRYPTED and not unauthenticated:
        return SECURITY_UNSUPPORTED
    if mode != ENCRYPTED and declared <= SECURITY_HEAD + TAG_LENGTH:
        return TRUNCATED
    return OTHERWISE if control & BROADCAST or control & SUITE == LONG_SUITE else GOOD


@inlined
def read_control(payload, p, end, unauthenticated):  # type: ignore[no-untyped-def]
    """(code, place of the security control octet) of the ciphered content whose length is at `p` of [p, end)."""
    declared, p = length_at(payload, p, end)
    if p == BROKEN or declared > end - p:
        return TRUNCATED, p
    if declared != end - p:
        return MALFORMED, p
    if declared < SECURITY_HEAD + 1:
        return TRUNCATED, p
    control = np.int64(payload[p])
    if control not in (AUTHENTICATED | ENCRYPTED, AUTHENTICATED, ENCRYPTED):
        return judge_control(control, declared, unauthenticated), p
    if control == ENCRYPTED:
        return (GOOD if unauthenticated else SECURITY_UNSUPPORTED), p
    return (GOOD if declared > SECURITY_HEAD + TAG_LENGTH else TRUNCATED), p


@inlined
def behind_title(payload, p, end, device):  # type: ignore[no-untyped-def]
    """(code, place behind the system title) of the general-glo or general-ded APDU in [p, end)."""
    if end - p < 2 + TITLE_LENGTH:
        return TRUNCATED, p
    if payload[p + 1] != TITLE_LENGTH or big_endian(payload, p + 2, TITLE_LENGTH) != device:
        return UNREADABLE, p
    return GOOD, p + 2 + TITLE_LENGTH


@inlined
def read_security(payload, p, end, device, unauthenticated):  # type: ignore[no-untyped-def]
    """(code, place of the security control octet) of the general-glo APDU in [p, end)."""
    code, p = behind_title(payload, p, end, device)
    return (code, p) if code != GOOD else read_control(payload, p, end, unauthenticated)


@inlined
def from_meter(tag):  # type: ignore[no-untyped-def]
    """Whether it is the tag of a glo-* service that a meter seals: 28, CA, CC to CF. Requests are a client's."""
    return tag == 0x28 or tag == 0xCA or 0xCC <= tag <= 0xCF


@inlined
def with_dedicated(tag):  # type: ignore[no-untyped-def]
    """Whether it is the tag of a ded-* service that a meter seals: D2, D4 to D7."""
    return tag == 0xD2 or 0xD4 <= tag <= 0xD7


@kernel
def read_other_security(payload, p, end, device, unauthenticated):  # type: ignore[no-untyped-def]
    """The same for any APDU but general-glo; APDU_UNKNOWN where it is not ciphered by a meter.

    Without a title in it the sender is the device. A dedicated key belongs to an association and is in no store.
    """
    tag = np.int64(payload[p])
    if tag == GENERAL_CIPHERING:
        return OTHERWISE, p
    if tag == GENERAL_DED:
        code, p = behind_title(payload, p, end, device)
        if code != GOOD:
            return code, p
    elif from_meter(tag) or with_dedicated(tag):
        p += 1
    else:
        return APDU_UNKNOWN, p
    code, place = read_control(payload, p, end, unauthenticated)
    if not from_meter(tag) and code in (GOOD, OTHERWISE):
        code = KEY_UNKNOWN
    return code, place
