"""What meters say of themselves, judged: transformer ratios of nameplates, zone registers of billing rows."""

from __future__ import annotations

import pytest

from agents.decode.config import DecodeConfig
from tests.builders_frames import NOON, POINT, Link, World, codes, datum, references, sealed, stamp
from tests.builders_records import emitted
from tests.unit.agents.decode.test_profile_rows import DATE, PLATE, columns, filled, pushed

IST, DAY = 19_800, 86_400
JUDGED = DecodeConfig(judge_profiles=True)
INSTALLED = NOON - 40 * DAY
CLOCK = datum(9, stamp((2025, 7, 1, 12, 0, 0)))
BILLED = NOON - 43_200
"""The billing date: midnight of 1 July."""


def world(factor: tuple[int, int] = (1, 1), config: DecodeConfig = JUDGED) -> World:
    return World(references([Link(since=INSTALLED, factor=factor)]), config)


def midnight(time: int) -> int:
    return time - (time + IST) % DAY


def told(made) -> list[tuple[str, str, int, int]]:
    """(rule, state, found, expected) of the exceptions of a record in which no frame was refused."""
    assert codes(made) == {}
    return [(one["rule"], one["state"], one["found"], one["expected"]) for one in emitted(made, "exceptions")]


def plate(current: int | None, voltage: int | None = None) -> bytes:
    ratios = [b"\0" if ratio is None else datum(18, ratio) for ratio in (current, voltage)]
    return pushed(104, CLOCK, *PLATE, *ratios)


@pytest.mark.parametrize(
    ("ratios", "factor", "state"),
    [
        ((40, None), (40, 1), "CLOSED"),
        ((40, 100), (8000, 2), "CLOSED"),
        ((20, None), (40, 1), "OPEN"),
        ((40, 100), (40, 1), "OPEN"),
    ],
)
def test_the_meters_ratios_are_compared_with_the_registry(ratios, factor, state) -> None:
    made = world(factor).offer(sealed(plate(*ratios), 1))
    meant = ratios[0] * (ratios[1] or 1)
    assert told(made) == [("V31", state, meant * 1000, factor[0] * 1000 // factor[1])]
    (record,) = emitted(made, "exceptions")
    assert (record["service_point"], record["stage"], record["severity"]) == (POINT, "decode", "WARNING")
    assert record["period_start"] == midnight(INSTALLED)
    assert record["period_end"] == midnight(NOON) + DAY


def test_a_nameplate_that_agrees_closes_what_one_that_did_not_has_opened() -> None:
    one = world((40, 1))
    first, second = (one.offer(sealed(plate(ratio), number)) for number, ratio in ((1, 20), (2, 40)))
    keys = [
        [(r["rule"], r["period_start"], r["state"]) for r in emitted(made, "exceptions")] for made in (first, second)
    ]
    assert keys == [[("V31", midnight(INSTALLED), "OPEN")], [("V31", midnight(INSTALLED), "CLOSED")]]


@pytest.mark.parametrize("ratios", [(None, None), (0, 1)])
def test_a_nameplate_without_ratios_says_nothing_of_them(ratios) -> None:
    assert told(world((40, 1)).offer(sealed(plate(*ratios), 1))) == []


def billed(total: int, *zones: int, month: int = 7) -> dict[str, bytes]:
    named = {f"1.0.1.8.{zone}.255": datum(6, wh) for zone, wh in enumerate(zones, 1)}
    return {"1.0.1.8.0.255": datum(6, total), **named}


@pytest.mark.parametrize(
    ("total", "zones", "fails"),
    [
        (10_000, (6_000, 4_000), False),
        (10_100, (6_000, 4_000), False),
        (10_101, (6_000, 4_000), True),
        (10_000, (6_000, 4_101), True),
        (10_000, (), False),  # it keeps no zones
        (10_000, (0, 0), False),
    ],
)
def test_zones_add_up_to_the_total(total, zones, fails) -> None:
    row = columns("single-phase billing", billed(total, *zones))
    made = world((10, 1)).offer(sealed(pushed(103, DATE, *row), 1))
    assert told(made) == ([("V13", "OPEN", sum(zones), total)] if fails else [])
    for record in emitted(made, "exceptions"):
        assert record["wh_at_stake"] == 10 * abs(total - sum(zones)), "as it is billed"
        assert (record["period_start"], record["period_end"]) == (BILLED - DAY, BILLED)


def test_rows_of_a_buffer_are_compared_with_the_one_before() -> None:
    figures = {4: (10_000, 1_000), 5: (12_000, 3_000), 6: (15_000, 5_500), 7: (20_000, 500)}
    rows = [
        datum(2, [datum(9, stamp((2025, month, 1, 0, 0, 0))), *filled("single-phase billing", billed(*registers))])
        for month, registers in figures.items()
    ]  # fmt: skip
    made = World(references([Link()]), JUDGED).offer(sealed(pushed(103, datum(1, rows)), 1))
    # The first has nothing before it; in May both counted 2,000 Wh; of June 500 Wh lack; then the zones began anew.
    assert told(made) == [("V13", "OPEN", 1_000, 10_000), ("V13", "OPEN", 2_500, 3_000)]
    assert [one["source_index"] for one in emitted(made, "exceptions")] == [0, 1]


def test_nothing_is_judged_unless_the_topology_says_so() -> None:
    quiet = world((40, 1), DecodeConfig())
    assert told(quiet.offer(sealed(plate(20), 1))) == []
    wide = world(config=DecodeConfig(judge_profiles=True, zone_tolerance_wh=5_000))
    row = columns("single-phase billing", billed(10_000, 6_000))
    assert told(wide.offer(sealed(pushed(103, DATE, *row), 1))) == []
