"""`kvarn edits` over a topic in memory: what is proposed, by whom it is decided, how it is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.edits import opened, propose
from cli.edits.app import app
from cli.topology import read_plan
from pipeline.errors import ConfigError
from tests.unit.cli.edits_topic import AnsweringTopic
from tests.unit.connectors.edits_log import EditsLog
from tests.unit.connectors.readings_in.made import MIDNIGHT
from tests.unit.connectors.test_edits import with_points

FILE = Path(__file__).parents[3] / "examples" / "edits.yaml"
ONE = ("--service-point", "7", "--from", "2025-07-01T10:00", "--reason", "read-on-site")


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> AnsweringTopic:
    plan = read_plan(FILE)
    config = opened.config_of(plan)
    made = AnsweringTopic(EditsLog(), with_points(), config)
    monkeypatch.setattr(opened, "EditTopic", made.opened)
    monkeypatch.setattr(propose, "registry_of", lambda _plan: made.registry)
    monkeypatch.delenv("KVARN_AUTHOR", raising=False)
    return made


def run(*arguments: str, author: str | None = "asha") -> Any:
    who = () if author is None or arguments[0] == "list" else ("--author", author)
    done = CliRunner().invoke(app, [*arguments, *who, "--file", str(FILE), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def states() -> dict[str, int]:
    found: dict[str, int] = run("list")["states"]
    return found


def test_an_edit_lives_from_proposal_to_undoing(topic: AnsweringTopic) -> None:
    (edit,) = run("propose", *ONE, "--to", "2025-07-01T11:00", "--set", "wh_imp=40000", "--override", "--why",
                  "card 12")["edits"]  # fmt: skip
    assert edit["state"] == "WAITING"
    (own,) = run("approve", edit["id"])["edits"]
    assert (own["state"], own["code"]) == ("WAITING", "SAME_PERSON")
    (approved,) = run("approve", edit["id"], author="ravi")["edits"]
    assert (approved["state"], approved["code"]) == ("IN_FORCE", "")
    (row,) = run("list", "--history")["edits"]
    assert (row["approved_by"], row["intervals"], row["wh_imp"], row["why"]) == ("ravi", 2, 80_000, "card 12")
    assert row["from"] == "2025-07-01T10:00:00.000+05:30"
    assert [one["event"] for one in row["events"]] == [
        "PROPOSED", "WAITING", "APPROVED", "REJECTED", "APPROVED", "IN_FORCE",
    ]  # fmt: skip
    (undone,) = run("undo", edit["id"])["edits"]
    assert undone["state"] == "TAKEN_BACK"
    assert states() == {"TAKEN_BACK": 1}


def test_a_file_is_one_edit_a_point_and_twice_the_same(topic: AnsweringTopic, tmp_path: Path) -> None:
    file = tmp_path / "letter.csv"
    file.write_text(
        "service_point,start,channel,value\n"
        "7,2025-07-01T00:30,wh_imp,200\n8,2025-07-01T00:00+05:30,wh_imp,300\n"
        f"7,{MIDNIGHT},wh_imp,100\n7,{MIDNIGHT},vah_imp,110\n"
    )
    first = run("propose", str(file), "--reason", "CHECK_METER")
    assert (first["proposed"], first["known"], first["intervals"]) == (2, 0, 3)
    assert {edit["state"] for edit in first["edits"]} == {"IN_FORCE"}, "below the energy that needs approval"
    again = run("propose", str(file), "--reason", "CHECK_METER")
    assert (again["proposed"], again["known"]) == (0, 2)
    assert run("propose", str(file), "--reason", "CHECK_METER", "--new")["proposed"] == 2
    (row,) = run("list", "--service-point", "7", "--history", "--rows", "1")["edits"]
    assert row["batch"] == "letter.csv"
    assert [(one["start"], one["wh_imp"], one["vah_imp"]) for one in row["values"]] == [
        (MIDNIGHT, 100, 110), (MIDNIGHT + 1800, 200, None),
    ]  # fmt: skip
    assert run("undo", "--batch", "letter.csv")["meant"] == 4
    assert states() == {"TAKEN_BACK": 4}


def test_many_are_approved_by_list_and_by_filter(topic: AnsweringTopic, tmp_path: Path) -> None:
    for hour in range(10, 16):
        end = ("--to", f"2025-07-01T{hour + 3}:00")
        more = ("--set", "wh_imp=90000", "--override") if hour < 12 else ("--discard", *end)
        run("propose", "--service-point", str(7 + hour % 2), "--from", f"2025-07-01T{hour}:00", "--reason",
            "COMMUNICATION", *more)  # fmt: skip
    assert states() == {"WAITING": 6}
    listed = run("list", "--service-point", "7")["edits"]
    assert {edit["service_point"] for edit in listed} == {7}
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(edit["id"] for edit in listed))
    dry = run("approve", "--ids", str(ids), "--dry-run", author="ravi")
    assert (dry["meant"], states()) == (3, {"WAITING": 6})
    assert run("approve", "--ids", str(ids), author="ravi")["meant"] == 3
    done = run("refuse", "--of-reason", "communication", author="ravi")
    assert (done["meant"], done["left"]) == (3, {"IN_FORCE": 3})
    assert states() == {"IN_FORCE": 3, "CLOSED": 3}


def test_nothing_is_written_when_anything_is_wrong(topic: AnsweringTopic, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("service_point,start,channel,value\n7,2025-07-01T00:30,wh_imp,-5\n9,2025-07-01T00:30,wh_imp,5\n")
    with pytest.raises(ConfigError, match=r"VALUE_NEGATIVE.*POINT_UNKNOWN.*nothing was written"):
        run("propose", str(file), "--reason", "CHECK_METER")
    file.write_text("service_point,start,channel,value\nx,2025,wh_imp,1\n7,today,wh_imp,1\n7,0,wh,1\n7,0,wh_imp,1.5\n")
    with pytest.raises(ConfigError, match=r"line 2: .*line 3: .*line 4: .*line 5: "):
        run("propose", str(file), "--reason", "CHECK_METER")
    file.write_text("point,start\n")
    with pytest.raises(ConfigError, match="CSV_COLUMN_MISSING"):
        run("propose", str(file), "--reason", "CHECK_METER")
    assert topic.log.records == [[], []]


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("AUTHOR_MISSING", ("propose", *ONE)),
        ("REASON_MISSING", ("propose", "--service-point", "7", "--author", "asha")),
        ("TIMES_WRONG", ("propose", *ONE, "--to", "2025-01-01", "--set", "wh_imp=1", "--author", "asha")),
        ("EDIT_INCOMPLETE at --set", ("propose", *ONE, "--author", "asha")),
        ("EDIT_TWICE at --set", ("propose", *ONE, "--discard", "--set", "wh_imp=1", "--author", "asha")),
        ("REASON_UNKNOWN", ("propose", "--service-point", "7", "--reason", "mood", "--author", "asha")),
        ("EDIT_INCOMPLETE", ("propose", "--reason", "TEST", "--author", "asha")),
        ("EDIT_VALUE", ("propose", *ONE, "--set", "wh_imp=1.5", "--author", "asha")),
        ("EDIT_TWICE", ("propose", *ONE, "--discard", "--withdraw", "--author", "asha")),
        ("EDITS_UNSAID", ("approve", "--author", "asha")),
        ("EDIT_UNKNOWN", ("approve", "nobody", "--author", "asha")),
        ("STATE_UNKNOWN", ("list", "--state", "odd")),
    ],
)
def test_what_is_said_wrongly_is_told(topic: AnsweringTopic, code: str, arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=code):
        run(*arguments, author=None)


def test_a_dry_run_shows_what_would_change(topic: AnsweringTopic, monkeypatch: pytest.MonkeyPatch) -> None:
    now = {(7, MIDNIGHT + 36_000): {"wh_imp": "390", "wh_imp_quality": "ESTIMATED", "method": "LINEAR"}}
    monkeypatch.setattr("cli.edits.present._present", lambda *_: now)
    said = run("propose", *ONE, "--set", "wh_imp=420", "--dry-run")
    assert said["changes"] == [
        {"service_point": 7, "start": MIDNIGHT + 36_000, "channel": "wh_imp", "now": 390, "quality": "ESTIMATED",
         "method": "LINEAR", "proposed": 420, "what": "VALUES"}
    ]  # fmt: skip
    assert (said["needs_approval"], topic.log.records) == (0, [[], []])


def test_without_a_connector_edits_stay_proposed(topic: AnsweringTopic) -> None:
    topic.silent = True
    (edit,) = run("propose", *ONE, "--set", "wh_imp=420", "--wait", "0")["edits"]
    assert (edit["state"], states()) == ("PROPOSED", {"PROPOSED": 1})
    topic.answer()
    assert states() == {"IN_FORCE": 1}


def test_people_get_tables(topic: AnsweringTopic) -> None:
    run("propose", *ONE, "--set", "wh_imp=420")
    for arguments in (["list", "--history"], ["propose", *ONE, "--discard", "--author", "asha"],
                      ["refuse", "--by", "asha", "--author", "asha"]):  # fmt: skip
        done = CliRunner().invoke(app, [*arguments, "--file", str(FILE)])
        assert done.exit_code == 0, done.output
        assert "Traceback" not in done.output
    assert "2  in all" in CliRunner().invoke(app, ["list", "--file", str(FILE)]).output
