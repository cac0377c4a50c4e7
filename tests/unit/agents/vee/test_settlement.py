"""Substitutes and settlements of the VEE step, by the numbers of the field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.vee import work
from agents.vee.config import VeeConfig
from pipeline.codes import RULE_BIT, Method, Quality
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, register
from tests.oracles.vee_oracle import DAY, Link, Row

POINT, METER = 7, Link(1007, 7, 0, FOREVER)
FIRST = MIDNIGHT // DAY + 1
"""Local day number of the first day."""

QUIET = [100] * 48


def rule(code: str) -> int:
    """Bit of a rule."""
    return 1 << RULE_BIT[code]


def day_of(vee: Vee, energies: list[int | None], *, opening: int | None = None, closing: int | None = None) -> None:
    """A day of half hours (None: not sent) and registers, then the tick that closes it."""
    vee.tick(MIDNIGHT)
    rows = [] if opening is None else [register(0, MIDNIGHT, opening)]
    for place, energy in enumerate(energies):
        if energy is not None:
            rows += blocks(0, MIDNIGHT + 1800 * place, [energy])
    vee.tick(MIDNIGHT + DAY - 1)
    vee.arrive(rows)
    if closing is not None:
        vee.arrive([register(0, MIDNIGHT + DAY, closing)])
    vee.tick(MIDNIGHT + DAY)


def published(vee: Vee, first: int, last: int) -> list[int]:
    """wh_imp of places [first, last) of the first day."""
    return [vee.final[POINT, MIDNIGHT + 1800 * place].energy[0] for place in range(first, last)]


def test_a_short_gap_is_a_line_between_its_neighbours() -> None:
    vee = Vee([METER])
    day_of(vee, [*[400] * 11, None, None, None, 800, *[400] * 33])
    assert published(vee, 11, 14) == [500, 600, 700]
    reading = vee.final[POINT, MIDNIGHT + 1800 * 11]
    assert (reading.method, reading.rules, reading.quality[0]) == (Method.LINEAR, rule("V01"), Quality.ESTIMATED)


def test_a_gap_longer_than_two_hours_is_no_line() -> None:
    vee = Vee([METER])
    day_of(vee, [*QUIET[:10], 400, *[None] * 5, 800, *QUIET[17:]])
    assert vee.final[POINT, MIDNIGHT + 1800 * 12].method == Method.CARRIED


def test_substitutes_are_scaled_to_what_the_registers_leave() -> None:
    """E06: register difference 10.0, good intervals 7.0, substitutes 2.4: each substitute times 1.25."""
    vee = Vee([METER])
    good = [0] * 44
    good[0], good[-1] = 6200, 800
    day_of(vee, [*good, None, None, None, 800], opening=1000, closing=1000 + 10_000 + 800)
    assert published(vee, 44, 47) == [1000, 1000, 1000]  # a line of 800 each, times 1.25
    assert vee.final[POINT, MIDNIGHT + 1800 * 45].method == Method.SCALED
    settled = vee.days[POINT, FIRST]
    assert (settled.actual[0], settled.estimated[0], settled.unexplained[0]) == (7800, 3000, 0)
    assert settled.counts == [45, 3, 0, 0]


def test_whole_watt_hours_go_to_the_largest_fractions_first_in_time() -> None:
    vee = Vee([METER])
    day_of(vee, [*QUIET[:44], None, None, None, 100], opening=0, closing=45 * 100 + 305)
    assert published(vee, 44, 47) == [102, 102, 101]


def test_energy_that_no_interval_suggests_is_spread_evenly() -> None:
    vee = Vee([METER])
    day_of(vee, [None] * 48, opening=5000, closing=5000 + 4801)
    assert published(vee, 0, 48) == [101] + [100] * 47
    assert vee.final[POINT, MIDNIGHT].method == Method.FLAT


@pytest.mark.parametrize(
    ("peaks", "is_spike"), [((5000, 1900, 1500), True), ((4000, 3000, 1500), False), ((450, 90, 80), False)]
)
def test_a_spike_stands_more_than_180_percent_above_the_third_highest(
    peaks: tuple[int, int, int], is_spike: bool
) -> None:
    vee = Vee([METER])
    day_of(vee, [60, 60, peaks[0], 60, peaks[1], 60, peaks[2], *[60] * 41])
    reading = vee.final[POINT, MIDNIGHT + 1800 * 2]
    assert bool(reading.rules & rule("V14")) is is_spike
    assert reading.energy[0] == (60 if is_spike else peaks[0])


def test_a_spike_that_the_registers_confirm_is_consumption() -> None:
    vee = Vee([METER])
    day_of(vee, [60, 5000, *[60] * 46], opening=0, closing=47 * 60 + 5000)
    assert vee.final[POINT, MIDNIGHT + 1800].quality[0] == Quality.ACTUAL
    assert vee.days[POINT, FIRST].demand == [5000, 5000]


def test_a_spike_that_the_registers_deny_is_what_they_leave() -> None:
    vee = Vee([METER])
    day_of(vee, [60, 5000, *[60] * 46], opening=0, closing=47 * 60 + 75)
    reading = vee.final[POINT, MIDNIGHT + 1800]
    assert (reading.energy[0], reading.method, reading.rules) == (75, Method.SCALED, rule("V14"))
    settled = vee.days[POINT, FIRST]
    assert (settled.suspect[0], settled.unexplained[0], settled.demand[0]) == (5000, 0, 60)


def test_intervals_that_contradict_the_registers_are_all_scaled() -> None:
    vee = Vee([METER])
    day_of(vee, list(QUIET), opening=0, closing=4900)
    assert sum(published(vee, 0, 48)) == 4900
    reading = vee.final[POINT, MIDNIGHT]
    assert (reading.method, reading.rules, reading.quality[0]) == (Method.SCALED, rule("V12"), Quality.ESTIMATED)
    assert vee.days[POINT, FIRST].counts == [0, 48, 0, 0]


def test_a_difference_within_the_tolerance_goes_to_one_interval() -> None:
    vee = Vee([METER], VeeConfig(sum_tolerance_wh=20))
    day_of(vee, list(QUIET), opening=0, closing=4815)
    assert published(vee, 46, 48) == [100, 115]
    assert vee.final[POINT, MIDNIGHT + 1800 * 47].method == Method.ROUNDING


def test_what_a_fractional_factor_loses_is_put_on_the_last_interval() -> None:
    vee = Vee([replace(METER, numerator=5, denominator=3)])
    day_of(vee, list(QUIET), opening=10, closing=4810)
    settled = vee.days[POINT, FIRST]
    assert published(vee, 0, 2) == [166, 166]
    assert settled.register_energy[0] == 4810 * 5 // 3 - 10 * 5 // 3 == settled.actual[0]
    last = vee.final[POINT, MIDNIGHT + 1800 * 47]
    assert (last.method, last.quality[0]) == (Method.ROUNDING, Quality.ACTUAL)


def test_each_channel_is_scaled_to_its_own_register() -> None:
    vee = Vee([replace(METER, net_meter=True)])
    vee.tick(MIDNIGHT)
    rows = [Row(0, True, MIDNIGHT + 1800 * (place + 1), (100, 110, 50, 55)) for place in range(48) if place != 20]
    rows += [Row(0, False, MIDNIGHT, (0, 0, 0, 0)), Row(0, False, MIDNIGHT + DAY, (4830, 5300, 2360, 2640))]
    vee.tick(MIDNIGHT + DAY - 1)
    vee.arrive(rows)
    vee.tick(MIDNIGHT + DAY)
    gap = vee.final[POINT, MIDNIGHT + 1800 * 20]
    assert gap.energy == (130, 130, 10, 55)
    assert vee.days[POINT, FIRST].unexplained == [0, 0, 0, 0]


def test_one_channel_that_contradicts_its_register_leaves_the_others_actual() -> None:
    vee = Vee([replace(METER, net_meter=True)])
    vee.tick(MIDNIGHT)
    rows = [Row(0, True, MIDNIGHT + 1800 * (place + 1), (100, 110, 0, 0)) for place in range(48)]
    rows += [Row(0, False, MIDNIGHT, (0, 0, 0, 0)), Row(0, False, MIDNIGHT + DAY, (4800, 5000, 0, 0))]
    vee.tick(MIDNIGHT + DAY - 1)
    vee.arrive(rows)
    vee.tick(MIDNIGHT + DAY)
    assert vee.final[POINT, MIDNIGHT].quality == (Quality.ACTUAL, Quality.ESTIMATED, Quality.ACTUAL, Quality.ACTUAL)
    assert vee.days[POINT, FIRST].demand[0] == 100


def test_a_reversed_current_transformer_is_remarked_upon_and_kept() -> None:
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.arrive([Row(0, True, MIDNIGHT + 1800, (0, 0, 300, 310))])
    reading = vee.final[POINT, MIDNIGHT]
    assert (reading.energy, reading.rules, reading.quality[2]) == ((0, 0, 300, 310), rule("V32"), Quality.ACTUAL)


def test_a_register_that_passed_its_modulus_goes_on() -> None:
    vee = Vee([replace(METER, limit=7000)])
    day_of(vee, list(QUIET), opening=10**9 - 1000, closing=3800)
    settled = vee.days[POINT, FIRST]
    assert (settled.register_energy[0], settled.unexplained[0], settled.counts[0]) == (4800, 0, 48)


def test_a_register_that_fell_by_more_than_the_meter_can_pass_explains_nothing() -> None:
    vee = Vee([replace(METER, limit=7000)])
    day_of(vee, list(QUIET), opening=10**8, closing=3800)
    settled = vee.days[POINT, FIRST]
    assert (settled.register_energy[0], settled.actual[0], settled.counts[0]) == (0, 4800, 48)


# ------------------------------------------------------------------------------------------------- exchange


def exchanged(at: int, **second: object) -> list[Link]:
    """Two meters of a point, exchanged at `at`."""
    first = replace(METER, until=at, closing=(3000, 3000, 0, 0))
    return [first, replace(METER, device=1008, start=at, opening=(50, 50, 0, 0), **second)]  # type: ignore[arg-type]


def test_a_day_with_an_exchange_is_the_sum_of_both_meters_registers() -> None:
    noon = MIDNIGHT + DAY // 2
    vee = Vee(exchanged(noon))
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + DAY - 1)
    vee.arrive([register(0, MIDNIGHT, 600), *blocks(0, MIDNIGHT, [100] * 24), *blocks(1, noon, [90] * 23)])
    vee.arrive([register(1, MIDNIGHT + DAY, 50 + 23 * 90 + 40)])
    vee.tick(MIDNIGHT + DAY)
    settled = vee.days[POINT, FIRST]
    assert settled.register_energy[0] == (3000 - 600) + (23 * 90 + 40)
    assert (settled.unexplained[0], settled.registers) == (0, 1 | 2 | 4 | 16)
    assert vee.final[POINT, MIDNIGHT + DAY - 1800].energy[0] == 40


def test_at_an_exchange_at_midnight_each_day_has_its_own_meters_registers() -> None:
    vee = Vee(exchanged(MIDNIGHT + DAY))
    day_of(vee, [50] * 48, opening=600)
    assert vee.days[POINT, FIRST].register_energy[0] == 2400
    vee.tick(MIDNIGHT + 2 * DAY - 1)
    vee.arrive([*blocks(1, MIDNIGHT + DAY, [10] * 48), register(1, MIDNIGHT + 2 * DAY, 530)])
    vee.tick(MIDNIGHT + 2 * DAY)
    settled = vee.days[POINT, FIRST + 1]
    assert (settled.register_energy[0], settled.unexplained[0], settled.opening[0]) == (480, 0, 50)


def test_a_register_of_the_removed_meter_does_not_count_at_midnight() -> None:
    vee = Vee(exchanged(MIDNIGHT + DAY // 2))
    vee.tick(MIDNIGHT + DAY)
    vee.arrive([register(0, MIDNIGHT + DAY, 9999)])
    vee.tick(MIDNIGHT + 2 * DAY)
    assert vee.days[POINT, FIRST + 1].opening == [0, 0, 0, 0]


def test_an_interval_within_which_the_meter_changed_is_what_the_registers_leave() -> None:
    change = MIDNIGHT + DAY // 2 + 600
    vee = Vee(exchanged(change))
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + DAY - 1)
    vee.arrive([register(0, MIDNIGHT, 3000 - 24 * 100 - 30), *blocks(0, MIDNIGHT, [100] * 24)])
    vee.arrive(blocks(1, MIDNIGHT + DAY // 2, [45, *[90] * 23]))
    split = vee.final[POINT, MIDNIGHT + DAY // 2]
    assert (split.quality[0], split.rules & rule("V01")) == (Quality.SUSPECT, rule("V01"))
    vee.arrive([register(1, MIDNIGHT + DAY, 50 + 45 + 23 * 90)])
    vee.tick(MIDNIGHT + DAY)
    split = vee.final[POINT, MIDNIGHT + DAY // 2]
    assert (split.energy[0], split.quality[0]) == (30 + 45, Quality.ESTIMATED)
    assert vee.days[POINT, FIRST].unexplained[0] == 0


# ------------------------------------------------------------------------------------------------- lost midnights


def test_days_about_a_lost_midnight_meet_their_registers_together() -> None:
    vee = Vee([METER])
    day_of(vee, [*QUIET[:40], *[None] * 8], opening=0)
    vee.tick(MIDNIGHT + 2 * DAY - 1)
    vee.arrive([*blocks(0, MIDNIGHT + DAY, QUIET), register(0, MIDNIGHT + 2 * DAY, 4000 + 4800 + 888)])
    vee.tick(MIDNIGHT + 2 * DAY)
    assert published(vee, 40, 48) == [111] * 8
    first, second = vee.days[POINT, FIRST], vee.days[POINT, FIRST + 1]
    assert (first.registers, second.registers) == (1 | 4 | 8, 2 | 8)
    assert first.actual[0] + first.estimated[0] + second.actual[0] + second.estimated[0] == 9688


def test_energy_of_a_day_that_has_left_the_window_still_counts_against_its_register() -> None:
    """Register at midnight 0, none at 1, 2 and 3, one at 4: the last days take what the first ones did not."""
    vee = Vee([METER])
    day_of(vee, list(QUIET), opening=0)
    for day in range(1, 4):
        vee.tick(MIDNIGHT + (day + 1) * DAY - 1)
        vee.arrive(blocks(0, MIDNIGHT + day * DAY, [100] * 48 if day < 3 else [100] * 47))
        if day == 3:
            vee.arrive([register(0, MIDNIGHT + 4 * DAY, 4 * 4800 + 7)])
        vee.tick(MIDNIGHT + (day + 1) * DAY)
    total = sum(row.actual[0] + row.estimated[0] for row in vee.days.values())
    assert total == 4 * 4800 + 7
    assert vee.final[POINT, MIDNIGHT + 4 * DAY - 1800].energy[0] == 107


def test_a_late_register_settles_its_days_at_the_next_tick() -> None:
    vee = Vee([METER])
    day_of(vee, [*QUIET[:47], None], opening=0)
    assert vee.final[POINT, MIDNIGHT + DAY - 1800].energy[0] == 100
    vee.arrive([register(0, MIDNIGHT + DAY, 4790)])
    vee.tick(MIDNIGHT + DAY + 1800)
    assert vee.final[POINT, MIDNIGHT + DAY - 1800].energy[0] == 90
    assert vee.days[POINT, FIRST].unexplained[0] == 0


def test_a_late_interval_takes_the_place_of_its_substitute() -> None:
    vee = Vee([METER])
    day_of(vee, [*QUIET[:47], None], opening=0, closing=4790)
    vee.arrive(blocks(0, MIDNIGHT + DAY - 1800, [90]))
    assert vee.final[POINT, MIDNIGHT + DAY - 1800].quality[0] == Quality.ACTUAL
    vee.tick(MIDNIGHT + DAY + 1800)
    settled = vee.days[POINT, FIRST]
    assert (settled.counts, settled.unexplained[0]) == ([48, 0, 0, 0], 0)


def test_a_day_is_final_when_it_leaves_the_window() -> None:
    vee = Vee([METER])
    day_of(vee, list(QUIET), opening=0, closing=4800)
    vee.tick(MIDNIGHT + 3 * DAY - 1)
    assert vee.days[POINT, FIRST].state == 0
    vee.tick(MIDNIGHT + 3 * DAY)
    assert vee.days[POINT, FIRST].state == 1
    vee.arrive(blocks(0, MIDNIGHT, [100]))
    assert vee.rejects["TOO_OLD"] == 1


def test_a_meter_removed_at_midnight_settles_its_day_whatever_its_successor_reads() -> None:
    removed, successor = exchanged(MIDNIGHT + DAY)
    vee = Vee([removed, replace(successor, opening=None)])
    day_of(vee, [50] * 47 + [None], opening=600)
    assert (vee.days[POINT, FIRST].register_energy[0], vee.days[POINT, FIRST].unexplained[0]) == (2400, 0)
    vee.tick(MIDNIGHT + 2 * DAY)
    assert sum(published(vee, 0, 48)) == 2400, "the day stays settled when the next one closes"


@pytest.mark.parametrize("limit", [0, 6000], ids=["interval by interval", "from the day's sums"])
def test_a_clean_day_has_the_same_row_either_way(limit: int) -> None:
    vee = Vee([replace(METER, limit=limit)])
    day_of(vee, [100] * 20 + [900] + [100] * 20 + [900] + [100] * 6, opening=50, closing=50 + 46 * 100 + 1800)
    settled = vee.days[POINT, FIRST]
    assert (settled.registers, settled.counts, settled.unexplained[0]) == (3, [48, 0, 0, 0], 0)
    assert (settled.opening[0], settled.closing[0], settled.register_energy[0], settled.actual[0]) == (
        50,
        6450,
        6400,
        6400,
    )
    assert (settled.demand[0], settled.demand_start[0]) == (900, MIDNIGHT + 20 * 1800), "of equal demands the first"


@pytest.mark.parametrize("opening", [None, 50])
@pytest.mark.parametrize("limit", [0, 6000], ids=["interval by interval", "from the day's sums"])
def test_a_whole_day_without_a_closing_register_has_the_same_row_either_way(limit: int, opening: int | None) -> None:
    vee = Vee([replace(METER, limit=limit)])
    day_of(vee, [100] * 20 + [900] + [400] * 2 + [100] * 25, opening=opening)
    settled = vee.days[POINT, FIRST]
    assert (settled.registers, settled.counts, settled.opening[0]) == (int(opening == 50), [48, 0, 0, 0], opening or 0)
    assert (settled.actual[0], settled.register_energy[0], settled.unexplained[0]) == (6200, 0, 0)
    assert (settled.demand[0], settled.demand_start[0]) == (900, MIDNIGHT + 20 * 1800)


@pytest.mark.parametrize("limit", [0, 6000], ids=["interval by interval", "from the day's sums"])
@pytest.mark.parametrize(("second", "third", "suspects"), [(400, 100, 1), (900, 100, 2), (900, 400, 0)])
def test_without_a_register_what_stands_out_is_a_spike_either_way(
    limit: int, second: int, third: int, suspects: int
) -> None:
    vee = Vee([replace(METER, limit=limit)])
    day_of(vee, [50] * 20 + [1000, second, third] + [50] * 25)
    settled = vee.days[POINT, FIRST]
    assert settled.suspect[0] == sum([1000, second][:suspects])
    assert settled.counts == [48 - suspects, suspects, 0, 0]


@pytest.mark.parametrize("limit", [0, 6000], ids=["interval by interval", "from the day's sums"])
@pytest.mark.parametrize("early", [False, True], ids=["", "one that is older than the log"])
def test_the_day_in_which_the_log_begins_has_the_intervals_since_then(limit: int, early: bool) -> None:
    vee = Vee([replace(METER, limit=limit)])
    vee.tick(MIDNIGHT + DAY // 2)
    if early:
        vee.arrive(blocks(0, MIDNIGHT + 1800 * 10, [500]))
    for place in range(24, 48):
        vee.arrive(blocks(0, MIDNIGHT + 1800 * place, [100 + place]))
        vee.tick(MIDNIGHT + 1800 * (place + 1))
    settled = vee.days[POINT, FIRST]
    energy = sum(range(124, 148)) + 500 * early
    assert (settled.actual[0], settled.counts) == (energy, [24 + early, 0, 0, 0])
    assert settled.demand[0] == (500 if early else 147)


def test_a_gap_in_which_nothing_was_used_is_a_substitute_of_zero() -> None:
    vee = Vee([replace(METER, limit=6000)])
    day_of(vee, [*QUIET[:47], None], opening=0, closing=4700)
    last = vee.final[POINT, MIDNIGHT + DAY - 1800]
    assert (last.energy[0], last.quality[0]) == (0, Quality.ESTIMATED)
    assert vee.days[POINT, FIRST].counts == [47, 1, 0, 0]


@pytest.mark.parametrize("most", [1, 7])
def test_a_settlement_that_notes_few_points_without_planes_ends_in_the_same(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = [Link(1000 + point, point, 0, FOREVER) for point in POINTS[:20]]

    def settled() -> Vee:
        vee = Vee(links)
        vee.tick(MIDNIGHT)
        for day in range(3):
            begin, rows = MIDNIGHT + day * DAY, []
            for number in range(len(links)):
                energies: list[int | None] = [100 + number] * 48
                energies[number], energies[(number + 5) % 48] = 5000, None
                rows += [register(number, begin, (100 + number) * 48 * day)]
                for place, energy in enumerate(energies):
                    rows += [] if energy is None else blocks(number, begin + 1800 * place, [energy])
            vee.tick(begin + DAY - 1)
            vee.arrive(rows)
            vee.arrive([register(number, begin + DAY, (100 + number) * 48 * (day + 1)) for number in range(len(links))])
            vee.tick(begin + DAY)
        return vee

    usual = settled()
    monkeypatch.setattr(work, "MOST_WANTED", most)
    few = settled()
    assert (few.final, few.days) == (usual.final, usual.days)
    spike = usual.final[POINTS[3], MIDNIGHT + 1800 * 3]
    assert (spike.energy[0], spike.method, spike.rules) == (103, Method.SCALED, rule("V14"))
