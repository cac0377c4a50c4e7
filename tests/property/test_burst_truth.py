"""The truth of a burst's meter against the VEE step, for energies that no burst has: spikes come, and go again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.truth.history import PER_DAY, Meter
from tests.builders_vee import MIDNIGHT, POINTS, Vee
from tests.oracles.vee_oracle import OFFSET, Link, Row

SECS = 1800
MOST_LAG = 3


@dataclass(frozen=True)
class Sending:
    """What a meter sends: Wh, by how many intervals it is late (None: never comes), from interval `first` on."""

    first: int
    pushes: tuple[tuple[int, int | None], ...]

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.pushes))

    def energy(self, number: int) -> tuple[int, int, int, int]:
        wh = self.pushes[number - self.first][0]
        return wh, wh + 30, 0, 0

    def arrival(self, number: int) -> int | None:
        """The interval at whose end it comes."""
        lag = self.pushes[number - self.first][1]
        return None if lag is None or number + lag not in self.numbers else number + lag


def lived(sending: Sending) -> Meter:
    numbers = sending.numbers
    arrivals = {number: sending.arrival(number) for number in numbers}
    lost = frozenset(number for number, then in arrivals.items() if then is None)
    late = {number: then for number, then in arrivals.items() if then is not None and then > number}
    return Meter(numbers, {number: sending.energy(number) for number in numbers}, lost, late).live()


def judged(sending: Sending) -> Vee:
    vee = Vee([Link(1, POINTS[0], MIDNIGHT, 2**40)])
    vee.tick(MIDNIGHT + (sending.first - 1) * SECS)
    for now in sending.numbers:
        due = [number for number in range(now, now - MOST_LAG - 1, -1) if number in sending.numbers]
        came = [number for number in due if sending.arrival(number) == now]
        rows = [Row(0, True, MIDNIGHT + number * SECS, sending.energy(number)) for number in came]
        vee.arrive(rows)
        vee.tick(MIDNIGHT + now * SECS)
    return vee


Said = dict[int, list[tuple[tuple[int, ...], int, int, int]]]


def said_by_truth(meter: Meter) -> Said:
    told: Said = defaultdict(list)
    for version in meter.versions:
        told[version.number].append((version.energy, int(version.quality), int(version.method), version.rules))
    return told


def said_by_vee(vee: Vee) -> Said:
    told: Said = defaultdict(list)
    for batch in vee.batches:
        for row in range(len(batch.service_point)):
            number = (int(batch.interval_start[row]) - MIDNIGHT) // SECS + 1
            told[number].append(
                (tuple(batch.energy[row].tolist()), int(batch.quality[row]) & 15, int(batch.method[row]),
                 int(batch.rules[row]))
            )  # fmt: skip
    return told


Days = list[tuple[int, int, int, int]]


def days_of_truth(meter: Meter) -> Days:
    """(day, Wh in force, intervals as sent, highest of them) of every settlement that writes a day."""
    told = []
    for settlement in meter.settlements:
        for day in sorted(settlement.changed):
            inside = {n: v.energy[0] for n, v in settlement.published.items() if (n - 1) // PER_DAY == day}
            used = [wh for number, wh in inside.items() if number in settlement.used]
            told.append((day, sum(inside.values()), len(used), max(used, default=0)))
    return told


def days_of_vee(vee: Vee) -> Days:
    told = []
    for batch in vee.batches:
        for row in range(len(batch.day_service_point)):
            day = (int(batch.day_start[row]) - MIDNIGHT) // (PER_DAY * SECS)
            wh = int(batch.day_actual[row, 0] + batch.day_estimated[row, 0])
            told.append((day, wh, int(batch.day_counts[row, 0]), int(batch.day_demand[row, 0])))
    return told


LAGS = st.sampled_from((0, 0, 0, 0, 1, 2, 3, None))
ENERGIES = st.one_of(st.integers(100, 700), st.sampled_from((300, 500, 501, 1400, 1401, 4300)))
PUSHES = st.tuples(ENERGIES, LAGS)
SENDINGS = st.builds(
    Sending,
    st.integers(40, 48),
    st.sampled_from((5, 12, 55, 95)).flatmap(lambda most: st.lists(PUSHES, min_size=most, max_size=most).map(tuple)),
)
"""Over up to two midnights, as far as the truth reaches."""
RESTORED = Sending(43, ((300, 0), (1500, 0), (300, 0), (300, 0), (300, 0), (1400, 1), (300, 0)))
"""At midnight 1,500 is a spike: the third highest is 300; then 1,400 comes. Two lie above the third highest still."""
THIRD = Sending(43, ((1400, 0), (1500, 0), (300, 0), (300, 0), (300, 0), (1400, 1), (300, 0)))
"""The same with a third of that size: no spike any more."""


def test_the_meters_zone_is_the_truths() -> None:
    assert (MIDNIGHT + OFFSET) % (PER_DAY * SECS) == 0


def test_a_spike_is_as_sent_again_when_a_late_push_shows_that_it_was_none() -> None:
    told = said_by_truth(lived(THIRD))
    assert [said[0][0] for said in told[44]] == [1500, 300, 1500]
    assert [version.arrived for version in lived(THIRD).versions if version.number == 44] == [True, False, False]
    assert said_by_truth(lived(RESTORED))[44][-1][0][0] != 1500


@settings(max_examples=60, deadline=None)
@example(RESTORED)
@example(THIRD)
@given(SENDINGS)
def test_every_revision_and_every_settled_day_of_a_meter_is_the_steps(sending: Sending) -> None:
    meter, vee = lived(sending), judged(sending)
    assert vee.rejects == {}
    assert said_by_truth(meter) == said_by_vee(vee)
    assert days_of_truth(meter) == days_of_vee(vee)
