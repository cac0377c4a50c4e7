"""Months of a warehouse as the tariff engine takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.rating.engine.catalogue import find, load
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.shadow import StoredMonth, rerate
from cli.reference.pages import ROOT
from cli.tariff.stored import of_tariffs, stored_months
from pipeline.channels import VAH_IMP, WH_EXP, WH_IMP
from pipeline.codes import Quality
from pipeline.step import Origin
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Reader, open_here
from sinks.clickhouse.sink import ClickHouseSink
from sinks.records import Record
from tests.builders_readings import INTERVAL, LOG, MIDNIGHT, plain_record, quality_word, readings

DAY = 86_400
BEFORE, END = MIDNIGHT - 31 * DAY, MIDNIGHT + 31 * DAY
ROOFTOP = load(str(ROOT / "examples" / "tariffs" / "rooftop.yaml"))
TANGEDCO = find("tangedco-lt1a-2024")
NOON = MIDNIGHT + 12 * 3600
INTERVALS = (
    # interval, Wh, VAh, Wh exported, and the qualities of the three
    (0, 1_000, 1_100, 70, (Quality.ACTUAL, Quality.ACTUAL, Quality.ACTUAL)),
    (1, 9_000, 9_900, 900, (Quality.SUSPECT, Quality.SUSPECT, Quality.SUSPECT)),
    (2, 4_000, 4_400, 0, (Quality.ESTIMATED, Quality.ESTIMATED, Quality.ESTIMATED)),
    (3, 600, 8_000, 30, (Quality.MANUAL, Quality.SUSPECT, Quality.ACTUAL)),
)


def interval(offset: int, point: int) -> Record:
    place, wh, vah, export, qualities = INTERVALS[offset]
    batch = readings(offset, 1, first_point=point, start=NOON + place * INTERVAL)
    batch.energy[0, [WH_IMP, VAH_IMP, WH_EXP]] = wh, vah, export
    channels = dict(zip((WH_IMP, VAH_IMP, WH_EXP), qualities, strict=True))
    batch.quality = np.array([quality_word(channels)], "<u8")
    return Record(topic="readings", partition=0, offset=offset, schema="ReadingBatch", value=batch,
                  origin=Origin(LOG, 0, offset), previous_offset=offset - 1)  # fmt: skip


def bill(sink: ClickHouseSink, number: int, start: int, end: int, wh: int, tariff: str, **other: Any) -> None:
    values: dict[str, Any] = {
        "account": 7, "period_start": start, "period_end": end, "kind": "MONTH", "revision": 1, "state": "FINAL",
        "wh_imp": wh, "vah_imp": wh, "wh_exp": 0, "demand_w": None, "demand_va": None, "tariff": tariff,
        "total_paise": 100, "intervals_missing": 0,
    } | other  # fmt: skip
    sink.accept(plain_record("Determinant", number, **values))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder: Path = tmp_path_factory.mktemp("stored")
    config = ClickHouseConfig(dsn=f"chdb://{folder}/warehouse")
    sink = ClickHouseSink(config)
    sink.open()
    for place in range(len(INTERVALS)):
        sink.accept(interval(place, 1))
    bill(sink, 10, BEFORE, MIDNIGHT, 300_700, "earlier", service_point=1)
    bill(sink, 11, MIDNIGHT, END, 400_000, "live", service_point=1, vah_imp=440_000, wh_exp=100)
    bill(sink, 12, MIDNIGHT, END, 400_000, "live", service_point=2, vah_imp=0)
    bill(sink, 13, MIDNIGHT, END, 0, "live", service_point=3)
    bill(sink, 14, BEFORE, MIDNIGHT, 900, "live", service_point=4)
    sink.flush()
    sink.close()
    found = open_here(config)
    yield found
    found.close()


def stored(reader: Reader, tariff: Tariff, *codes: str) -> dict[int, StoredMonth]:
    return {one.service_point: one for one in stored_months(reader, MIDNIGHT, tariff, of_tariffs(list(codes)))}


def test_zones_are_of_the_qualities_that_are_billed_and_demand_of_what_was_measured(reader: Reader) -> None:
    given = stored(reader, ROOFTOP)[1].given
    assert given.zones_wh == {"SOLAR": 1_000 + 4_000 + 600}
    assert given.zones_vah == {"SOLAR": 1_100 + 4_400}
    assert given.zones_export_wh == {"SOLAR": 70 + 30}
    assert (given.md_window_w, given.md_window_va) == (2_000, 2_200)


def test_what_earlier_months_leave_over_is_carried_whatever_their_tariff_was(reader: Reader) -> None:
    assert {point: one.given.wh for point, one in stored(reader, TANGEDCO, "live").items()} == {
        1: 400_700, 2: 400_000, 3: 0,
    }  # fmt: skip


def test_a_month_of_a_tariff_that_bills_two_has_one_months_slabs_and_fixed_charges(reader: Reader) -> None:
    assert TANGEDCO.cycle_months == 2
    month = stored(reader, TANGEDCO)[2]
    two = replace(month, given=replace(month.given, wh=800_000, slab_months=None, fixed_months=None))
    (one_month,), (cycle,) = (list(rerate([item], TANGEDCO, None)) for item in (month, two))
    assert month.given.slab_months == month.given.fixed_months == Fraction(1)
    assert 2 * one_month.after == cycle.after > 0


def test_apparent_energy_that_is_not_measured_is_not_known_and_not_nothing(reader: Reader) -> None:
    given = {point: one.given for point, one in stored(reader, ROOFTOP).items()}
    assert {point: one.vah for point, one in given.items()} == {1: 440_000, 2: None, 3: 0}
