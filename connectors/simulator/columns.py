"""Columns of a fleet: service points, devices, transformers and feeders, and the spells of each."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.columns import Array

NEVER = 2**30
"""A slot that is never reached."""


@dataclass(frozen=True)
class Points:
    """One row a service point, in order of id: consumers, then DT meters, then feeder meters.

    id u64; role, klass, template, phases, metered u8; numerator, denominator u32 (multiplying factor);
    wh_day i64 (a typical day, meter side; power in W for pump sets); power_factor i64 (thousandths);
    solar_w i64 (rated output, 0 for none); dt, feeder i32 (row of the network, -1 for none); nominal_mv i64;
    limit_wh i64 (a meter's most in an interval); roster i32 (slot of the day that a pump's supply begins);
    transport u8; instant u8; account u64; sanctioned_w u32.
    """

    id: Array
    role: Array
    klass: Array
    template: Array
    phases: Array
    numerator: Array
    denominator: Array
    wh_day: Array
    power_factor: Array
    solar_w: Array
    dt: Array
    feeder: Array
    nominal_mv: Array
    limit_wh: Array
    roster: Array
    transport: Array
    instant: Array
    account: Array
    sanctioned_w: Array

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class Devices:
    """One row a meter: the first one of each service point in order of points, then those that came by a swap.

    title u64; point i32; template u8; from_slot, to_slot i32 (the boundary it was installed and removed at: it measures
    slots from_slot+1..to_slot); initial i64 (n, 4) registers when installed; name u8 (n, 9); zone i16 (deviation field
    it sends: -330, 330 or -32768); encryption, authentication u8 (n, 16).
    """

    title: Array
    point: Array
    template: Array
    from_slot: Array
    to_slot: Array
    initial: Array
    name: Array
    zone: Array
    encryption: Array
    authentication: Array

    def __len__(self) -> int:
        return len(self.title)


@dataclass(frozen=True)
class Network:
    """Transformers and feeders; `*_node` are the registry's node ids.

    dt_node, feeder_node, substation_node u32; dt_feeder, feeder_substation i32 (row); dt_point, feeder_point i32 (row
    of its meter in Points); dt_rated_va, feeder_rated_va i64; dt_no_load_w, dt_copper_w (at rated load), dt_line_w (LT
    lines at rated load), feeder_line_w i64.
    """

    dt_node: Array
    feeder_node: Array
    substation_node: Array
    dt_feeder: Array
    feeder_substation: Array
    dt_point: Array
    feeder_point: Array
    dt_rated_va: Array
    feeder_rated_va: Array
    dt_no_load_w: Array
    dt_copper_w: Array
    dt_line_w: Array
    feeder_line_w: Array


@dataclass(frozen=True)
class Spells:
    """What lasts: i32 columns, `*_from` and `*_to` are slots (1-based intervals; from <= slot < to), NEVER for none.

    By point: stuck, clock, reversed, tamper; theft_from with theft_share (thousandths); swap_slot (the boundary);
    known_slot (the registry knows the device when this slot's frames come: 0 from the start). By DT: dark.
    """

    stuck_from: Array
    stuck_to: Array
    clock_from: Array
    clock_to: Array
    clock_offset: Array
    clock_status: Array
    clock_fault: Array
    reversed_from: Array
    reversed_to: Array
    tamper_from: Array
    tamper_to: Array
    tamper_bit: Array
    theft_from: Array
    theft_share: Array
    swap_slot: Array
    known_slot: Array
    rollover: Array
    dark_from: Array
    dark_to: Array
