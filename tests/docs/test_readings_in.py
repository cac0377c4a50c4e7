"""The examples of docs/readings-in.md are read as the page says."""

from __future__ import annotations

import io
import itertools
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from cli.reference.pages import ROOT
from connectors.folder.config import FolderConfig
from connectors.folder.connector import Taking
from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats import FORMATS as READERS
from connectors.readings_in.reader import portions
from pipeline.codes import REJECT_NUMBER, Flag
from pipeline.reading_frames import TARGET, Reading
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, known, rows
from tests.unit.connectors.readings_in.written import table

PAGE = (ROOT / "docs" / "readings-in.md").read_text(encoding="utf-8")
FENCES = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
FORMATS = {"json": {"json"}, "csv": {"csv"}, "xml": {"cim", "espi"}, "avsc": {"avro"}, "text": {"nem12", "mscons"},
           "python": {"parquet"}}  # fmt: skip
NAMES = {"6305856194": DEVICE, "5446AF3F": DEVICE, "DE0001234567890000000000000000001": DEVICE}
IDS = {"nem12": "MDP1 202507020200"}
EXAMPLES = [
    (options, language, text) for (first, options), (language, text) in itertools.pairwise(FENCES) if first == "yaml"
]


def octets_of(language: str, text: str) -> bytes:
    if language == "python":
        known_names = {"pa": pa, "datetime": datetime, "UTC": UTC, "Decimal": Decimal}
        return table(eval(text, known_names))  # our own page
    if language != "avsc":
        return text.encode()
    record: dict[str, Any] = {
        "device": f"{DEVICE:016X}", "time": datetime.fromtimestamp(MIDNIGHT + 1800, UTC), "kwh_imp": Decimal("0.125"),
        "kvah_imp": Decimal("0.130"), "quality": "actual", "id": "R-1001",
    }  # fmt: skip
    out = io.BytesIO()
    fastavro.writer(out, json.loads(text), [record])
    return out.getvalue()


def test_every_format_has_an_example() -> None:
    formats = [YAML(typ="safe", pure=True).load(options)["format"] for options, _, _ in EXAMPLES]
    assert sorted(formats) == sorted(set(READERS) - {"suffix"})


@pytest.mark.parametrize(("options", "language", "text"), EXAMPLES)
def test_an_example_is_the_reading_that_the_page_says(options: str, language: str, text: str) -> None:
    chosen = ReadingsOptions.model_validate(YAML(typ="safe", pure=True).load(options))
    assert chosen.format in FORMATS[language]
    found = list(portions(io.BytesIO(octets_of(language, text)), chosen, NAMES, known()))
    assert [fault.detail for portion in found for fault in portion.faults] == []
    ((device, reading),) = rows(found)
    assert device == DEVICE
    assert isinstance(reading, Reading)
    assert (reading.time, reading.values) == (MIDNIGHT + 1800, {TARGET["wh_imp"]: 125, TARGET["vah_imp"]: 130})
    assert (reading.flags, reading.id) == (Flag(0), IDS.get(chosen.format, "R-1001"))


def test_the_report_on_the_page_is_one_that_the_connector_writes(tmp_path: Any) -> None:
    shown = json.loads(next(text for language, text in FENCES if language == "json" and '"faults"' in text))
    text = 'device,time,kwh_imp\n4711,2025-07-01T00:30,0.125\n4711,2025-07-01T01:00,"0,25"\n'
    config = FolderConfig(path=tmp_path, format="csv", head_end="nightly export")
    taking = Taking(tmp_path / "export.csv", len(text), "5f0c")
    for portion in portions(io.BytesIO(text.encode()), config, {}, known()):
        taking.add(portion)
    made = taking.report(config)
    assert {**made, "octets": 0} == {**shown, "octets": 0}


def test_codes_on_the_page_are_codes() -> None:
    section = PAGE[PAGE.index("## 4.") : PAGE.index("## 5.")]
    codes = re.findall(r"^\| ([A-Z_]+) \|", section, re.MULTILINE)
    assert len(codes) == 6
    assert set(codes) <= set(REJECT_NUMBER)
