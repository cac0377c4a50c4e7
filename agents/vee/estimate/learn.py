"""The order of methods, learned from what is known of one series."""

from __future__ import annotations

from fractions import Fraction

from agents.vee.estimate.history import History
from agents.vee.estimate.masks import trial
from agents.vee.estimate.model import Grid, Side
from agents.vee.estimate.order import Order
from agents.vee.estimate.scorecard import Scorecard
from agents.vee.estimate.work import work_on


def learn(
    name: str,
    series: Grid,
    side: Side,
    base: Order,
    seed: int = 1,
    gaps: int = 300,
    group: Scorecard | None = None,
    group_name: str = "",
    most_bias: Fraction | None = None,
) -> Order:
    """Mask good intervals of a series and rank the methods by how well they do.

    Args:
        name: of the series.
        series: as `fill` takes it.
        side: the same.
        base: order whose tuning is used, and whose steps come after the ranked ones.
        seed: see `masks.gaps_of`.
        gaps: of a day and longer; more short ones (`masks.TIMES`).
        group: card of the series' class, which counts where the series has too few gaps.
        group_name: name of that class in `group`.
        most_bias: methods further off in the sum are not ranked.
    """
    card = Scorecard()
    if group is not None:
        card.merge(group)
    card.add(name, trial(work_on(History(series), side, base.tuning), name, seed, gaps, 0, series.value.size))
    return card.learned(name, group_name or name, base, most_bias)
