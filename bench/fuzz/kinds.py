"""What is done to frames, once: numbers for the kernels, names for people, and how often.

Of the layer WALK the plaintext is changed and sealed again under the right key: such a frame is opened, and its change
is found by whoever walks through the data. The shares of all kinds are parts of a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.columns import Array

WALK, SEALED, FRAMING, CIPHERS, READINGS, PLAIN, OCTETS = (
    "walk", "sealed", "framing", "ciphers", "readings", "plain", "octets"
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One thing that is done; `number` is what kernels know it by."""

    number: int
    layer: str
    name: str
    share: int


KINDS: tuple[Kind, ...] = (
    # The kernel that changes plaintexts knows these by their numbers: 0 to 14.
    Kind(0, WALK, "octets changed", 60),
    Kind(1, WALK, "tag changed", 60),
    Kind(2, WALK, "length or count changed", 60),
    Kind(3, WALK, "datum replaced by an odd one", 65),
    Kind(4, WALK, "datum left out", 40),
    Kind(5, WALK, "datum repeated", 40),
    Kind(6, WALK, "cut short", 25),
    Kind(7, WALK, "octets behind", 15),
    Kind(8, WALK, "end of another push", 25),
    Kind(9, WALK, "field of a clock changed", 45),
    Kind(10, WALK, "null-data put in", 40),
    Kind(11, WALK, "containers put around", 15),
    Kind(12, WALK, "value at its limits", 45),
    Kind(13, WALK, "head of the notification changed", 25),
    Kind(14, WALK, "neighbours exchanged", 20),
    Kind(20, SEALED, "sound", 60),
    Kind(21, SEALED, "tag or ciphertext changed", 12),
    Kind(22, SEALED, "another key", 8),
    Kind(23, SEALED, "system title changed", 10),
    Kind(24, SEALED, "length changed", 12),
    Kind(25, SEALED, "security control changed", 15),
    Kind(26, SEALED, "counter changed", 5),
    Kind(27, SEALED, "sent again", 10),
    Kind(28, SEALED, "counter of an earlier frame", 10),
    Kind(29, SEALED, "APDU's tag changed", 8),
    Kind(30, FRAMING, "cut short", 10),
    Kind(31, FRAMING, "octets behind", 8),
    Kind(32, FRAMING, "WRAPPER changed", 12),
    Kind(33, FRAMING, "HDLC", 14),
    Kind(34, FRAMING, "HDLC in segments", 12),
    Kind(35, FRAMING, "HDLC, octets changed", 10),
    Kind(36, FRAMING, "HDLC, head changed, check sequences right", 12),
    Kind(37, FRAMING, "HDLC, segment left out or repeated", 10),
    Kind(38, FRAMING, "M-Bus", 10),
    Kind(39, FRAMING, "M-Bus, octets changed", 6),
    Kind(40, FRAMING, "M-Bus, head changed, checksum right", 10),
    Kind(41, FRAMING, "blocks", 8),
    Kind(42, FRAMING, "blocks, head changed", 10),
    Kind(43, FRAMING, "two frames", 8),
    Kind(44, FRAMING, "LLC head", 5),
    # Of these a quarter has a plaintext that was changed too.
    Kind(80, CIPHERS, "suite 1", 5),
    Kind(81, CIPHERS, "suite 2", 6),
    Kind(82, CIPHERS, "broadcast key set", 6),
    Kind(83, CIPHERS, "general-ciphering", 8),
    Kind(84, CIPHERS, "general-ciphering, head changed", 8),
    Kind(85, CIPHERS, "ciphered APDU of one service", 5),
    Kind(50, READINGS, "sound", 8),
    Kind(51, READINGS, "octets changed", 14),
    Kind(52, READINGS, "field of the head changed", 14),
    Kind(53, READINGS, "field of a row changed", 14),
    Kind(54, READINGS, "cut short, or octets behind", 6),
    Kind(60, PLAIN, "plaintext changed, not sealed", 17),
    Kind(70, OCTETS, "any octets", 8),
    Kind(71, OCTETS, "next to nothing", 5),
    Kind(72, OCTETS, "longer than a frame may be", 1),
)
LAST_WALK = 14
KIND_OF: dict[int, Kind] = {kind.number: kind for kind in KINDS}
MOST = 1 + max(KIND_OF)
assert sum(kind.share for kind in KINDS) == 1000
assert sum(kind.share for kind in KINDS if kind.layer == WALK) >= 500


def choices() -> Array:
    """Numbers u8 (1000,), each as often as its share."""
    return np.repeat(np.array([kind.number for kind in KINDS], np.uint8), [kind.share for kind in KINDS])
