"""Decoder templates, once: which column of which push is which quantity, by meter model.

Decode reads frames with this table and the simulator writes them with it. A push is a Data-Notification whose structure
begins with device id, push-setup logical name and clock; the columns here follow (IS 15959 part 2; the orders of models
1-4 are the capture lists of two real meters, one single-phase and one three-phase).

Values are decoded by their A-XDR tag: a number is multiplied by ten to the `integer` power when its tag is an integer's
and to the `floating` power when it is a float's, whatever the model usually sends. The result is in the unit of the
target (`pipeline.channels`). `tag` is what the model usually sends.

In place of the clock and the columns a push may have the buffer of its profile (class 7; block load 1.0.99.1.0.255,
daily load 1.0.99.2.0.255, instantaneous 1.0.94.91.0.255): an array or compact array of rows, each a structure of a
clock and the same columns. Null-data in place of the clock is the stamp above plus the capture period, in place of
another column the value above.

Models 6 to 9 are of categories without such a meter at hand: the orders are those of makers' head-ends (D3, D4) and
the defaults of part 1 (A, B, C). Model 10 is for meters whose frames name their quantities themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from pipeline.channels import CHANNELS, SNAPSHOT_INDEX
from pipeline.codes import Kind
from pipeline.columns import Array

ARRAY, STRUCTURE = 1, 2
BOOLEAN, BIT_STRING, UINT32, OCTETS, INT8, INT16, UINT8, UINT16, FLOAT32 = 3, 4, 6, 9, 15, 16, 17, 18, 23
"""A-XDR tags that the models send (IEC 62056-6-2, Data)."""

PUSH_NAMES: dict[Kind, tuple[int, int, int, int, int, int]] = {
    Kind.BLOCK: (0, 5, 25, 9, 0, 255),
    Kind.DAILY: (0, 6, 25, 9, 0, 255),
    Kind.INSTANT: (0, 0, 25, 9, 0, 255),
    Kind.ALERT: (0, 4, 25, 9, 0, 255),
}
"""Push-setup logical name (second element of a push) that says what the push is."""

HEAD = 3
"""Elements before the first column: device id, push-setup logical name, clock."""

CHANNEL_INDEX: dict[str, int] = {channel.name: place for place, channel in enumerate(CHANNELS)}
SNAPSHOT_TARGET = 32
"""Target numbers: 0.. a channel, 32.. a snapshot field."""

IGNORED = 255
"""Target of a column that is read over."""

TIMES = frozenset({"demand_w_time", "demand_va_time", "billing_time"})
WORD = "esw_high"
"""Snapshot field whose column is a bit string of 128 that fills esw_high and esw_low."""


@dataclass(frozen=True)
class PushColumn:
    """One column: `target` is a channel or snapshot field ("" is read over), `obis` as in the meter's capture list."""

    target: str
    obis: str
    tag: int
    integer: int = 0
    floating: int = 0

    @property
    def number(self) -> int:
        """Target as kernels know it."""
        if not self.target:
            return IGNORED
        channel = CHANNEL_INDEX.get(self.target)
        return channel if channel is not None else SNAPSHOT_TARGET + SNAPSHOT_INDEX[self.target]


@dataclass(frozen=True)
class Push:
    """Columns of one push; the last ones may be absent, but `required` of them must be there."""

    kind: Kind
    columns: tuple[PushColumn, ...]
    required: int


@dataclass(frozen=True)
class Template:
    """One meter model; `number` is what a registry link names.

    `verified`: the column order was read from such a meter, not taken from a default.
    `opens`: a block's stamp is the start of its interval; of others (IS 15959) it is the end.
    `modulus`: registers start again at this many Wh (VAh, varh); 0 when they do not.
    """

    number: int
    name: str
    maker: str
    category: str
    verified: bool
    modulus: int
    pushes: tuple[Push, ...]
    opens: bool = False

    def push(self, kind: Kind) -> Push | None:
        """The push of `kind`, if this model has it."""
        return next((push for push in self.pushes if push.kind is kind), None)


@dataclass(frozen=True)
class _Style:
    """How a model sends energy, voltage, current and the small quantities: tag and decimal places of its integers."""

    energy: tuple[int, int]
    volt: tuple[int, int]
    ampere: tuple[int, int]
    factor: tuple[int, int]
    power: tuple[int, int]


FLOATS = _Style((FLOAT32, 0), (FLOAT32, 0), (FLOAT32, 0), (FLOAT32, 0), (FLOAT32, 0))
"""Floats in kWh, V, A, kW with scaler +3 on energy and power, as both dumped meters send them."""

INTEGERS = _Style((UINT32, 0), (UINT16, -1), (UINT16, -2), (INT16, -3), (UINT32, 0))
"""u32 Wh, u16 with 0.1 V and 0.01 A, i16 thousandths of power factor, u32 W."""


MIXED = _Style((FLOAT32, 0), (FLOAT32, -1), (FLOAT32, -2), (FLOAT32, -3), (FLOAT32, 0))
"""Either: floats as FLOATS, integers as INTEGERS. For models of which nobody has said what they send."""


def _energy(style: _Style, target: str, obis: str) -> PushColumn:
    tag, places = style.energy
    return PushColumn(target, obis, tag, integer=places, floating=3)


def _power(style: _Style, target: str, obis: str) -> PushColumn:
    tag, places = style.power
    return PushColumn(target, obis, tag, integer=places, floating=3)


def _milli(form: tuple[int, int], target: str, obis: str) -> PushColumn:
    tag, places = form
    return PushColumn(target, obis, tag, integer=places + 3, floating=3)


def _count(target: str, obis: str, tag: int = UINT16) -> PushColumn:
    return PushColumn(target, obis, tag)


def _time(target: str, obis: str) -> PushColumn:
    return PushColumn(target, obis, OCTETS)


def _demand(style: _Style) -> tuple[PushColumn, ...]:
    return (
        _power(style, "demand_w", "1.0.1.6.0.255"), _time("demand_w_time", "1.0.1.6.0.255"),
        _power(style, "demand_va", "1.0.9.6.0.255"), _time("demand_va_time", "1.0.9.6.0.255"),
    )  # fmt: skip


def _block_energies(style: _Style) -> tuple[PushColumn, ...]:
    return (
        _energy(style, "wh_imp", "1.0.1.29.0.255"), _energy(style, "vah_imp", "1.0.9.29.0.255"),
        _energy(style, "wh_exp", "1.0.2.29.0.255"), _energy(style, "vah_exp", "1.0.10.29.0.255"),
    )  # fmt: skip


_SWITCH = PushColumn("load_switch", "0.0.96.3.10.255", BOOLEAN)
_HEALTH = PushColumn("", "0.0.96.10.1.255", UINT8)
_SIGNAL = PushColumn("", "0.1.96.12.5.255", INT8)

ALERT = Push(Kind.ALERT, (PushColumn(WORD, "0.0.94.91.18.255", BIT_STRING),), 1)
"""The event status word, the same for all models."""


def _daily(style: _Style) -> Push:
    """Midnight registers (daily load profile 1.0.99.2.0.255)."""
    columns = (
        _energy(style, "wh_imp", "1.0.1.8.0.255"), _energy(style, "vah_imp", "1.0.9.8.0.255"),
        _energy(style, "wh_exp", "1.0.2.8.0.255"), _energy(style, "vah_exp", "1.0.10.8.0.255"),
    )  # fmt: skip
    return Push(Kind.DAILY, columns, len(columns))


def _d1_block(style: _Style) -> Push:
    columns = (
        _milli(style.volt, "voltage_r", "1.0.12.27.0.255"), *_block_energies(style),
        _milli(style.ampere, "current_r", "1.0.11.27.0.255"), _milli(style.ampere, "current_n", "1.0.91.27.0.255"),
        _HEALTH,
    )  # fmt: skip
    return Push(Kind.BLOCK, columns, len(columns) - 1)


def _d1_instant(style: _Style) -> Push:
    """Columns 2-22 of the single-phase instantaneous profile, then the signal strength."""
    columns = (
        _milli(style.volt, "voltage_r", "1.0.12.7.0.255"), _milli(style.ampere, "current_r", "1.0.11.7.0.255"),
        _milli(style.ampere, "current_n", "1.0.91.7.0.255"), _milli(style.factor, "power_factor", "1.0.13.7.0.255"),
        _milli(style.factor, "frequency", "1.0.14.7.0.255"), _power(style, "apparent_power", "1.0.9.7.0.255"),
        _power(style, "active_power", "1.0.1.7.0.255"), _energy(style, "wh_imp", "1.0.1.8.0.255"),
        _energy(style, "vah_imp", "1.0.9.8.0.255"), *_demand(style),
        _count("power_on_minutes", "0.0.94.91.14.255", UINT32), _count("tamper_count", "0.0.94.91.0.255"),
        _count("billing_count", "0.0.0.1.0.255"), _count("programming_count", "0.0.96.2.0.255"),
        _energy(style, "wh_exp", "1.0.2.8.0.255"), _energy(style, "vah_exp", "1.0.10.8.0.255"),
        _SWITCH, _power(style, "load_limit", "0.0.17.0.0.255"), _SIGNAL,
    )  # fmt: skip
    return Push(Kind.INSTANT, columns, len(columns) - 1)


def _d2_block(style: _Style) -> Push:
    columns = (
        _milli(style.ampere, "current_r", "1.0.31.27.0.255"), _milli(style.ampere, "current_y", "1.0.51.27.0.255"),
        _milli(style.ampere, "current_b", "1.0.71.27.0.255"), _milli(style.volt, "voltage_r", "1.0.32.27.0.255"),
        _milli(style.volt, "voltage_y", "1.0.52.27.0.255"), _milli(style.volt, "voltage_b", "1.0.72.27.0.255"),
        *_block_energies(style), _HEALTH, _milli(style.factor, "power_factor", "1.0.13.27.0.255"),
    )  # fmt: skip
    return Push(Kind.BLOCK, columns, len(columns))


def _d2_instant(style: _Style) -> Push:
    """Columns 2-35 of the three-phase instantaneous profile, then the signal strength."""
    columns = (
        _milli(style.ampere, "current_r", "1.0.31.7.0.255"), _milli(style.ampere, "current_y", "1.0.51.7.0.255"),
        _milli(style.ampere, "current_b", "1.0.71.7.0.255"), _milli(style.volt, "voltage_r", "1.0.32.7.0.255"),
        _milli(style.volt, "voltage_y", "1.0.52.7.0.255"), _milli(style.volt, "voltage_b", "1.0.72.7.0.255"),
        _milli(style.factor, "power_factor_r", "1.0.33.7.0.255"),
        _milli(style.factor, "power_factor_y", "1.0.53.7.0.255"),
        _milli(style.factor, "power_factor_b", "1.0.73.7.0.255"),
        _milli(style.factor, "power_factor", "1.0.13.7.0.255"), _milli(style.factor, "frequency", "1.0.14.7.0.255"),
        _power(style, "apparent_power", "1.0.9.7.0.255"), _power(style, "active_power", "1.0.1.7.0.255"),
        _power(style, "reactive_power", "1.0.3.7.0.255"), _count("power_failures", "0.0.96.7.0.255"),
        _count("power_off_minutes", "0.0.94.91.8.255", UINT32), _count("tamper_count", "0.0.94.91.0.255"),
        _count("billing_count", "0.0.0.1.0.255"), _count("programming_count", "0.0.96.2.0.255"),
        _time("billing_time", "0.0.0.1.2.255"), _energy(style, "wh_imp", "1.0.1.8.0.255"),
        _energy(style, "wh_exp", "1.0.2.8.0.255"), _energy(style, "vah_imp", "1.0.9.8.0.255"),
        _energy(style, "vah_exp", "1.0.10.8.0.255"), *_demand(style),
        _SWITCH, _power(style, "load_limit", "0.0.17.0.0.255"), _energy(style, "varh_q1", "1.0.5.8.0.255"),
        _energy(style, "varh_q2", "1.0.6.8.0.255"), _energy(style, "varh_q3", "1.0.7.8.0.255"),
        _energy(style, "varh_q4", "1.0.8.8.0.255"), _SIGNAL,
    )  # fmt: skip
    return Push(Kind.INSTANT, columns, len(columns) - 1)


def _single_phase(style: _Style) -> tuple[Push, ...]:
    return (_d1_block(style), _daily(style), _d1_instant(style), ALERT)


def _three_phase(style: _Style) -> tuple[Push, ...]:
    return (_d2_block(style), _daily(style), _d2_instant(style), ALERT)


def _export_first() -> tuple[Push, ...]:
    """Of one vendor's head-end: health in place of the neutral current, and export registers before import ones."""
    block, daily = _d1_block(FLOATS), _daily(FLOATS)
    imported, exported = daily.columns[:2], daily.columns[2:]
    return (
        Push(Kind.BLOCK, (*block.columns[:-2], _HEALTH), len(block.columns) - 1),
        Push(Kind.DAILY, (*exported, *imported), len(daily.columns)),
        ALERT,
    )


def _quadrants(style: _Style, value_group_d: int) -> tuple[PushColumn, ...]:
    return tuple(_energy(style, f"varh_q{q}", f"1.0.{4 + q}.{value_group_d}.0.255") for q in (1, 2, 3, 4))


def _ct_meter(style: _Style) -> tuple[Push, ...]:
    """LT and HT meters on transformers: quadrants behind the columns of whole-current meters, and daily maxima."""
    block = (
        *_d2_block(style).columns, *_quadrants(style, 29), _milli(style.ampere, "current_n", "1.0.91.27.0.255"),
        _SIGNAL,
    )  # fmt: skip
    maxima = tuple(PushColumn("", column.obis, column.tag) for column in _demand(style))
    daily = (*_daily(style).columns, *_quadrants(style, 8), *maxima)
    return (
        Push(Kind.BLOCK, block, len(block) - 2),
        Push(Kind.DAILY, daily, len(daily) - len(maxima)),
        _d2_instant(style),
        ALERT,
    )


def _part_1_means(style: _Style) -> tuple[PushColumn, ...]:
    return _d2_block(style).columns[:6]


def _part_1_instant(style: _Style) -> Push:
    """Three-phase: columns 2-21 of `_d2_instant`, then import, lagging, leading and apparent registers."""
    columns = (
        *_d2_instant(style).columns[:20], _energy(style, "wh_imp", "1.0.1.8.0.255"),
        _energy(style, "varh_q1", "1.0.5.8.0.255"), _energy(style, "varh_q4", "1.0.8.8.0.255"),
        _energy(style, "vah_imp", "1.0.9.8.0.255"),
    )  # fmt: skip
    return Push(Kind.INSTANT, columns, len(columns))


def _part_1_daily(style: _Style) -> Push:
    columns = (
        _energy(style, "wh_imp", "1.0.1.8.0.255"), _energy(style, "wh_exp", "1.0.2.8.0.255"),
        _energy(style, "vah_imp", "1.0.9.8.0.255"),
    )  # fmt: skip
    return Push(Kind.DAILY, columns, len(columns) - 1)


def _consumer_part_1(style: _Style) -> tuple[Push, ...]:
    """Categories A (feeders, substations) and C (consumers)."""
    columns = (
        *_part_1_means(style), _energy(style, "wh_imp", "1.0.1.29.0.255"), _energy(style, "varh_q1", "1.0.5.29.0.255"),
        _energy(style, "varh_q4", "1.0.8.29.0.255"), _energy(style, "vah_imp", "1.0.9.29.0.255"),
    )  # fmt: skip
    return (Push(Kind.BLOCK, columns, len(columns)), _part_1_daily(style), _part_1_instant(style), ALERT)


def _boundary_part_1(style: _Style) -> tuple[Push, ...]:
    """Category B: energy flows both ways."""
    columns = (
        *_part_1_means(style), _energy(style, "wh_imp", "1.0.1.29.0.255"), _energy(style, "wh_exp", "1.0.2.29.0.255"),
        *_quadrants(style, 29), _energy(style, "vah_imp", "1.0.9.29.0.255"),
        _energy(style, "vah_exp", "1.0.10.29.0.255"),
    )  # fmt: skip
    return (Push(Kind.BLOCK, columns, len(columns)), _part_1_daily(style), _part_1_instant(style), ALERT)


TEMPLATES: tuple[Template, ...] = (
    Template(1, "D1 float", "KVN", "D1", True, 0, _single_phase(FLOATS)),
    Template(2, "D1 integer", "KVI", "D1", True, 10**9, _single_phase(INTEGERS)),
    Template(3, "D2 float", "KVN", "D2", True, 0, _three_phase(FLOATS)),
    Template(4, "D2 integer, CT", "KVC", "D3", True, 10**9, _three_phase(INTEGERS)),
    Template(5, "D1 float, export first", "KVX", "D1", False, 0, _export_first()),
    Template(6, "D3", "any", "D3", False, 10**9, _ct_meter(MIXED)),
    Template(7, "D4", "any", "D4", False, 10**9, _ct_meter(MIXED)),
    Template(8, "A or C", "any", "A, C", False, 10**9, _consumer_part_1(MIXED)),
    Template(9, "B", "any", "B", False, 10**9, _boundary_part_1(MIXED)),
    Template(10, "names its quantities", "any", "", True, 10**9, ()),
    Template(11, "D1 float, stamps open", "KVS", "D1", False, 0, _single_phase(FLOATS), opens=True),
)

TEMPLATE_BY_NUMBER: dict[int, Template] = {template.number: template for template in TEMPLATES}


class TemplateArrays(NamedTuple):
    """The same for kernels.

    first, width, required: i32 (templates + 1, kinds + 1), by template number and Kind: its columns are target[first:]
        and so on; width 0 where there is no such push.
    target: u8 (columns,), see SNAPSHOT_TARGET and IGNORED.
    multiplier, divisor: i64 (columns,), for integers; one of them is 1.
    factor: f64 (columns,), for floats.
    verified: u8 (templates + 1,).
    modulus: i64 (templates + 1,), Wh.
    opens: u8 (templates + 1,), 1: stamps of blocks open their interval.
    names: u8 (kinds + 1, 6), push-setup logical names.
    """

    first: Array
    width: Array
    required: Array
    target: Array
    multiplier: Array
    divisor: Array
    factor: Array
    verified: Array
    modulus: Array
    opens: Array
    names: Array


@cache
def template_arrays() -> TemplateArrays:
    """TEMPLATES as arrays; made once, not to be written to."""
    rows, kinds = max(TEMPLATE_BY_NUMBER) + 1, max(Kind) + 1
    first, width, required = (np.zeros((rows, kinds), np.int32) for _ in range(3))
    verified, modulus, opens = np.zeros(rows, np.uint8), np.zeros(rows, np.int64), np.zeros(rows, np.uint8)
    columns: list[PushColumn] = []
    for template in TEMPLATES:
        verified[template.number], modulus[template.number] = template.verified, template.modulus
        opens[template.number] = template.opens
        for push in template.pushes:
            place = (template.number, push.kind)
            first[place], width[place], required[place] = len(columns), len(push.columns), push.required
            columns.extend(push.columns)
    names = np.zeros((kinds, 6), np.uint8)
    for kind, name in PUSH_NAMES.items():
        names[kind] = name
    return TemplateArrays(
        first,
        width,
        required,
        np.array([column.number for column in columns], np.uint8),
        np.array([10 ** max(column.integer, 0) for column in columns], np.int64),
        np.array([10 ** max(-column.integer, 0) for column in columns], np.int64),
        np.array([10.0**column.floating for column in columns], np.float64),
        verified,
        modulus,
        opens,
        names,
    )
