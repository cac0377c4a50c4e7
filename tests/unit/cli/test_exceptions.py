"""`kvarn exceptions` over an embedded warehouse and topics in memory: listed, taken, accepted, estimated anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.edits import opened
from cli.exceptions import settling, work
from cli.exceptions.app import app
from cli.topology import read_plan
from pipeline.codes import RULE_BIT, Method, Quality
from pipeline.errors import ConfigError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.read import read_record
from tests.builders_readings import plain_record, quality_word, readings_record
from tests.unit.cli.edits_topic import AnsweringTopic
from tests.unit.connectors.edits_log import CONTRACTS, EditsLog
from tests.unit.connectors.readings_in.made import MIDNIGHT
from tests.unit.connectors.test_edits import with_points

FILE = Path(__file__).parents[3] / "examples" / "edits.yaml"
SPIKE, GOOD = MIDNIGHT + 36_000, MIDNIGHT + 37_800


class Deployment:
    """A warehouse in a folder, and the topics `edits` and `exception-work`."""

    def __init__(self, folder: Path) -> None:
        self.dsn = f"chdb://{folder}/warehouse"
        config = opened.config_of(read_plan(FILE)).model_copy(update={"approval": "none", "approve_above_wh": 0})
        self.edits = AnsweringTopic(EditsLog(), with_points(), config)
        self.work: list[dict[str, Any]] = []
        self._stored = 0

    def write_values(
        self, _bootstrap: str, topic: str, values: Sequence[tuple[bytes, bytes]], told: Callable[[int], None]
    ) -> list[tuple[int, int]]:
        assert topic == "exception-work"
        self.work += [CONTRACTS.decode(value, "ExceptionWork") for _, value in values]
        told(len(values))
        return [(0, place) for place in range(len(values))]

    def store(self, *records: Any) -> None:
        """Records and all work so far into the warehouse, as the sink does."""
        sink = ClickHouseSink(ClickHouseConfig(dsn=self.dsn))
        sink.open()
        for record in records:
            sink.accept(record)
        for place, one in enumerate(self.work):
            if place >= self._stored:
                raw = CONTRACTS.encode("ExceptionWork", one)
                sink.accept(read_record(CONTRACTS, "ExceptionWork", "exception-work", 0, place, raw))
        self._stored = len(self.work)
        sink.flush()
        sink.close()

    def run(self, *arguments: str, author: str = "asha") -> Any:
        more = ["--dsn", self.dsn, "--json"]
        if arguments[0] != "list":
            more += ["--author", author, "--file", str(FILE)]
        done = CliRunner().invoke(app, [*arguments, *more])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def rules(self) -> dict[str, str]:
        """Rule -> how far the work is, of what is open."""
        return {row["rule"]: row["work"] for row in self.run("list")["exceptions"]}


def reading(offset: int, start: int, wh_imp: int, quality: Quality, rule: str = "") -> Any:
    made = readings_record(offset, 1, first_point=7, start=start)
    batch: Any = made.value
    batch.energy[0] = [wh_imp, 0, 0, 0]
    batch.rules[0] = 1 << RULE_BIT[rule] if rule else 0
    batch.method[0] = Method.LINEAR if quality is Quality.ESTIMATED else Method.NONE
    batch.quality = np.array([quality_word({0: quality})], "<u8")
    return made


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A spike of 9,000 Wh that was estimated as 300, and a day of which too much lacks."""
    made = Deployment(tmp_path)
    monkeypatch.setattr(opened, "EditTopic", made.edits.opened)
    monkeypatch.setattr(settling, "registry_of", lambda _plan: made.edits.registry)
    monkeypatch.setattr(work, "write_values", made.write_values)
    key = {"service_point": 7, "state": "OPEN", "revision": 1, "period_start": MIDNIGHT}
    made.store(
        reading(1, SPIKE, 9_000, Quality.SUSPECT, "V15"),
        reading(2, GOOD, 250, Quality.ACTUAL),
        reading(3, SPIKE, 300, Quality.ESTIMATED, "V15"),
        plain_record("ReadingException", 1, rule="V15", severity="ERROR", period_end=MIDNIGHT + 86_400,
                     paise_at_stake=5_000, **key),
        plain_record("ReadingException", 2, rule="V01", severity="WARNING", period_end=MIDNIGHT + 86_400,
                     paise_at_stake=9_000, **key),
    )  # fmt: skip
    return made


def asked(deployment: Deployment) -> list[tuple[str, str, list[tuple[int, int | None]]]]:
    events = [one for partition in range(2) for one in deployment.edits.log.events(partition)]
    return [
        (one["event"], one["what"], [(row["start"], row["wh_imp"]) for row in one["intervals"]])
        for one in events if not one["answers"]
    ]  # fmt: skip


def test_the_queue_is_listed_and_shared_out(deployment: Deployment) -> None:
    found = deployment.run("list")
    assert [(row["rule"], row["rupees"], row["work"]) for row in found["exceptions"]] == [
        ("V01", 90, "OPEN"), ("V15", 50, "OPEN"),
    ]  # fmt: skip
    assert found["exceptions"][0]["day"] == "2025-07-01"
    assert deployment.run("list", "--severity", "error", "--rupees", "50", "--older-than", "1")["count"] == 1
    assert deployment.run("list", "--node", "5")["count"] == 0
    assert deployment.run("take", "--rule", "v15", "--dry-run")["exceptions"] == 1
    assert deployment.work == []
    deployment.run("take", "--rule", "V15", "--note", "asked for a test")
    deployment.run("assign", "--rule", "V01", "--to", "mei")
    deployment.store()
    assert [row["note"] for row in deployment.run("list", "--owner", "asha")["exceptions"]] == ["asked for a test"]
    assert deployment.run("list", "--owner", "mei")["exceptions"][0]["rule"] == "V01"
    deployment.run("release", "--owner", "mei")
    deployment.run("close", "--rule", "V15", "--note", "bench test")
    deployment.store()
    assert deployment.rules() == {"V01": "OPEN"}


def test_what_is_accepted_is_an_edit_with_the_value_as_sent(deployment: Deployment) -> None:
    said = deployment.run("accept", "--service-point", "7")
    assert (said["exceptions"], said["edits"], said["states"]) == (2, 1, {"IN_FORCE": 1})
    assert asked(deployment) == [("PROPOSED", "VALUES", [(SPIKE, 9_000)])]
    assert {(one["rule"], one["work"], bool(one["edit"])) for one in deployment.work} == {
        ("V15", "ACCEPTED", True), ("V01", "ACCEPTED", False),
    }  # fmt: skip
    deployment.store()
    assert deployment.rules() == {}
    undone = deployment.run("undo", "--rule", "V15")
    assert (undone["exceptions"], undone["states"]) == (1, {"TAKEN_BACK": 1})
    deployment.store()
    assert deployment.rules() == {"V15": "TAKEN"}
    # The same once more is another edit: the first one stays taken back.
    assert deployment.run("accept", "--rule", "V15")["states"] == {"IN_FORCE": 1}


def test_estimating_anew_discards_what_fails_and_of_a_day_all_that_was_sent(deployment: Deployment) -> None:
    said = deployment.run("re-estimate", "--rule", "V15", "--reason", "meter-fault")
    assert (said["exceptions"], said["intervals"]) == (1, 1)
    deployment.run("re-estimate", "--rule", "V01")
    assert asked(deployment) == [
        ("PROPOSED", "DISCARD", [(SPIKE, None)]), ("PROPOSED", "DISCARD", [(SPIKE, None), (GOOD, None)]),
    ]  # fmt: skip
    deployment.store()
    assert deployment.rules() == {"V01": "RE_ESTIMATED", "V15": "RE_ESTIMATED"}


def test_a_file_edits_what_lies_in_the_exceptions_that_are_meant(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "read.csv"
    file.write_text(f"service_point,start,channel,value\n7,{SPIKE},wh_imp,310\n7,{MIDNIGHT + 90_000},wh_imp,5\n")
    said = deployment.run("edit", str(file), "--rule", "V15", "--reason", "READ_ON_SITE")
    assert (said["exceptions"], said["edits"], said["intervals"]) == (1, 1, 1)
    assert asked(deployment) == [("PROPOSED", "VALUES", [(SPIKE, 310)])]
    file.write_text(f"service_point,start,channel,value\n8,{SPIKE},wh_imp,310\n")
    assert deployment.run("edit", str(file), "--rule", "V01", "--reason", "TEST")["left"] == {"not in the file": 1}


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("EXCEPTIONS_UNSAID", ["take"]),
        ("EXCEPTIONS_UNSAID", ["accept"]),
        ("RULE_UNKNOWN", ["take", "--rule", "V99"]),
        ("SEVERITY_UNKNOWN", ["take", "--severity", "grave"]),
        ("NOTE_MISSING", ["close", "--rule", "V01"]),
        ("DAY_WRONG", ["take", "--day", "today"]),
        ("NUMBER_NEGATIVE", ["take", "--node", "-1"]),
    ],
)
def test_what_is_said_wrongly_is_told(deployment: Deployment, code: str, arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match=code):
        deployment.run(*arguments)


def test_a_topology_without_the_topic_is_told_before_anything_is_written(deployment: Deployment) -> None:
    shipped = Path(__file__).parents[3] / "topologies.yaml"
    done = CliRunner().invoke(
        app, ["accept", "--rule", "V15", "--author", "asha", "--file", str(shipped), "--dsn", deployment.dsn]
    )
    assert isinstance(done.exception, ConfigError)
    assert done.exception.code == "WORK_NOWHERE"
    assert asked(deployment) == []


def test_people_get_tables(deployment: Deployment) -> None:
    done = CliRunner().invoke(app, ["list", "--dsn", deployment.dsn])
    assert "140 rupees at stake" in done.output
