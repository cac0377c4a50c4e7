"""`kvarn facts import` and `list`, the broker in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.facts import importing, listing
from cli.main import main
from schemas.load import load_contracts
from tests.unit.connectors.facts.test_outages import REGISTRY

ROOT = Path(__file__).parents[3]
CONTRACTS = load_contracts()


class Topic:
    """What was written."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, bytes]] = []
        self.closed = False

    def write(self, key: bytes, value: bytes) -> None:
        self.written.append((key, value))

    def close(self) -> None:
        self.closed = True

    @property
    def records(self) -> list[dict[str, Any]]:
        return [CONTRACTS.decode(value, "Fact") for _, value in self.written]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    monkeypatch.setattr(importing, "FactWriter", lambda _bootstrap, _topic: made)
    monkeypatch.setattr(importing, "prepare", lambda _plan: CONTRACTS)
    monkeypatch.setattr(importing, "_registry", lambda _plan: REGISTRY)
    monkeypatch.setattr(listing, "read_facts", lambda *_given: iter(made.records))
    monkeypatch.setattr(listing, "contracts_of", lambda *_given: CONTRACTS)
    return made


def facts(*arguments: str, file: Path = ROOT / "examples/facts.yaml") -> int:
    with pytest.raises(SystemExit) as ended:
        main(["facts", *arguments, "--file", str(file)])
    return int(ended.value.code or 0)


def test_a_file_is_handed_on_and_listed(tmp_path: Path, topic: Topic, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "outages.csv"
    path.write_text("node,service_point,from,until,id,revision\n100,,2025-07-01 12:00,,o-1,1\n"
                    ",7,2025-07-01 12:00,2025-07-01 13:00,,\n100,,2025-07-01 12:00,2025-07-01 14:00,o-1,2\n"
                    ",99,2025-07-01 12:00,2025-07-01 13:00,,\n")  # fmt: skip
    assert facts("import", str(path), "--who", "asha", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["written"], said["kinds"], said["unknown"]) == (4, {"OUTAGE": 4}, ["service point 99"])
    assert topic.closed
    assert [key for key, _ in topic.written] == [b"node/100", b"point/7", b"node/100", b"point/99"]
    assert {record["who"] for record in topic.records} == {"asha"}
    assert topic.records[1]["revision"] == topic.records[1]["said_at"] > 1_700_000_000
    assert facts("list", "--json", "--to", "2025-07-02") == 0
    listed = json.loads(capsys.readouterr().out)["facts"]
    assert [(one["id"], one["until"]) for one in listed if one["node"]] == [("o-1", "2025-07-01T14:00:00.000+05:30")]
    assert len(listed) == 3
    assert facts("list", "--service-point", "7") == 0
    assert "1 facts" in capsys.readouterr().out
    assert facts("list", "--open", "--json") == 0
    assert json.loads(capsys.readouterr().out)["count"] == 0


def test_a_fault_is_told_with_its_line_and_nothing_is_handed_on(
    tmp_path: Path, topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "outages.csv"
    path.write_text("service_point,node,from,until\n7,,2025-07-01,2025-07-02\nM1,,2025-07-01,2025-07-02\n"
                    "7,3,2025-07-01,2025-07-02\n7,,2025-07-01,2027-07-02\n")  # fmt: skip
    assert facts("import", str(path)) == 2
    said = capsys.readouterr().err
    for fault in ("line 3, service point 'M1' is no number", "line 4, it is about service_point and node",
                  "line 5, an outage of more than 366 days"):  # fmt: skip
        assert fault in said
    assert topic.written == []
    assert facts("import", str(path), "--skip-faults") == 0
    assert len(topic.written) == 1
    assert "3 rows left out" in capsys.readouterr().out
    assert facts("import", str(path), "--skip-faults", "--dry-run") == 0
    assert len(topic.written) == 1


def test_a_topology_without_the_topic_is_told_how_to_get_it(
    tmp_path: Path, topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "outages.csv"
    path.write_text("service_point,from,until\n7,2025-07-01,2025-07-02\n")
    assert facts("import", str(path), file=ROOT / "topologies.yaml") == 2
    assert "docs/facts.md" in capsys.readouterr().err
