"""Masks without chance, a card whose order of counting does not matter, and the order learned from it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from agents.vee.estimate import Grid, Order, Side, Tuning, fill
from agents.vee.estimate.errors import Expected
from agents.vee.estimate.history import History
from agents.vee.estimate.learn import learn
from agents.vee.estimate.masks import TRIED, gaps_of, part_of, trial
from agents.vee.estimate.model import GOOD, LACKS
from agents.vee.estimate.scorecard import ENOUGH, Scorecard, Sums
from agents.vee.estimate.work import ESTIMATES, work_on
from pipeline.codes import Method
from tests.unit.agents.vee.estimate.test_fill import grid

HOURS, WEEKS = 24, 12


def household(seed: int = 1) -> Grid:
    """A shape of the day, a level of the weekday, and what is switched on now and then."""
    draw = np.random.default_rng(seed)
    shape = 200 + 150 * np.sin(np.arange(HOURS) / 4)
    values = [
        int(shape[hour] * (1.5 if day % 7 > 4 else 1) + (draw.random() < 0.1) * 2000 + draw.integers(0, 50))
        for day in range(7 * WEEKS)
        for hour in range(HOURS)
    ]
    return grid(list(values))


def test_masks_depend_on_seed_series_and_place_alone() -> None:
    standing = household().standing.copy()
    standing[100:110] = LACKS
    found = gaps_of("a", 1, standing, 6, 50, 48, 1000)
    assert found.size == 50
    assert (np.diff(found) > 0).all()
    assert found.min() >= 48
    assert found.max() + 6 <= 1000
    assert all((standing[first : first + 6] == GOOD).all() for first in found.tolist())
    assert (found == gaps_of("a", 1, standing, 6, 50, 48, 1000)).all()
    assert found.tolist() != gaps_of("a", 2, standing, 6, 50, 48, 1000).tolist()
    assert found.tolist() != gaps_of("b", 1, standing, 6, 50, 48, 1000).tolist()
    # Fewer are the same ones less some, so a longer run refines a shorter one.
    assert set(gaps_of("a", 1, standing, 6, 20, 48, 1000).tolist()) <= set(found.tolist())
    assert gaps_of("a", 1, standing, 6, 50, 0, 5).size == 0


def test_a_trial_is_what_fill_would_have_done() -> None:
    series = household()
    work = work_on(History(series), Side(), Tuning())
    found = trial(work, "a", 7, 5, 0, series.value.size, (Method.LINEAR, Method.BRIDGE))
    for row in range(found.first.size):
        first = int(found.first[row])
        last = first + (1, 6, 24, 72)[found.length[row]] - 1
        lacking = series._replace(standing=series.standing.copy())
        lacking.standing[first : last + 1] = LACKS
        for column, method in enumerate(found.methods):
            order = Order(steps=(Order().steps[-1]._replace(method=method),))
            error = fill(lacking, Side(), order).value[first : last + 1] - series.value[first : last + 1]
            assert found.applied[row, column]
            assert found.wrong[row, column] == np.abs(error).sum()
            assert found.over[row, column] == error.sum()
    assert (work.history.series.standing == series.standing).all()
    assert work.history.series.complete.all()


def test_a_masked_value_is_not_seen_by_any_method() -> None:
    series = household()
    first, last = 60 * HOURS + 5, 60 * HOURS + 28
    other = series._replace(value=series.value.copy())
    other.value[first : last + 1] = 10**6
    found = []
    for one in (series, other):
        work = work_on(History(one), Side(), Tuning())
        work.history.hide(first, last)
        for method in TRIED:
            work.history.out[:] = 0
            ESTIMATES[method](work, first, first + 18)
            found.append(work.history.out[first : first + 19].tolist())
    assert found[: len(TRIED)] == found[len(TRIED) :]


def cards() -> tuple[Scorecard, Scorecard, Scorecard]:
    one, two, whole = Scorecard(), Scorecard(), Scorecard()
    for name, card in (("a", one), ("b", two)):
        found = trial(work_on(History(household(ord(name))), Side(), Tuning()), name, 1, 10, 0, 2000)
        for part in (card, whole):
            part.add("homes", found)
    return one, two, whole


def test_the_order_of_counting_does_not_matter() -> None:
    one, two, whole = cards()
    ab, ba = Scorecard(), Scorecard()
    for card, parts in ((ab, (one, two)), (ba, (two, one))):
        for part in parts:
            card.merge(part)
    assert list(ab.rows()) == list(ba.rows()) == list(whole.rows())
    assert list(Scorecard.of_rows(whole.rows()).rows()) == list(whole.rows())


def test_wape_and_bias_are_exact_ratios() -> None:
    sums = Sums(2, 30, -10, 90, 60)
    assert (sums.wape, sums.bias) == (Fraction(1, 3), Fraction(-1, 9))
    assert Sums().wape is None


def card_of(rows: dict[tuple[str, Method], Sums]) -> Scorecard:
    card = Scorecard()
    for (name, method), sums in rows.items():
        card.put((name, method, 0), sums)
    return card


def test_the_ranking_leaves_out_what_applied_too_seldom_or_is_too_biased() -> None:
    card = card_of(
        {
            ("homes", Method.LINEAR): Sums(100, 40, 0, 100),
            ("homes", Method.BRIDGE): Sums(100, 30, -20, 100),
            ("homes", Method.LIKE_DAY): Sums(79, 1, 0, 100),
        }
    )
    assert card.ranking("homes", 0) == [Method.BRIDGE, Method.LINEAR]
    assert card.ranking("homes", 0, Fraction(1, 10)) == [Method.LINEAR]
    assert card.ranking("homes", 1) == []


def test_a_series_has_an_order_of_its_own_only_where_it_is_sure() -> None:
    shared = {
        ("homes", Method.LINEAR): Sums(1000, 400, 0, 1000),
        ("homes", Method.BRIDGE): Sums(1000, 300, 0, 1000),
    }
    for gaps, linear, first in ((ENOUGH, 200, Method.LINEAR), (ENOUGH, 297, Method.BRIDGE), (50, 200, Method.BRIDGE)):
        own = {("a", Method.LINEAR): Sums(gaps, linear, 0, 1000), ("a", Method.BRIDGE): Sums(gaps, 300, 0, 1000)}
        assert card_of(shared | own).choice("a", "homes", 0)[0] is first


def test_the_learned_order_is_used_and_says_what_it_expects() -> None:
    card = card_of(
        {
            ("homes", Method.LIKE_DAY): Sums(100, 20, 0, 100, 10),
            ("homes", Method.LINEAR): Sums(100, 50, 0, 100, 100),
        }
    )
    order = card.learned("a", "homes", Order())
    assert [step.method for step in order.steps[:5]] == [
        Method.AGREED, Method.OUTAGE, Method.CHECK_METER, Method.LIKE_DAY, Method.LINEAR,
    ]  # fmt: skip
    assert order.errors[Method.LIKE_DAY][0] == Expected(200, 2000)
    assert order.errors[Method.LINEAR][0] == Expected(500, 500)
    series = household()
    series.standing[1000] = LACKS
    filled = fill(series, Side(), order)
    assert filled.method[1000] == Method.LIKE_DAY
    # Twice the distance of the days around from the estimate.
    assert 0 < filled.expected[1000] <= 10_000


def test_an_order_is_learned_from_a_series_alone() -> None:
    series = household()
    order = learn("a", series, Side(), Order(), gaps=120)
    learned = [step for step in order.steps if step.shortest_secs or step.longest_secs == 7200]
    best = next(step.method for step in learned if step.fits(3600))
    card = Scorecard()
    card.add("a", trial(work_on(History(series), Side(), Tuning()), "a", 1, 120, 0, series.value.size))
    assert best is card.ranking("a", 0)[0]
    assert order.errors[best][0].wape == round(1000 * (card.of("a", 0)[best].wape or 0))
    assert learn("a", series, Side(), Order(), gaps=120) == order


def test_a_part_of_a_grid_ends_where_it_is_cut() -> None:
    series = household()
    part = part_of(series, 7 * HOURS)
    assert part.value.size == 7 * HOURS
    assert part.day_type.tolist() == list(range(7))
    assert History(part).series.complete.all()
