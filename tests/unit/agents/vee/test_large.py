"""Energies of a plant that was silent for days, registers that no meter can have, and a page whose planes run out."""

from __future__ import annotations

import numpy as np
import pytest

from agents.vee import planes
from agents.vee.state import pages_of
from pipeline.errors import Fatal
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Row, Vee, blocks, register
from tests.oracles.vee_oracle import DAY, Link

METER = Link(1007, POINTS[0], 0, FOREVER)
TODAY = MIDNIGHT // DAY + 1


def settle_again(closing: tuple[int, int, int, int]) -> Vee:
    """A day of which no interval came, settled to its registers; then one comes late, and it is settled anew.

    What readings say they replace is checked by `Vee` against what was published.
    """
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.arrive([register(0, MIDNIGHT, 0)])
    vee.tick(MIDNIGHT + DAY - 1)
    vee.arrive([Row(0, False, MIDNIGHT + DAY, closing)])
    vee.tick(MIDNIGHT + DAY)
    vee.arrive(blocks(0, MIDNIGHT + 7200, [1_000_000]))
    vee.tick(MIDNIGHT + DAY + 1800)
    for number in range(2, 5):
        vee.tick(MIDNIGHT + number * DAY)
    return vee


def test_energy_of_many_silent_days_falls_on_one() -> None:
    """800 MW, twelve days: an interval gets more than 32 bits hold, of each channel its own."""
    closing = (48 * 4_800_000_000 + 5, 48 * 5_000_000_000 + 7, 48 * 9_000_000_000, 0)
    vee = settle_again(closing)
    settled = vee.days[POINTS[0], TODAY]
    assert [a + b for a, b in zip(settled.actual, settled.estimated, strict=True)] == list(closing)


@pytest.mark.parametrize("closing", [2**45, 2**50, 2**62])
def test_a_register_that_no_meter_can_have_is_not_settled_to(closing: int) -> None:
    """It is further from the one before than an interval could hold: it counts as not known, as one that goes back."""
    vee = settle_again((closing, 480, 0, 0))
    settled = vee.days[POINTS[0], TODAY]
    assert settled.actual[0] + settled.estimated[0] <= 48 * 1_000_000
    assert settled.actual[0] == 1_000_000


def test_a_page_without_numbers_for_planes_is_refused() -> None:
    """The next number would be that of the page's own record."""
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    view = pages_of(vee.store, planes.page_records(vee.store))
    view.hot["chain"][view.page_slot[0]] = 2**16 - 1
    with pytest.raises(Fatal, match="PLANES_EXHAUSTED"):
        vee.arrive([Row(0, True, MIDNIGHT + 1800, (10, 10, 5, 5))])
    assert int(vee.store.areas["hot"].flat[0]["chain"][view.page_slot[0]]) == 2**16 - 1
    assert np.count_nonzero(vee.store.keys >= planes.POOL) == 1
