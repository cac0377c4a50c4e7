"""What the VEE step takes, marks, refuses and passes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from agents.vee.config import VeeConfig
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import N_PHYSICAL, N_SNAPSHOT
from pipeline.codes import RULE_BIT, Flag, Kind, Method, Quality
from pipeline.errors import ConfigError
from pipeline.reference import FOREVER
from pipeline.step import Origin, Parcel, Tick
from schemas.load import load_contracts
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, decoded, references, register
from tests.oracles.vee_oracle import DAY, Link, Row

POINT, OTHER, *_ = POINTS
METER = Link(1007, POINT, 0, FOREVER, limit=4000)


def rule(code: str) -> int:
    """Bit of a rule."""
    return 1 << RULE_BIT[code]


def running(link: Link = METER) -> Vee:
    """One meter; the log's time is the end of the first half hour."""
    vee = Vee([link])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + 1800)
    return vee


def test_a_clean_reading_is_actual_with_its_values_times_the_factor() -> None:
    vee = running(replace(METER, numerator=40))
    batch = decoded(vee.links, blocks(0, MIDNIGHT + 1800, [100]))
    physical = [*range(N_PHYSICAL - 1), 1000]  # a power factor of one, as of 100 Wh and 100 VAh
    batch.reactive[0], batch.physical[0] = (1, 2, 3, 4), physical
    batch.present[0], batch.flags[0], batch.counter[0] = 0xFFFF, Flag.COUNTER_LATE, 99
    advance = vee.step.advance(Parcel(Origin("log", 3, 77), batch), vee.store, vee.prepared)
    made = advance.parcel.batch
    assert isinstance(made, ReadingBatch)
    assert made.energy.tolist() == [[4000, 4000, 0, 0]]
    assert made.reactive.tolist() == [[40, 80, 120, 160]]
    assert made.physical.tolist() == [physical]
    assert (made.interval_start[0], made.interval_secs[0]) == (MIDNIGHT + 1800, 1800)
    assert (made.flags[0], made.counter[0], made.frame[0]) == (Flag.COUNTER_LATE, 99, 0)
    assert made.revision[0] == 77 << 20
    assert made.quality[0] == 0x1111_1111_1111_1111
    assert advance.parcel.origin.offset == 77


def test_channels_that_the_row_does_not_have_are_absent() -> None:
    vee = running()
    batch = decoded(vee.links, blocks(0, MIDNIGHT + 1800, [100]))
    batch.present[0] = 0b1_0000_0001
    made = vee.step.advance(Parcel(Origin("log", 0, 9), batch), vee.store, vee.prepared).parcel.batch
    assert isinstance(made, ReadingBatch)
    assert made.quality[0] == 0x1_0000_0001


@pytest.mark.parametrize(
    ("time", "code"),
    [(MIDNIGHT - 3 * DAY, "TOO_OLD"), (MIDNIGHT + 5400, "IN_FUTURE"), (MIDNIGHT - 3 * DAY + 900, "TOO_OLD"),
     (MIDNIGHT + 4500, "IN_FUTURE")],
)  # fmt: skip
def test_a_row_outside_the_window_is_refused(time: int, code: str) -> None:
    vee = running()
    vee.arrive([Row(0, True, time, (1, 1, 0, 0))])
    assert vee.rejects == {code: 1}


@pytest.mark.parametrize(
    ("time", "code"),
    [(MIDNIGHT + 400, "OFF_GRID"), (MIDNIGHT - 3 * DAY, "TOO_OLD"), (MIDNIGHT + DAY, "IN_FUTURE")],
)
def test_registers_outside_the_grid_or_the_window_are_refused(time: int, code: str) -> None:
    vee = running()
    vee.arrive([register(0, time, 1)])
    assert vee.rejects == {code: 1}


def test_a_reject_fits_its_schema_and_says_where_the_row_came_from() -> None:
    vee = running()
    batch = decoded(vee.links, [*blocks(0, MIDNIGHT, [5]), *blocks(0, MIDNIGHT, [5])])
    advance = vee.step.advance(Parcel(Origin("log", 2, 50), batch), vee.store, vee.prepared)
    [emission] = advance.emissions
    [emitted] = emission.value.encode(contracts := load_contracts()).values
    record = contracts.decode(emitted, "Reject")
    assert (record["stage"], record["code"], record["frame"]) == ("vee", "DUPLICATE_INTERVAL", 1)
    assert (record["topic"], record["partition"], record["offset"], record["time"]) == ("log", 2, 50, MIDNIGHT + 1800)
    [key] = emission.value.encode(contracts).keys
    assert key.tobytes() == record["device"].encode() == b"00000000000003EF"


def test_a_stamp_near_the_grid_is_moved_to_it_and_marked() -> None:
    vee = running()
    vee.arrive([Row(0, True, MIDNIGHT + 3600 - 250, (10, 10, 0, 0))])
    reading = vee.final[POINT, MIDNIGHT + 1800]
    assert (reading.quality[0], reading.rules) == (Quality.ACTUAL, rule("V03"))
    assert vee.batches[-1].flags.tolist() == [Flag.OFF_GRID]


@pytest.mark.parametrize(
    ("energy", "code", "quality"),
    [
        ((-5, 10, 0, 0), "V07", Quality.SUSPECT),
        ((4801, 4801, 0, 0), "V09", Quality.SUSPECT),
        ((4800, 4800, 0, 0), "", Quality.ACTUAL),
        ((1000, 900, 0, 0), "V16", Quality.ACTUAL),
        ((1000, 989, 0, 0), "", Quality.ACTUAL),
        ((0, 0, 5, 5), "V32", Quality.ACTUAL),
    ],
)
def test_each_rule_marks_its_case_and_no_other(energy: tuple[int, ...], code: str, quality: Quality) -> None:
    vee = running()
    vee.arrive([Row(0, True, MIDNIGHT + 3600, energy)])  # type: ignore[arg-type]
    reading = vee.final[POINT, MIDNIGHT + 1800]
    assert (reading.rules, reading.quality[0], reading.energy) == (rule(code) if code else 0, quality, energy)


def test_an_agreed_export_is_not_remarked_upon() -> None:
    vee = running(replace(METER, net_meter=True))
    vee.arrive([Row(0, True, MIDNIGHT + 3600, (0, 0, 5, 5))])
    assert vee.final[POINT, MIDNIGHT + 1800].rules == 0


@pytest.mark.parametrize("order", [(100, 120), (120, 100)])
def test_of_two_values_of_one_interval_the_larger_is_in_force_whatever_came_first(order: tuple[int, int]) -> None:
    vee = running()
    for energy in order:
        vee.arrive(blocks(0, MIDNIGHT + 1800, [energy]))
    reading = vee.final[POINT, MIDNIGHT + 1800]
    assert (reading.energy[0], reading.quality[0], reading.rules) == (120, Quality.ACTUAL, rule("V02"))
    assert not vee.rejects


def test_a_good_value_is_in_force_before_a_suspect_one() -> None:
    vee = running()
    vee.arrive(blocks(0, MIDNIGHT + 1800, [4900]))
    vee.arrive(blocks(0, MIDNIGHT + 1800, [10]))
    assert vee.final[POINT, MIDNIGHT + 1800].energy[0] == 10
    vee.arrive(blocks(0, MIDNIGHT + 1800, [4950]))
    assert vee.final[POINT, MIDNIGHT + 1800].energy[0] == 10


def test_the_same_value_again_is_refused_and_changes_nothing() -> None:
    vee = running()
    for _ in range(3):
        vee.arrive(blocks(0, MIDNIGHT + 1800, [100]))
    assert vee.rejects == {"DUPLICATE_INTERVAL": 2}
    assert vee.final[POINT, MIDNIGHT + 1800].rules == 0


def test_what_is_due_is_estimated_from_like_days_else_carried_else_missing() -> None:
    vee = running()
    assert vee.final[POINT, MIDNIGHT].quality[0] == Quality.MISSING
    vee.arrive(blocks(0, MIDNIGHT + 1800, [70]))
    vee.tick(MIDNIGHT + 5400)
    assert vee.final[POINT, MIDNIGHT + 3600] == replace(
        vee.final[POINT, MIDNIGHT + 3600], energy=(70, 70, 0, 0), method=Method.CARRIED, rules=rule("V01")
    )
    vee.tick(MIDNIGHT + DAY + 3600)
    estimate = vee.final[POINT, MIDNIGHT + DAY + 1800]
    assert (estimate.energy[0], estimate.method) == (70, Method.LIKE_DAY)


def test_an_interval_is_not_due_before_the_lateness_has_passed() -> None:
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + 3600, 1801)
    assert (POINT, MIDNIGHT) not in vee.final
    vee.tick(MIDNIGHT + 3601, 1801)
    assert (POINT, MIDNIGHT) in vee.final


def test_a_meter_that_never_sends_is_missed() -> None:
    vee = Vee([METER, replace(METER, device=2001, point=OTHER, start=MIDNIGHT + 3600)])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + 5400)
    assert {key: one.quality[0] for key, one in vee.final.items() if key[0] == OTHER} == {
        (OTHER, MIDNIGHT + 3600): Quality.MISSING
    }


def test_a_meter_that_the_registry_learns_of_later_is_taken_and_expected_from_then_on() -> None:
    vee = running()
    vee.relink([METER, replace(METER, device=2001, point=OTHER)])
    vee.arrive(blocks(1, MIDNIGHT + 1800, [33]))
    vee.tick(MIDNIGHT + 5400)
    assert vee.final[OTHER, MIDNIGHT + 1800].energy[0] == 33
    assert vee.final[OTHER, MIDNIGHT + 3600].method == Method.CARRIED


def test_frames_before_the_first_tick_open_the_window() -> None:
    vee = Vee([METER])
    vee.arrive([*blocks(0, MIDNIGHT + 3600, [10, 20, 30]), *blocks(0, MIDNIGHT - 40 * DAY, [5])])
    assert vee.rejects == {"TOO_OLD": 1}
    vee.tick(MIDNIGHT + 4 * 3600)
    assert vee.final[POINT, MIDNIGHT + 3600 + 3600].energy[0] == 30
    assert vee.final[POINT, MIDNIGHT + 3600 + 5400].method == Method.CARRIED
    assert (POINT, MIDNIGHT) not in vee.final, "nothing is due before the log began"


def test_snapshots_and_alerts_pass_as_they_are() -> None:
    vee = running()
    batch = decoded(vee.links, [Row(0, True, MIDNIGHT + 3600, (1, 1, 0, 0)), Row(0, True, MIDNIGHT + 77, (9, 9, 0, 0))])
    batch.kind[1] = Kind.INSTANT
    batch.snapshot_row = np.array([1], np.uint32)
    batch.snapshot = np.arange(N_SNAPSHOT, dtype=np.int64)[None, :]
    batch.snapshot_present = np.array([7], np.uint32)
    made = vee.step.advance(Parcel(Origin("log", 0, 5), batch), vee.store, vee.prepared).parcel.batch
    assert isinstance(made, ReadingBatch)
    assert (made.snapshot_time[0], made.snapshot_kind[0]) == (MIDNIGHT + 77, Kind.INSTANT)
    assert made.snapshot_energy.tolist() == [[9, 9, 0, 0]]
    assert made.snapshot_revision[0] == 5 << 20 | 1
    assert made.snapshot.tolist() == [list(range(N_SNAPSHOT))]


def test_a_batch_and_a_tick_in_one_record_are_taken_in_that_order() -> None:
    vee = running()
    parcel = Parcel(Origin("log", 0, 9), decoded(vee.links, blocks(0, MIDNIGHT + 1800, [50])), Tick(MIDNIGHT + 5400, 0))
    made = vee.step.advance(parcel, vee.store, vee.prepared).parcel
    assert made.tick == parcel.tick
    assert isinstance(made.batch, ReadingBatch)
    assert made.batch.energy[:, 0].tolist() == [50, 50]
    assert made.batch.prior_reading.tolist() == []


def test_an_empty_batch_makes_an_empty_batch() -> None:
    vee = running()
    empty = decoded(vee.links, [])
    assert isinstance(empty, DecodedBatch)
    made = vee.step.advance(Parcel(Origin("log", 0, 9), empty), vee.store, vee.prepared)
    assert isinstance(made.parcel.batch, ReadingBatch)
    assert len(made.parcel.batch.service_point) == 0


@pytest.mark.parametrize("interval", [900, 1800, 3600])
def test_meters_of_half_and_double_the_usual_interval_settle_alike(interval: int) -> None:
    vee = Vee([replace(METER, interval=interval, limit=0, numerator=1000)])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + DAY - 1)
    count = DAY // interval
    rows = blocks(0, MIDNIGHT, range(100, 100 + count), interval)
    vee.arrive([*rows[:5], *rows[6:], register(0, MIDNIGHT, 0)])
    vee.arrive([register(0, MIDNIGHT + DAY, sum(range(100, 100 + count)))])
    vee.tick(MIDNIGHT + DAY)
    settled = vee.days[POINT, MIDNIGHT // DAY + 1]
    assert (settled.counts, settled.unexplained[0]) == ([count - 1, 1, 0, 0], 0)
    assert vee.final[POINT, MIDNIGHT + 5 * interval].energy[0] == 105_000


def test_an_interval_that_no_place_fits_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="INTERVAL_MISFIT"):
        Vee([replace(METER, interval=300)])


@pytest.mark.parametrize("options", [{"hot_dayz": 3}, {"timezone": "Europe/Berlin"}, {"slot_secs": 1000}])
def test_an_option_that_is_not_known_or_not_possible_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VeeConfig.model_validate(options)


def test_references_without_a_version_are_told_apart_by_their_content() -> None:
    vee = running()
    one = vee.step.prepare(references([METER]))
    assert one.tag == vee.prepared.tag
    assert vee.step.prepare(references([replace(METER, numerator=2)])).tag != one.tag
