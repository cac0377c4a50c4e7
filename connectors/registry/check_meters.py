"""Checks of `meters` and `keys`."""

from __future__ import annotations

import numpy as np

from connectors.registry.findings import Findings
from connectors.registry.read import Rows
from connectors.registry.spans import Book, book_of
from connectors.registry.tables import (
    AUTHENTICATION,
    BROADCAST_ENCRYPTION,
    ENCRYPTION,
    KEYS_FROM,
    LONG_AUTHENTICATION,
    LONG_ENCRYPTION,
)
from pipeline.columns import Array
from pipeline.reference import BEGINNING

MAKER_SHIFT = np.uint64(40)
"""The first three octets of a system title are the maker's letters (FLAG)."""


def check_meters(meters: Rows, keys: Rows, installed: Array, findings: Findings) -> Book:
    """Check meters and keys. installed u64: titles that `installations` names. Returns the book of the titles."""
    book = book_of(meters, "system_title")
    _check_titles(meters, findings)
    _check_serials(meters, findings)
    good = meters.usable("system_title") & ~meters.bad
    meters.fault(findings, "METER_NOT_INSTALLED", "system_title", good & ~np.isin(meters["system_title"], installed))
    if keys.there:
        keyed = keys["system_title"][keys.fine["system_title"]]
        meters.fault(findings, "METER_WITHOUT_KEY", "system_title", good & ~np.isin(meters["system_title"], keyed))
    _check_keys(keys, book, findings)
    return book


def _check_titles(meters: Rows, findings: Findings) -> None:
    maker = meters["system_title"] >> MAKER_SHIFT
    letters = np.ones(len(meters), bool)
    for shift in (16, 8, 0):
        octet = (maker >> np.uint64(shift)) & np.uint64(255)
        letters &= (octet >= ord("A")) & (octet <= ord("Z"))
    meters.fault(findings, "TITLE_MAKER", "system_title", meters.usable("system_title") & ~letters & ~meters.bad)


def _check_serials(meters: Rows, findings: Findings) -> None:
    """A maker gives a serial number once. What already has several rows is reported as that."""
    at = np.flatnonzero(meters.usable("system_title", "serial") & meters.given["serial"] & ~meters.bad)
    maker, serial = meters["system_title"][at] >> MAKER_SHIFT, meters["serial"][at]
    order = np.lexsort((serial, maker))
    same = (maker[order][1:] == maker[order][:-1]) & (serial[order][1:] == serial[order][:-1])
    twice = np.zeros(len(at), bool)
    twice[1:] |= same
    twice[:-1] |= same
    meters.fault(findings, "SERIAL_TWICE", "serial", np.sort(at[order[twice]]))


def _check_keys(keys: Rows, meters: Book, findings: Findings) -> None:
    usable = keys.usable("system_title") & ~keys.bad
    unknown = usable & (meters.find(keys["system_title"]) < 0)
    keys.fault(findings, "KEY_OF_UNKNOWN_METER", "system_title", unknown)
    none = ~keys.given[ENCRYPTION] & ~keys.given[LONG_ENCRYPTION]
    keys.fault(findings, "MISSING", ENCRYPTION, keys.usable() & none)
    alone = keys.given[BROADCAST_ENCRYPTION] & ~keys.given[ENCRYPTION] & ~keys.given[AUTHENTICATION]
    keys.fault(findings, "MISSING", AUTHENTICATION, keys.usable() & alone & ~none)
    for column in (ENCRYPTION, LONG_ENCRYPTION):
        _check_strength(keys, column, findings)
    _check_undated(keys, findings)


def _check_strength(keys: Rows, column: str, findings: Findings) -> None:
    at = np.flatnonzero(keys.usable(column) & keys.given[column] & ~keys.bad)
    octets = keys[column][at]
    weak = (octets == octets[:, :1]).all(axis=1)
    keys.fault(findings, "KEY_WEAK", column, at[weak])
    at, octets = at[~weak], np.ascontiguousarray(octets[~weak])
    different, place = np.unique(octets.view(f"V{octets.shape[1]}").ravel(), return_inverse=True)
    # A meter may keep its key where another one of it changes.
    titles = keys["system_title"][at]
    lowest, highest = np.full(len(different), ~np.uint64(0)), np.zeros(len(different), np.uint64)
    np.minimum.at(lowest, place, titles)
    np.maximum.at(highest, place, titles)
    keys.fault(findings, "KEY_SHARED", column, at[lowest[place] != highest[place]])


def _check_undated(keys: Rows, findings: Findings) -> None:
    """Keys that have no time, in a row which is not the newest of its meter that has some."""
    for columns in ((LONG_ENCRYPTION, LONG_AUTHENTICATION), (BROADCAST_ENCRYPTION, AUTHENTICATION)):
        at = np.flatnonzero(keys.usable("system_title", KEYS_FROM, *columns) & keys.given[columns[0]] & ~keys.bad)
        at = at[np.lexsort((since_of(keys)[at], keys["system_title"][at]))]
        follows = np.flatnonzero(keys["system_title"][at[1:]] == keys["system_title"][at[:-1]])
        older, newer = at[follows], at[follows + 1]
        differ = np.zeros(len(older), bool)
        for column in columns:
            differ |= (keys[column][older] != keys[column][newer]).any(axis=1)
        keys.fault(findings, "KEY_NOT_DATED", columns[0], np.sort(older[differ]))


def since_of(keys: Rows) -> Array:
    """From when on the keys of each row are in force, i64."""
    return np.where(keys.given[KEYS_FROM], keys[KEYS_FROM], BEGINNING).astype(np.int64)
