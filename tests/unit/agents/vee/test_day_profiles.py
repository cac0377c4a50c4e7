"""A meter that sends its intervals once a day: what lateness and window must be, as docs/profiles.md says it."""

from __future__ import annotations

from collections import Counter

import pytest

from agents.vee.config import VeeConfig
from pipeline.codes import Quality
from tests.builders_vee import MIDNIGHT, POINTS, Vee
from tests.oracles.vee_oracle import DAY, Link, Row

HOUR = 3600
DAYS, LOST = 6, 3


def lived(lateness_hours: int, hot_days: int) -> Vee:
    """Hourly ticks; a day comes in one frame an hour after its end, but day LOST."""
    vee = Vee([Link(1, POINTS[0], MIDNIGHT, MIDNIGHT + DAYS * DAY)], VeeConfig(hot_days=hot_days))
    vee.tick(MIDNIGHT)
    for hour in range(1, 24 * (DAYS + 2)):
        day = hour // 24 - 1
        if hour % 24 == 1 and day in range(DAYS) and day != LOST:
            begin = MIDNIGHT + day * DAY
            vee.arrive([Row(0, True, begin + 1800 * (place + 1), (100 + place, 120, 0, 0)) for place in range(48)])
        vee.tick(MIDNIGHT + hour * HOUR, lateness_hours * HOUR)
    return vee


def qualities(vee: Vee) -> Counter[tuple[int, Quality]]:
    """(day, quality of wh_imp) -> intervals that ended so."""
    return Counter(
        ((start - MIDNIGHT) // DAY, Quality(published.quality[0])) for (_, start), published in vee.final.items()
    )


@pytest.mark.parametrize(("lateness", "hot_days"), [(1, 3), (26, 3), (26, 4), (30, 4)])
def test_no_interval_of_a_day_is_refused_and_all_are_as_sent(lateness: int, hot_days: int) -> None:
    vee = lived(lateness, hot_days)
    assert not vee.rejects
    found = qualities(vee)
    assert [found[day, Quality.ACTUAL] for day in range(DAYS)] == [0 if day == LOST else 48 for day in range(DAYS)]


def test_with_less_than_a_day_of_lateness_every_interval_is_estimated_first() -> None:
    rows = [sum(len(batch.service_point) for batch in lived(lateness, 4).batches) for lateness in (1, 26)]
    assert rows[0] > rows[1] + 4 * 48
    assert rows[1] == 48 * DAYS


@pytest.mark.parametrize(("hot_days", "quality"), [(3, Quality.MISSING), (4, Quality.ESTIMATED)])
def test_a_lost_day_is_like_the_day_before_if_the_window_is_a_day_longer(hot_days: int, quality: Quality) -> None:
    assert qualities(lived(26, hot_days))[LOST, quality] == 48
