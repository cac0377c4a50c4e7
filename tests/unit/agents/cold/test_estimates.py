"""What the cold lane makes of gaps when it has weeks of readings and facts beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents.cold.beside import Laid, checks_on, nodes_above, temperatures_on
from agents.cold.estimates import V12, Refill, copied
from agents.cold.history import AROUND, CHECK, NEIGHBOUR, TEMPERATURE, Around, History
from agents.cold.replay import Reading, Replayed
from agents.vee.config import VeeConfig
from agents.vee.estimate.model import GOOD, LACKS, NO_TEMPERATURE
from pipeline.codes import Flag, Method, Quality
from tests.builders_vee import registry
from tests.oracles.vee_oracle import DAY, OFFSET, Link

HOUR, FIRST, WEEKS = 3600, 20_020, 28
"""First replayed local day; days of readings around before it."""
POINT, PEERS = 7, range(11, 17)
BEGIN = FIRST * DAY - OFFSET
LINKS = [Link(device=point, point=point, start=0, until=2**40, interval=HOUR) for point in (POINT, *PEERS)]
NOTHING, OPENING, CLOSING = 0, 1, 2
FLAGS = int(Flag.DISCARDED)
"""Of what is estimated."""


def used(day: int, hour: int) -> int:
    """Wh that the meter measures: more on days of a higher number within a week."""
    return 100 + 10 * hour + 40 * (day % 7)


def around(days: int = WEEKS, peers: bool = False, end: int = FIRST) -> Around:
    found = []
    for point in (POINT, *(PEERS if peers else ())):
        scale = 1 if point == POINT else point - 9
        for day in range(FIRST - days, end if point == POINT else FIRST + 6):
            for hour in range(24):
                # On the third replayed day all of the neighbourhood uses its energy in the evening.
                wh = used(day, hour) if day != FIRST + 2 else (500 if hour >= 18 else 10)
                row = np.zeros((), AROUND)
                row["service_point"], row["start"], row["secs"] = point, day * DAY - OFFSET + hour * HOUR, HOUR
                row["quality"], row["energy"] = 0x11, (wh * scale, wh * scale * 11 // 10, 0, 0)
                found.append(row)
    return Around(readings=np.array(found, AROUND) if found else np.zeros(0, AROUND))


def replayed(gaps: dict[int, range], registers: dict[int, int], method: Method = Method.LIKE_DAY) -> Replayed:
    """Five days from FIRST on; the hours of `gaps` (by day from FIRST) are estimated as 200 Wh, 240 VAh each."""
    made = Replayed()
    for number in range(5):
        start, estimated = BEGIN + number * DAY, [0, 0, 0, 0]
        for hour in range(24):
            wh = used(FIRST + number, hour)
            reading = Reading((wh, wh * 11 // 10, 0, 0), (Quality.ACTUAL, Quality.ACTUAL, 0, 0), 0, 0, HOUR)
            if hour in gaps.get(number, ()):
                estimates = (Quality.ESTIMATED, Quality.ESTIMATED, 0, 0)
                reading = Reading((200, 240, 0, 0), estimates, int(method), 1, HOUR, FLAGS)
                estimated = [estimated[0] + 200, estimated[1] + 240, 0, 0]
            made.readings[POINT, start + hour * HOUR] = reading
        hours = len(gaps.get(number, ()))
        made.days[POINT, start] = {
            "registers": registers.get(number, NOTHING), "estimated": estimated, "counts": [24 - hours, hours, 0, 0],
        }  # fmt: skip
    return made


def without(made: Replayed, day: int) -> Replayed:
    """The day's estimates are missing instead: the window knew nothing to go by."""
    start = BEGIN + day * DAY
    gone = 0
    for hour in range(24):
        was = made.readings[POINT, start + hour * HOUR]
        if was.quality[0] == Quality.ESTIMATED:
            gone += 1
            absent = (Quality.MISSING, Quality.MISSING, 0, 0)
            nothing = was._replace(energy=(0, 0, 0, 0), quality=absent, method=int(Method.NONE))
            made.readings[POINT, start + hour * HOUR] = nothing
    made.days[POINT, start] |= {"estimated": [0, 0, 0, 0], "counts": [24 - gone, 0, gone, 0]}
    return made


def refilled(
    made: Replayed, beside: Around, days: list[int], last: int = 4, pinned: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Replayed, set[int]]:
    refill = Refill(VeeConfig(), registry(LINKS), History(0), beside, pinned, copied(made))
    whole = refill.point(POINT, [FIRST + day for day in days], FIRST, FIRST + last)
    return refill.made, {day - FIRST for day in whole}


def values(made: Replayed, day: int, hours: range, channel: int = 0) -> list[int]:
    return [made.readings[POINT, BEGIN + day * DAY + hour * HOUR][0][channel] for hour in hours]


def methods(made: Replayed, day: int, hours: range) -> set[int]:
    return {made.readings[POINT, BEGIN + day * DAY + hour * HOUR][2] for hour in hours}


def estimated(made: Replayed, day: int) -> list[int]:
    found: Any = made.days[POINT, BEGIN + day * DAY]["estimated"]
    return list(found)


def test_without_registers_a_gap_is_what_days_around_say() -> None:
    made, whole = refilled(replayed({2: range(24)}, {}), around(), [2])
    assert whole == {2}
    assert values(made, 2, range(24)) == [used(FIRST + 2, hour) for hour in range(24)]
    assert methods(made, 2, range(24)) == {Method.LIKE_DAY}
    assert {made.readings[POINT, BEGIN + 2 * DAY + hour * HOUR].flags for hour in range(24)} == {FLAGS}
    assert estimated(made, 2)[0] == sum(used(FIRST + 2, hour) for hour in range(24))


def test_what_is_missing_without_registers_is_estimated_too() -> None:
    made, whole = refilled(without(replayed({2: range(24)}, {}), 2), around(), [2])
    assert whole == {2}
    assert values(made, 2, range(24)) == [used(FIRST + 2, hour) for hour in range(24)]
    assert made.days[POINT, BEGIN + 2 * DAY]["counts"] == [0, 24, 0, 0]
    assert {made.readings[POINT, BEGIN + 2 * DAY + hour * HOUR][1] for hour in range(24)} == {(3, 3, 0, 0)}


def test_a_missing_day_takes_its_share_of_a_span_between_registers() -> None:
    was = without(replayed({1: range(24), 2: range(24)}, {0: CLOSING, 2: CLOSING}), 1)
    made, whole = refilled(was, around(), [2])
    assert whole == {1, 2}
    both = [sum(values(made, day, range(24))) for day in (1, 2)]
    assert sum(both) == 24 * 200
    assert both[0] * sum(used(FIRST + 2, hour) for hour in range(24)) == pytest.approx(
        both[1] * sum(used(FIRST + 1, hour) for hour in range(24)), rel=0.01
    )
    assert methods(made, 1, range(24)) == {Method.SCALED}


def test_a_missing_day_of_a_span_that_is_not_over_stays_missing() -> None:
    was = without(replayed({2: range(24)}, {1: CLOSING}), 2)
    made, whole = refilled(was, around(), [2])
    assert whole == set()
    assert made.readings == was.readings


def test_apparent_energy_follows_by_the_power_factor_of_these_days() -> None:
    made, _ = refilled(replayed({2: range(24)}, {}), around(), [2])
    for active, other in zip(values(made, 2, range(24)), values(made, 2, range(24), 1), strict=True):
        assert active <= other <= active * 11 // 10 + 1


@pytest.mark.parametrize("method", [Method.SCALED, Method.LIKE_DAY])
def test_a_day_between_registers_keeps_its_sum(method: Method) -> None:
    was = replayed({2: range(6, 12)}, {1: CLOSING, 2: OPENING | CLOSING}, method)
    made, whole = refilled(was, around(), [2])
    assert whole == {2}
    found = values(made, 2, range(6, 12))
    assert sum(found) == 1200
    assert estimated(made, 2) == estimated(was, 2)
    assert found == sorted(found)
    assert found[0] < found[-1]
    assert methods(made, 2, range(6, 12)) == {Method.SCALED if method == Method.SCALED else Method.LIKE_DAY}


def test_days_of_one_span_keep_the_sum_of_all() -> None:
    was = replayed({1: range(24), 2: range(24), 3: range(24)}, {0: CLOSING, 1: OPENING, 3: CLOSING}, Method.SCALED)
    made, whole = refilled(was, around(), [3])
    assert whole == {1, 2, 3}
    sums = [estimated(made, day)[0] for day in (1, 2, 3)]
    assert sum(sums) == 3 * 24 * 200
    wanted = [sum(used(FIRST + day, hour) for hour in range(24)) for day in (1, 2, 3)]
    for got, right in zip(sums, wanted, strict=True):
        assert abs(got * sum(wanted) - right * sum(sums)) < 24 * sum(wanted)


def test_a_day_of_a_span_that_is_not_over_keeps_its_own() -> None:
    was = replayed({1: range(24), 2: range(24), 3: range(24)}, {0: CLOSING, 1: OPENING}, Method.LIKE_DAY)
    made, whole = refilled(was, around(), [1, 2])
    assert whole == {1, 2}
    assert [estimated(made, day)[0] for day in (1, 2, 3)] == [4800, 4800, 4800]
    assert values(made, 1, range(24)) != [200] * 24
    assert values(made, 3, range(24)) == [200] * 24


def test_a_span_that_goes_beyond_what_may_be_answered_is_taken_by_days() -> None:
    was = replayed({1: range(24), 2: range(24), 3: range(24)}, {0: CLOSING, 1: OPENING, 3: CLOSING}, Method.SCALED)
    made, whole = refilled(was, around(), [1], last=2)
    assert whole == {1}
    assert estimated(made, 1)[0] == 4800


def test_a_check_meter_is_taken_times_the_ratio_of_both() -> None:
    checks = np.zeros(3 * 24, CHECK)
    checks["service_point"], checks["start"] = POINT, BEGIN + HOUR * np.arange(72)
    checks["until"] = checks["start"] + HOUR
    measured = [used(FIRST + at // 24, at % 24) // 2 for at in range(48)] + [3 * hour for hour in range(24)]
    checks["energy"] = measured
    beside = around()
    beside.checks = checks
    made, _ = refilled(replayed({2: range(24)}, {}), beside, [2])
    mine, its = sum(used(FIRST + at // 24, at % 24) for at in range(48)), sum(measured[:48])
    assert values(made, 2, range(24)) == [(2 * 3 * hour * mine + its) // (2 * its) for hour in range(24)]
    assert methods(made, 2, range(24)) == {Method.CHECK_METER}


def test_neighbours_say_when_energy_was_used_that_day() -> None:
    beside = around(peers=True)
    beside.neighbours = np.array([(POINT, peer, 0, 0) for peer in PEERS], NEIGHBOUR)
    made, _ = refilled(replayed({2: range(24)}, {}), beside, [2])
    assert methods(made, 2, range(24)) == {Method.NEIGHBOURS}
    assert values(made, 2, range(18)) == [values(made, 2, range(1))[0]] * 18
    assert values(made, 2, range(18, 24))[0] > 30 * values(made, 2, range(1))[0]
    ended = around(peers=True)
    ended.neighbours = np.array([(POINT, peer, 0, BEGIN) for peer in PEERS], NEIGHBOUR)
    made, _ = refilled(replayed({2: range(24)}, {}), ended, [2])
    assert methods(made, 2, range(24)) == {Method.LIKE_DAY}


def test_days_of_like_temperature_come_before_usual_days() -> None:
    beside = around()
    same = range(FIRST + 2 - 28, FIRST + 3, 7)
    rows = [(POINT, 0, day * DAY - OFFSET, 300 if day in (same[0], FIRST + 2) else 200) for day in same]
    beside.temperatures = np.array(rows, TEMPERATURE)
    beside.readings["energy"][(beside.readings["start"] + OFFSET) // DAY == same[0]] *= 3
    made, _ = refilled(replayed({2: range(24)}, {}), beside, [2])
    assert methods(made, 2, range(24)) == {Method.TEMPERATURE}
    assert values(made, 2, range(24)) == [3 * used(FIRST + 2, hour) for hour in range(24)]


def test_what_somebody_said_and_days_that_were_scaled_as_a_whole_stay() -> None:
    was = replayed({2: range(24), 3: range(4, 9)}, {})
    key = (POINT, BEGIN + 3 * DAY + 8 * HOUR)
    was.readings[key] = was.readings[key]._replace(rules=was.readings[key].rules | V12)
    said = (POINT, BEGIN + 2 * DAY + 5 * HOUR)
    made, whole = refilled(was, around(), [2, 3], pinned=frozenset([said]))
    assert whole == {2}
    assert made.readings[said] == was.readings[said]
    assert values(made, 3, range(24)) == values(was, 3, range(24))


def test_where_no_method_applies_nothing_changes() -> None:
    was = replayed({day: range(24) for day in range(5)}, {})
    made, whole = refilled(was, Around(), [2])
    assert whole == set()
    assert (made.readings, made.days) == (was.readings, was.days)


def test_registers_that_say_a_tenth_of_the_estimate_are_believed_more() -> None:
    was = replayed({2: range(24)}, {1: CLOSING, 2: OPENING | CLOSING}, Method.SCALED)
    beside = around()
    beside.readings["energy"] *= 10
    made, whole = refilled(was, beside, [2])
    assert whole == set()
    assert made.readings == was.readings


def test_a_check_meter_of_shorter_intervals_is_added_up() -> None:
    laid = Laid(BEGIN, HOUR, 24)
    rows = [(POINT, 0, BEGIN + at * 900, BEGIN + (at + 1) * 900, 10 + at) for at in range(7)]
    rows.append((POINT, 0, BEGIN + 5 * HOUR, BEGIN + 7 * HOUR, 500))
    value, standing = checks_on(np.array(rows, CHECK), laid)
    assert (value[0], standing[0]) == (10 + 11 + 12 + 13, GOOD)
    assert standing.tolist() == [GOOD, *[LACKS] * 23]


def test_the_nearest_temperature_of_each_day_is_taken() -> None:
    known = replace(registry(LINKS), node=np.array([5, 6, 9], np.uint32), node_parent=np.array([6, 9, 0], np.uint32))
    known.dt[:], known.feeder[:] = 5, 9
    assert list(nodes_above(known, POINT)) == [5, 6, 9]
    assert list(nodes_above(known, 999)) == []
    laid, begin = Laid(BEGIN, HOUR, 5 * 24), BEGIN
    rows = [
        (POINT, 0, begin, 200), (POINT, 0, begin + HOUR, 203), (0, 5, begin, 100), (0, 5, begin + DAY, 101),
        (0, 9, begin + DAY, 90), (0, 9, begin + 2 * DAY, -15), (0, 0, begin + 2 * DAY, 1), (0, 0, begin + 3 * DAY, 7),
        (8, 0, begin + 4 * DAY, 5), (0, 4, begin + 4 * DAY, 5),
    ]  # fmt: skip
    found = temperatures_on(Around(temperatures=np.array(rows, TEMPERATURE)), known, POINT, laid)
    assert found.tolist() == [202, 101, -15, 7, NO_TEMPERATURE]
