"""What AES-128-GCM of DLMS security suite 0 works on: keys, frames, and their initialization vectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.columns import Array
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, KEY_LENGTH
from pipeline.jit import inlined

PROTECTED = AUTHENTICATED | ENCRYPTED

IV_ROOM = 16
"""An `iv` array is u8 (16,): 12 octets of system title and counter; libcrypto writes lengths to the last 4."""

AAD_LENGTH = 1 + KEY_LENGTH
"""Octets that are authenticated with every frame: security control octet and authentication key."""

AAD_ROOM = 32
"""An `aad` array is u8 (32,): whole blocks."""


class Keys(NamedTuple):
    """Keys by row: `encryption` and `authentication` u8 (keys, 16)."""

    encryption: Array
    authentication: Array


class Frames(NamedTuple):
    """What is sealed or opened, one item a frame; starts are places in the batch's byte arrays.

    key_row i64 (n,): row of the key table; negative leaves the frame alone
    title u64 (n,): system title as a big-endian number
    counter u32 (n,): invocation counter
    start, length i64 (n,): the octets without the tag
    out_start i64 (n,): where the result goes
    """

    key_row: Array
    title: Array
    counter: Array
    start: Array
    length: Array
    out_start: Array


@inlined
def set_iv(iv, title, counter):  # type: ignore[no-untyped-def]
    """iv u8 (16,) = system title (big-endian u64) || invocation counter u32."""
    for place in range(8):
        iv[place] = (np.uint64(title) >> np.uint64(8 * (7 - place))) & np.uint64(255)
    for place in range(4):
        iv[8 + place] = (np.uint64(counter) >> np.uint64(8 * (3 - place))) & np.uint64(255)


@inlined
def set_aad(aad, control, authentication, row):  # type: ignore[no-untyped-def]
    """First octets of aad u8 (32,) = security control octet || row of the authentication keys u8 (keys, 16)."""
    aad[0] = control
    for place in range(KEY_LENGTH):
        aad[1 + place] = authentication[row, place]
