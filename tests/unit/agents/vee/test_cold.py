"""What VEE asks of the cold lane, and what it makes of the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.vee.config import VeeConfig
from pipeline.answers import DAY_CORRECTION, day_rows
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.codes import Method, Quality
from pipeline.columns import Array, concat
from pipeline.narrow import pack_narrow, unpack_narrow
from pipeline.state import StateStore
from pipeline.statement_frames import ROW, Statement, StatementFrame
from pipeline.step import Origin, Parcel
from tests.builders_cold import stated
from tests.builders_records import emitted
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, decoded, register
from tests.oracles.vee_oracle import DAY, OFFSET, Link

POINT = POINTS[0]
LINKS = [Link(device=901, point=POINT, start=MIDNIGHT - 900 * DAY, until=2**40)]
OLD = MIDNIGHT - 5 * DAY
NOTES = 1 | 256 | 1024
"""Of a day: its opening register is known, an outage fell into it, and V26 in shadow."""


def world(cold_days: int = 30) -> Vee:
    vee = Vee(LINKS, VeeConfig(cold_days=cold_days))
    vee.tick(MIDNIGHT + 3600)
    return vee


def advance(vee: Vee, batch: DecodedBatch) -> Any:
    made = vee.step.advance(Parcel(Origin("log", 0, vee.offset), batch=batch), vee.store, vee.prepared)
    vee.offset += 1
    return made


def requests(vee: Vee, rows: list[Any]) -> tuple[list[dict[str, Any]], list[str]]:
    made = advance(vee, decoded(LINKS, rows))
    return emitted(made, "cold_requests"), [record["code"] for record in emitted(made, "rejects")]


def test_rows_that_the_window_has_lost_are_asked_for_by_point_and_day() -> None:
    rows = [*blocks(0, OLD + DAY - 3600, [310, 320, 330]), register(0, OLD + DAY, 77_000)]
    asked, refused = requests(world(), rows)
    assert refused == []
    assert [(one["service_point"], one["device"], (one["day_start"] - OLD) // DAY) for one in asked] == [
        (POINT, "0000000000000385", 0), (POINT, "0000000000000385", 1),
    ]  # fmt: skip
    assert [row["wh_imp"] for row in asked[0]["rows"]] == [310, 320]
    assert [(row["kind"], row["wh_imp"]) for row in asked[1]["rows"]] == [(1, 330), (2, 77_000)]
    assert [one["source_index"] for one in asked] == [0, 1]
    assert asked[0]["tick_time"] == MIDNIGHT + 3600


def test_what_is_older_than_the_lane_goes_back_stays_refused() -> None:
    asked, refused = requests(world(10), blocks(0, MIDNIGHT - 20 * DAY, [1]) + blocks(0, OLD, [1]))
    assert (len(asked), refused) == (1, ["TOO_OLD"])
    assert requests(world(0), blocks(0, OLD, [1])) == ([], ["TOO_OLD"])


def interval(start: int, wh: int, prior: int | None = None, **values: Any) -> Array:
    row = np.zeros((), ROW)
    row["start"], row["secs"], row["present"], row["quality"] = start, 1800, 3, Quality.ACTUAL
    row["energy"] = (wh, wh, 0, 0)
    if prior is not None:
        row["prior_energy"], row["prior_quality"] = (prior, prior, 0, 0), Quality.ESTIMATED
    for name, value in values.items():
        row[name] = value
    return row


def said(number: int, *intervals: Array, day: int = OLD, point: int = POINT, **numbers: Any) -> DecodedBatch:
    """A batch of one answer; `numbers`: of DAY_CORRECTION."""
    correction = np.zeros((), DAY_CORRECTION)
    for name, value in numbers.items():
        correction[name] = value
    rows = np.concatenate((np.array(list(intervals), ROW), day_rows(correction, day)))
    return stated(StatementFrame(Statement.ANSWER, point, number, day, rows))


def test_an_answer_becomes_readings_with_what_they_replace_and_the_settlement_of_the_day() -> None:
    vee = world()
    batch = said(
        7, interval(OLD, 300, 250, method=Method.SCALED), interval(OLD + 1800, 400), registers=3,
        opening=(1000, 1000, 0, 0), closing=(1700, 1700, 0, 0), actual=(700, 700, 0, 0), counts=(2, 46, 0, 0),
        prior_energy=(250, 250, 0, 0), prior_counts=(0, 48, 0, 0), prior_revision=4, prior_zones=(250, 0, 0, 0, 0),
        prior_registers=NOTES,
    )  # fmt: skip
    made = advance(vee, batch).parcel.batch
    assert isinstance(made, ReadingBatch)
    assert made.interval_start.tolist() == [OLD, OLD + 1800]
    assert made.energy[:, 0].tolist() == [300, 400]
    assert (made.device.tolist(), made.link.tolist(), made.frame.tolist()) == ([901, 901], [0, 0], [-1, -1])
    assert (made.quality.tolist(), made.method.tolist()) == ([0x11, 0x11], [Method.SCALED, 0])
    assert (made.prior_reading.tolist(), made.prior_energy[:, 0].tolist()) == ([0], [250])
    assert (made.day_start.tolist(), made.day_state.tolist(), made.day_closing[0, 0]) == ([OLD], [1], 1700)
    assert made.day_counts.tolist() == [[2, 46, 0, 0]]
    assert (made.correction_day.tolist(), made.correction_revision.tolist()) == ([0], [4])
    assert unpack_narrow(ReadingBatch, pack_narrow(made)).correction_registers.tolist() == [NOTES]
    assert (made.correction_energy[0, 0], made.correction_zones[0, 0]) == (250, 250)
    assert len({*made.revision.tolist(), *made.day_revision.tolist()}) == 2


def test_energies_of_one_interval_may_differ_in_quality() -> None:
    rows = (
        interval(OLD, 300, 250, present=1),
        interval(OLD, 310, 250, present=2, quality=Quality.ESTIMATED),
    )
    made = advance(world(), said(1, *rows)).parcel.batch
    assert (made.energy.tolist(), made.quality.tolist()) == ([[300, 310, 0, 0]], [0x31])
    assert made.prior_energy.tolist() == [[250, 250, 0, 0]]


@pytest.mark.parametrize("again", [3, 2])
def test_an_answer_that_comes_again_or_was_overtaken_changes_nothing(again: int) -> None:
    vee = world()
    assert len(advance(vee, said(3, interval(OLD, 300))).parcel.batch.service_point) == 1
    made = advance(vee, said(again, interval(OLD, 999))).parcel.batch
    assert len(made.service_point) == len(made.day_start) == len(made.correction_day) == 0
    assert len(advance(vee, said(4, interval(OLD, 301))).parcel.batch.service_point) == 1


def test_the_number_outlives_a_restart_and_many_days() -> None:
    vee = world()
    advance(vee, said(3, interval(OLD, 300)))
    for day in range(1, 6):
        vee.tick(MIDNIGHT + day * DAY + 3600)
    assert isinstance(vee.store, StateStore)
    vee.store = vee.store.copy()
    assert len(advance(vee, said(3, interval(OLD, 300))).parcel.batch.service_point) == 0


def test_of_a_day_in_the_window_state_knows_better() -> None:
    today = (MIDNIGHT + 3600 + OFFSET) // DAY * DAY - OFFSET
    made = advance(world(), said(3, interval(today - 2 * DAY, 300), day=today - 2 * DAY)).parcel.batch
    assert len(made.service_point) == 0


def test_what_arrives_with_an_answer_is_taken_as_ever() -> None:
    vee = world()
    batch: Any = decoded(LINKS, blocks(0, MIDNIGHT, [210, 220]))
    batch = concat(DecodedBatch, [batch, said(3, interval(OLD, 300, 100))])
    made = advance(vee, batch).parcel.batch
    assert made.energy[:, 0].tolist() == [210, 220, 300]
    assert made.prior_reading.tolist() == [2]
    assert len(set(made.revision.tolist())) == 3


def days_with_gaps(improve_secs: int) -> Vee:
    """Five days of a meter: of the second nothing comes, of the third two hours lack; of another meter all comes."""
    links = [*LINKS, Link(device=902, point=POINTS[1], start=MIDNIGHT - 900 * DAY, until=2**40)]
    vee = Vee(links, VeeConfig(cold_days=30, improve_secs=improve_secs))
    vee.tick(MIDNIGHT)
    for day in range(7):
        begin = MIDNIGHT + day * DAY
        vee.tick(begin + DAY, 3600)
        for link in range(2):
            lacks = 0 if link or day not in (1, 2) else (48, 4)[day - 1]
            vee.arrive(blocks(link, begin, [300 + slot for slot in range(48)])[lacks:])
        vee.tick(begin + DAY + 7200, 3600)
    return vee


@pytest.mark.parametrize(("improve_secs", "days"), [(86_400, [1]), (7_200, [1, 2]), (7_201, [1]), (0, [])])
def test_a_day_that_leaves_with_a_long_gap_is_asked_for_without_rows(improve_secs: int, days: list[int]) -> None:
    found = days_with_gaps(improve_secs).requests
    assert [((one["day_start"] - MIDNIGHT) // DAY, one["rows"], one["device"]) for one in found] == [
        (day, [], "0000000000000385") for day in days
    ]
    assert [one["tick_time"] for one in found] == [MIDNIGHT + (day + 3) * DAY for day in days]


def test_who_wants_estimates_anew_needs_a_lane() -> None:
    with pytest.raises(ValueError, match="cold_days"):
        VeeConfig(improve_secs=3600)
