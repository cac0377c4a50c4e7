"""`kvarn explain` on what a demo leaves: from rupees to octets, and what it says when something is gone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from cli.decoding.keys import keys_for
from cli.demo.command import demo_config, run_embedded, warehouse_in, with_warehouse
from cli.demo.embedded import KEYS_FILE, MASTER_KEY, RECORDING
from cli.explain.bill import BillKey, answers, bill_of
from cli.explain.frames import frames_at, hash_of
from cli.explain.logs import RecordedLog, RecordsAtHand
from cli.explain.walk import ALL, Sources, Wanted, walk
from cli.main import app
from connectors.simulator.kvf import Logged, read_any
from pipeline.errors import ConfigError
from schemas.load import load_contracts
from sinks.clickhouse.reader import open_here
from tests.docs.test_reference import ROOT

Said = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("demo")
    config = demo_config(meters=6, days=2, seed=5, faults="all")
    run_embedded(config, ROOT / "topologies.yaml", warehouse_in(made), quiet=True)
    return made


@pytest.fixture(scope="module")
def bills(folder: Path) -> list[Said]:
    """Month determinants, each of the newest revision."""
    statement = (
        "SELECT account, service_point, toUnixTimestamp(period_start) AS start, revision, wh_imp, total_paise "
        "FROM determinants_latest WHERE kind = 'MONTH' AND wh_imp > 0 ORDER BY service_point"
    )
    found: list[Said] = with_warehouse(warehouse_in(folder), lambda ask: ask(statement))
    assert len(found) >= 5
    return found


@pytest.fixture
def sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    monkeypatch.setenv("KVARN_MASTER_KEY", MASTER_KEY.hex())
    return Sources(load_contracts(), RecordedLog(folder / RECORDING), keys_for(None, None, folder / KEYS_FILE))


def explained(folder: Path, bill: Said, sources: Sources, wanted: Wanted, revision: int | None = None) -> Said:
    key = BillKey(int(bill["account"]), int(bill["service_point"]), int(bill["start"]), revision)
    reader = open_here(warehouse_in(folder))
    try:
        ask = answers(reader.ask)
        return walk(ask, bill_of(ask, key, "MONTH"), sources, wanted)
    finally:
        reader.close()


def at_hand(folder: Path) -> dict[tuple[int, int], bytes]:
    """Records of the recording by partition and offset."""
    found: dict[tuple[int, int], bytes] = {}
    numbers: dict[int, int] = {}
    for _, item in read_any(folder / RECORDING):
        if isinstance(item, Logged):
            number = numbers.get(item.partition, 0)
            found[item.partition, number], numbers[item.partition] = item.value, number + 1
    return found


def test_lines_intervals_and_frames_of_every_bill_belong_together(
    folder: Path, bills: list[Said], sources: Sources
) -> None:
    for bill in bills:
        said = explained(folder, bill, sources, Wanted(frames=2))
        assert sum(line["paise"] for line in said["lines"]) == said["bill"]["total_paise"] == bill["total_paise"]
        assert all(f"= Rs {line['paise'] / 100:.2f}" in line["words"] for line in said["lines"])
        assert said["sums"]["agree"], said["sums"]
        assert sum(said["sums"]["quality"].values()) == len(said["intervals"])
        assert sum(day["wh_imp_actual"] + day["wh_imp_estimated"] for day in said["days"]) == bill["wh_imp"]
        assert said["missing"] == []
        assert len([frame for frame in said["frames"] if frame["of"].startswith("interval")]) == 2
        for frame in said["frames"]:
            assert frame["octets"] == len(frame["hex"]) // 2 > 0
            assert all(item["error"] is None for item in frame["decoded"]), frame["decoded"]
            assert frame["decoded"][0]["device"] == frame["device"]
            assert frame["decoded"][0]["explain"]


def test_an_interval_that_the_meter_sent_is_in_its_frame(folder: Path, bills: list[Said], sources: Sources) -> None:
    said = explained(folder, bills[0], sources, Wanted(frames=0))
    row = next(row for row in said["intervals"] if row["wh_imp_quality"] == "ACTUAL" and row["wh_imp"] > 0)
    (frame,) = explained(folder, bills[0], sources, Wanted(at=row["start"] + 60))["frames"]
    assert (frame["offset"], frame["frame"]) == (row["origin_offset"], row["frame"])
    assert frame["device"] == row["system_title"]
    text = json.dumps(frame["decoded"])
    assert f"{row['wh_imp']}" in text.replace(".0", "") or f"{row['wh_imp'] / 1000}" in text


def test_the_hash_is_over_every_frame_of_the_period_and_changes_with_one_octet(
    folder: Path, bills: list[Said], sources: Sources
) -> None:
    records = at_hand(folder)
    first = explained(folder, bills[0], replace(sources, log=RecordsAtHand("memory", records)), Wanted(0, hashed=True))
    second = explained(folder, bills[0], sources, Wanted(0, hashed=True))
    assert first["lineage"] == second["lineage"]
    lineage = first["lineage"]
    assert lineage["frames"] == lineage["frames_there"] > 40
    places = {
        (row["origin_partition"], row["origin_offset"], row["frame"]): 0
        for row in first["intervals"] if row["frame"] >= 0
    }  # fmt: skip
    assert {offset for _, offset, _ in places} <= set(range(lineage["from"], lineage["to"] + 1))
    found, gone = frames_at(sources.contracts, RecordsAtHand("memory", records), places)
    frames = [frame for each in found.values() for frame in each]
    assert (hash_of(frames), gone) == (lineage["sha256"], {})
    changed = replace(frames[0], octets=bytes([frames[0].octets[0] ^ 1, *frames[0].octets[1:]]))
    assert hash_of([changed, *frames[1:]]) != lineage["sha256"]


def test_what_retention_has_taken_is_said_and_the_rest_is_shown(
    folder: Path, bills: list[Said], sources: Sources
) -> None:
    records = {place: value for place, value in at_hand(folder).items() if place[1] > 60}
    kept = replace(sources, log=RecordsAtHand("memory", records))
    said = explained(folder, bills[0], kept, Wanted(ALL, hashed=True))
    assert said["sums"]["agree"]
    assert any("memory no longer has offset" in text for text in said["missing"])
    assert 0 < said["lineage"]["frames_there"] < said["lineage"]["frames"]
    assert min(frame["offset"] for frame in said["frames"]) > 60
    without = explained(folder, bills[0], replace(sources, log=None), Wanted())
    assert without["missing"] == ["frames: no log was named"]


def test_an_earlier_revision_is_explained_by_the_intervals_that_were_there_then(
    folder: Path, bills: list[Said], sources: Sources
) -> None:
    bill = next(bill for bill in bills if bill["revision"] > 1)
    last, first = (explained(folder, bill, sources, Wanted(0), revision) for revision in (None, 1))
    assert (first["bill"]["revision"], first["bill"]["supersedes"]) == (1, None)
    assert first["sums"]["energies"]["wh_imp"]["bill"] < last["sums"]["energies"]["wh_imp"]["bill"]
    assert len(first["intervals"]) <= len(last["intervals"])


def test_the_command_prints_a_bill_and_names_other_keys_when_there_is_none(
    folder: Path, bills: list[Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KVARN_MASTER_KEY", MASTER_KEY.hex())
    options = ["--dsn", f"chdb://{folder / 'warehouse'}", "--log", str(folder / RECORDING),
               "--key-store", str(folder / KEYS_FILE)]  # fmt: skip
    key = f"{bills[0]['account']}/{bills[0]['service_point']}/{bills[0]['start']}"
    result = CliRunner().invoke(app, ["explain", key, *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for text in ("MONTH", "Determinants: KWH_IMP", "= sum of intervals", "Frame of interval", "Lineage: offsets"):
        assert text in result.output
    asked = CliRunner().invoke(app, ["explain", f"{key}@99", *options])
    assert isinstance(asked.exception, ConfigError)
    assert asked.exception.code == "BILL_UNKNOWN"
    assert key in asked.exception.do


@pytest.mark.parametrize("text", ["1/2", "1/2/2026-13-01", "a/2/3", "1/2/2026-01-01@x"])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="BILL_KEY_FORM"):
        BillKey.read(text, ZoneInfo("Asia/Kolkata"))
