"""The usage stage rule by rule: a case that each flags and one that it must not; its queue, limits and state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agents.usage.config import UsageConfig
from agents.usage.state import MONTH, POINT
from agents.usage.step import UsageStep
from agents.vee.config import Thresholds
from pipeline.batch import DecodedBatch
from pipeline.blocks import Ledger
from pipeline.columns import empty
from pipeline.errors import ConfigError, ContractError
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel
from schemas.load import load_contracts
from tests.builders_usage import BOTH, PROVISIONAL, Row, Stage, batch_of, change_of
from tests.oracles.usage_oracle import Change, Day

JANUARY = date(2025, 1, 1)
SEVERAL_DAYS, EXCHANGED = 8, 16


def months(*figures: Day, first: date = JANUARY) -> list[Row]:
    """A final row of each day of months in a row, of service point 7."""
    rows, day = [], first
    for one in figures:
        month = day.month
        while day.month == month:
            rows.append(Row(7, day, one))
            day += timedelta(days=1)
    return rows


def found(rows: Sequence[Row], stage: Stage | None = None) -> dict[str, list[Change]]:
    """Rule -> what the rows, one record each, open and close."""
    return (stage or Stage()).changes([row] for row in rows).get(7, {})


def opened(rows: Sequence[Row], rule: str, stage: Stage | None = None) -> list[date]:
    """Last days of the months that a rule flags."""
    return [last for _, state, _, last in found(rows, stage).get(rule, []) if state == "OPEN"]


def used(*wh: int, peak: int = 500) -> list[Row]:
    return months(*(Day(one, peak=peak) for one in wh))


# ---------------------------------------------------------------------------------------------- rules

FEBRUARY, MARCH, APRIL = date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 30)


def test_v17_flags_a_month_that_uses_twice_as_much_a_day_or_a_third() -> None:
    assert opened(used(5_000, 11_000), "V17") == [FEBRUARY], "domain.md 3.3: 11 against 5 is 2.2"
    assert opened(used(5_000, 10_000), "V17") == []
    assert opened(used(5_000, 1_749), "V17") == [FEBRUARY]
    assert opened(used(5_000, 1_750), "V17") == []


def test_v17_compares_with_the_same_month_of_last_year() -> None:
    year = [5_000] * 11
    assert opened(used(20_000, *year, 20_000), "V17") == [FEBRUARY], "the second January is as the first"
    assert date(2026, 1, 31) in opened(used(5_000, *year, 20_000), "V17")


def test_v18_flags_demand_far_from_its_reference() -> None:
    def rows(first: int, second: int) -> list[Row]:
        return months(Day(5_000, peak=first), Day(5_000, peak=second))

    assert opened(rows(1_000, 2_002), "V18") == [FEBRUARY]
    assert opened(rows(1_000, 2_000), "V18") == []
    assert opened(rows(1_000, 498), "V18") == [FEBRUARY]
    assert opened(rows(1_000, 500), "V18") == []
    assert opened(rows(0, 500), "V18") == []


def test_v19_flags_what_neither_two_months_nor_last_year_explain() -> None:
    assert opened(used(5_000, 5_000, 6_002), "V19") == [MARCH]
    assert opened(used(5_000, 5_000, 6_000), "V19") == []
    assert opened(used(5_000, 5_000, 2_498), "V19") == [MARCH]
    assert opened(used(5_000, 9_000), "V19") == [], "one month alone is no reference"
    summer = [5_000, 5_000, 8_000, 5_000, *[5_000] * 8, 5_000, 5_000, 8_000]
    assert opened(used(*summer), "V19") == [MARCH], "the second summer is explained by the first"


def test_v22_flags_a_peak_that_doubles() -> None:
    def rows(second: int) -> list[Row]:
        return months(Day(5_000, peak=1_000), Day(5_000, peak=second))

    assert opened(rows(2_002), "V22") == [FEBRUARY]
    assert opened(rows(2_000), "V22") == []
    assert opened(rows(100), "V22") == [], "a lower one is none of this rule's"


def test_v30_flags_more_than_two_months_of_estimates() -> None:
    gone, good = Day(5_000, absent=30), Day(5_000)
    assert found(months(good, gone, gone, gone, good))["V30"] == [
        ("V30", "OPEN", date(2025, 2, 1), APRIL), ("V30", "CLOSED", date(2025, 2, 1), date(2025, 5, 31)),
    ]  # fmt: skip
    assert opened(months(good, gone, gone, good), "V30") == []
    half = Day(5_000, absent=24)
    assert opened(months(half, half, half, half), "V30") == [], "half of the intervals are not most of them"


def test_demand_of_a_month_of_estimates_is_not_judged() -> None:
    quiet = Day(5_000, peak=2, absent=30)
    rows = months(Day(5_000, peak=1_000), quiet, Day(5_000, peak=1_000))
    assert not {"V18", "V22"} & set(found(rows))


def test_v08_tells_a_rollover_that_was_taken_out() -> None:
    def day(**columns: int) -> list[Row]:
        return [Row(7, JANUARY, Day(900), registers=BOTH, columns=columns)]

    rolled = {"opening": 999_999_500, "closing": 400, "register_energy": 900}
    assert found(day(**rolled)) == {"V08": [("V08", "OPEN", JANUARY, JANUARY)]}
    assert found(day(opening=400, closing=1_300, register_energy=900)) == {}
    assert found(day(**rolled | {"register_energy": 0})) == {}, "not possible, so not taken out"
    exchanged = [Row(7, JANUARY, Day(900), registers=BOTH | EXCHANGED, columns=rolled)]
    assert found(exchanged) == {}, "the registers are of two meters"


def test_v20_flags_a_change_from_day_to_day_where_a_limit_is_set() -> None:
    def rows(*use: int) -> list[Row]:
        days = (JANUARY + timedelta(days=number) for number in range(len(use)))
        return [Row(7, day, Day(one), registers=BOTH) for day, one in zip(days, use, strict=True)]

    tenth = UsageConfig(register_change_percent=19)
    assert found(rows(4_000, 5_000), Stage(tenth)) == {"V20": [("V20", "OPEN", date(2025, 1, 2), date(2025, 1, 2))]}
    fifth = UsageConfig(register_change_percent=20)
    assert found(rows(4_000, 5_000), Stage(fifth)) == {}, "domain.md 3.3: from 4 to 5 is 20 % of 5"
    assert found(rows(4_000, 5_000, 50_000)) == {}, "off, as of whole series"
    gap = rows(4_000, 5_000)
    assert found([gap[0], Row(7, date(2025, 1, 3), Day(9_000), registers=BOTH)], Stage(tenth)) == {}
    unknown = Row(7, date(2025, 1, 2), Day(9_000), registers=BOTH | SEVERAL_DAYS)
    assert found([gap[0], unknown, Row(7, date(2025, 1, 3), Day(1_000), registers=BOTH)], Stage(tenth)) == {}


# ---------------------------------------------------------------------------------------------- months


def test_a_month_needs_twenty_one_known_days() -> None:
    def january(known: int) -> list[Row]:
        rows = used(5_000)
        return [row if number < known else Row(7, row.day, Day(9, False, absent=1)) for number, row in enumerate(rows)]

    assert opened(january(21) + months(Day(11_000), first=date(2025, 2, 1)), "V17") == [FEBRUARY]
    assert opened(january(20) + months(Day(11_000), first=date(2025, 2, 1)), "V17") == []


def test_use_of_a_day_is_known_by_its_registers_where_intervals_lack() -> None:
    estimated = Day(11_000, absent=2)
    assert opened(used(5_000) + months(estimated, first=date(2025, 2, 1)), "V17") == [FEBRUARY]
    span = [
        Row(7, row.day, estimated, registers=BOTH | SEVERAL_DAYS) for row in months(estimated, first=date(2025, 2, 1))
    ]
    assert opened(used(5_000) + span, "V17") == [], "a span of several days says nothing of one"


def test_what_is_provisional_is_not_taken() -> None:
    rows = [Row(7, row.day, row.figures, PROVISIONAL) for row in used(5_000, 11_000)]
    assert found(rows) == {}


def test_months_without_a_settled_day_end_what_is_open() -> None:
    rows = used(5_000, 11_000) + months(Day(11_000), first=date(2025, 5, 1))
    assert found(rows)["V17"] == [
        ("V17", "OPEN", date(2025, 2, 1), FEBRUARY),
        ("V17", "CLOSED", date(2025, 2, 1), FEBRUARY),
    ]


def test_an_exception_is_a_run_of_months_and_closes_by_itself() -> None:
    rows = used(5_000, 5_000, 11_000, 30_000, 30_000)
    assert found(rows)["V17"] == [
        ("V17", "OPEN", date(2025, 3, 1), MARCH), ("V17", "OPEN", date(2025, 3, 1), APRIL),
        ("V17", "CLOSED", date(2025, 3, 1), date(2025, 5, 31)),
    ]  # fmt: skip


def test_a_large_plant_has_more_than_32_bits() -> None:
    assert opened(used(2_400_000_000, 5_000_000_000, peak=1_000_000_000), "V17") == [FEBRUARY]
    assert opened(used(2_400_000_000, 4_700_000_000, peak=1_000_000_000), "V17") == []


# ---------------------------------------------------------------------------------------------- records


def test_what_is_at_stake_is_what_was_not_expected() -> None:
    stage = Stage(UsageConfig(paise_per_kwh=800))
    records = [record for row in used(5_000, 11_000) for record in stage.take([row]) if record["rule"] == "V17"]
    (record,) = records
    assert (record["wh_at_stake"], record["paise_at_stake"]) == (28 * 6_000, 28 * 6 * 800)
    assert (record["stage"], record["severity"], record["state"]) == ("usage", "INFORMATION", "OPEN")
    assert record["revision"] == record["source_offset"] << 20 == 58 << 20


def test_records_go_over_the_wire_with_their_stage() -> None:
    contracts, stage = load_contracts(), Stage()
    rows = used(5_000, 11_000)
    for row in rows[:-1]:
        stage.take([row])
    parcel = Parcel(Origin("log", 2, 99), batch_of(rows[-1:]))
    (emission,) = stage.step.advance(parcel, stage.store, stage.prepared).emissions
    values = [contracts.decode(bytes(value), "ReadingException") for value in emission.value.encode(contracts).values]
    assert values == emission.value.records()
    assert {value["stage"] for value in values} == {"usage"}


# ---------------------------------------------------------------------------------------------- limits


def test_thresholds_are_those_of_whole_series() -> None:
    mine, series = UsageConfig(), Thresholds()  # type: ignore[call-arg]
    shared = [name for name in UsageConfig.model_fields if name in Thresholds.model_fields]
    assert len(shared) == 10
    for name in shared:
        assert getattr(mine, name) == getattr(series, name)
        assert UsageConfig.model_fields[name].description == Thresholds.model_fields[name].description
    with pytest.raises(ValidationError):
        UsageConfig(usage_high_percent=99)


def test_rules_can_be_left_out() -> None:
    rows = used(5_000, 11_000, peak=500)
    assert "V17" not in found(rows, Stage(UsageConfig(without=("V17",))))
    with pytest.raises(ValidationError, match="V01: not judged here"):
        UsageConfig(without=("V01",))


def test_the_rule_set_in_force_sets_the_limits() -> None:
    documents = {"rules/own.yaml": b"usage_high_percent: 300\n"}
    assert opened(used(5_000, 11_000), "V17", Stage(documents=documents)) == []
    assert opened(used(5_000, 16_000), "V17", Stage(documents=documents)) == [FEBRUARY]
    with pytest.raises(ConfigError, match="RULES_FAULT"):
        Stage(documents={"rules/own.yaml": b"usage_high_percent: 1\n"})


def override(point: int, end: str, says: str) -> dict[str, bytes]:
    head = f"service_point: {point}, start: 2025-01-01, end: {end}, reason: a new oven, author: Asha"
    return {"rules/own.yaml": f"overrides: [{{{head}, {says}}}]".encode()}


@pytest.mark.parametrize(
    ("documents", "flagged"),
    [
        (override(7, "2026-01-01", "usage_high_percent: 300"), []),
        (override(8, "2026-01-01", "usage_high_percent: 300"), [FEBRUARY]),
        (override(7, "2025-02-28", "usage_high_percent: 300"), [FEBRUARY]),  # over on the day that ends the month
        (override(7, "2026-01-01", "rules: {V17: off}"), []),
        (override(7, "2026-01-01", "rules: {V17: shadow}"), []),
        (override(7, "2026-01-01", "rules: {V18: off}"), [FEBRUARY]),
        ({"rules/own.yaml": b"sets: [{tariff_category: LT-IV, usage_high_percent: 300}]"}, []),
        ({"rules/own.yaml": b"sets: [{tariff_category: LT-I, usage_high_percent: 300}]"}, [FEBRUARY]),
        ({"rules/own.yaml": b"utility: south\nusage_high_percent: 300\n"}, [FEBRUARY]),
        ({"rules/own.yaml": b"utility: north\nusage_high_percent: 300\n"}, []),
    ],
)
def test_rule_sets_hold_for_whom_they_are_about(documents: dict[str, bytes], flagged: list[date]) -> None:
    stage = Stage(UsageConfig(utility="north", tariff_categories={4: "LT-IV"}), documents, tariff=4)
    assert opened(used(5_000, 11_000, peak=500), "V17", stage) == flagged


def test_another_batch_is_refused() -> None:
    stage = Stage()
    with pytest.raises(ContractError, match="NOT_READINGS"):
        stage.step.advance(Parcel(Origin("log", 0, 0), empty(DecodedBatch)), stage.store, stage.prepared)


# ---------------------------------------------------------------------------------------------- state


def test_a_service_point_takes_64_octets_and_more_only_where_v20_is_judged() -> None:
    assert POINT.itemsize + 12 * MONTH.itemsize == 64
    assert [table.name for table in UsageStep(UsageConfig()).layout.tables] == ["points", "months"]
    with_spans = UsageStep(UsageConfig(register_change_percent=50)).layout
    assert [table.name for table in with_spans.tables] == ["points", "months", "spans"]


@pytest.mark.parametrize("every", [1, 9])
def test_a_restored_stage_goes_on_as_if_nothing_had_happened(every: int) -> None:
    """What a kernel changes and does not mark would be lost here."""
    config = UsageConfig(register_change_percent=40, estimated_bills=1)
    rng = np.random.default_rng(3)
    rows = []
    for number, row in enumerate(used(*[5_000] * 7)):
        use, absent = int(rng.integers(2_000, 16_000)), 30 if number // 75 == 1 else 0
        rows.append(Row(7, row.day, Day(use, absent=absent, peak=int(rng.integers(50, 900)) * 2), registers=BOTH))
    steady = Stage(config)
    calm = [change_of(record) for row in rows for record in steady.take([row])]
    assert {rule for rule, *_ in calm} >= {"V20", "V30"}
    stage, ledger, topic = Stage(config), Ledger(), dict[bytes, bytes]()
    told: list[Change] = []
    for number, row in enumerate(rows):
        told += [change_of(record) for record in stage.take([row])]
        if number % every == 0:
            for copy in copy_pages(stage.store, ledger, number + 1):
                record = encode(copy, ledger)
                topic[record.key] = record.value
            stage.store, ledger = _restored(stage.store, topic)
    assert told == calm


def _restored(store: StateStore, topic: dict[bytes, bytes]) -> tuple[StateStore, Any]:
    return restore(store.layout, store.pages, store.capacity, topic)
