"""The registry as VEE's kernels read it: one record a link, and the way from a service point to its links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.vee.config import VeeConfig
from agents.vee.estimate.stream import document_in_force, stream_tables
from agents.vee.limits import compile_limits
from agents.vee.rules import in_force, rule_sets
from agents.vee.state import HALF, IMPORT_WIDE, MEMBERS, POOL, VAH, WH, Limits, limits_of
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind, Role
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.lookup import KEY_GROUPS, PAGE_GROUPS, groups_of
from pipeline.reference import FOREVER, References, Registry, version_of
from pipeline.templates import TEMPLATE_BY_NUMBER

LINK = np.dtype(
    [
        ("start", "<i8"),  # epoch seconds UTC
        ("until", "<i8"),
        ("limit", "<i8"),  # Wh an interval, meter side; 0: not known
        ("modulus", "<i8"),  # registers start again here; 0: never
        ("device", "<u8"),
        ("point", "<u8"),
        ("numerator", "<u4"),
        ("denominator", "<u4"),
        ("interval", "<u2"),
        ("exchange", "<u1"),  # bits: 1 opening, 2 closing register known
        ("present", "<u1"),  # energy channels (bits) that the model sends
        ("plain", "<u1"),  # 1: one interval a place
        ("measured", "<u1"),  # energy channels (bits) that the model must send
        ("limits", "<u2"),  # course of its limits; 0: those of the topology
    ]
)
"""What a frame needs of its link: one cache line."""

EXCHANGE = np.dtype([("opening", "<i8", (N_ENERGY,)), ("closing", "<i8", (N_ENERGY,))])
"""Registers of a link, meter side: when it was installed and when it was removed."""

WIDE = 32_768
"""A meter that may send so much in an interval surely sends more than a word of the ring holds."""


USUAL_MODULUS = 10**9
"""Of a template that is not known: six digits of kWh."""


class Tables(NamedTuple):
    """Registry arrays for kernels.

    links LINK (n,); exchanges EXCHANGE (e,) of the links at rows exchange_rows i64 (e,), rising, of which any register
    is known; order i32 (n,): links by (point, start); index: where in it a point's begin. Of the registry's points
    (m,) an index, and their validity; remark_export u8 1: export there is remarked upon (V32). shortest: shortest
    interval of all links, seconds. limit_rows, courses, changes: as in `agents.vee.limits.LimitTables`. orders,
    expected, order_of: as in `agents.vee.estimate.stream.StreamTables`.
    """

    links: Array
    exchanges: Array
    exchange_rows: Array
    order: Array
    link_index: Array
    link_keys: Array
    point_index: Array
    point_keys: Array
    point_from: Array
    point_to: Array
    remark_export: Array
    shortest: int
    limit_rows: Array
    courses: Array
    changes: Array
    orders: Array
    expected: Array
    order_of: Array


@dataclass(frozen=True)
class Prepared:
    """Tables and thresholds; the registry's tag (i64); service points with their pages (u16), and the planes they
    need. every_row: rules off or in shadow, or limits of voltages, ask for a look at every reading; measured: energy
    channels (bits) that some model must send."""

    tables: Tables
    limits: Limits
    tag: int
    points: Array
    pages: Array
    plane_points: Array
    plane_pages: Array
    plane_numbers: Array
    every_row: bool
    measured: int


def prepare(references: References, config: VeeConfig) -> Prepared:
    """Derive the tables; raises ConfigError when an interval fits no place of the window, or for a bad rule set."""
    registry, sets = references.registry, rule_sets(references.documents)
    config = in_force(config, sets)
    _check(registry, config)
    links = _links(registry, config)
    limits = compile_limits(config, sets, registry, references.documents)
    links["limits"] = limits.of_link
    # Of a meter that nobody has exchanged nothing is known: hardly any link has registers.
    exchanged = np.flatnonzero(registry.exchange).astype(np.int64)
    exchanges = np.zeros(len(exchanged), EXCHANGE)
    exchanges["opening"], exchanges["closing"] = registry.opening[exchanged], registry.closing[exchanged]
    order, index = registry.links_of_point
    shortest = int(links["interval"].min()) if len(links) else config.slot_secs
    tables = Tables(
        links, exchanges, exchanged, order, *index,
        *registry.by_point, registry.point_from, registry.point_to, _remarks(registry), shortest,
        limits.rows, limits.courses, limits.changes,
        *stream_tables(document_in_force(references.documents), registry),
    )  # fmt: skip
    points = _distinct(tables.link_keys)
    plane_points, plane_numbers = _planes(links, config)
    return Prepared(
        tables,
        limits_of(config),
        _tag(references),
        points,
        page_of(points).astype(np.uint16),
        plane_points,
        page_of(plane_points),
        plane_numbers,
        _asks_for_every_row(limits.rows),
        int(np.bitwise_or.reduce(links["measured"])) if len(links) else 0,
    )


def _asks_for_every_row(rows: Array) -> bool:
    named = ("off", "shadow", "voltage_most", "supply_mv", "testing", "told_percent", "told_doubted")
    return any(bool(rows[name].any()) for name in named)


def _distinct(ordered: Array) -> Array:
    """Values that are in order, each once. np.unique asks a hash table first: of a million points that took seconds."""
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    distinct: Array = ordered if first.all() else ordered[first]
    return distinct


def page_of(points: Array) -> Array:
    """Page i64 (n,) of each service point u64 (n,), over all partitions."""
    groups = np.empty(len(points), np.uint16)
    assert KEY_GROUPS <= 2**16
    groups_of(np.ascontiguousarray(points, np.uint64), groups)
    return groups.astype(np.int64) // PAGE_GROUPS


def _check(registry: Registry, config: VeeConfig) -> None:
    half = config.slot_secs // 2
    for interval in np.unique(registry.interval_secs).tolist():
        fits = interval in (half, config.slot_secs) or (interval % config.slot_secs == 0 and 86_400 % interval == 0)
        if not fits or interval <= 0:
            raise ConfigError(
                "INTERVAL_MISFIT",
                where="registry.interval_secs",
                what=f"a meter has intervals of {interval} s, the window has places of {config.slot_secs} s",
                do="set vee.slot_secs so that each interval is the half or a multiple of it",
            )
    if len(registry.service_point) and registry.service_point.max() >= POOL:
        raise ConfigError(
            "POINT_RESERVED",
            where="registry.service_point",
            what=f"{int(registry.service_point.max())} is among the last 65,536 numbers",
            do="give the service point another id",
        )


def _links(registry: Registry, config: VeeConfig) -> Array:
    links = np.zeros(len(registry.device), LINK)
    links["device"], links["point"] = registry.device, registry.service_point
    links["start"], links["until"] = registry.valid_from, np.minimum(registry.valid_to, FOREVER)
    links["limit"] = registry.limit_wh
    for number in np.unique(registry.template).tolist():
        of_model = registry.template == number
        links["modulus"][of_model] = (
            TEMPLATE_BY_NUMBER[number].modulus if number in TEMPLATE_BY_NUMBER else USUAL_MODULUS
        )
        links["present"][of_model] = _channels(number)
        links["measured"][of_model] = _required(number)
    links["numerator"] = np.maximum(registry.factor_numerator, 1)
    links["denominator"] = np.maximum(registry.factor_denominator, 1)
    links["interval"], links["exchange"] = registry.interval_secs, registry.exchange
    links["plain"] = registry.interval_secs == config.slot_secs
    return links


def _channels(template: int) -> int:
    """Energy channels (bits) in the block push of a meter model; all of a model that is not known."""
    block = TEMPLATE_BY_NUMBER[template].push(Kind.BLOCK) if template in TEMPLATE_BY_NUMBER else None
    numbers = range(N_ENERGY) if block is None else [column.number for column in block.columns]
    return sum(1 << number for number in numbers if number < N_ENERGY)


def _required(template: int) -> int:
    """Energy channels (bits) that no block push of a meter model leaves out; none of a model that is not known."""
    block = TEMPLATE_BY_NUMBER[template].push(Kind.BLOCK) if template in TEMPLATE_BY_NUMBER else None
    numbers = [] if block is None else [column.number for column in block.columns[: block.required]]
    return sum(1 << number for number in numbers if number < N_ENERGY)


def _most(links: Array, config: VeeConfig) -> Array:
    """The most that a good interval may have, billed."""
    factor = links["numerator"].astype(np.int64), links["denominator"].astype(np.int64)
    most: Array = (links["limit"] * config.range_percent // 100) * factor[0] // factor[1]
    return most


def _remarks(registry: Registry) -> Array:
    """Whether export is remarked upon, u8 (points,)."""
    remarked: Array = ((registry.role == int(Role.CONSUMER)) & (registry.net_meter == 0)).astype(np.uint8)
    return remarked


def _planes(links: Array, config: VeeConfig) -> tuple[Array, Array]:
    """(points u64, plane numbers u8) that are needed whatever the meter sends: half intervals and large energies."""
    fine = links["interval"].astype(np.int64) * 2 == config.slot_secs
    wide, second = _most(links, config) >= WIDE, HALF * MEMBERS
    energies = (IMPORT_WIDE + WH, IMPORT_WIDE + VAH)
    parts = [
        (fine, second),
        *((wide, plane) for plane in energies),
        *((fine & wide, second + plane) for plane in energies),
    ]
    points = np.concatenate([links["point"][chosen] for chosen, _ in parts])
    numbers = np.concatenate([np.full(int(chosen.sum()), number, np.uint8) for chosen, number in parts])
    order = np.lexsort((numbers, points))
    points, numbers = points[order], numbers[order]
    first = np.ones(len(points), bool)
    first[1:] = (points[1:] != points[:-1]) | (numbers[1:] != numbers[:-1])
    return points[first], numbers[first]


def _tag(references: References) -> int:
    version = references.versions.get("registry", "")
    if not version:
        registry = references.registry
        version = version_of(b"".join(getattr(registry, column.name).tobytes() for column in registry.COLUMNS))
    return int.from_bytes(bytes.fromhex(version_of(version.encode()))[:7], "big") + 1
