"""Versioned master data as the steps see it: registry, keys, and documents (tariffs, rules).

A version is immutable and named by the SHA-256 of its bytes. A control record in a `frames` partition names the
versions in force from its offset on; steps never read a live topic or table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from pipeline.channels import N_ENERGY
from pipeline.columns import Array, Column
from pipeline.lookup import build_index, find

FOREVER = np.int64(2**62)
"""`valid_to` of what has no end yet, epoch seconds."""

BEGINNING = -FOREVER
"""`valid_from` of a key that nobody said anything about, epoch seconds."""


@dataclass
class Registry:
    """Which device measures which service point, and what that service point is; effective-dated.

    Links are sorted by (device, valid_from), points by (point, point_from), nodes by node. A validity holds its start
    and not its end. A point may have several rows (a moved tariff, another transformer).
    """

    device: Array
    service_point: Array
    valid_from: Array
    valid_to: Array
    template: Array
    factor_numerator: Array
    factor_denominator: Array
    interval_secs: Array
    limit_wh: Array
    exchange: Array
    opening: Array
    closing: Array
    point: Array
    point_from: Array
    point_to: Array
    account: Array
    tariff: Array
    role: Array
    net_meter: Array
    sanctioned_w: Array
    dt: Array
    feeder: Array
    node: Array
    node_level: Array
    node_parent: Array
    node_name: Array

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("device", "<u8", "link", "id", "DLMS system title as a big-endian number"),
        Column("service_point", "<u8", "link", "id", "service point the device measures; never 0"),
        Column("valid_from", "<i8", "link", "s", "installed at, epoch seconds UTC"),
        Column("valid_to", "<i8", "link", "s", "removed at; 2^62 when it still stands"),
        Column("template", "<u2", "link", "code", "decoder template of the meter model (pipeline.templates)"),
        Column("factor_numerator", "<u4", "link", "1", "multiplying factor CTR x PTR, numerator"),
        Column("factor_denominator", "<u4", "link", "1", "multiplying factor, denominator"),
        Column("interval_secs", "<u4", "link", "s", "block capture period: 900 or 1800"),
        Column("limit_wh", "<i8", "link", "Wh", "most that the meter can pass in one interval, meter side (rule V09)"),
        Column("exchange", "<u1", "link", "bits", "1 opening register known, 2 closing register known"),
        Column("opening", "<i8", "link", "Wh, VAh", "registers when it was installed, meter side", N_ENERGY),
        Column("closing", "<i8", "link", "Wh, VAh", "registers when it was removed, meter side", N_ENERGY),
        Column("point", "<u8", "point", "id", "service point; never 0"),
        Column("point_from", "<i8", "point", "s", "this row holds from, epoch seconds UTC"),
        Column("point_to", "<i8", "point", "s", "and until; 2^62 when it still holds"),
        Column("account", "<u8", "point", "id", "account that is billed; 0 for network meters"),
        Column("tariff", "<u2", "point", "code", "tariff number (agents.rating.tariff); 0 for none"),
        Column("role", "<u1", "point", "code", "pipeline.codes.Role"),
        Column("net_meter", "<u1", "point", "flag", "1: export is agreed"),
        Column("sanctioned_w", "<u4", "point", "W", "sanctioned load"),
        Column("dt", "<u4", "point", "id", "distribution transformer; 0 for none"),
        Column("feeder", "<u4", "point", "id", "11 kV feeder; 0 for none"),
        Column("node", "<u4", "node", "id", "network node; never 0"),
        Column("node_level", "<u1", "node", "code", "pipeline.codes.Level"),
        Column("node_parent", "<u4", "node", "id", "the node that feeds it; 0 for the top"),
        Column("node_name", "|S40", "node", "text", "its name, UTF-8, filled up with zero bytes"),
    )

    @cached_property
    def by_device(self) -> tuple[Array, Array]:
        """Open-addressing index (rows i32, `device`): first link row of a device; see `pipeline.lookup`."""
        return build_index(self.device)

    @cached_property
    def by_point(self) -> tuple[Array, Array]:
        """The same over `point`: first point row."""
        return build_index(self.point)

    @cached_property
    def links_of_point(self) -> tuple[Array, tuple[Array, Array]]:
        """(link rows i32 sorted by service point then valid_from, index over that order by service point)."""
        order = np.lexsort((self.valid_from, self.service_point)).astype(np.int32)
        return order, build_index(self.service_point[order])

    def holding(self, *names: str) -> Registry:
        """These columns alone, the others without rows: what a step keeps for as long as a version is in force.

        The index over `point` comes along with `point`.
        """
        kept = Registry(**{
            column.name: getattr(self, column.name) if column.name in names else column.empty()
            for column in self.COLUMNS
        })  # fmt: skip
        if "point" in names:
            kept.by_point = self.by_point
        return kept


UNICAST, BROADCAST = 0, 1
"""Key sets, as bit 40 of the security control octet names them."""

OTHER_KEY = np.dtype(
    [("device", "<u8"), ("key_set", "u1"), ("length", "u1"), ("encryption", "u1", 32), ("authentication", "u1", 32)]
)
"""A pair of keys that few devices have: for suite 2, or of the key set BROADCAST. `length` octets of each count."""


@dataclass(frozen=True)
class KeyRing:
    """Keys of devices for suites 0 and 1: `device` u64 (n,), `encryption` and `authentication` u8 (n, 16).

    others: OTHER_KEY (m,), sorted by device, key set and length, of which no two have all three the same.
    valid_from: i64 (n,), epoch seconds UTC from which on the meter has the key; left out, all are from the BEGINNING.
    Rows are sorted by device and valid_from. A device with several has each until the next one begins.
    """

    device: Array
    encryption: Array
    authentication: Array
    others: Array = field(default_factory=lambda: np.zeros(0, OTHER_KEY))
    valid_from: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if len(self.valid_from) != len(self.device):
            object.__setattr__(self, "valid_from", np.full(len(self.device), BEGINNING))

    def rows_of(self, device: int) -> range:
        """Rows of a device, the key that came first first."""
        row = int(find(*self.by_device, np.uint64(device)))
        if row < 0:
            return range(0)
        return range(row, int(np.searchsorted(self.device, np.uint64(device), side="right")))

    def pairs_of(self, device: int) -> list[tuple[bytes, bytes]]:
        """Encryption and authentication keys of a device, the newest first: the usual ones, else those for suite 2."""
        rows = self.rows_of(device)
        if len(rows):
            return [(self.encryption[row].tobytes(), self.authentication[row].tobytes()) for row in reversed(rows)]
        mine = self.others[(self.others["device"] == np.uint64(device)) & (self.others["key_set"] == UNICAST)][:1]
        return [
            (row["encryption"][: row["length"]].tobytes(), row["authentication"][: row["length"]].tobytes())
            for row in mine
        ]

    def pair_of(self, device: int, at: int | None = None) -> tuple[bytes, bytes] | None:
        """The pair that is in force at `at`, epoch seconds UTC; without it the newest."""
        pairs = self.pairs_of(device)
        if not pairs:
            return None
        rows = self.rows_of(device)
        later = 0 if at is None or not len(rows) else int((self.valid_from[rows.start + 1 : rows.stop] > at).sum())
        return pairs[later]

    def octets_of(self, device: int) -> bytes:
        """All keys of a device, to be compared; empty when it has none."""
        rows = self.rows_of(device)
        mine = slice(rows.start, rows.stop)
        usual = b"".join(part[mine].tobytes() for part in (self.encryption, self.authentication, self.valid_from))
        return usual + bytes(self.others[self.others["device"] == np.uint64(device)].tobytes())

    @cached_property
    def by_device(self) -> tuple[Array, Array]:
        """Open-addressing index over `device`: its first row."""
        return build_index(self.device)


@dataclass(frozen=True)
class References:
    """Everything a partition's steps may know beside its log, as of one control record."""

    registry: Registry
    keys: KeyRing
    documents: Mapping[str, bytes]
    versions: Mapping[str, str] = field(default_factory=dict)


def version_of(raw: bytes) -> str:
    """The name of a version: SHA-256 of its bytes, hex."""
    return hashlib.sha256(raw).hexdigest()
