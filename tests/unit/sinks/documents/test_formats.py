"""What a format writes, our own readers of the same format read back: values, stamps, meters and qualities."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pipeline.batch import ReadingBatch
from pipeline.codes import Method, Quality
from pipeline.reference import FOREVER, Registry
from sinks.documents import FORMATS
from sinks.documents.names import FORMAT_SCHEMAS
from sinks.records import Record
from tests.builders_readings import (
    LOG,
    MIDNIGHT,
    OF_A_LOG,
    PLAIN,
    plain_record,
    quality_word,
    readings,
    readings_record,
)
from tests.unit.connectors.readings_in.made import faults, frames, read
from tests.unit.connectors.test_gather import registry

POINTS, SECS = 3, 1_800
FIRST = 0x4B564E0000000001
ZONE = "Asia/Kolkata"
QUALITIES = (Quality.ACTUAL, Quality.ESTIMATED, Quality.SUSPECT, Quality.MANUAL)
MEANS = {Quality.ACTUAL: 0, Quality.ESTIMATED: 1, Quality.SUSPECT: 2, Quality.MANUAL: 3}


def known() -> Registry:
    made = registry([(FIRST + number, 1 + number, 0, int(FOREVER)) for number in range(POINTS)])
    made.interval_secs[:] = SECS
    return made


def slot(number: int) -> Record:
    """One interval of every meter; the qualities change from slot to slot."""
    batch = readings(number, POINTS, start=MIDNIGHT + SECS * number)
    batch.device = batch.service_point + np.uint64(FIRST - 1)
    quality = QUALITIES[number % len(QUALITIES)]
    batch.quality[:] = quality_word({0: quality, 1: quality, 4: quality})
    batch.method[:] = Method.LIKE_DAY if quality == Quality.ESTIMATED else Method.NONE
    batch.reactive[:, 0] = 7
    return replace(readings_record(number), value=batch)


def told(records: Sequence[Record]) -> set[tuple[int, int, tuple[int, ...]]]:
    """(device, end, values of wh_imp, vah_imp, varh_q1)."""
    found = set()
    for record in records:
        batch = record.value
        assert isinstance(batch, ReadingBatch)
        for row in range(len(batch.service_point)):
            values = (*batch.energy[row, :2].tolist(), int(batch.reactive[row, 0]))
            found.add((int(batch.device[row]), int(batch.interval_start[row]) + SECS, values))
    return found


@pytest.mark.parametrize(
    ("form", "reader"), [("cim-xml", "cim"), ("espi", "espi"), ("mscons", "mscons")], ids=["cim", "espi", "mscons"]
)
def test_our_reader_of_the_format_reads_the_same(form: str, reader: str) -> None:
    records = [slot(number) for number in (0, 1, 2, 3, 6)]
    octets = FORMATS[form].render(records, "readings-1", ZONE)
    portions = read(octets, own=known(), format=reader, interval_secs=SECS)
    assert faults(portions) == []
    found = {
        (frame.device, reading.time, tuple(value for _, value in sorted(reading.values.items())))
        for frame in frames(portions)
        for reading in frame.readings
    }
    assert found == told(records)
    flags = {reading.time: reading.flags for frame in frames(portions) for reading in frame.readings}
    by_quality = [flags[MIDNIGHT + SECS * (number + 1)] for number in range(3)]
    assert len(set(by_quality)) == 3


@pytest.mark.parametrize("form", [form for form in FORMATS if "ReadingBatch" in FORMAT_SCHEMAS[form]])
def test_the_same_block_gives_the_same_octets(form: str) -> None:
    records = [slot(number) for number in range(3)]
    first, second = (FORMATS[form].render(records, "readings-1", ZONE) for _ in range(2))
    assert first == second
    assert first


@pytest.mark.parametrize("form", ["cim-xml", "cim-json", "espi", "ies", "mscons", "nem12"])
def test_of_two_revisions_of_an_interval_the_newer_is_sent(form: str) -> None:
    older, newer = slot(0), slot(0)
    assert isinstance(newer.value, ReadingBatch)
    newer.value.revision += np.uint64(1 << 30)
    newer.value.energy[:, 0] = 123_456
    octets = FORMATS[form].render([newer, older], "readings-1", ZONE)
    assert octets.count({"mscons": b"123,456", "nem12": b"123.456"}.get(form, b"123456")) == POINTS


def test_cim_json_says_what_cim_xml_says() -> None:
    octets = FORMATS["cim-json"].render([slot(0)], "readings-1", ZONE)
    message = json.loads(octets)["EventMessage"]
    assert message["Header"]["Noun"] == "MeterReadings"
    meters = message["Payload"]["MeterReadings"]["MeterReading"]
    assert [meter["UsagePoint"]["Names"]["name"] for meter in meters] == ["1", "2", "3"]
    block = meters[0]["IntervalBlocks"][0]
    assert block["ReadingType"]["ref"] == "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0"
    assert block["IntervalReadings"][0]["ReadingQualities"]["ReadingQualityType"]["ref"] == "2.0.0"


def test_ies_says_what_was_done_to_an_interval_beside_it() -> None:
    linear = slot(1)
    assert isinstance(linear.value, ReadingBatch)
    linear.value.method[:] = Method.LINEAR
    linear.value.rules[:] = 1
    found = json.loads(FORMATS["ies"].render([slot(0), linear, slot(5)], "readings-1", ZONE))["meterData"]
    assert [len(document["intervals"]) for document in found[:2]] == [2, 1]
    document = found[0]
    assert document["intervalPeriod"] == {"start": "2025-12-31T18:30:00Z", "duration": "PT30M"}
    assert [one["readingType"] for one in document["descriptors"]] == [
        "1.0.1.29.0.255", "1.0.9.29.0.255", "1.0.5.29.0.255",
    ]  # fmt: skip
    assert "overrides" not in document["intervals"][0]
    assert document["intervals"][1]["overrides"][0] == {
        "descriptorIndex": 0,
        "validationStatus": "ESTIMATED",
        "source": "ESTIMATED",
        "changeMethod": "linear-interpolation",
        "failCode": "VEE-MISSING-INTERVAL",
    }


@pytest.mark.parametrize("schema", sorted(PLAIN))
def test_tables_have_every_field_of_plain_records(schema: str) -> None:
    records = [plain_record(schema, offset, offset) for offset in range(3)]
    names = [field.name for field in PLAIN[schema].fields]
    lines = [json.loads(line) for line in FORMATS["jsonl"].render(records, "x", ZONE).splitlines()]
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].render(records, "x", ZONE).decode())))
    assert len(lines) == len(rows) == 3
    assert list(lines[0]) == list(rows[0]) == names
    if schema in OF_A_LOG:
        assert [line["source_offset"] for line in lines] == [0, 1, 2]
        assert [row["source_offset"] for row in rows] == ["0", "1", "2"]


def test_tables_of_readings_name_quality_rules_and_origin() -> None:
    record = slot(2)
    assert isinstance(record.value, ReadingBatch)
    record.value.rules[:] = 0b1001
    line = json.loads(FORMATS["jsonl"].render([record], "x", ZONE).splitlines()[0])
    assert line["quality"]["wh_imp"] == "SUSPECT"
    assert line["rules"] == ["V01", "V09"]
    assert line["wh_exp"] is None
    assert (line["origin_topic_id"], line["origin_partition"], line["origin_offset"]) == (LOG, 0, 2)


def test_tables_tell_how_far_off_an_estimate_is_expected_to_be() -> None:
    record = slot(1)
    assert isinstance(record.value, ReadingBatch)
    record.value.expected_error[:] = [571, 0, 65_535]
    lines = [json.loads(line) for line in FORMATS["jsonl"].render([record], "x", ZONE).splitlines()]
    assert [line["expected_error"] for line in lines] == [571, 0, None]
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].render([record], "x", ZONE).decode())))
    assert [row["expected_error"] for row in rows] == ["571", "0", ""]


def test_names_of_formats_agree() -> None:
    assert list(FORMATS) == list(FORMAT_SCHEMAS)
