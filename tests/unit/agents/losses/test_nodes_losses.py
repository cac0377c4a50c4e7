"""Node energy and losses: what is summed where, when a balance is emitted, and that order does not matter."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from agents.losses.config import LossesConfig
from agents.losses.step import LossesStep
from agents.nodes.config import NodesConfig
from agents.nodes.step import NodesStep
from pipeline.batch import NodeEnergy
from pipeline.codes import Level, Quality, Role
from pipeline.columns import empty
from pipeline.errors import Fatal
from pipeline.records import RecordBatch
from pipeline.state import StateStore
from pipeline.step import Control, Emission, Origin, Parcel, Tick
from schemas.load import load_contracts
from tests.builders_rating import DAY, SECS, TOPIC, Meters, Point, ist, references, registry

FEEDER, DT_A, DT_B = 10, 21, 22
NODES = {FEEDER: (Level.FEEDER, 1), DT_A: (Level.DT, FEEDER), DT_B: (Level.DT, FEEDER)}
POINTS = (
    Point(1, role=Role.FEEDER_METER, feeder=FEEDER),
    Point(2, role=Role.DT_METER, dt=DT_A, feeder=FEEDER),
    Point(3, role=Role.DT_METER, dt=DT_B, feeder=FEEDER),
    Point(4, dt=DT_A, feeder=FEEDER),
    Point(5, dt=DT_A, feeder=FEEDER),
    Point(6, dt=DT_B, feeder=FEEDER),
    Point(7, feeder=FEEDER),
)
NOON = ist("2026-01-05 12:00")


class Nodes:
    """A nodes step with its state, fed by hand."""

    def __init__(self, points: tuple[Point, ...] = POINTS, **options: Any) -> None:
        self.meters = Meters(registry(points, NODES))
        self.step = NodesStep(NodesConfig(**{"partitions": 2, **options}))
        self.store = StateStore(self.step.layout, range(128, 256))
        self.prepared = self.step.prepare(references(self.meters.made))

    def go(self, tick: int | None = None) -> list[Emission]:
        return self.step.advance(self.meters.take(tick), self.store, self.prepared).emissions


def sums(emissions: Iterable[Emission]) -> dict[tuple[int, int], dict[str, int]]:
    """(node, interval) -> columns that are not 0."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    for emission in emissions:
        assert emission.output == "node_energy"
        batch = emission.value
        for row in range(len(batch.node)):
            names = [column.name for column in NodeEnergy.COLUMNS[2:] if column.name != "interval_secs"]
            values = {name: int(getattr(batch, name)[row]) for name in names}
            key = (int(batch.node[row]), int(batch.interval_start[row]))
            assert key not in found
            found[key] = {name: value for name, value in values.items() if value}
    return found


def test_each_meter_is_put_to_the_node_it_feeds_and_the_node_that_feeds_it() -> None:
    nodes = Nodes()
    for point in range(1, 8):
        nodes.meters.put(point, NOON, 10**point, exported=point)
    assert nodes.go() == []
    assert sums(nodes.go(NOON + SECS)) == {
        (FEEDER, NOON): {
            "input_wh": 10 - 1, "inputs_expected": 1, "inputs_actual": 1,
            "output_wh": 100 - 2 + 1000 - 3 + 10_000_000 - 7, "expected": 3, "actual": 3,
        },
        (DT_A, NOON): {
            "input_wh": 98, "inputs_expected": 1, "inputs_actual": 1,
            "output_wh": 10_000 - 4 + 100_000 - 5, "expected": 2, "actual": 2,
        },
        (DT_B, NOON): {
            "input_wh": 997, "inputs_expected": 1, "inputs_actual": 1,
            "output_wh": 1_000_000 - 6, "expected": 1, "actual": 1,
        },
    }  # fmt: skip
    assert sums(nodes.go(NOON + 2 * SECS)) == {}


def test_a_revision_changes_the_sums_by_the_difference_and_is_expected_once() -> None:
    nodes = Nodes()
    nodes.meters.put(4, NOON, 0, Quality.MISSING)
    assert sums(nodes.go(NOON + SECS)) == {(DT_A, NOON): {"expected": 1}}
    nodes.meters.put(4, NOON, 300, Quality.ESTIMATED)
    assert sums(nodes.go(NOON + SECS))[DT_A, NOON] == {"output_wh": 300, "estimated_wh": 300, "estimated": 1}
    nodes.meters.put(4, NOON, 310)
    assert sums(nodes.go(NOON + SECS))[DT_A, NOON] == {
        "output_wh": 10, "estimated_wh": -300, "estimated": -1, "actual": 1,
    }  # fmt: skip
    nodes.meters.put(4, NOON, 10**6, Quality.SUSPECT)
    assert sums(nodes.go(NOON + SECS))[DT_A, NOON] == {"output_wh": -310, "actual": -1}


def test_readings_of_a_shorter_interval_are_added_up_to_the_balances() -> None:
    # A quarter-hour meter under a half-hour one: both sides of a balance must cover the same time.
    quarter = NOON + SECS // 2
    own = {"input_wh": 900, "inputs_expected": 1, "inputs_actual": 1}
    apart = {NOON: {"output_wh": 100, "expected": 1, "actual": 1, **own},
             quarter: {"output_wh": 200, "expected": 1, "actual": 1}}  # fmt: skip
    together = {NOON: {"output_wh": 300, "expected": 2, "actual": 2, **own}}
    for secs, expected in ((SECS // 2, apart), (SECS, together)):
        nodes = Nodes(interval_secs=secs)
        nodes.meters.put(2, NOON, 900)
        nodes.meters.put(4, NOON, 100)
        nodes.meters.put(4, quarter, 200)
        emissions = nodes.go(NOON + SECS)
        found = sums(emissions)
        assert {start: found[node, start] for node, start in found if node == DT_A} == expected
        assert {int(value) for emission in emissions for value in emission.value.interval_secs} == {secs}


def test_every_tick_and_control_reaches_every_losses_partition() -> None:
    nodes = Nodes(partitions=5)
    nodes.meters.put(4, NOON, 100)
    assert [emission.partition for emission in nodes.go(NOON)] == [0, 1, 2, 3, 4]
    control = Parcel(Origin(TOPIC, 0, 9), None, None, Control({"registry": "a"}))
    sent = nodes.step.advance(control, nodes.store, nodes.prepared).emissions
    assert [emission.partition for emission in sent] == [0, 1, 2, 3, 4]


def test_a_transformer_stays_in_its_partition_when_it_is_moved_to_another_feeder() -> None:
    homes = set()
    for feeder in range(30, 40):
        nodes = Nodes(partitions=64)
        nodes.meters = Meters(registry(POINTS, {**NODES, feeder: (Level.FEEDER, 1), DT_A: (Level.DT, feeder)}))
        nodes.prepared = nodes.step.prepare(references(nodes.meters.made))
        nodes.meters.put(4, NOON, 1)
        homes |= {emission.partition for emission in nodes.go(NOON) if DT_A in emission.value.node.tolist()}
    assert len(homes) == 1


def test_too_much_to_keep_is_sent_before_the_tick() -> None:
    nodes = Nodes(max_pending=3)
    for slot in range(3):
        nodes.meters.put(4, NOON + slot * SECS, 1)
    assert nodes.go() == []
    nodes.meters.put(4, NOON + 3 * SECS, 1)
    assert len(sums(nodes.go())) == 4
    assert sums(nodes.go(NOON + DAY)) == {}


def test_a_consumer_that_moves_to_another_transformer_counts_there_from_that_interval_on() -> None:
    moved = Point(4, dt=DT_A, feeder=FEEDER, moves=((NOON, DT_B, FEEDER),))
    nodes = Nodes((*POINTS[:3], moved, *POINTS[4:]))
    nodes.meters.put(4, NOON - SECS, 100)
    nodes.meters.put(4, NOON, 200)
    assert {key: found["output_wh"] for key, found in sums(nodes.go(NOON + SECS)).items()} == {
        (DT_A, NOON - SECS): 100,
        (DT_B, NOON): 200,
    }


def test_a_point_that_no_node_holds_is_left_out() -> None:
    nodes = Nodes((*POINTS, Point(8)))
    nodes.meters.put(8, NOON, 100)
    assert sums(nodes.go(NOON + SECS)) == {}


# ---------------------------------------------------------------------------------------------- losses


def partial(node: int, start: int, **values: int) -> NodeEnergy:
    """One row of NodeEnergy."""
    batch = empty(NodeEnergy)
    for column in NodeEnergy.COLUMNS:
        setattr(batch, column.name, np.full(1, values.get(column.name, 0), column.dtype))
    batch.node[:], batch.interval_start[:], batch.interval_secs[:] = node, start, SECS
    return batch


class Losses:
    """A losses step with its state, fed by hand; keeps the offsets of each source."""

    def __init__(self, sources: int = 2, **options: Any) -> None:
        self.step = LossesStep(LossesConfig(sources=sources, **options))
        self.store = StateStore(self.step.layout, range(40, 44))
        self.prepared = self.step.prepare(references(registry(POINTS, NODES)))
        self.offsets = dict.fromkeys(range(sources), -1)
        self.exceptions: list[dict[str, Any]] = []

    def feed(self, parcel: Parcel) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for emission in self.step.advance(parcel, self.store, self.prepared).emissions:
            if emission.output == "exceptions":
                self.exceptions += emission.value.records()
                continue
            assert isinstance(emission.value, RecordBatch)
            encoded = emission.value.encode(load_contracts())
            decoded = [load_contracts().decode(value, "Loss") for value in encoded.values]
            assert decoded == emission.value.records()
            assert encoded.keys.view(">i8")[:, 0].tolist() == [record["node"] for record in decoded]
            made += decoded
        return made

    def send(self, source: int, batch: NodeEnergy | None, tick: int | None) -> list[dict[str, Any]]:
        before = self.offsets[source]
        self.offsets[source] = before + 3  # a source's other records go to other targets
        moment = None if tick is None else Tick(tick, 0)
        return self.feed(Parcel(Origin(TOPIC, source, before + 3), batch, moment, None, before))


def test_a_balance_waits_for_the_slowest_source() -> None:
    losses, end = Losses(), NOON + SECS
    assert losses.send(0, partial(DT_A, NOON, output_wh=900, expected=9, actual=9), end) == []
    (balance,) = losses.send(1, partial(DT_A, NOON, input_wh=1000, inputs_expected=1, inputs_actual=1), end)
    assert (balance["input_wh"], balance["output_wh"], balance["loss_wh"]) == (1000, 900, 100)
    assert (balance["span"], balance["start"], balance["secs"]) == ("INTERVAL", NOON, SECS)
    assert (balance["name"], balance["level"], balance["coverage"]) == (f"node {DT_A}", "DT", 1000)
    assert (balance["revision"], balance["supersedes"], balance["tick_time"]) == (1, None, end)


def test_a_late_partial_makes_one_revision_at_the_next_tick() -> None:
    losses, end = Losses(), NOON + SECS
    losses.send(0, partial(DT_A, NOON, output_wh=900, expected=2, actual=1), end)
    losses.send(1, None, end)
    assert losses.send(0, partial(DT_A, NOON, output_wh=50, actual=1), None) == []
    assert losses.send(0, partial(DT_A, NOON, output_wh=7), end + SECS) == []
    (balance,) = losses.send(1, None, end + SECS)
    assert (balance["revision"], balance["supersedes"]) == (2, 1)
    assert (balance["output_wh"], balance["coverage"]) == (957, 1000)
    assert losses.send(0, None, end + 2 * SECS) == []
    assert losses.send(1, None, end + 2 * SECS) == []


def test_an_interval_that_has_not_ended_is_not_balanced() -> None:
    losses = Losses(sources=1)
    assert losses.send(0, partial(DT_A, NOON, output_wh=900), NOON + SECS - 1) == []
    assert [balance["output_wh"] for balance in losses.send(0, None, NOON + SECS)] == [900]


def test_at_local_midnight_the_day_is_balanced() -> None:
    losses, day = Losses(sources=1), ist("2026-01-05")
    losses.send(0, partial(DT_A, day, output_wh=5, input_wh=9), day + SECS)
    losses.send(0, partial(DT_A, day + DAY - SECS, output_wh=6, input_wh=8), day + DAY - 1)
    made = losses.send(0, partial(DT_A, day + DAY, output_wh=7), day + DAY)
    (whole,) = [balance for balance in made if balance["span"] == "DAY"]
    assert (whole["start"], whole["secs"], whole["input_wh"], whole["loss_wh"]) == (day, DAY, 17, 6)
    assert {balance["start"] for balance in made if balance["span"] == "INTERVAL"} == {day + DAY - SECS}


def test_a_day_that_leaves_the_window_is_said_to_be_final_and_forgotten() -> None:
    losses, day = Losses(sources=1, hot_days=1), ist("2026-01-05")
    losses.send(0, partial(DT_A, day, output_wh=5), day + DAY)
    assert losses.send(0, None, day + 2 * DAY) == []
    (last,) = losses.send(0, None, day + 3 * DAY)
    assert (last["span"], last["state"], last["revision"], last["output_wh"]) == ("DAY", "FINAL", 2, 5)
    assert int(losses.store.used.sum()) == 1  # the source
    with pytest.raises(Fatal, match="PARTIAL_TOO_OLD"):
        losses.send(0, partial(DT_A, day, output_wh=1), day + 3 * DAY + SECS)


def test_what_the_first_tick_after_a_gap_of_days_brings_of_old_days_is_counted() -> None:
    losses, day = Losses(sources=1, hot_days=1), ist("2026-01-05")
    losses.send(0, partial(DT_A, day, output_wh=5), day + 2 * DAY - SECS)
    made = losses.send(0, partial(DT_A, day, output_wh=2), day + 5 * DAY + SECS)
    assert {(m["span"], m["state"], m["revision"], m["output_wh"]) for m in made} == {
        ("INTERVAL", "FINAL", 2, 7),
        ("DAY", "FINAL", 2, 7),
    }


def test_a_tick_that_goes_back_counts_as_the_one_before() -> None:
    losses, end = Losses(), NOON + SECS
    losses.send(0, None, end + 5 * SECS)
    assert losses.send(0, partial(DT_A, NOON, output_wh=900), end) == []
    assert losses.send(1, None, end) == []
    (balance,) = losses.send(1, None, end + 5 * SECS)
    assert (balance["output_wh"], balance["tick_time"]) == (900, end + 5 * SECS)


def test_a_copy_is_dropped_and_a_hole_stops_the_process() -> None:
    losses, end = Losses(sources=1), NOON + SECS
    first = Parcel(Origin(TOPIC, 0, 4), partial(DT_A, NOON, output_wh=900), Tick(end, 0), None, -1)
    assert [balance["output_wh"] for balance in losses.feed(first)] == [900]
    assert losses.feed(first) == []
    with pytest.raises(Fatal, match="SOURCE_HOLE"):
        losses.feed(Parcel(Origin(TOPIC, 0, 9), None, Tick(end + SECS, 0), None, 7))
    assert losses.feed(Parcel(Origin(TOPIC, 0, 9), None, Tick(end + SECS, 0), None, 4)) == []


def test_a_source_that_was_not_configured_stops_the_process() -> None:
    with pytest.raises(Fatal, match="SOURCE_UNKNOWN"):
        Losses(sources=2).feed(Parcel(Origin(TOPIC, 2, 0), None, Tick(NOON, 0)))


def test_a_node_that_the_registry_does_not_know_is_called_by_its_id() -> None:
    (balance,) = Losses(sources=1).send(0, partial(77, NOON, input_wh=5), NOON + SECS)
    assert (balance["name"], balance["loss_wh"], balance["coverage"]) == ("77", 5, 0)


def test_the_order_in_which_sources_arrive_changes_no_balance() -> None:
    chance = random.Random(5)
    logs: dict[int, list[tuple[NodeEnergy | None, int | None]]] = {}
    for source in range(3):
        log: list[tuple[NodeEnergy | None, int | None]] = []
        for step in range(1, 110):
            late = NOON + (step - 1 - chance.choice((0, 0, 0, 1, 5, 60))) * SECS
            tick = NOON + step * SECS if chance.random() < 0.9 or step == 109 else None
            log.append((partial(chance.choice((FEEDER, DT_A)), late, output_wh=chance.randrange(99), actual=1), tick))
        logs[source] = log
    ticks = [{tick for _, tick in log} for log in logs.values()]
    shared = set.intersection(*ticks)
    logs = {s: [(b, t if t in shared else None) for b, t in log] for s, log in logs.items()}
    seen = []
    for seed in range(4):
        losses, places, made = Losses(sources=3), dict.fromkeys(logs, 0), []
        order = random.Random(seed)
        while any(place < len(logs[source]) for source, place in places.items()):
            source = order.choice([s for s, place in places.items() if place < len(logs[s])])
            for _ in range(order.choice((1, 1, 1, 20))):
                if places[source] < len(logs[source]):
                    made += losses.send(source, *logs[source][places[source]])
                    places[source] += 1
        seen.append([{k: v for k, v in balance.items() if not k.startswith("source_")} for balance in made])
    assert len(seen[0]) > 200
    assert seen[1:] == seen[:1] * 3


def test_without_a_registry_nothing_is_summed_and_ticks_go_on() -> None:
    nodes = Nodes()
    nodes.prepared = nodes.step.prepare(references(registry(())))
    nodes.meters.put(4, NOON, 100)
    sent = nodes.go(NOON + SECS)
    assert [len(emission.value.node) for emission in sent] == [0, 0]
    LossesStep(LossesConfig()).prepare(references(registry(())))


def test_balances_are_named_by_their_own_log_as_several_partitions_hold_records_of_one_origin() -> None:
    origin, end = Origin(TOPIC, 0, 4), NOON + SECS
    named = []
    for partition, node in enumerate((DT_A, DT_B)):
        parcel = Parcel(origin, partial(node, NOON, output_wh=900), Tick(end, 0), None, -1, Origin("own", partition, 8))
        (balance,) = Losses(sources=1).feed(parcel)
        named.append((balance["source_topic_id"], balance["source_partition"], balance["source_offset"]))
    assert named == [("own", 0, 8), ("own", 1, 8)]


# ------------------------------------------------------------------------------------------ nodal balance


WHOLE = {"expected": 9, "actual": 9, "inputs_expected": 1, "inputs_actual": 1}


def judged(flowed: dict[str, int], node: int = DT_A, **options: Any) -> list[dict[str, Any]]:
    """Exceptions of a day of a node, up to the tick at which it is final."""
    losses, day = Losses(sources=1, hot_days=1, **{"balance_tolerance_permille": 10, **options}), ist("2026-01-05")
    losses.send(0, partial(node, day, **{**WHOLE, **flowed}), day + DAY)
    assert losses.exceptions == [], "a day that is provisional is not judged"
    losses.send(0, None, day + 3 * DAY)
    return losses.exceptions


@pytest.mark.parametrize(
    ("flowed", "told"),
    [
        ({"input_wh": 10_000, "output_wh": 10_100}, False),
        ({"input_wh": 10_000, "output_wh": 10_101}, True),  # more than flowed in, and a percent
        ({"input_wh": 10_000, "output_wh": 8_400}, False),
        ({"input_wh": 10_000, "output_wh": 8_399}, True),  # 15 % of losses, and a percent
        ({"input_wh": 10_000, "output_wh": 20_000, "inputs_actual": 0}, False),
        ({"input_wh": 10_000, "output_wh": 0, "actual": 8}, False),  # the ninth may be what lacks
        ({"input_wh": 0, "output_wh": 500, "inputs_expected": 0, "inputs_actual": 0}, False),  # nobody measures it
    ],
)
def test_a_final_day_that_does_not_balance_is_told(flowed: dict[str, int], told: bool) -> None:
    assert len(judged(flowed)) == told


def test_v35_stands_at_the_meter_of_the_node_with_what_flowed_in_and_out() -> None:
    flowed = {"input_wh": 10_000, "output_wh": 7_000}
    (record,) = judged(flowed, paise_per_kwh=800)
    day = ist("2026-01-05")
    names = ("rule", "severity", "state", "stage", "service_point", "node", "found", "expected", "wh_at_stake")
    assert [record[name] for name in names] == [
        "V35", "WARNING", "OPEN", "losses", 2, DT_A, 7_000, 10_000, 3_000,
    ]  # fmt: skip
    assert (record["paise_at_stake"], record["period_start"], record["period_end"]) == (2_400, day, day + DAY)
    assert [one["service_point"] for one in judged(flowed, FEEDER)] == [1]
    assert judged(flowed, 77) == [], "nobody knows where that would stand"
    assert judged(flowed, technical_loss_permille=300) == []
    assert judged(flowed, balance_tolerance_permille=0) == [], "switched off"


def test_v35_is_judged_of_the_day_as_it_was_in_the_end() -> None:
    losses, day = Losses(sources=1, hot_days=1, balance_tolerance_permille=10), ist("2026-01-05")
    losses.send(0, partial(DT_A, day, input_wh=10_000, output_wh=5_000, **WHOLE), day + DAY)
    losses.send(0, partial(DT_A, day, output_wh=4_000), day + DAY + SECS)
    losses.send(0, None, day + 3 * DAY)
    assert losses.exceptions == []
