"""Main meters against their check meters: which days are compared, what is said, what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.checks.config import ChecksConfig
from agents.checks.limits import SILENT
from agents.checks.step import KEPT_DAYS, ChecksStep
from pipeline.batch import DecodedBatch
from pipeline.columns import empty
from pipeline.errors import ContractError
from pipeline.localtime import DAY_SECS
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel
from schemas.load import load_contracts
from tests.builders_checks import FIRST_DAY, OFFSET, Stage, batch_of, begin, tolerance
from tests.builders_vee import references
from tests.oracles.checks_oracle import Check, Main
from tests.oracles.vee_oracle import Link

POINT, TODAY = 7, FIRST_DAY + 10
CONTRACTS = load_contracts()


def halves(day: int, wh: int, point: int = POINT, number: int = 1) -> list[Check]:
    """A day of half hours that add up to wh."""
    shares = [wh // 48 + (place < wh % 48) for place in range(48)]
    return [Check(point, day, 2 * place, 2, number, share) for place, share in enumerate(shares)]


def stage(**options: Any) -> Stage:
    made = Stage(**options)
    made.take(halves(TODAY - 5, 48_000))
    made.take(tick=TODAY)
    return made


def said(found: list[dict[str, Any]]) -> list[tuple[int, str, int, int]]:
    return [(one["service_point"], one["state"], one["found"], one["expected"]) for one in found]


def test_a_day_that_differs_by_more_than_one_percent_is_told_with_both_energies() -> None:
    mine = stage(paise_per_kwh=1_000)
    assert mine.take(halves(TODAY - 1, 48_481)) == []
    (record,) = mine.take(mains=[Main(POINT, TODAY - 1, 48_000)], tick=TODAY)
    assert (record["rule"], record["severity"], record["state"], record["stage"]) == (
        "V34",
        "WARNING",
        "OPEN",
        "checks",
    )
    assert (record["found"], record["expected"], record["wh_at_stake"], record["paise_at_stake"]) == (
        48_000,
        48_481,
        481,
        481,
    )
    assert (record["period_start"], record["period_end"]) == (begin(TODAY - 1), begin(TODAY))
    assert record["node"] == 0
    assert mine.take(mains=[Main(POINT, TODAY - 1, 48_000)], tick=TODAY) == []


def test_one_percent_is_let_pass() -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 48_480))
    assert mine.take(mains=[Main(POINT, TODAY - 1, 48_000)]) == []


def test_the_check_may_come_behind_the_settlement() -> None:
    mine = stage()
    assert mine.take(mains=[Main(POINT, TODAY - 1, 10_000)]) == []
    assert said(mine.take(halves(TODAY - 1, 9_000))) == [(POINT, "OPEN", 10_000, 9_000)]


def test_a_run_of_days_is_one_exception_until_a_later_day_agrees() -> None:
    mine = stage()
    for day in (TODAY - 3, TODAY - 2):
        mine.take(halves(day, 9_000), [Main(POINT, day, 10_000)])
    (key,) = mine.latest
    assert (key, mine.latest[key].last, mine.latest[key].main) == ((POINT, TODAY - 3), TODAY - 2, 20_000)
    found = mine.take(halves(TODAY - 1, 10_000), [Main(POINT, TODAY - 1, 10_000)])
    assert said(found) == [(POINT, "CLOSED", 20_000, 18_000)]


def test_late_data_that_put_the_day_right_close_it_with_nothing_at_stake() -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 9_000), [Main(POINT, TODAY - 1, 10_000)])
    (record,) = mine.take(mains=[Main(POINT, TODAY - 1, 9_000)])
    assert (record["state"], record["wh_at_stake"]) == ("CLOSED", 0)


def test_a_later_revision_of_the_check_meter_holds_and_one_may_be_taken_back() -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 9_000, number=5), [Main(POINT, TODAY - 1, 10_000)])
    assert mine.take(halves(TODAY - 1, 10_000, number=4)) == []
    assert said(mine.take(halves(TODAY - 1, 10_000, number=6))) == [(POINT, "CLOSED", 10_000, 9_000)]
    assert mine.take([Check(POINT, TODAY - 1, 0, 2, 7, 0, present=False)]) == []
    assert mine.take(mains=[Main(POINT, TODAY - 1, 500)]) == [], "of a day that is not whole nothing is said"


@pytest.mark.parametrize(
    "main",
    [
        Main(POINT, TODAY - 1, 10_000, (47, 1, 0, 0)),
        Main(POINT, TODAY - 1, 10_000, (47, 0, 0, 1)),
        Main(POINT, TODAY - 1, 10_000, (40, 0, 0, 0)),
        Main(POINT, TODAY - 1, 10_000, (40, 8, 0, 0), 3, 9_999),
        Main(POINT, TODAY - 1, 10_000, (40, 8, 0, 0), 11, 10_000),
    ],
)
def test_what_the_main_meter_did_not_measure_itself_is_not_compared(main: Main) -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 5_000))
    assert mine.take(mains=[main]) == []


def test_a_day_whose_registers_say_its_sum_is_compared() -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 5_000))
    found = mine.take(mains=[Main(POINT, TODAY - 1, 10_000, (40, 8, 0, 0), 3, 10_000)])
    assert said(found) == [(POINT, "OPEN", 10_000, 5_000)]


def test_a_rule_that_is_off_or_in_shadow_makes_none() -> None:
    mine = stage(prepared=tolerance(SILENT))
    assert mine.take(halves(TODAY - 1, 5_000), [Main(POINT, TODAY - 1, 10_000)]) == []


def test_a_main_meter_that_stood_still_differs() -> None:
    mine = stage()
    assert said(mine.take(halves(TODAY - 1, 5_000), [Main(POINT, TODAY - 1, 0)])) == [(POINT, "OPEN", 0, 5_000)]


def test_a_run_that_leaves_the_window_goes_on() -> None:
    mine = stage(late_days=3)
    for day in range(TODAY, TODAY + 6):
        mine.take(tick=day)
        mine.take(halves(day - 1, 9_000), [Main(POINT, day - 1, 10_000)])
    assert list(mine.latest) == [(POINT, TODAY - 1)]
    assert mine.latest[POINT, TODAY - 1].main == 60_000
    assert int(mine.store.used.sum()) == 4, "the tick's row, the point's, and two days"
    found = mine.take(halves(TODAY + 5, 10_000), [Main(POINT, TODAY + 5, 10_000)])
    assert said(found) == [(POINT, "CLOSED", 60_000, 54_000)]


def test_nothing_is_kept_of_points_without_a_check_meter_and_of_those_who_have_lost_it() -> None:
    mine = Stage()
    mine.take(mains=[Main(POINT, TODAY - 1, 10_000)], tick=TODAY)
    assert int(mine.store.used.sum()) == 1, "the tick's row"
    mine.take(halves(TODAY - 1, 9_000), [Main(POINT, TODAY - 1, 10_000)])
    mine.take(tick=TODAY + KEPT_DAYS)
    assert int(mine.store.used.sum()) == 1, "the tick's row"


def test_what_lies_off_quarters_of_an_hour_or_beyond_a_day_is_not_used() -> None:
    mine = stage()
    batch = batch_of([Check(POINT, TODAY - 1, 0, 96, 1, 9_000)] * 3, [Main(POINT, TODAY - 1, 10_000)])
    batch.check_start[:] += [60, 900, 0]
    batch.check_secs[2] += 60
    made = mine.step.advance(Parcel(Origin("log", 0, 99), batch), mine.store, mine.prepared)
    assert made.emissions == []


def test_the_state_of_a_checkpoint_says_the_same_from_then_on() -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 9_000)[:20], [Main(POINT, TODAY - 1, 10_000)])
    whole = mine.store.copy()
    for area in mine.store.areas.values():
        area.dirty[:], area.changed[:] = 0, 0
    mine.take(halves(TODAY - 1, 9_000)[20:])
    for name, area in mine.store.areas.items():
        changed = np.unpackbits(np.ascontiguousarray(area.marks).view(np.uint8), axis=1, bitorder="little").astype(bool)
        other = area.flat.reshape(len(area.flat), -1) != whole.areas[name].flat.reshape(len(area.flat), -1)
        assert not (other & ~changed[:, : other.shape[1]]).any(), f"{name}: what changed is marked"
        assert other.any() or name == "keys"


def test_rule_sets_say_tolerance_off_and_shadow_by_service_point_and_day() -> None:
    step = ChecksStep(ChecksConfig(check_tolerance_permille=20))
    links = [Link(device, point, 0, 2**40) for device, point in ((1, POINT), (2, 8), (3, 9))]
    rules = (
        "name: r\nversion: 1\noverrides:\n"
        "- {service_point: 7, start: 2024-10-05, end: 2024-10-06, reason: r, author: a, rules: {V34: off}}\n"
        "- {service_point: 8, start: 2024-01-01, end: 2024-12-31, reason: r, author: a, rules: {V34: shadow}}\n"
        "- {service_point: 9, start: 2024-01-01, end: 2024-12-31, reason: r, author: a, check_tolerance_permille: 5}\n"
    )
    prepared = step.prepare(references(links, {"rules/r.yaml": rules.encode()}))
    days = np.array([20_000, 20_001, 20_000, 20_000, 20_000])  # 2024-10-04
    found = prepared.tolerances(np.array([0, 0, 1, 2, 4_000_000]), days)
    assert found.tolist() == [20, SILENT, SILENT, 5, 20]
    assert prepared.secs(np.array([0, 4_000_000])).tolist() == [1800, 0]


def test_records_are_of_the_schema() -> None:
    mine = stage()
    mine.take(halves(TODAY - 1, 9_000))
    parcel = Parcel(Origin("log", 0, 99), batch_of(mains=[Main(POINT, TODAY - 1, 10_000)]))
    (emission,) = mine.step.advance(parcel, mine.store, mine.prepared).emissions
    encoded = emission.value.encode(CONTRACTS)
    (record,) = (CONTRACTS.decode(bytes(value), "ReadingException") for value in encoded.values)
    assert (record["rule"], record["tick_time"]) == ("V34", TODAY * DAY_SECS - OFFSET + 3_600)


def test_another_batch_is_refused() -> None:
    step = ChecksStep(ChecksConfig())
    with pytest.raises(ContractError, match="NOT_READINGS"):
        step.advance(Parcel(Origin("log", 0, 0), empty(DecodedBatch)), StateStore(step.layout, range(4)), tolerance())
