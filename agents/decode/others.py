"""Ciphered frames that few meters send, opened one by one: suite 2, the broadcast key set, general-ciphering.

The kernels leave them aside (`security` is OTHER_CIPHER) and the decoder for single frames opens them, some ten
microseconds each. A batch without such a frame never comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from agents.decode.kernels_open import OTHER_CIPHER, SECURITY_UNSUPPORTED, UNREADABLE, Opened, Policy, mark_of
from agents.decode.single.ciphering import SUITE_KEY_LENGTHS, Keys, Unsealed, unseal
from agents.decode.single.octets import Section
from pipeline.codes import REJECT_NUMBER
from pipeline.columns import Array
from pipeline.gcm_single import KEY_LENGTH, TAG_LENGTH, seal_one
from pipeline.reference import BROADCAST, OTHER_KEY, UNICAST

LONG_OWNER, BROADCAST_OWNER = np.uint64(1 << 55), np.uint64(1 << 47)
"""Bits of the row of state of a device under these keys; a system title begins with three letters, and has neither.

A window of counters belongs to a key: in one row two keys in turns would begin it anew each time, and take replays.
"""

CHECKED_KEY = np.dtype([*((name, OTHER_KEY[name]) for name in OTHER_KEY.names or ()), ("check", "<u4")])
"""An OTHER_KEY with its check value."""

Pair = tuple[bytes, bytes]


def checked_keys(others: Array) -> Array:
    """CHECKED_KEY of OTHER_KEY (m,); the check value as in `agents.decode.prepare`."""
    keys = np.zeros(len(others), CHECKED_KEY)
    for name in OTHER_KEY.names or ():
        keys[name] = others[name]
    for row in keys:
        tag = seal_one(0x30, _pair_of(row), 0, 0, b"")
        row["check"] = int.from_bytes(tag[:4], "little")
    return keys


def _pair_of(row: Any) -> Pair:
    length = int(row["length"])
    return row["encryption"][:length].tobytes(), row["authentication"][:length].tobytes()


class Second(NamedTuple):
    """Keys that a frame is tried with after those in force: the pair, its check value and its row of SPAN."""

    pair: Pair
    check: int
    span: int


SecondTry = Callable[[Opened, int], Second | None]
"""(opened, frame of the batch) -> what else to try."""


def no_second_try(_opened: Opened, _item: int) -> None:
    """A SecondTry for devices with one key."""


class _Frame:
    """A frame that is left aside, `item` of its batch."""

    def __init__(self, octets: Array, device: int, opened: Opened, item: int) -> None:
        self.device, self._octets, self._opened, self._item = device, octets, opened, item
        self._start = int(opened.frames.start[item])
        self._stop = self._start + int(opened.frames.length[item])
        self.apdu = octets[self._start : self._stop].tobytes()
        # The keys of suite 0 have been looked up for all frames.
        row = int(opened.frames.key_row[item])
        self.usual = None if row < 0 else (
            opened.keys.encryption[row].tobytes(), opened.keys.authentication[row].tobytes()
        )  # fmt: skip

    def unseal(self, pair: Pair | None) -> Unsealed:
        """What is inside, with this pair of keys or none."""
        return unseal(Section("APDU", self.apdu), Keys(lambda _title: pair, server=self.device))

    def refuse(self, code: int) -> None:
        """It gets this code."""
        self._opened.code[self._item] = code

    def enter(self, found: Unsealed, check: int | None, good: Array) -> None:
        """What was inside stands in its place; `check`: of its keys, where they are not the usual ones."""
        security, opened, item = found.details["security"], self._opened, self._item
        size = TAG_LENGTH if security["authenticated"] else len(found.apdu)
        opened.mark[item] = mark_of(self._octets, self._stop - size, self._stop)
        opened.security[item] = security["control"]
        opened.frames.title[item], opened.frames.counter[item] = self.device, security["invocation_counter"]
        opened.frames.length[item] = len(found.apdu)
        self._octets[self._start : self._start + len(found.apdu)] = np.frombuffer(found.apdu, np.uint8)
        if check is not None:
            opened.check[item] = check
        good[item] = 1


def open_others(
    octets: Array, devices: Array, keys: Array, policy: Policy, opened: Opened, good: Array,
    second_try: SecondTry = no_second_try,
) -> Array:  # fmt: skip
    """Open the frames that were left aside, in place; u64 (n,), whose rows of state each frame uses.

    Args:
        octets: u8, the batch's payload as the kernels left it.
        devices: u64 (n,).
        keys: CHECKED_KEY (m,).
        policy, opened, good: as the kernels have them.
        second_try: tells with which keys a frame is tried when the usual ones do not fit.
    """
    owners = devices.copy()
    for item in np.flatnonzero(opened.security == OTHER_CIPHER).tolist():
        frame = _Frame(octets, int(devices[item]), opened, item)
        told = frame.unseal(None)
        assert told.fault is not None
        if told.device not in (None, frame.device):
            frame.refuse(UNREADABLE)
            continue
        security = told.details.get("security")
        if security is None or told.fault.code != "KEY_UNKNOWN":
            frame.refuse(REJECT_NUMBER[told.fault.code])
            continue
        if not security["authenticated"] and not policy.unauthenticated:
            frame.refuse(SECURITY_UNSUPPORTED)
            continue
        key_set = BROADCAST if security["key_set"] == "broadcast" else UNICAST
        length = SUITE_KEY_LENGTHS[security["suite"]]
        usual = key_set == UNICAST and length == KEY_LENGTH
        row = None if usual else _row_of(keys, frame.device, key_set, length)
        pair = None if row is None else _pair_of(row)
        found = frame.unseal(frame.usual if usual else pair)
        second = second_try(opened, item) if usual and _is_other_key(found) else None
        if second is not None:
            found = frame.unseal(second.pair)
        if found.fault is not None:
            frame.refuse(REJECT_NUMBER[found.fault.code])
            continue
        frame.enter(found, None if row is None else int(row["check"]), good)
        if second is not None:
            opened.check[item], opened.span[item] = second.check, second.span
        if not usual:
            owners[item] |= BROADCAST_OWNER if key_set == BROADCAST else LONG_OWNER
    return owners


def _is_other_key(found: Unsealed) -> bool:
    return found.fault is not None and found.fault.code == "DECRYPT_FAILED"


def _row_of(keys: Array, device: int, key_set: int, length: int) -> Any:
    """The row of these keys, or None."""
    first, last = (int(np.searchsorted(keys["device"], np.uint64(device), side)) for side in ("left", "right"))
    mine = keys[first:last]
    found = mine[(mine["key_set"] == key_set) & (mine["length"] == length)]
    return found[0] if len(found) else None
