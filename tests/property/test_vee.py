"""The VEE step against its oracle, and what must hold whatever the order of frames and the cut of batches."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.vee.kernels_part_rows import MOST_ROWS
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Vee, config_of, documents_of
from tests.oracles.settlement_oracle import (
    CARRIED,
    HEAD_END,
    LIKE_DAY,
    LINEAR,
    SCALED,
    USUAL_ERRORS,
    USUAL_ORDER,
    Published,
    Tried,
)
from tests.oracles.vee_oracle import DAY, Config, Energy, Link, Oracle, Row

Step = tuple[list[Row], tuple[int, int]]
V03 = 64
FACTORS = ((1, 1), (1, 1), (40, 1), (3, 2), (7, 3))


class Story:
    """Frames in the order that they arrive, between ticks: (rows, tick) again and again."""

    def __init__(self, links: list[Link], config: Config, steps: list[Step]) -> None:
        self.links, self.config, self.steps = links, config, steps


@dataclass
class Faults:
    """Chances of what goes wrong, in percent."""

    missing: int
    late: int
    again: int
    conflict: int
    spike: int
    negative: int
    lost_register: int
    wrong_register: int
    off_grid: int
    offered: int = 0
    doubted: int = 0
    cut: int = 0


def make_links(rng: random.Random, point: int) -> list[Link]:
    """One meter, or two with an exchange within the first days."""
    numerator, denominator = rng.choice(FACTORS)
    start, interval = rng.choice((0, MIDNIGHT, MIDNIGHT + 5400)), rng.choice((1800, 1800, 900, 3600))
    limit, modulus = rng.choice((0, 4000)), rng.choice((10**9, 0))
    first = Link(1000 + 2 * point, point, start, FOREVER, interval, numerator, denominator, limit, modulus)
    first = replace(first, net_meter=rng.random() < 0.5)
    if first.start == MIDNIGHT + 5400 and rng.random() < 0.7:
        first = replace(first, opening=(500, 600, 0, 0))
    if rng.random() < 0.6:
        return [first]
    swap = MIDNIGHT + rng.choice((DAY, DAY + 1800 * rng.randrange(48), rng.randrange(2 * DAY)))
    back = swap + rng.choice((0, 0, 7200))
    second = replace(
        first, device=first.device + 1, start=back, interval=rng.choice((first.interval, 1800, 900)), limit=0,
        opening=(7, 5, 3, 1) if rng.random() < 0.8 else None,
    )  # fmt: skip
    return [replace(first, until=swap), second]


class Meter:
    """True energies of a link and its registers."""

    def __init__(self, rng: random.Random, row: int, link: Link) -> None:
        self.rng, self.row, self.link = rng, row, link
        start = link.opening or (
            (10**9 - 60_000, 5000, 0, 0) if link.modulus and rng.random() < 0.3 else (90_000, 95_000, 100, 0)
        )
        self.register = list(start)
        self.scale = rng.choice((30, 300, 2000))

    def interval(self) -> Energy:
        """Energy of the next interval; the registers move with it."""
        wh = self.rng.randrange(self.scale)
        energy = (wh, wh + self.rng.randrange(20), self.rng.choice((0, 0, wh // 3)), 0)
        for channel, value in enumerate(energy):
            self.register[channel] += value
            if self.link.modulus:
                self.register[channel] %= self.link.modulus
        return energy

    @property
    def registers(self) -> Energy:
        a, b, c, d = self.register
        return a, b, c, d


def plain_link(rng: random.Random, point: int) -> list[Link]:
    """One meter of one interval a place, which is never exchanged."""
    numerator, denominator = rng.choice(FACTORS)
    limit, modulus = rng.choice((0, 4000)), rng.choice((10**9, 0))
    return [Link(1000 + 2 * point, point, 0, FOREVER, 1800, numerator, denominator, limit, modulus)]


def tell(
    seed: int, days: int, every: int, lateness: int, points: int, config: Config, faults: Faults, plain: bool = False
) -> Story:
    """A story of `days` days with a tick every `every` seconds."""
    rng = random.Random(seed)
    links = [link for point in POINTS[:points] for link in (plain_link if plain else make_links)(rng, point)]
    due: dict[int, list[Row]] = {}
    end = MIDNIGHT + days * DAY
    for row, link in enumerate(links):
        links[row] = _run(rng, row, link, MIDNIGHT, end, faults, due)
    story = Story(links, config, [([], (MIDNIGHT, 0))])
    times = sorted(due)
    for tick in range(MIDNIGHT + every, end + every + lateness + DAY, every):
        rows = [one for time in times if tick - every < time <= tick for one in due[time]]
        rows = shuffled(rng, rows)
        if rng.random() < 0.5 or every > 1800:  # after the tick: what is due has been estimated already
            story.steps.append(([], (tick, lateness)))
            story.steps.append((rows, (tick, lateness)))
        else:
            story.steps.append((rows, (tick, lateness)))
    return story


def _run(
    rng: random.Random, row: int, link: Link, begin: int, end: int, faults: Faults, due: dict[int, list[Row]]
) -> Link:
    """Let a meter run; returns its link with the closing register, if that was read."""
    meter, step = Meter(rng, row, link), link.interval

    def send(time: int, *rows: Row) -> None:
        late = rng.randrange(2 * DAY) if rng.randrange(100) < faults.late else 0
        due.setdefault(max(time, begin + 1) + late, []).extend(rows)

    # Places of cut rows that the meter may take: those of two meters are kept of a point.
    odd = [MOST_ROWS // 2]

    time = max(begin, -(-(link.start + 19_800) // step) * step - 19_800)
    if (time + 19_800) % DAY == 0:
        send(time, Row(row, False, time, meter.registers))
    while time + step <= min(end, link.until):
        energy = meter.interval()
        time += step
        while rng.randrange(100) < faults.offered:
            a, b, c, d = energy
            guess = (rng.choice((a, max(a + rng.randrange(-40, 40), 0), 70_000)), b, c, d)
            send(time, Row(row, True, time, guess, rng.choice(("estimate", "edit"))))
        if rng.randrange(100) < faults.cut and odd[0] >= 4:
            odd[0] -= 4
            send(time, *_cut(rng, row, time, energy, step))
        elif rng.randrange(100) >= faults.missing:
            for one in _blocks(rng, row, time, energy, faults, odd):
                send(time, one)
        if (time + 19_800) % DAY == 0 and rng.randrange(100) >= faults.lost_register:
            wrong = rng.randrange(-30, 400) if rng.randrange(100) < faults.wrong_register else 0
            a, b, c, d = meter.registers
            said = "estimate" if rng.randrange(200) < faults.offered else ""
            send(time, Row(row, False, time, (max(a + wrong, 0), b, c, d), said))
    return replace(link, closing=meter.registers) if link.until < end and rng.random() < 0.8 else link


def _cut(rng: random.Random, row: int, time: int, energy: Energy, step: int) -> list[Row]:
    """One frame of a clock that was set: a part of an interval, and its stamp once more, before or after that."""
    a, b, c, d = energy
    frame = rng.randrange(1, 2**30)
    first = Row(row, True, time, energy, frame=frame)
    part = Row(row, True, time - rng.randrange(1, step), (a // 2, b, c, d), frame=frame)
    again = Row(row, True, time + rng.choice((0, 0, 0, 100)), (a // rng.choice((1, 3)), b, c, d), frame=frame)
    return rng.choice(([first, part, again], [part, first], [first, again], [first, part, again, first]))


def _off_grid(rng: random.Random, odd: list[int]) -> int:
    """Seconds off the grid; beyond the tolerance as long as `odd` has places for the row and its interval's own."""
    off = rng.choice((rng.randrange(-350, 350), rng.randrange(-900, 900)))
    if abs(off) <= 300 or odd[0] < 2:
        return max(min(off, 250), -250)
    odd[0] -= 2
    return off


def groups(rows: list[Row]) -> list[list[Row]]:
    """Rows by frame."""
    found: dict[int, list[Row]] = {}
    for place, row in enumerate(rows):
        found.setdefault(row.frame or -place - 1, []).append(row)
    return list(found.values())


def shuffled(rng: random.Random, rows: list[Row]) -> list[Row]:
    """The same rows with their frames in another order."""
    frames = groups(rows)
    rng.shuffle(frames)
    return [row for frame in frames for row in frame]


def _blocks(rng: random.Random, row: int, time: int, energy: Energy, faults: Faults, odd: list[int]) -> list[Row]:
    a, b, c, d = energy
    if rng.randrange(100) < faults.spike:
        energy = (a * rng.choice((3, 30, 300)) + 600, b, c, d)
    if rng.randrange(100) < faults.negative:
        energy = (-a - 1, b, c, d)
    stamp = time + _off_grid(rng, odd) if rng.randrange(100) < faults.off_grid else time
    rows = [Row(row, True, stamp, energy, "suspect" if rng.randrange(100) < faults.doubted else "")]
    if rng.randrange(100) < faults.again:
        rows.append(rows[0])
    while rng.randrange(100) < faults.conflict:
        rows.append(Row(row, True, time, (abs(a + rng.randrange(-50, 50)), b, c, d)))
    return rows


percent = st.sampled_from([0, 0, 1, 5, 20])
faults = st.builds(
    Faults, missing=st.sampled_from([0, 2, 10, 50]), late=percent, again=percent, conflict=percent, spike=percent,
    negative=percent, lost_register=st.sampled_from([0, 0, 30, 100]), wrong_register=st.sampled_from([0, 0, 30]),
    off_grid=percent, offered=percent, doubted=percent, cut=percent,
)  # fmt: skip
DAYS = 2**40
OTHER_ORDERS: tuple[tuple[Tried, ...], ...] = (
    ((LIKE_DAY, 0, DAYS, 2), (LINEAR, 0, 21_600, 0), (CARRIED, 0, DAYS, 0)),
    ((CARRIED, 3600, 7200, 0), (LINEAR, 7200, None, 0), (LIKE_DAY, 0, 100_000, 1)),
    ((LIKE_DAY, 0, 3600, 0), (CARRIED, 0, DAYS, 0), (LIKE_DAY, 0, DAYS, 0)),
)
configs = st.builds(
    Config,
    hot_days=st.sampled_from([2, 3, 3, 4]),
    linear=st.sampled_from([0, 7200]),
    sum_tolerance=st.sampled_from([0, 0, 25]),
    order=st.sampled_from([USUAL_ORDER, USUAL_ORDER, *OTHER_ORDERS]),
    errors=st.sampled_from([USUAL_ERRORS, {**USUAL_ERRORS, SCALED: (1, 20, 300, 4000), HEAD_END: (7, 7, 7, 7)}]),
)
stories = st.builds(
    tell,
    seed=st.integers(0, 2**32),
    days=st.integers(1, 5),
    every=st.sampled_from([1800, 1800, 10_800, 43_200]),
    lateness=st.sampled_from([0, 3600, 30_000]),
    points=st.integers(1, 3),
    config=configs,
    faults=faults,
)


def play(story: Story) -> Vee:
    """The step's way through a story."""
    vee = Vee(story.links, config_of(story.config), documents=documents_of(story.config))
    for rows, (time, lateness) in story.steps:
        if rows:
            vee.arrive(rows)
        vee.tick(time, lateness)
    return vee


def comparable(published: Published, like: Published) -> Published:
    """Without V03, which only the frame's own reading tells, without the channels that `like` says are absent, and
    without the expected error: that is of the gap as it was known when the value was published last."""
    quality = tuple(own if other else 0 for own, other in zip(published.quality, like.quality, strict=True))
    return replace(published, rules=published.rules & ~V03, quality=quality, expected=0)


def same(
    found: dict[tuple[int, int], Published], wanted: dict[tuple[int, int], Published], *, errors: bool = True
) -> None:
    """All readings agree; errors: what is expected of estimates too."""
    assert found.keys() == wanted.keys()
    for key, published in found.items():
        assert comparable(published, published) == comparable(wanted[key], published), key
        assert not errors or published.expected == wanted[key].expected, (key, published, wanted[key])


plain_stories = st.builds(
    tell,
    seed=st.integers(0, 2**32),
    days=st.integers(2, 5),
    every=st.sampled_from([1800, 43_200]),
    lateness=st.sampled_from([0, 3600, 30_000]),
    points=st.just(3),
    config=configs,
    faults=st.builds(
        Faults, missing=st.sampled_from([0, 2, 10]), late=st.sampled_from([0, 1]), again=st.just(0),
        conflict=st.sampled_from([0, 1]), spike=st.sampled_from([0, 1, 4]), negative=st.just(0),
        lost_register=st.sampled_from([0, 0, 30, 100]), wrong_register=st.sampled_from([0, 0, 30]), off_grid=st.just(0),
    ),
    plain=st.just(True),
)  # fmt: skip
"""Meters that stand there all the time, with little that is wrong: their days are settled by ways of their own."""


A_MARK_LATER = tell(
    seed=313665, days=5, every=1800, lateness=30_000, points=3, config=Config(),
    faults=Faults(
        missing=10, late=1, again=0, conflict=1, spike=4, negative=0, lost_register=0, wrong_register=0, off_grid=0
    ),
    plain=True,
)  # fmt: skip
"""A smaller value comes once more after its like days have left the window: it is a mark, its day is not settled."""


@settings(max_examples=100, deadline=None)
@given(stories | plain_stories)
@example(A_MARK_LATER)
def test_the_step_publishes_what_the_oracle_publishes(story: Story) -> None:
    oracle = Oracle(story.links, story.config)
    for rows, (time, lateness) in story.steps:
        for row in rows:
            oracle.arrive(row)
        oracle.tick(time, lateness)
    vee = play(story)
    same(vee.final, oracle.final)
    assert vee.days == oracle.days


# ------------------------------------------------------------------------------------------------- any order


def arrivals(story: Story, rng: random.Random) -> list[Step]:
    """The same frames in another order: each at any place among the ticks where the window holds it."""
    steps: list[Step] = [([], tick) for _, tick in story.steps]
    clocks = [story.steps[0][1][0], *(tick[0] for _, tick in story.steps[:-1])]
    for rows, _ in story.steps:
        for frame in groups(rows):
            places = [
                place for place, time in enumerate(clocks) if place and all(_held(story, row, time) for row in frame)
            ]
            if places:
                steps[rng.choice(places)][0].extend(frame)
    return [(shuffled(rng, rows), tick) for rows, tick in steps]


def _held(story: Story, row: Row, time: int) -> bool:
    """Whether a frame that comes at a log time still bears upon the same days: by the end of the day after its own.

    When the day after that begins, a day leaves the window for which it may have been a like day or part of a span.
    """
    interval = story.links[row.link].interval
    # A stamp off the grid may be moved to either side, over a midnight too.
    first, last = row.time - story.config.tolerance, -(-(row.time + 19_800) // interval) * interval - 19_800
    today, day, after = ((moment + 19_800) // DAY for moment in (time, first - 1, last - 1))
    return last <= time + interval + story.config.slack and after <= today <= day + 1


orderly = st.builds(
    Faults, missing=st.sampled_from([0, 2, 10, 50]), late=st.just(0), again=percent, conflict=percent, spike=percent,
    negative=percent, lost_register=st.sampled_from([0, 0, 30, 100]), wrong_register=st.sampled_from([0, 0, 30]),
    off_grid=percent, offered=percent, doubted=percent, cut=percent,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        tell, seed=st.integers(0, 2**32), days=st.integers(1, 5), every=st.sampled_from([1800, 10_800]),
        lateness=st.sampled_from([0, 3600]), points=st.integers(1, 2), config=configs, faults=orderly,
    ),
    st.integers(0, 2**32),
    st.integers(0, 2**32),
)  # fmt: skip
def test_the_order_of_frames_leaves_no_trace_in_the_settled_days(story: Story, one: int, other: int) -> None:
    ways = [
        play(replace_steps(story, arrivals(story, random.Random(seed))))
        for seed in (one, other)
    ]  # fmt: skip
    closed = (story.steps[-1][1][0] - story.steps[-1][1][1] + 19_800) // DAY
    first, second = (
        {key: comparable(one, one) for key, one in vee.final.items() if (key[1] + 19_800) // DAY < closed}
        for vee in ways
    )
    assert first == second
    assert ways[0].days == ways[1].days


def replace_steps(story: Story, steps: list[Step]) -> Story:
    """The story with other arrivals."""
    return Story(story.links, story.config, steps)


@settings(max_examples=40, deadline=None)
@given(stories | plain_stories, st.integers(0, 2**32))
def test_the_cut_of_batches_leaves_no_trace(story: Story, seed: int) -> None:
    rng = random.Random(seed)
    whole = play(story)
    cut = Vee(story.links, config_of(story.config), documents=documents_of(story.config))
    for rows, (time, lateness) in story.steps:
        while rows and rng.random() < 0.8:
            frames = groups(rows)
            count = sum(map(len, frames[: rng.randrange(1, len(frames) + 1)]))
            cut.arrive(rows[:count])
            rows = rows[count:]
        cut.both(rows, time, lateness)
    assert cut.final == whole.final
    assert cut.days == whole.days
    assert cut.rejects == whole.rejects


# ------------------------------------------------------------------------------------------------- energy


@settings(max_examples=40, deadline=None)
@given(stories)
def test_a_span_with_registers_at_both_ends_is_explained_to_the_watt_hour(story: Story) -> None:
    vee = play(story)
    for (point, day), settled in vee.days.items():
        if settled.registers & 3 == 3 and not settled.registers & 8 and any(settled.register_energy):
            assert settled.unexplained == [0, 0, 0, 0], (point, day, settled)
            explained = [actual + est for actual, est in zip(settled.actual, settled.estimated, strict=True)]
            readings = [
                published.energy
                for (of, start), published in vee.final.items()
                if of == point and (start + 19_800) // DAY == day and published.quality[0] in (1, 3)
            ]
            assert explained[0] == settled.register_energy[0] == sum(energy[0] for energy in readings)
