"""Meters: titles, keys, names, and what their registers show when they are installed."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, between, draws, happens
from connectors.simulator.columns import NEVER, Devices, Points, Spells
from connectors.simulator.config import SimulatorConfig
from connectors.simulator.energy import Books, sum_until
from connectors.simulator.network import D1_FLOAT, D1_INTEGER
from connectors.simulator.rotation import key_octets
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.templates import TEMPLATE_BY_NUMBER, template_arrays

FLOAT_MOST_WH = 16_384_000
"""Below 2^14 kWh a float32 in kWh still tells three decimals apart."""

NAME_OCTETS = 9
DEVIATION, WRONG_SIGN, UNSPECIFIED = -330, 330, -32_768
"""Deviation fields that meters in India send, minutes; all mean Indian Standard Time."""


def install(config: SimulatorConfig, points: Points, spells: Spells, books: Books) -> Devices:
    """The first meter of every point, then those that replace one."""
    swapped = np.flatnonzero(spells.swap_slot < NEVER)
    point = np.concatenate((np.arange(len(points)), swapped)).astype(np.int32)
    template = np.concatenate((points.template, _successors(points.template[swapped])))
    rows = np.arange(len(point))
    from_slot = np.concatenate((np.zeros(len(points), np.int32), spells.swap_slot[swapped]))
    to_slot = np.concatenate((spells.swap_slot, np.full(len(swapped), NEVER, np.int32)))
    encryption = key_octets(config.seed, rows, 0)
    one_key = happens(draws(config.seed, Purpose.KEY, rows, 4), config.shares.one_key)
    return Devices(
        title=_titles(template, rows),
        point=point,
        template=template,
        from_slot=from_slot,
        to_slot=to_slot,
        initial=_initial(config, points, spells, books, template, point, swapped),
        name=_names(template, rows),
        zone=_zones(config.seed, rows),
        encryption=encryption,
        authentication=np.where(one_key[:, None], encryption, key_octets(config.seed, rows, 2)),
    )


def _successors(template: Array) -> Array:
    """A new single-phase meter is of the other make."""
    return np.where(template == D1_FLOAT, D1_INTEGER, np.where(template == D1_INTEGER, D1_FLOAT, template))


def _makers(template: Array) -> Array:
    """u8 (n, 3): the maker's three letters."""
    table = np.zeros((max(TEMPLATE_BY_NUMBER) + 1, 3), np.uint8)
    for number, row in TEMPLATE_BY_NUMBER.items():
        table[number] = np.frombuffer(row.maker.encode(), np.uint8)
    return table[template]


def _titles(template: Array, rows: Array) -> Array:
    """System titles u64: three letters of the maker, five octets of the device."""
    makers = _makers(template).astype(np.uint64)
    head = (makers[:, 0] << np.uint64(16)) | (makers[:, 1] << np.uint64(8)) | makers[:, 2]
    return (head << np.uint64(40)) | (rows + 0x10_0000).astype(np.uint64)


def _names(template: Array, rows: Array) -> Array:
    """Device ids as printed on the meters, u8 (n, 9): the maker's letters and six hexadecimal digits."""
    digits = (rows[:, None] >> np.arange(20, -1, -4)) & 15
    text = np.frombuffer(b"0123456789ABCDEF", np.uint8)[digits]
    return np.concatenate((_makers(template), text), axis=1)


def _zones(seed: int, rows: Array) -> Array:
    drawn = between(draws(seed, Purpose.CHOICE, rows), 0, 99)
    return np.select([drawn < 90, drawn < 95], [DEVIATION, WRONG_SIGN], UNSPECIFIED).astype(np.int16)


def _initial(  # noqa: PLR0913, RUF100 - the facts of a meter's first day
    config: SimulatorConfig,
    points: Points,
    spells: Spells,
    books: Books,
    template: Array,
    point: Array,
    swapped: Array,
) -> Array:
    """Registers at installation, i64 (devices, 4)."""
    run = sum_until(books, config.intervals)
    modulus = template_arrays().modulus
    initial = np.zeros((len(point), N_ENERGY), np.int64)
    old = slice(0, len(points))
    drawn = draws(config.seed, Purpose.REGISTER, np.arange(len(point)))
    most = np.where(modulus[template[old]] > 0, 300_000_000, FLOAT_MOST_WH - 1_000_000 - run.max(axis=1))
    if most.min() < 1_000_000:
        raise ConfigError("RUN_TOO_LONG", where="days", what="registers of float models would lose watt-hours",
                          do="simulate fewer days at a time")  # fmt: skip
    share = between(drawn[old], 0, 1000)
    initial[old, 0] = np.minimum(most, 6_000_000) * share // 1000 + between(drawn[old], 0, 999)
    initial[old, 1] = initial[old, 0] * 1060 // 1000
    solar = points.solar_w > 0
    initial[old, 2] = np.where(solar, initial[old, 0] // 3, 0)
    initial[old, 3] = np.where(solar, initial[old, 2] * 1010 // 1000, 0)
    turning = spells.rollover.astype(bool)
    before = run[:, 0] * between(draws(config.seed, Purpose.REGISTER, np.arange(len(points)), 1), 300, 700) // 1000
    initial[old, 0] = np.where(turning, modulus[template[old]] - 1 - before, initial[old, 0])
    # A new meter comes with what its test bench has left on it.
    initial[len(points) :, 0] = between(drawn[len(points) :], 0, 4_000)
    initial[len(points) :, 1] = initial[len(points) :, 0] * 1060 // 1000
    assert len(initial) == len(points) + len(swapped)
    return initial
