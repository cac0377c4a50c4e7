"""What the registry says, in versions: the start of the run, then each moment at which master data changes."""

from __future__ import annotations

import numpy as np

from connectors.simulator.columns import NEVER, Devices, Network, Points, Spells
from connectors.simulator.config import SimulatorConfig
from connectors.simulator.energy import Books, sum_until
from connectors.simulator.network import names_of
from connectors.simulator.rotation import Renewal, beginnings
from connectors.simulator.spells import moments
from pipeline import keystore
from pipeline.channels import N_ENERGY
from pipeline.codes import Level, Role
from pipeline.columns import Array
from pipeline.reference import FOREVER, KeyRing, Registry
from pipeline.templates import template_arrays

TARIFF = 1
OPENING_KNOWN, CLOSING_KNOWN = 1, 2


def versions(
    config: SimulatorConfig, points: Points, devices: Devices, network: Network, spells: Spells, books: Books
) -> list[tuple[int, Registry]]:
    """(time it comes into force, registry), ascending; the first is in force from the start.

    An exchange or a late registration is known before the frames of the slot after its moment.
    """
    slots = [0, *sorted({int(slot) + 1 for slot in moments(config)})]
    closing = closing_registers(config, devices, books)
    result: list[tuple[int, Registry]] = []
    seen = (-1, -1)
    for slot in slots:
        state = (int((devices.from_slot < slot).sum()), int((spells.known_slot <= slot).sum()))
        if slot and state == seen:
            continue
        seen = state
        time = config.start_time + slot * config.interval_secs
        result.append((time, _version(config, points, devices, network, spells, closing, slot)))
    return result


def key_ring(config: SimulatorConfig, devices: Devices, renewal: Renewal) -> KeyRing:
    """Keys of all devices, also of those that the registry does not know, and those that come during the run."""
    chosen = renewal.chosen
    return keystore.key_ring(
        np.concatenate((devices.title, devices.title[chosen])),
        np.concatenate((devices.encryption, renewal.encryption[chosen])),
        np.concatenate((devices.authentication, renewal.authentication[chosen])),
        valid_from=beginnings(config, renewal),
    )


def closing_registers(config: SimulatorConfig, devices: Devices, books: Books) -> Array:
    """Registers i64 (devices, 4) as shown when a meter was removed; 0 for those that stand."""
    closing = np.zeros((len(devices), N_ENERGY), np.int64)
    for slot in np.unique(devices.to_slot[devices.to_slot < NEVER]):
        gone = np.flatnonzero(devices.to_slot == slot)
        closing[gone] = devices.initial[gone] + sum_until(books, int(slot))[devices.point[gone]]
    return shown(devices.template, closing)


def shown(template: Array, registers: Array) -> Array:
    """What a register of i64 (n, 4) shows: it starts again at its modulus."""
    modulus = template_arrays().modulus[template][:, None]
    return np.where(modulus > 0, registers % np.maximum(modulus, 1), registers)


def _version(
    config: SimulatorConfig, points: Points, devices: Devices, network: Network, spells: Spells, closing: Array,
    slot: int,
) -> Registry:  # fmt: skip
    at = config.start_time
    known_point = spells.known_slot <= slot
    present = known_point[devices.point] & ((devices.from_slot < slot) | (devices.from_slot == 0))
    rows = np.flatnonzero(present)
    order = rows[np.lexsort((devices.from_slot[rows], devices.title[rows]))]
    place = devices.point[order]
    removed = devices.to_slot[order] < slot
    secs = config.interval_secs
    follows = devices.from_slot[order] > 0
    exchange = np.where(follows, OPENING_KNOWN, 0) | np.where(removed, CLOSING_KNOWN, 0)
    point = np.flatnonzero(known_point)
    consumer = points.role[point] == Role.CONSUMER
    node, level, parent = _nodes(network)
    names = names_of(network)
    return Registry(
        device=devices.title[order],
        service_point=points.id[place],
        valid_from=at + devices.from_slot[order].astype(np.int64) * secs,
        valid_to=np.where(removed, at + devices.to_slot[order].astype(np.int64) * secs, FOREVER),
        template=devices.template[order].astype(np.uint16),
        factor_numerator=points.numerator[place],
        factor_denominator=points.denominator[place],
        interval_secs=np.full(len(order), secs, np.uint32),
        limit_wh=points.limit_wh[place],
        exchange=exchange.astype(np.uint8),
        opening=np.where(follows[:, None], devices.initial[order], 0),
        closing=np.where(removed[:, None], closing[order], 0),
        point=points.id[point],
        point_from=np.full(len(point), at, np.int64),
        point_to=np.full(len(point), FOREVER, np.int64),
        account=points.account[point],
        tariff=np.where(consumer, TARIFF, 0).astype(np.uint16),
        role=points.role[point],
        net_meter=(points.solar_w[point] > 0).astype(np.uint8),
        sanctioned_w=points.sanctioned_w[point],
        dt=_node_of(points.dt[point], network.dt_node),
        feeder=_node_of(points.feeder[point], network.feeder_node),
        node=node,
        node_level=level,
        node_parent=parent,
        node_name=np.array([names[int(number)].encode() for number in node], "S40"),
    )


def _node_of(row: Array, nodes: Array) -> Array:
    """Node id u32 of each row of the network; 0 where the row is -1."""
    return np.where(row >= 0, nodes[np.maximum(row, 0)], 0).astype(np.uint32)


def _nodes(network: Network) -> tuple[Array, Array, Array]:
    """(node, level, parent), ascending by node: substations, feeders, transformers."""
    groups = (network.substation_node, network.feeder_node, network.dt_node)
    levels = (Level.SUBSTATION, Level.FEEDER, Level.DT)
    node = np.concatenate(groups)
    level = np.concatenate([np.full(len(group), kind, np.uint8) for group, kind in zip(groups, levels, strict=True)])
    parent = np.concatenate((
        np.zeros(len(network.substation_node), np.uint32),
        network.substation_node[network.feeder_substation],
        network.feeder_node[network.dt_feeder],
    ))  # fmt: skip
    return node, level, parent
