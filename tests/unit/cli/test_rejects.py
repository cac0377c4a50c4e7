"""`kvarn rejects`: what is listed, shown and offered again, over topics in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.rejects import listing, requeue, showing, sources
from cli.rejects.app import app
from cli.topology import check, read_plan
from connectors.gather.gatherer import Gathered
from connectors.kept.rejected import Choice, Rejected
from pipeline.errors import ConfigError
from schemas.load import load_contracts
from tests.builders_frames import BLOCK_SEALED, DEVICE, KEYS
from tests.unit.connectors.test_gather import TITLE
from tests.unit.connectors.test_gather_readings import frame as reading_frame
from tests.unit.connectors.test_kept import KNOWN, reject

ROOT = Path(__file__).parents[3]


class Outlet:
    """Keeps what is written."""

    waiting_octets = 0
    sent: list[Gathered]

    def __init__(self, *_: Any) -> None:
        Outlet.sent = []

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        Outlet.sent.append(gathered)
        done()

    def poll(self) -> None:
        pass


@pytest.fixture
def rejects(monkeypatch: pytest.MonkeyPatch) -> list[Rejected]:
    """What the topic of rejects holds, to be filled by a test."""
    held: list[Rejected] = []

    def read_all(_bootstrap: str, _topic: str, _contracts: Any) -> Iterator[list[Rejected]]:
        yield list(held)

    monkeypatch.setattr(sources, "read_all", read_all)
    monkeypatch.setattr(requeue, "KafkaOutlet", Outlet)
    monkeypatch.setattr(requeue, "_registry", lambda _plan: KNOWN)
    Outlet.sent = []
    return held


def said(*arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--file", str(ROOT / "topologies.yaml"), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_list_has_the_newest_and_counts_all(rejects: list[Rejected]) -> None:
    rejects += [reject(number, offset=number) for number in range(1, 40)]
    rejects += [reject(number, "COUNTER_REPLAYED", offset=100 + number) for number in (1, 2)]
    rejects += rejects[:5]  # copies
    found = said("list", "--rows", "3")
    assert (found["count"], found["codes"]) == (41, {"COUNTER_REPLAYED": 2, "KEY_UNKNOWN": 39})
    assert [row["service_point"] for row in found["rejects"]] == [37, 38, 39]
    assert found["rejects"][0]["waits_for"] == "keys"
    some = said("list", "--code", "counter_replayed", "--summary")
    assert [(row["code"], row["count"]) for row in some["devices"]] == [("COUNTER_REPLAYED", 1)] * 2


def test_a_list_for_people_says_the_same(rejects: list[Rejected]) -> None:
    rejects.append(reject(7, times=2))
    for more in ([], ["--summary"]):
        done = CliRunner().invoke(app, ["list", "--file", str(ROOT / "topologies.yaml"), *more])
        assert done.exit_code == 0
        assert "KEY_UNKNOWN" in done.output


def test_a_reject_is_shown_whole_with_what_the_decoder_says(rejects: list[Rejected]) -> None:
    rejects.append(reject(raw=BLOCK_SEALED, device=f"{DEVICE:016X}", offset=3))
    found = said("show", "decode-2-3-0")
    assert (found["raw"], found["waits_for"]) == (BLOCK_SEALED.hex().upper(), "keys")
    assert found["decoded"][0]["error"]["code"] == "KEY_UNKNOWN"
    (opened,) = showing.whole(rejects[0], lambda _title: KEYS, "UTC")["decoded"]
    assert opened["error"] is None
    assert opened["values"]
    with pytest.raises(ConfigError, match="REJECT_UNKNOWN"):
        said("show", "decode-2-4-0")


def test_a_dry_run_writes_nothing_and_a_run_writes_what_it_said(rejects: list[Rejected]) -> None:
    rejects += [reject(number, offset=number) for number in (1, 2, 77)]
    rejects += [reject(4, "DATA_MALFORMED", offset=4), reject(5, "COUNTER_REPLAYED", offset=5)]
    dry = said("requeue", "--dry-run")
    assert Outlet.sent == []
    assert (dry["due"], dry["left"]) == (3, {"only when its code is named": 1, "refused for ever": 1})
    done = said("requeue")
    assert (done["offered"], done["unresolved"]) == (2, 1)
    assert sum(gathered.frames for gathered in Outlet.sent) == 2
    assert said("requeue", "--code", "DATA_MALFORMED")["offered"] == 1
    assert said("requeue", "decode-2-4-0")["offered"] == 1
    assert said("requeue", "decode-2-5-0")["left"] == {"refused for ever": 1}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "--code", "NO_SUCH"], "CODE_UNKNOWN"),
        (["list", "--device", "xyz"], "DEVICE_FORM"),
        (["list", "--from", "noon"], "TIME_WRONG"),
        (["list", "--topic", "frames"], "TOPIC_UNKNOWN"),
        (["requeue", "--frames", "readings"], "TOPIC_UNKNOWN"),
    ],
)
def test_what_cannot_be_meant_is_refused(rejects: list[Rejected], arguments: list[str], code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        said(*arguments)


def test_a_question_to_the_warehouse_quotes_what_it_is_given() -> None:
    text = sources.statement(Choice(stages=frozenset({"a'b\\"}), devices=frozenset({DEVICE}), since=5), 10)
    assert "stage IN ('a\\'b\\\\')" in text
    assert f"device IN ('{DEVICE:016X}')" in text
    assert "received_at >= fromUnixTimestamp(5)" in text
    assert text.endswith("LIMIT 10")


def test_a_topology_may_offer_rejects_again_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "again.yaml"
    text = (ROOT / "topologies.yaml").read_text(encoding="utf-8")
    file.write_text(
        text.replace("{type: parked, source: parked,", "{type: parked, source: parked, rejects_from: rejects,")
    )
    assert [str(item) for item in check(file).findings] == []
    assert listing.counted([], 5)[0] == []


def test_readings_of_a_head_end_that_a_stage_refused_are_offered_again(rejects: list[Rejected]) -> None:
    readings = reading_frame(1_751_351_400, device=TITLE + 1)
    rejects += [
        reject(1, "NOT_LINKED", offset=1, raw=readings),
        reject(1, "FRAME_UNREADABLE", offset=2, stage="connector", frame=-1, raw=reading_frame(1_751_353_200)),
    ]
    done = said("requeue", "--code", "NOT_LINKED", "--code", "FRAME_UNREADABLE")
    assert (done["due"], done["offered"], done["unresolved"]) == (1, 1, 0)
    assert done["left"] == {"readings that a connector refused": 1}
    (gathered,) = Outlet.sent
    assert [batch.payload.tobytes() for batch in gathered.batches.values()] == [readings]


def test_rejects_of_connectors_in_two_topics_do_not_hide_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"stage": "connector", "code": "FRAME_TOO_LONG", "source_topic_id": "", "source_offset": -1, "frame": -1}
    held = {topic: replace(reject(number, offset=8, **fields), topic=topic) for number, topic in ((1, "a"), (2, "b"))}
    copied = reject(3, offset=4)
    monkeypatch.setattr(sources, "read_all", lambda _bootstrap, topic, _contracts: iter([[held[topic], copied]]))
    plan, contracts = read_plan(ROOT / "topologies.yaml"), load_contracts()
    found = list(sources.from_topics(plan, contracts, ["a", "b"]))
    assert [(one.name, one.record["service_point"]) for one in found] == [
        ("connector@a/0-8", 1), ("decode-2-4-0", 3), ("connector@b/0-8", 2),
    ]  # fmt: skip
    chosen = Choice(names=frozenset({"connector@b/0-8"}))
    assert [one.topic for one in found if chosen.takes(one)] == ["b"]
    # One topic needs no telling.
    assert [one.name for one in sources.from_topics(plan, contracts, ["a"])] == ["connector@0-8", "decode-2-4-0"]
