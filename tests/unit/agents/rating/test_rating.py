"""Determinants of days and months: what they hold, when there is one, and how they correct themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.rating.config import RatingConfig
from agents.rating.encode import plan_of
from agents.rating.rows import new_rows
from agents.rating.step import RatingStep
from pipeline.codes import Quality, Role
from pipeline.columns import Array
from pipeline.errors import ConfigError, ContractError, Fatal
from pipeline.lookup import partitions_of
from pipeline.records import RecordBatch
from pipeline.state import StateStore
from schemas.load import load_contracts
from tests.builders_rating import DAY, SECS, SLOTS, Meters, Point, ist, references, registry

POINTS = (Point(11, account=901), Point(12, account=902, tariff=0), Point(13, role=Role.DT_METER))


class Rating:
    """A rating step with its state, fed by hand."""

    def __init__(self, points: tuple[Point, ...] = POINTS, documents: dict[str, bytes] | None = None, **options: Any):
        self.meters = Meters(registry(points))
        self.step = RatingStep(RatingConfig(**options))
        self.store = StateStore(self.step.layout, range(512))
        self.prepared = self.step.prepare(references(self.meters.made, documents))

    def go(self) -> list[dict[str, Any]]:
        parcel = self.meters.take()
        advance = self.step.advance(parcel, self.store, self.prepared)
        assert advance.parcel is parcel
        made: list[dict[str, Any]] = []
        for emission in advance.emissions:
            assert emission.output == "determinants"
            assert isinstance(emission.value, RecordBatch)
            contracts = load_contracts()
            encoded = emission.value.encode(contracts)
            records = emission.value.records()
            assert [contracts.encode("Determinant", record) for record in records] == list(encoded.values)
            assert encoded.keys.view(">i8")[:, 0].tolist() == [record["account"] for record in records]
            made += records
        return made

    def day(self, point: int, begin: int, wh: int, quality: Quality = Quality.ACTUAL) -> None:
        """A whole day, the same energy in each interval, settled."""
        for slot in range(SLOTS):
            self.meters.put(point, begin + slot * SECS, wh, quality)
        self.meters.settle(point, begin)


def of(records: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The only record of that kind."""
    found = [record for record in records if record["kind"] == kind]
    assert len(found) == 1, records
    return found[0]


def test_a_settled_day_gives_a_determinant_of_the_day_and_of_the_month_to_date() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    rating.day(11, begin, 200)
    day, month = rating.go()
    assert (day["kind"], day["period_start"], day["period_end"]) == ("DAY", begin, begin + DAY)
    assert (month["kind"], month["period_start"], month["period_end"]) == (
        "MONTH",
        ist("2026-01-01"),
        ist("2026-02-01"),
    )
    for record in (day, month):
        assert (record["account"], record["service_point"], record["wh_imp"]) == (901, 11, 200 * 48)
        assert (record["revision"], record["supersedes"], record["reason"]) == (1, None, "FIRST")
        assert record["delta_wh_imp"] == 200 * 48
        assert record["versions"] == {"documents": "b" * 64, "registry": "a" * 64}
        assert record["power_factor"] == 909
    assert (day["total_paise"], day["lines"]) == (None, [])
    assert (month["tariff"], month["state"]) == ("msedcl-lt1b-2020", "PROVISIONAL")
    assert {line["code"]: line["base"] for line in month["lines"]}["EC.1"] == 9000


def test_zones_follow_the_windows_of_the_tariff_and_add_up() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    for slot in range(SLOTS):
        rating.meters.put(11, begin + slot * SECS, slot + 1)
    rating.meters.settle(11, begin)
    day = of(rating.go(), "DAY")
    hours = {"A": [*range(6), 22, 23], "B": [6, 7, 8, *range(12, 18)], "C": [9, 10, 11], "D": [18, 19, 20, 21]}
    expected = {zone: sum(2 * hour + 1 + 2 * hour + 2 for hour in found) for zone, found in hours.items()}
    assert {zone["zone"]: zone["wh"] for zone in day["zones"]} == expected
    assert sum(expected.values()) == day["wh_imp"]


def test_a_point_without_a_tariff_has_energy_but_no_bill() -> None:
    rating = Rating()
    rating.day(12, ist("2026-01-05"), 100)
    month = of(rating.go(), "MONTH")
    assert (month["wh_imp"], month["tariff"], month["lines"], month["total_paise"]) == (4800, None, [], None)
    assert month["zones"] == []


def test_all_that_is_known_of_a_month_stands_in_its_list_by_code_with_unit_source_and_time() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    for slot in range(SLOTS):
        rating.meters.put(11, begin + slot * SECS, 100)
    rating.meters.put(11, begin + 10 * SECS, 500)
    rating.meters.put(11, begin + 11 * SECS, 7, Quality.ESTIMATED)
    rating.meters.settle(11, begin)
    rating.day(11, begin + DAY, 100)
    records = rating.go()
    day, other, month = records
    assert (day["kind"], other["kind"], month["kind"]) == ("DAY", "DAY", "MONTH")
    assert day["quantities"] == other["quantities"] == []
    wh = 46 * 100 + 500 + 7 + 4800
    at = begin + 10 * SECS
    found = {item.pop("code"): item for item in month["quantities"]}
    assert found["KWH_IMP"] == {"value": wh, "delta": wh, "unit": "WH", "at": None, "source": "MIDNIGHT_REGISTERS"}
    assert found["KVAH_IMP"]["value"] == month["vah_imp"]
    assert found["MD_KW"] == {"value": 1000, "delta": None, "unit": "W", "at": at, "source": "INTERVALS"}
    assert (found["MD_KVA"]["value"], found["MD_KVA"]["at"]) == (1100, at)
    assert found["PF_AVG"]["value"] == month["power_factor"]
    assert found["LF_PCT"]["value"] == (2000 * wh + 48_000) // 96_000
    assert (month["intervals_estimated"], month["intervals_expected"]) == (1, 31 * SLOTS)
    assert found["PCT_EST"] == {"value": 1, "delta": None, "unit": "PERMILLE", "at": None, "source": "COUNTED"}
    assert (found["DAYS"]["value"], found["METER_SEGMENTS"]["value"]) == (2, 1)
    assert [found[f"KWH_TZ{zone}"]["value"] for zone in range(1, 5)] == [zone["wh"] for zone in month["zones"]]
    assert not {"KWH_EXP", "KVAH_EXP", "KWH_TZ5", "KVAH_TZ1", "OUTAGE_MIN"} & found.keys()


def test_network_meters_are_billed_to_nobody_unless_asked_for() -> None:
    for asked in (False, True):
        rating = Rating(network_meters=asked)
        rating.day(13, ist("2026-01-05"), 100)
        assert len(rating.go()) == (2 if asked else 0)


def test_a_suspect_or_missing_interval_counts_nothing_and_raises_no_demand() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    for slot in range(SLOTS):
        rating.meters.put(11, begin + slot * SECS, 100)
    rating.meters.put(11, begin, 90_000, Quality.SUSPECT)
    rating.meters.put(11, begin + SECS, 0, Quality.MISSING)
    rating.meters.put(11, begin + 2 * SECS, 5_000, Quality.ESTIMATED)
    rating.meters.settle(11, begin, registers=1)
    day = of(rating.go(), "DAY")
    assert (day["wh_imp"], day["estimated_wh"], day["demand_w"]) == (45 * 100 + 5000, 5000, 200)
    assert (day["demand_start"], day["demand_va"]) == (begin + 3 * SECS, 220)
    names = ("intervals_expected", "intervals_actual", "intervals_estimated", "intervals_missing", "intervals_suspect")
    assert [day[name] for name in names] == [48, 45, 1, 1, 1]
    assert {register["source"] for register in day["registers"]} == {"INTERVALS"}
    assert {register["closing"] for register in day["registers"]} == {None}


def test_demand_goes_by_the_quality_of_its_own_channel() -> None:
    # Active energy was scaled to its register, so no interval of it is actual; apparent energy met its own.
    rating, begin = Rating(), ist("2026-01-05")
    for slot in range(SLOTS):
        rating.meters.put(11, begin + slot * SECS, 100)
    rating.meters.settle(11, begin, counts=[0, 48, 0, 0], demand=[0, 130], demand_start=[0, begin + SECS])
    day = of(rating.go(), "DAY")
    assert (day["demand_w"], day["demand_start"]) == (None, None)
    assert (day["demand_va"], day["demand_va_start"]) == (260, begin + SECS)


def test_a_late_reading_revises_its_day_and_its_month_by_the_difference() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    rating.meters.put(11, begin, 300, Quality.ESTIMATED)
    for slot in range(1, SLOTS):
        rating.meters.put(11, begin + slot * SECS, 100)
    rating.meters.settle(11, begin)
    rating.go()
    rating.day(11, begin + DAY, 100)
    grown = of(rating.go(), "MONTH")
    assert (grown["revision"], grown["reason"], grown["delta_wh_imp"]) == (2, "RUNNING", 4800)
    rating.meters.put(11, begin, 1100)
    rating.meters.settle(11, begin)
    day, month = rating.go()
    assert (day["revision"], day["supersedes"], day["reason"], day["delta_wh_imp"]) == (2, 1, "LATE_DATA", 800)
    assert (month["revision"], month["reason"], month["delta_wh_imp"]) == (3, "LATE_DATA", 800)
    assert month["wh_imp"] == 2 * 4800 + 1000
    assert month["delta_paise"] == month["total_paise"] - grown["total_paise"]


def test_another_estimate_is_a_revision_of_its_own_reason() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    rating.day(11, begin, 100, Quality.ESTIMATED)
    rating.go()
    rating.meters.put(11, begin, 150, Quality.ESTIMATED)
    rating.meters.settle(11, begin)
    assert [record["reason"] for record in rating.go()] == ["RE_ESTIMATED", "RE_ESTIMATED"]


def test_energy_that_moves_between_zones_is_a_revision_though_the_sum_stays() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    rating.day(11, begin, 100, Quality.ESTIMATED)
    before = {zone["zone"]: zone["wh"] for zone in of(rating.go(), "DAY")["zones"]}
    rating.meters.put(11, begin, 40, Quality.ESTIMATED)
    rating.meters.put(11, begin + 20 * 3600, 160, Quality.ESTIMATED)
    rating.meters.settle(11, begin)
    day, month = rating.go()
    after = {zone["zone"]: zone["wh"] for zone in day["zones"]}
    assert (after["A"] - before["A"], after["D"] - before["D"]) == (-60, 60)
    assert (day["delta_wh_imp"], month["delta_wh_imp"]) == (0, 0)


def test_a_settlement_that_changes_nothing_makes_no_determinant() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    rating.day(11, begin, 100)
    rating.go()
    rating.meters.settle(11, begin)
    assert rating.go() == []


def test_a_day_that_becomes_final_is_said_once_and_the_month_follows_when_all_are() -> None:
    rating, last = Rating(), ist("2026-01-31")
    rating.day(11, last - DAY, 100)
    rating.day(11, last, 100)
    assert (
        of([r for r in rating.go() if r["period_end"] == ist("2026-02-01") and r["kind"] == "MONTH"], "MONTH")["state"]
        == "PROVISIONAL"
    )
    rating.meters.settle(11, last - DAY, state=1)
    (day,) = rating.go()
    assert (day["kind"], day["state"], day["reason"]) == ("DAY", "FINAL", "FINALISED")
    rating.meters.settle(11, last, state=1)
    day, month = rating.go()
    assert (month["kind"], month["state"], month["reason"], month["delta_wh_imp"]) == ("MONTH", "FINAL", "FINALISED", 0)


def test_the_month_ends_at_indian_midnight_in_a_leap_february() -> None:
    rating, last = Rating(), ist("2028-02-29")
    rating.day(11, last, 100)
    rating.day(11, last + DAY, 300)
    months = [record for record in rating.go() if record["kind"] == "MONTH"]
    assert [(m["period_start"], m["wh_imp"]) for m in months] == [
        (ist("2028-02-01"), 4800),
        (ist("2028-03-01"), 14400),
    ]
    assert months[0]["intervals_expected"] == 29 * 48


def test_late_data_of_the_last_day_revises_the_month_before_and_leaves_the_running_one() -> None:
    rating, last = Rating(), ist("2026-01-31")
    rating.day(11, last, 100)
    rating.day(11, last + DAY, 100)
    rating.day(11, last + 2 * DAY, 100)
    rating.go()
    rating.meters.put(11, last, 2100)
    rating.meters.settle(11, last)
    day, month = rating.go()
    assert day["kind"] == "DAY"
    assert (month["period_start"], month["wh_imp"], month["delta_wh_imp"]) == (ist("2026-01-01"), 6800, 2000)
    assert month["registers"][0]["closing"] == 6800


def test_a_whole_month_keeps_its_sums_when_days_leave_the_window() -> None:
    rating, begin = Rating(), ist("2026-03-01")
    last: dict[str, Any] = {}
    for number in range(31):
        rating.day(11, begin + number * DAY, 100 + number)
        last = of(rating.go(), "MONTH")
    assert last["wh_imp"] == sum(48 * (100 + number) for number in range(31))
    assert sum(zone["wh"] for zone in last["zones"]) == last["wh_imp"]
    assert (last["revision"], last["intervals_actual"], last["demand_w"]) == (31, 31 * 48, 260)
    register = last["registers"][0]
    assert (register["opening"], register["closing"], register["source"]) == (0, last["wh_imp"], "REGISTERS")
    assert (last["lineage_from"], last["lineage_to"]) == (0, 30)


def test_what_is_less_than_a_unit_is_carried_into_the_next_month() -> None:
    rating, last = Rating(), ist("2026-01-31")
    rating.day(11, last, 31)  # 1,488 Wh: 1 unit, 488 Wh carried
    rating.day(11, last + DAY, 32)  # 1,536 Wh: with the carry 2,024 Wh, 2 units
    months = [record for record in rating.go() if record["kind"] == "MONTH"]
    assert [month["lines"][0]["base"] for month in months] == [1000, 2000]


def test_a_meter_exchange_in_mid_month_gives_one_bill_at_the_slab_of_the_sum() -> None:
    rating = Rating()
    rating.day(11, ist("2026-01-10"), 3125)
    rating.go()
    begin = ist("2026-01-11")
    for slot in range(SLOTS):  # the first half of the day by the old meter, the second by the new one
        rating.meters.put(11, begin + slot * SECS, 3125)
    rating.meters.settle(11, begin, registers=3 | 16)
    month = of(rating.go(), "MONTH")
    assert (month["wh_imp"], month["meter_segments"]) == (300_000, 2)
    assert sum(line["paise"] for line in month["lines"] if line["code"].startswith("EC")) == 183200


def test_without_month_to_date_a_month_is_written_when_its_last_day_is_settled() -> None:
    rating, last = Rating(month_to_date=False), ist("2026-01-31")
    rating.day(11, last - DAY, 100)
    assert [record["kind"] for record in rating.go()] == ["DAY"]
    rating.day(11, last, 100)
    _day, month = rating.go()
    assert (month["kind"], month["revision"], month["wh_imp"], month["delta_wh_imp"]) == ("MONTH", 1, 9600, 9600)


def test_a_new_tariff_version_is_in_force_from_its_first_month() -> None:
    old = b"version: 1\ncode: old\nnumber: 1\nname: t\nvalid_from: 2020-01-01\n"
    old += b"charges: [{code: EC, kind: energy, rate: 1}]\n"
    new = old.replace(b"code: old", b"code: new").replace(b"2020-01-01", b"2026-02-01").replace(b"rate: 1", b"rate: 2")
    rating = Rating(documents={"tariffs/old.yaml": old, "tariffs/new.yaml": new})
    rating.day(11, ist("2026-01-31"), 1000)
    rating.day(11, ist("2026-02-01"), 1000)
    months = [record for record in rating.go() if record["kind"] == "MONTH"]
    assert [(month["tariff"], month["total_paise"]) for month in months] == [("old", 4800), ("new", 9600)]


def test_a_reading_older_than_the_window_stops_the_process() -> None:
    rating, begin = Rating(hot_days=1), ist("2026-01-05")
    for number in range(4):
        rating.day(11, begin + number * DAY, 100)
        rating.go()
    rating.meters.put(11, begin, 100)
    with pytest.raises(Fatal, match="DAY_OUTSIDE_WINDOW"):
        rating.go()


def test_a_tick_after_a_silence_of_days_closes_the_old_days_before_it_opens_new_ones() -> None:
    rating, begin = Rating(), ist("2026-01-05")
    rating.day(11, begin, 100)
    rating.go()
    for number in range(1, 12):
        rating.day(11, begin + number * DAY, 100 + number)
    records = rating.go()
    days = [record for record in records if record["kind"] == "DAY"]
    assert [day["period_start"] for day in days] == [begin + number * DAY for number in range(1, 12)]
    last = max((record for record in records if record["kind"] == "MONTH"), key=lambda record: record["revision"])
    assert last["wh_imp"] == sum(48 * (100 + number) for number in range(12))
    assert sum(zone["wh"] for zone in last["zones"]) == last["wh_imp"]


def test_points_that_come_after_a_silence_leave_the_money_of_the_others_alone() -> None:
    """The page of state grows while the days are taken one by one."""
    points = np.arange(1, 60_000, dtype=np.uint64)
    mine = points[partitions_of(points, 512) == 0][:90].tolist()
    old, new, begin = mine[:30], mine[30:], ist("2026-01-05")

    def money(at_once: bool) -> list[tuple[Any, ...]]:
        rating, records = Rating(tuple(Point(point, account=point) for point in mine)), []
        for number in range(8):
            for point in old + (new if number == 7 else []):
                rating.day(point, begin + number * DAY, 100 + point % 7 + number)
            if number == 0 or not at_once:
                records += rating.go()
        records += rating.go() if at_once else []
        names = "service_point", "kind", "period_start", "wh_imp", "total_paise", "delta_paise"
        return sorted(tuple(record[name] for name in names) for record in records)

    assert money(at_once=True) == money(at_once=False)


def test_an_unknown_shipped_tariff_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="TARIFF_UNKNOWN"):
        RatingStep(RatingConfig(tariffs=("no-such",)))


def test_many_records_are_encoded_like_one() -> None:
    points = tuple(Point(100 + number, account=number) for number in range(1, 400))
    rating = Rating(points)
    for number, point in enumerate(points):
        rating.day(point.id, ist("2026-01-05"), number * number * 40)
    records = rating.go()
    assert len(records) == 2 * len(points)
    assert [record["source_index"] for record in records] == list(range(len(records)))


def test_a_point_that_the_registry_does_not_know_keeps_its_energy_without_account_and_bill() -> None:
    rating = Rating()
    rating.prepared = rating.step.prepare(references(registry(())))
    rating.day(11, ist("2026-01-05"), 100)
    day, month = rating.go()
    assert (day["account"], day["wh_imp"], day["zones"]) == (0, 4800, [])
    assert (month["account"], month["wh_imp"], month["total_paise"]) == (0, 4800, None)


@pytest.mark.parametrize("octet", [0x00, 0x7F, 0xFF])
def test_what_stood_in_memory_before_leaves_no_trace_in_a_determinant(
    octet: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def filled(count: int) -> Array:
        rows = new_rows(count)
        rows.view(np.uint8)[:] = octet
        return rows

    def story() -> list[list[dict[str, Any]]]:
        rating, begin = Rating(), ist("2026-01-31")
        rating.day(11, begin, 200)
        rating.day(12, begin, 7, Quality.SUSPECT)
        made = [rating.go()]
        rating.meters.put(11, begin + SECS, 900, Quality.ACTUAL)
        rating.meters.settle(11, begin)
        made.append(rating.go())
        rating.prepared = rating.step.prepare(references(registry(())))
        rating.day(11, begin + DAY, 300)
        return [*made, rating.go()]

    calm = story()
    monkeypatch.setattr("agents.rating.step.new_rows", filled)
    assert story() == calm
    assert [len(made) for made in calm] == [4, 2, 2]


def test_a_field_that_rating_cannot_fill_is_refused_when_records_are_encoded() -> None:
    with pytest.raises(ContractError, match="FIELD_UNKNOWN"):
        plan_of({"fields": [{"name": "wh_imp", "type": "long"}, {"name": "colour", "type": "string"}]})
