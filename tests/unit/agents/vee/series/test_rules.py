"""Each rule of whole series: a case that it flags, and one beside it that it must not. Golden numbers: domain 3.3."""

from __future__ import annotations

import numpy as np
import pytest

from agents.vee.config import Thresholds
from agents.vee.series import kernels_periods as kp
from agents.vee.series.judge import judge
from agents.vee.series.placing import common_grid, interval_of, place, readings
from pipeline.errors import ConfigError
from pipeline.quality import Quality
from tests.unit.agents.vee.series.series_builders import (
    LIMITS,
    START,
    bit,
    failed,
    failed_months,
    failed_spans,
    series,
)

DAY = [300, 310, 290, 305] * 12
"""48 half hours without anything to be said of them."""


def limits(**changes: int) -> Thresholds:
    return LIMITS.model_copy(update=changes)


def placed(start: list[int], value: list[int], **others: list[int]):  # type: ignore[no-untyped-def]
    types = {"captured": np.int64, "quality": np.uint8, "push": np.uint8, "source": np.uint32, "length": np.int64}
    found = readings(
        "point", "wh_imp", "Wh", np.array(start), np.array(value),
        **{name: np.array(column, types[name]) for name, column in others.items()},
    )  # fmt: skip
    on = common_grid([found], 1800, "Asia/Kolkata")
    channel, unplaced = place(found, on, LIMITS)
    return channel, unplaced.tolist()


def places(channel, code: str) -> list[int]:  # type: ignore[no-untyped-def]
    return np.flatnonzero(channel.flags & bit(code)).tolist()


def test_v01_flags_what_has_not_come() -> None:
    assert failed(series([300, None, 310]), "V01") == {1}
    assert failed(series([300, 0, 310]), "V01") == set(), "zero is a value"


def test_v02_drops_the_same_value_and_doubts_another_one() -> None:
    channel, _ = placed([START, START, START + 1800], [300, 300, 310])
    assert (places(channel, "V02"), channel.repeats.tolist(), channel.conflicts.tolist()) == ([0], [1, 0], [0, 0])
    channel, _ = placed([START, START, START + 1800], [300, 301, 310])
    assert (channel.repeats.tolist(), channel.conflicts.tolist()) == ([0, 0], [1, 0])
    channel, _ = placed([START, START + 1800], [300, 310])
    assert places(channel, "V02") == []


def test_an_actual_reading_wins_over_an_estimate_a_profile_over_a_push_and_the_later_capture() -> None:
    estimate, actual = int(Quality.ESTIMATED), int(Quality.ACTUAL)
    channel, _ = placed([START] * 2, [900, 300], quality=[estimate, actual])
    assert (channel.value[0], channel.conflicts[0]) == (300, 0), "an estimate does not cast a doubt on an actual value"
    channel, _ = placed([START] * 2, [900, 300], push=[1, 0])
    assert channel.value[0] == 300
    channel, _ = placed([START] * 2, [900, 300], captured=[START + 10, START + 20])
    assert channel.value[0] == 300
    channel, _ = placed([START] * 2, [900, 300], source=[2, 1])
    assert channel.value[0] == 300
    channel, _ = placed([START] * 2, [300, 900])
    assert channel.value[0] == 900, "nothing else tells them apart"


def test_v03_moves_a_stamp_that_is_near_and_takes_none_that_is_far() -> None:
    channel, unplaced = placed([START, START + 1800, START + 3600 + 200], [1, 2, 3])
    assert (places(channel, "V03"), channel.value.tolist(), unplaced) == ([2], [1, 2, 3], [])
    channel, unplaced = placed([START, START + 1800, START + 3600 + 700, START + 5400], [1, 2, 3, 4])
    assert (places(channel, "V03"), unplaced, channel.there.tolist()) == ([], [2], [1, 1, 0, 1])
    _, unplaced = placed([START, START + 1800, START + 3600], [1, 2, 3], length=[1800, 900, 1800])
    assert unplaced == [1], "an interval of another length"


def test_v04_flags_another_device() -> None:
    beside = {"device": np.array([7, 8, 7], np.uint64), "registered": np.array([7, 7, 0], np.uint64)}
    assert failed(series([1, 2, 3], beside=beside), "V04") == {1}


def test_v05_flags_a_clock_beyond_the_tolerance() -> None:
    beside = {"clock_offset": np.array([300, -301, 0], np.int32)}
    assert failed(series([1, 2, 3], beside=beside), "V05") == {1}


def test_v06_flags_stamps_of_the_future_and_too_old_ones() -> None:
    day = 86_400
    captured = [START + 1800, START + 1200, START + 40 * day]
    channel, _ = placed([START, START + 1800, START + 3600], [1, 2, 3], captured=captured)
    assert places(channel, "V06") == [2], "600 s ahead are allowed, 35 days of age too"
    channel, _ = placed([START, START + 1800], [1, 2], captured=[START - 700, START + 1800])
    assert places(channel, "V06") == [0]


def test_v07_flags_negative_energy_and_a_register_that_went_down() -> None:
    assert failed(series([300, -1, 0]), "V07") == {1}
    down = series(DAY * 2, registers=[(0, 90_000), (48, 10_000), (96, 24_460)])
    assert failed_spans(down, "V07") == {0}


def test_v08_takes_a_rollover_out_when_what_was_used_is_possible() -> None:
    total = sum(DAY)
    turned = series(DAY, registers=[(0, 999_990), (48, total - 10)], modulus=1_000_000)
    assert failed_spans(turned, "V08") == {0}
    assert failed_spans(turned, "V12") == set(), "the register difference is that of the intervals"
    impossible = series(DAY, registers=[(0, 900_000), (48, 5_000)], modulus=1_000_000, facts={"limit_wh": 400})
    assert failed_spans(impossible, "V08") == set()
    assert failed_spans(impossible, "V07") == {0}


def test_v09_flags_more_than_the_meter_can_pass() -> None:
    values = [1200, 1201, 300]
    assert failed(series(values, facts={"limit_wh": 1000}), "V09") == {1}
    assert failed(series(values, facts={"sanctioned_wh": 600}), "V09") == {1}
    assert failed(series(values), "V09") == set(), "nothing is known of the meter"


def test_v10_flags_a_status_of_the_meter() -> None:
    made = series([1, 2, 3], beside={"status": np.array([0, 4, 8])}, facts={"status_faults": 4})
    assert failed(made, "V10") == {1}


def test_v11_flags_tests_and_zeros_before_use() -> None:
    assert failed(series([1, 2, 3], beside={"testing": np.array([0, 1, 0], np.uint8)}), "V11") == {1}
    assert failed(series([300, 310, 290]), "V11", limits=limits(testing=1)) == {0, 1, 2}
    assert failed(series([0, 0, 0, 300, 0, 310]), "V11") == {0, 1, 2}
    assert failed(series([0, 0, 300, 0, 0, 310]), "V11") == set(), "each night is like the first"


def test_v12_flags_a_day_that_does_not_add_up_to_its_registers() -> None:
    total = sum(DAY)
    assert failed_spans(series(DAY, registers=[(0, 5000), (48, 5000 + total + 101)]), "V12") == {0}
    assert failed_spans(series(DAY, registers=[(0, 5000), (48, 5000 + total - 100)]), "V12") == set()
    with_gap = [None, *DAY[1:]]
    used = series(with_gap, registers=[(0, 5000), (48, 90_000)])
    assert failed_spans(used, "V12") == set(), "what is missing may have used it"
    assert failed_spans(series(with_gap, registers=[(0, 5000), (48, 5000 + total - 300 - 101)]), "V12") == {0}
    limit = {"limit_wh": 1000}
    assert failed_spans(series(with_gap, registers=[(0, 0), (48, total + 1001)], facts=limit), "V12") == {0}
    assert failed_spans(series(with_gap, registers=[(0, 0), (48, total + 1000)], facts=limit), "V12") == set()
    large = [100 * value for value in DAY]
    assert failed_spans(series(large, registers=[(0, 0), (48, 100 * total * 1004 // 1000)]), "V12") == set(), "0.5 %"


def test_v13_flags_zones_that_do_not_add_up() -> None:
    total = sum(DAY)
    zones = np.array([[0, total - 4000], [0, 3899]])
    made = series(DAY, registers=[(0, 0), (48, total)], beside={"zones": zones})
    assert failed_spans(made, "V13") == {0}
    made = series(DAY, registers=[(0, 0), (48, total)], beside={"zones": np.add(zones, [[0, 0], [0, 101]])})
    assert failed_spans(made, "V13") == set()


@pytest.mark.parametrize(("peaks", "fails"), [((5000, 1900, 1500), True), ((4000, 3000, 1500), False)])
def test_v14_golden_numbers(peaks: tuple[int, int, int], fails: bool) -> None:
    day = [200 + place * 37 % 101 for place in range(45)] + list(peaks)
    assert failed(series(day), "V14") == ({45} if fails else set()), "2.333 and 1.667 against 1.8"


def test_v14_leaves_small_intervals_and_what_is_usual_in_the_series() -> None:
    assert failed(series([20] * 47 + [500]), "V14") == set(), "a kettle is no spike"
    evening = [200 + place * 37 % 101 for place in range(48)]
    evening[40] = 2500
    assert failed(series(evening), "V14") == {40}, "of one day nothing is usual"
    month = evening * 30
    assert failed(series(month), "V14") == set(), "each day has it"
    month[40 + 48 * 9] = 25_000
    assert failed(series(month), "V14") == {40 + 48 * 9}


def test_v14_is_not_misled_by_the_spikes_themselves() -> None:
    day = [200 + place * 37 % 101 for place in range(48)]
    month = day * 35
    spikes = {48 * number + 7 * number % 48 for number in range(0, 35, 3)}
    for at in spikes:
        month[at] = 1500
    assert len(spikes) == 12, "a third of the days"
    assert failed(series(month), "V14") == spikes
    half = [500 if number % 96 == 40 else value for number, value in enumerate(day * 36)]
    half[40 + 48 * 7], half[50] = 1100, 1100
    assert failed(series(half), "V14") == {50, 40 + 48 * 7}, "twice what every other day has"


def test_v15_flags_reactive_energy_without_active() -> None:
    wh = [300, 0, 0, 0, 0, 300, 0, 0, 300]
    assert failed(series(wh, varh_q1=[90] * 9), "V15") == {1, 2, 3, 4}, "two in a row are not four"
    assert failed(series([100, 100], varh_q1=[490, 489]), "V15") == {0}, "tan(acos 0.2) is 4.899"


def test_v16_flags_apparent_below_active_energy() -> None:
    assert failed(series([1000, 1000, 1000], vah_imp=[988, 989, 1050]), "V16") == {0}, "1 % and 1 VAh"


def test_v17_golden_number() -> None:
    use, days, word = np.array([5 * 30, 11 * 31]), np.array([30, 31]), np.zeros(2, np.uint64)
    kp.usage_unusual(use, days, 200, 35, word)
    assert word.tolist() == [0, int(bit("V17"))], "11 a day against 5 a day is 2.2"
    word[:] = 0
    kp.usage_unusual(np.array([5 * 30, 10 * 31]), days, 200, 35, word)
    assert word.tolist() == [0, 0]


def test_v17_prefers_the_same_month_of_last_year() -> None:
    use, days = np.array([9 * 30] + [3 * 30] * 11 + [9 * 30]), np.full(13, 30)
    word = np.zeros(13, np.uint64)
    kp.usage_unusual(use, days, 200, 35, word)
    assert np.flatnonzero(word).tolist() == [1], "the fall is told, the rise is as a year before"


def months_of(*levels: int) -> list[int]:
    """Whole months of daily values from 2025-07-01 on, somewhat above these levels."""
    lengths = zip(levels, (31, 31, 30, 31, 30, 31), strict=False)
    return [level + day * 37 % 101 for level, days in lengths for day in range(days)]


def test_v17_v19_of_a_daily_series() -> None:
    made = series(months_of(5000, 5000, 11_000), interval=86_400)
    assert failed_months(made, "V17") == {2}
    assert failed_months(made, "V19") == {2}
    made = series(months_of(5000, 5000, 5900), interval=86_400)
    assert failed_months(made, "V17") | failed_months(made, "V19") == set(), "18 % more is allowed"


def test_v18_v22_of_the_highest_interval() -> None:
    month = DAY * 31 + DAY * 30 + [300] + DAY[1:]
    month[-20] = 650
    assert failed_months(series(month), "V18") == {1}
    assert failed_months(series(month), "V22") == {1}
    month[-20] = 600
    assert failed_months(series(month), "V18") | failed_months(series(month), "V22") == set()


def test_v19_is_silent_when_a_year_ago_was_alike() -> None:
    use, days = np.array([9 * 30, *[3 * 30] * 11, 9 * 30]), np.full(13, 30)
    word = np.zeros(13, np.uint64)
    kp.audit_unusual(use, days, 20, 50, word)
    assert not word[12]
    word[:] = 0
    kp.audit_unusual(use[1:], days[1:], 20, 50, word)
    assert word[11], "without last year two months say enough"


def test_v20_golden_number() -> None:
    spans = [(0, 0), (2, 4), (4, 9)]
    assert failed_spans(series([2] * 4, registers=spans), "V20", limits(register_change_percent=19)) == {1}
    assert failed_spans(series([2] * 4, registers=spans), "V20", limits(register_change_percent=20)) == set(), "is 20 %"
    assert failed_spans(series([2] * 4, registers=spans), "V20") == set(), "off until a limit is set"


def test_v21_flags_a_jump_and_is_information() -> None:
    assert failed(series([150, 601, 600]), "V21") == {1}
    assert failed(series([150, 600, 601]), "V21") == set(), "300 % is allowed"
    assert failed(series([10, 500, 20]), "V21") == set(), "a small value has not changed"


def test_v23_flags_long_rows_of_zeros_but_none_of_an_outage() -> None:
    zeros = [300, *[0] * 36, 300]
    assert failed(series(zeros), "V23") == set(range(1, 37)), "18 hours"
    assert failed(series([300, *[0] * 35, 300]), "V23") == set()
    outage = np.array([0, *[2] * 36, 0], np.uint8)
    assert failed(series(zeros, beside={"outage": outage}), "V23") == set()
    days = [5000, *[0] * 7, 5000]
    assert failed(series(days, interval=86_400), "V23") == set(range(1, 8))
    assert failed(series([5000, *[0] * 6, 5000], interval=86_400), "V23") == set()
    industry = series([5000, 0, 5000], interval=86_400, facts={"industry": True})
    assert failed(industry, "V23") == {1}


def test_v24_flags_use_behind_an_open_relay() -> None:
    inactive = np.array([0, 1, 1, 0, 1], np.uint8)
    assert failed(series([300, 60, 41, 300, 100], beside={"inactive": inactive}), "V24") == {1, 2}, "more than 100 Wh"


def test_v25_flags_a_stuck_value_but_no_steady_standby() -> None:
    assert failed(series([300] + [450] * 12 + [310]), "V25") == set(range(2, 13)), "the first was measured"
    assert failed(series([300] + [450] * 11 + [310]), "V25") == set()
    assert failed(series([300] + [30] * 20 + [310]), "V25") == set(), "30 Wh have few digits"
    assert failed(series([300] + [0] * 20 + [310]), "V25") == set()


def test_v25_needs_fewer_repeats_where_the_series_makes_none_by_chance() -> None:
    varied = [200 + (place * 37) % 101 for place in range(300)]
    stuck = [*varied, 233, 233, 233, *varied]
    assert failed(series(stuck), "V25") == {301, 302}
    assert failed(series(stuck), "V25", limits=limits(stuck_chance_ppm=0)) == set()
    steady = [value for value in varied for _ in range(3)]
    assert failed(series(steady), "V25") == set(), "a series of steady values repeats by itself"


def test_v25_needs_few_repeats_when_all_channels_repeat() -> None:
    made = series([50, 60, 60, 60, 70], vah_imp=[55, 66, 66, 66, 77], voltage_r=[229_100, *[230_400] * 3, 231_000])
    assert failed(made, "V25") == {2, 3}
    made = series([50, 60, 60, 60, 70], vah_imp=[55, 66, 66, 66, 77], voltage_r=[229_100, 230_400, 1, 2, 3])
    assert failed(made, "V25") == set()


def test_v26_flags_energy_in_an_outage_and_none_under_voltage() -> None:
    outage = np.array([2, 1, 2, 0], np.uint8)
    assert failed(series([10, 10, 0, 10], beside={"outage": outage}), "V26") == {0}, "a part of it may have been lit"
    made = series(
        [0, 0, 0],
        facts={"nominal_mv": 230_000, "net": False},
        voltage_r=[230_000, 180_000, 230_000],
        current_r=[200, 200, 50],
    )
    assert failed(made, "V26") == {0}
    exported = series(
        [0, 0], facts={"nominal_mv": 230_000}, voltage_r=[230_000] * 2, current_r=[200] * 2, wh_exp=[40, 0]
    )
    assert failed(exported, "V26") == {1}, "the current of the first flows out"


def test_v27_flags_voltages_and_doubts_impossible_ones() -> None:
    made = series([1] * 4, facts={"nominal_mv": 230_000}, voltage_r=[184_000, 183_999, 276_001, 345_001])
    assert failed(made, "V27", "voltage_r") == {1, 2, 3}
    assert made.channels["voltage_r"].quality.tolist() == [Quality.ACTUAL] * 3 + [Quality.SUSPECT]


def test_v28_flags_a_demand_that_does_not_fit_the_blocks() -> None:
    for demand, fails in ((560, True), (600, False), (700, False)):
        assert failed_months(series(DAY, beside={"demand": np.array([demand])}), "V28") == ({0} if fails else set())
    same = series(DAY, beside={"demand": np.array([700])}, facts={"demand_same": True})
    assert failed_months(same, "V28") == {0}, "310 Wh of half an hour are 620 W, and 5 %"


def test_v29_flags_power_factors() -> None:
    made = series([950, 950, 950], vah_imp=[1000] * 3, power_factor=[960, 975, 1002])
    assert failed(made, "V29") == {1, 2}


def test_v30_flags_long_estimation() -> None:
    estimated = dict.fromkeys(range(93), Quality.ESTIMATED)
    values = months_of(5000, 5000, 5000, 5000)
    assert failed_months(series(values, interval=86_400, qualities=estimated), "V30") == {2}
    two = dict.fromkeys(range(62), Quality.ESTIMATED)
    assert failed_months(series(values, interval=86_400, qualities=two), "V30") == set()


def test_v31_flags_another_multiplier() -> None:
    assert failed_months(series(DAY, facts={"meter_ratio": (20, 1), "master_ratio": (10, 1)}), "V31") == {0}
    assert failed_months(series(DAY, facts={"meter_ratio": (20, 2), "master_ratio": (10, 1)}), "V31") == set()


def test_v32_flags_export_of_a_point_without_net_meter() -> None:
    assert failed(series([1] * 3, wh_exp=[0, 300, 201], facts={"net": False}), "V32", "wh_exp") == {1, 2}
    assert failed(series([1] * 3, wh_exp=[0, 300, 200], facts={"net": False}), "V32", "wh_exp") == set(), "500 Wh"
    assert failed(series([1] * 3, wh_exp=[0, 3000, 0], facts={"net": True}), "V32", "wh_exp") == set()


def test_v33_flags_a_channel_that_its_sibling_lacks() -> None:
    assert failed(series([300, 310, None], vah_imp=[330, None, None]), "V33") == {1}


def test_v34_flags_main_against_check() -> None:
    beside = {"check": np.array([1010, 1011, 5]), "check_there": np.array([1, 1, 0], np.uint8)}
    assert failed(series([1000, 1000, 1000], beside=beside), "V34") == {1}


def test_v35_flags_a_bus_out_of_balance() -> None:
    word = np.zeros(3, np.uint64)
    kp.unbalanced(np.full(3, 1000), np.array([990, 989, 1]), np.array([1, 1, 0], np.uint8), 10, word)
    assert np.flatnonzero(word & bit("V35")).tolist() == [1]


def test_v36_flags_a_final_value_that_a_better_one_changes() -> None:
    beside = {
        "final": np.array([1000, 1000, 1000]), "final_rank": np.array([2, 2, 5], np.uint8),
        "rank": np.array([5, 5, 2], np.uint8),
    }  # fmt: skip
    assert failed(series([1051, 1050, 2000], beside=beside), "V36") == {0}, "an estimate replaces no actual value"


def test_v37_flags_what_the_head_end_doubts() -> None:
    made = series([1, 2, 3], qualities={1: Quality.SUSPECT, 2: Quality.ESTIMATED})
    assert failed(made, "V37") == {1}


def test_what_a_rule_needs_and_is_not_there_is_told() -> None:
    made = series(DAY)
    judge(made, LIMITS)
    said = made.channels["wh_imp"].not_judged
    assert set(said) >= {"V04", "V05", "V09", "V12", "V13", "V26", "V34", "V36"}
    assert said["V12"] == "no registers"


def test_a_rule_that_is_off_flags_nothing() -> None:
    made = series([300, -1, None])
    judge(made, LIMITS, frozenset({"V07"}))
    flags = made.channels["wh_imp"].flags
    assert flags.tolist() == [0, 0, int(bit("V01"))]
    assert made.channels["wh_imp"].not_judged["V07"] == "switched off by the rule set"


def test_an_interval_is_found_out_of_the_stamps() -> None:
    start = np.array([START, START + 900, START + 1800, START + 5400])
    assert interval_of(readings("p", "wh_imp", "Wh", start, start), "Asia/Kolkata") == 900
    alone = readings("p", "wh_imp", "Wh", start[:1], start[:1])
    with pytest.raises(ConfigError, match="INTERVAL_UNKNOWN"):
        interval_of(alone, "Asia/Kolkata")
