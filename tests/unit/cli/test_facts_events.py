"""`kvarn facts from-events` on a warehouse, and its file into `kvarn facts import`."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cli.facts.importing import sound
from cli.main import main
from connectors.facts.files import FactFile
from pipeline.codes import Flag
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import plain_record

T0 = 1_751_351_400
DEVICE, OTHER = "4B564E0000000001", "4B564E0000000002"


def test_power_failures_become_a_file_of_outages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dsn = f"chdb://{tmp_path}/warehouse"
    sink = ClickHouseSink(ClickHouseConfig(dsn=dsn))
    sink.open()
    events = [
        (DEVICE, 7, T0, 101, "OCCURRED", 0), (DEVICE, 7, T0 + 3600, 102, "RESTORED", 0),
        (DEVICE, 7, T0 + 3600, 102, "OCCURRED", 0), (OTHER, 8, T0 + 60, 101, "OCCURRED", 0),
        (OTHER, 8, T0 + 120, 102, "OCCURRED", int(Flag.CLOCK_INVALID)), (DEVICE, 7, T0 + 100, 9, "OCCURRED", 0),
    ]  # fmt: skip
    for place, (device, point, time, code, edge, flags) in enumerate(events):
        sink.accept(plain_record("Event", place, device=device, service_point=point, time=time, code=code, edge=edge,
                                 flags=flags))  # fmt: skip
    sink.flush()
    sink.close()
    nowhere = str(tmp_path / "no folder" / "outages.csv")
    with pytest.raises(SystemExit) as refused:
        main(["facts", "from-events", nowhere, "--from", "2025-07-01", "--to", "2025-07-02", "--dsn", dsn])
    assert refused.value.code == 2
    assert "OUTPUT_UNWRITABLE" in capsys.readouterr().err
    path = tmp_path / "outages.csv"
    with pytest.raises(SystemExit) as ended:
        main(["facts", "from-events", str(path), "--from", "2025-07-01", "--to", "2025-07-02", "--dsn", dsn, "--json"])
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["outages"], said["open"], said["restorations_without_failure"]) == (2, 1, 0)
    file = FactFile(path, ZoneInfo("UTC"))
    facts = list(sound(file))
    assert file.faults == []
    assert [(one.point, one.start, one.until) for one in facts] == [("7", T0, T0 + 3600), ("8", T0 + 60, 0)]
    assert facts[0].id == f"power/{DEVICE}/{T0}"
