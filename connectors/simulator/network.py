"""Lay out the network: consumers on transformers, these on feeders, these at substations; a meter at each node."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, between, draws, happens
from connectors.simulator.columns import Network, Points
from connectors.simulator.config import SimulatorConfig
from connectors.simulator.shapes import CLASSES, Class, Phase
from pipeline.codes import Role
from pipeline.columns import Array

FIRST_POINT = 27_000_000_001
FIRST_ACCOUNT = 5_000_000_001
FIRST_SUBSTATION, FIRST_FEEDER, FIRST_DT = 1, 100_001, 1_000_001

D1_FLOAT, D1_INTEGER, D2_FLOAT, CT_INTEGER, D1_EXPORT_FIRST, D1_OPENING = 1, 2, 3, 4, 5, 11
"""Numbers of `pipeline.templates.TEMPLATES`."""

TCP, UDP, MQTT = 1, 2, 3

HT_FROM_METERS = 200
"""Below so many meters a feeder gets no consumer at 11 kV: it would hide all others."""

# Transformers: rated VA, no-load W, copper W at rated load (about the total-loss classes of IS 1180), CT ratio.
RATINGS = np.array([
    (10_000, 35, 225, 4), (25_000, 75, 580, 10), (63_000, 135, 1_050, 20), (100_000, 190, 1_500, 30),
    (200_000, 340, 2_600, 60), (315_000, 480, 3_700, 100), (500_000, 700, 5_200, 160), (1_000_000, 1_250, 9_000, 300),
    (2_500_000, 2_600, 19_000, 750),
], np.int64)  # fmt: skip
FEEDER_FACTORS = np.array([500, 1_000, 2_000, 4_000, 8_000, 16_000], np.int64)
"""CT x PT of feeder meters: 25/5 ... 800/5 on 11,000/110 V."""

# Most that a meter passes, W at its terminals: phases x 240 V x largest current (60 A, 100 A, 6 A); 3 x 63.5 V x 6 A.
MOST_W_D1, MOST_W_D2, MOST_W_CT, MOST_W_HT = 14_400, 72_000, 4_320, 1_143
NOMINAL_LT_MV, NOMINAL_HT_MV = 230_000, 63_500
LOAD_PEAK = 3
"""Peak over mean of a day's load, for choosing ratings."""


def lay_out(config: SimulatorConfig) -> tuple[Points, Network]:
    """Points and network of `config`; nothing here depends on days or faults."""
    dt_of, dts = _transformers(config)
    feeders = -(-dts // config.network.dts_per_feeder)
    dt_feeder = (np.arange(dts) // config.network.dts_per_feeder).astype(np.int32)
    feeder_of = dt_feeder[dt_of]
    klass = _classes(config, feeder_of)
    dt_of = np.where(klass == Class.HT_INDUSTRY, -1, dt_of).astype(np.int32)
    consumers = _consumers(config, klass, dt_of, feeder_of)
    rating, dt_factor, feeder_factor, feeder_va = _ratings(consumers, dts, dt_feeder, feeders)
    points = _with_network_meters(config, consumers, dt_feeder, dt_factor, feeder_factor)
    substations = -(-feeders // config.network.feeders_per_substation)
    network = Network(
        dt_node=np.arange(FIRST_DT, FIRST_DT + dts, dtype=np.uint32),
        feeder_node=np.arange(FIRST_FEEDER, FIRST_FEEDER + feeders, dtype=np.uint32),
        substation_node=np.arange(FIRST_SUBSTATION, FIRST_SUBSTATION + substations, dtype=np.uint32),
        dt_feeder=dt_feeder,
        feeder_substation=(np.arange(feeders) // config.network.feeders_per_substation).astype(np.int32),
        dt_point=np.arange(config.meters, config.meters + dts, dtype=np.int32),
        feeder_point=np.arange(config.meters + dts, config.meters + dts + feeders, dtype=np.int32),
        dt_rated_va=RATINGS[rating, 0],
        feeder_rated_va=feeder_va,
        dt_no_load_w=RATINGS[rating, 1],
        dt_copper_w=RATINGS[rating, 2],
        dt_line_w=RATINGS[rating, 0] * 35 // 1000,
        feeder_line_w=feeder_va * 30 // 1000,
    )
    return points, network


def names_of(network: Network) -> dict[int, str]:
    """Node id -> name."""
    names = {int(node): f"Substation {row + 1}" for row, node in enumerate(network.substation_node)}
    for row, node in enumerate(network.feeder_node):
        names[int(node)] = f"Feeder {network.feeder_substation[row] + 1}.{row + 1}"
    for row, node in enumerate(network.dt_node):
        names[int(node)] = f"DT {network.dt_feeder[row] + 1}.{row + 1}"
    return names


def _transformers(config: SimulatorConfig) -> tuple[Array, int]:
    """(DT of each consumer i32, number of DTs); sizes vary by half around the mean."""
    mean = config.network.consumers_per_dt
    most = config.meters // max(1, mean // 2) + 2
    sizes = between(draws(config.seed, Purpose.NETWORK, np.arange(most)), max(1, mean // 2), mean + mean // 2)
    ends = np.cumsum(sizes)
    dt_of = np.searchsorted(ends, np.arange(config.meters), side="right").astype(np.int32)
    return dt_of, int(dt_of[-1]) + 1


def _classes(config: SimulatorConfig, feeder_of: Array) -> Array:
    """Class u8 of each consumer; the last consumer of a feeder is at 11 kV."""
    edges = np.cumsum([row.share for row in CLASSES])
    drawn = between(draws(config.seed, Purpose.CLASS, np.arange(config.meters)), 0, 999)
    klass = np.searchsorted(edges[:-1], drawn, side="right").astype(np.uint8)
    if config.meters >= HT_FROM_METERS:
        last = np.flatnonzero(np.append(feeder_of[1:] != feeder_of[:-1], True))
        klass[last] = Class.HT_INDUSTRY
    return klass


def _consumers(config: SimulatorConfig, klass: Array, dt_of: Array, feeder_of: Array) -> Points:
    items, seed, shares = np.arange(config.meters), config.seed, config.shares
    table = [CLASSES[number] for number in range(len(CLASSES))]
    low, high = (np.array([getattr(row, name) for row in table], np.int64)[klass] for name in ("wh_low", "wh_high"))
    size = draws(seed, Purpose.SIZE, items)
    wh_day = low + ((high - low) * between(size, 0, 1000)) // 1000
    metered = np.array([row.metered for row in table], np.uint8)[klass]
    mixed = (metered == Phase.MIXED) & (between(size, 0, 1000) > 400)
    metered = np.where(mixed & happens(draws(seed, Purpose.MODEL, items, 1), shares.three_phase), Phase.THREE, metered)
    template = np.full(config.meters, D1_FLOAT, np.uint8)
    model = draws(seed, Purpose.MODEL, items)
    template[happens(model, shares.integer)] = D1_INTEGER
    template[happens(draws(seed, Purpose.MODEL, items, 2), shares.export_first)] = D1_EXPORT_FIRST
    template[happens(draws(seed, Purpose.MODEL, items, 3), shares.opening)] = D1_OPENING
    template[metered == Phase.THREE] = D2_FLOAT
    in_ct, in_ht = metered == Phase.CT, metered == Phase.HT
    template[in_ct | in_ht] = CT_INTEGER
    factor = np.ones(config.meters, np.uint32)
    factor[in_ct] = np.array([10, 20, 40], np.uint32)[between(draws(seed, Purpose.FACTOR, items[in_ct]), 0, 2)]
    factor[in_ht] = 400
    divisor = np.ones(config.meters, np.uint32)
    fractional = in_ct & happens(draws(seed, Purpose.FACTOR, items, 1), shares.fractional_factor)
    factor[fractional], divisor[fractional] = 25, 2
    most_w = np.select([in_ht, in_ct, template == D2_FLOAT], [MOST_W_HT, MOST_W_CT, MOST_W_D2], MOST_W_D1)
    factors = np.array([row.power_factor for row in table], np.int64)[klass]
    drawn = between(draws(seed, Purpose.SIZE, items, 1), 0, 1000)
    solar = happens(draws(seed, Purpose.SOLAR, items), shares.solar) & np.array([row.solar for row in table])[klass]
    kw = np.maximum(1, wh_day * 10 // 40_000 + between(draws(seed, Purpose.SOLAR, items, 1), 0, 2))
    roster = between(draws(seed, Purpose.DAY, feeder_of), 0, 2) * config.slots_per_day * 8 // 24
    way = draws(seed, Purpose.TRANSPORT, items)
    asked_w = np.where(klass == Class.AGRICULTURE, wh_day, wh_day * LOAD_PEAK // 24)
    return Points(
        id=(items + FIRST_POINT).astype(np.uint64),
        role=np.full(config.meters, Role.CONSUMER, np.uint8),
        klass=klass,
        template=template,
        phases=np.where(template == D2_FLOAT, 3, np.where(template == CT_INTEGER, 3, 1)).astype(np.uint8),
        numerator=factor,
        denominator=divisor,
        wh_day=wh_day * divisor // factor,
        power_factor=factors[:, 0] + (factors[:, 1] - factors[:, 0]) * drawn // 1000,
        solar_w=np.where(solar, kw * 1000, 0),
        dt=dt_of,
        feeder=feeder_of,
        nominal_mv=np.where(in_ht, NOMINAL_HT_MV, NOMINAL_LT_MV).astype(np.int64),
        limit_wh=most_w * config.interval_secs // 3600,
        roster=roster.astype(np.int32),
        transport=_transports(way, config),
        instant=happens(draws(seed, Purpose.INSTANT, items), shares.instant).astype(np.uint8),
        account=(items + FIRST_ACCOUNT).astype(np.uint64),
        sanctioned_w=(-(-asked_w // 500) * 500).astype(np.uint32),
    )


def _transports(way: Array, config: SimulatorConfig) -> Array:
    mqtt = happens(way, config.shares.mqtt)
    udp = happens(way, min(1.0, config.shares.mqtt + config.shares.udp))
    return np.where(mqtt, MQTT, np.where(udp, UDP, TCP)).astype(np.uint8)


def _ratings(consumers: Points, dts: int, dt_feeder: Array, feeders: int) -> tuple[Array, Array, Array, Array]:
    """(row of RATINGS of each DT, factor of each DT meter, factor of each feeder meter, rated VA of each feeder)."""
    billed_w = consumers.wh_day * consumers.numerator // consumers.denominator
    peak_va = np.where(consumers.klass == Class.AGRICULTURE, billed_w, billed_w * LOAD_PEAK // 24) * 10 // 8
    on_dt = consumers.dt >= 0
    load = np.zeros(dts, np.int64)
    np.add.at(load, consumers.dt[on_dt], peak_va[on_dt])
    rating = np.minimum(np.searchsorted(RATINGS[:, 0], load), len(RATINGS) - 1)
    feeder_va = np.zeros(feeders, np.int64)
    np.add.at(feeder_va, dt_feeder, load)
    np.add.at(feeder_va, consumers.feeder[~on_dt], peak_va[~on_dt])
    feeder_va = np.maximum(feeder_va, 10_000)
    place = np.minimum(np.searchsorted(FEEDER_FACTORS * MOST_W_HT * 7 // 10, feeder_va), len(FEEDER_FACTORS) - 1)
    return rating, RATINGS[rating, 3], FEEDER_FACTORS[place], feeder_va


def _with_network_meters(
    config: SimulatorConfig, consumers: Points, dt_feeder: Array, dt_factor: Array, feeder_factor: Array
) -> Points:
    dts, feeders = len(dt_factor), len(feeder_factor)
    count = dts + feeders
    items = np.arange(config.meters, config.meters + count)
    at_dt = np.arange(count) < dts
    most_w = np.where(at_dt, MOST_W_CT, MOST_W_HT)
    meters = Points(
        id=(items + FIRST_POINT).astype(np.uint64),
        role=np.where(at_dt, Role.DT_METER, Role.FEEDER_METER).astype(np.uint8),
        klass=np.zeros(count, np.uint8),
        template=np.full(count, CT_INTEGER, np.uint8),
        phases=np.full(count, 3, np.uint8),
        numerator=np.concatenate((dt_factor, feeder_factor)).astype(np.uint32),
        denominator=np.ones(count, np.uint32),
        wh_day=np.zeros(count, np.int64),
        power_factor=np.full(count, 940, np.int64),
        solar_w=np.zeros(count, np.int64),
        dt=np.where(at_dt, np.arange(count), -1).astype(np.int32),
        feeder=np.concatenate((dt_feeder, np.arange(feeders))).astype(np.int32),
        nominal_mv=np.where(at_dt, NOMINAL_LT_MV, NOMINAL_HT_MV).astype(np.int64),
        limit_wh=most_w * config.interval_secs // 3600,
        roster=np.zeros(count, np.int32),
        transport=_transports(draws(config.seed, Purpose.TRANSPORT, items), config),
        instant=happens(draws(config.seed, Purpose.INSTANT, items), config.shares.instant).astype(np.uint8),
        account=np.zeros(count, np.uint64),
        sanctioned_w=np.zeros(count, np.uint32),
    )
    names = Points.__dataclass_fields__
    return Points(**{name: np.concatenate((getattr(consumers, name), getattr(meters, name))) for name in names})
