"""NEM12 of the file sink: days of market time, qualities, and the same codes that VEE has for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.vee.estimate.qualities import nem12_out
from pipeline.batch import ReadingBatch
from pipeline.codes import Method, Quality
from pipeline.errors import ContractError
from pipeline.reference import FOREVER
from sinks.documents import FORMATS
from sinks.documents.intervals import Interval
from sinks.documents.nem12 import Slot, days
from sinks.documents.quality_codes import nem12_quality
from sinks.records import Record
from tests.builders_readings import MIDNIGHT, quality_word, readings, readings_record
from tests.unit.connectors.readings_in.made import faults, frames, read
from tests.unit.connectors.test_gather import registry

SECS = 1_800


def slot(number: int, quality: Quality = Quality.ACTUAL, method: Method = Method.NONE, rules: int = 0) -> Record:
    batch = readings(number, 2, start=MIDNIGHT + SECS * number)
    batch.quality[:] = quality_word({0: quality, 2: quality})
    batch.energy[:, 2] = 5
    batch.method[:] = method
    batch.rules[:] = rules
    return replace(readings_record(number), value=batch)


def render(*records: Record) -> list[str]:
    return FORMATS["nem12"].render(records, "x", "Asia/Kolkata").decode().splitlines()


def test_our_reader_of_nem12_reads_the_same() -> None:
    records = [slot(number) for number in range(60)]
    octets = FORMATS["nem12"].render(records, "x", "Asia/Kolkata")
    own = registry([(point, point, 0, int(FOREVER)) for point in (1, 2)])
    own.interval_secs[:] = SECS
    found = read(octets, own=own, format="nem12", interval_secs=SECS)
    assert faults(found) == []
    told = {
        (frame.device, reading.time, tuple(value for _, value in sorted(reading.values.items())))
        for frame in frames(found) for reading in frame.readings
    }  # fmt: skip
    expected = set()
    for record in records:
        batch = record.value
        assert isinstance(batch, ReadingBatch)
        expected |= {
            (int(point), int(start) + SECS, (int(energy[0]), 5))
            for point, start, energy in zip(batch.service_point, batch.interval_start, batch.energy, strict=True)
        }
    assert told == expected


def test_a_day_of_market_time_begins_at_14_00_utc_and_what_lacks_is_null() -> None:
    lines = render(slot(0), slot(1), slot(2, Quality.ESTIMATED, Method.LINEAR), slot(3, Quality.MANUAL, rules=1))
    assert lines[0] == "100,NEM12,200001010000,KVARN,KVARN"
    assert lines[1] == "200,1,E1,E1,E1,,4E0000000001,KWH,30,"
    day = lines[2].split(",")
    # Midnight in India is 18:30 UTC: the tenth interval of a day that begins at 14:00 UTC.
    assert (day[0], day[1], len(day)) == ("300", "20260101", 2 + 48 + 5)
    assert day[2:11] == ["0"] * 9
    assert all(float(value) >= 0 for value in day[11:15])
    assert day[50] == "V"
    assert lines[3:8] == ["400,1,9,N,,", "400,10,11,A,,", "400,12,12,S17,78,", "400,13,13,S16,45,", "400,14,48,N,,"]
    assert lines[-1] == "900"


def test_a_day_of_one_quality_has_no_records_400() -> None:
    slots = {number * SECS + 14 * 3600: Slot(number, "A") for number in range(48)}
    (line,) = days(slots, SECS)
    assert line.split(",")[2:4] == ["0.000", "0.001"]
    assert line.endswith(",A,,,,")


@pytest.mark.parametrize(
    "quality", [Quality.ACTUAL, Quality.ESTIMATED, Quality.MANUAL, Quality.DERIVED, Quality.SUSPECT]
)
@pytest.mark.parametrize("method", list(Method))
def test_qualities_are_those_of_vee(quality: Quality, method: Method) -> None:
    interval = Interval(1, 1, 0, SECS, 1, {"wh_imp": 1}, {"wh_imp": quality.name}, method.name, (), (), 0, "", 0, 0)
    assert nem12_quality(interval, "wh_imp") == nem12_out(quality, method)


def test_a_service_point_is_not_cut_off_to_the_length_of_an_nmi() -> None:
    long = slot(0)
    assert isinstance(long.value, ReadingBatch)
    long.value.service_point[:] = (1_234_567_890, 1_234_567_891)
    assert {line.split(",")[1] for line in render(long) if line.startswith("200")} == {"1234567890", "1234567891"}
    long.value.service_point[:] = (12_345_678_901, 12_345_678_902)
    with pytest.raises(ContractError, match="NEM12_NMI"):
        render(long)


def test_an_interval_that_nem12_does_not_have_is_refused() -> None:
    odd = slot(0)
    assert isinstance(odd.value, ReadingBatch)
    odd.value.interval_secs = np.full(2, 3_600, "<u4")
    with pytest.raises(ContractError, match="NEM12_INTERVAL"):
        render(odd)
