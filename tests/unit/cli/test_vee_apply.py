"""`kvarn vee apply`, with a Kafka that only notes what is done."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.registry.in_force import of_store
from cli.vee.app import app
from pipeline.reference import version_of
from pipeline.reference_codec import documents_from_bytes, documents_to_bytes
from pipeline.runtime.references import DOCUMENTS, KeyFolder
from pipeline.step import Control

TARIFF = {"tariffs/lt.yaml": b"number: 1\n"}


class FakeKafka:
    """Topic `registry` and the log."""

    def __init__(self) -> None:
        self.versions: dict[str, bytes] = {}
        self.done: list[str] = []

    def latest(self, kind: str) -> tuple[str, bytes] | None:
        raw = self.versions.get(kind)
        return None if raw is None else (version_of(raw), raw)

    def publish(self, kind: str, raw: bytes) -> None:
        self.versions[kind] = raw
        self.done.append(f"publish {kind}")

    def control(self, control: Control) -> None:
        self.done.append(f"control {' '.join(sorted(control.versions))}")


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeKafka:
    fake, keys = FakeKafka(), KeyFolder(tmp_path / "keystore")
    command: Any = importlib.import_module("cli.vee.apply")
    for name, value in (
        ("read_plan", lambda file: None), ("prepare", lambda plan: None), ("key_folder", lambda: keys),
        ("KafkaLog", lambda plan, contracts: fake), ("of_plan", lambda plan: of_store(fake, keys, None)),
    ):  # fmt: skip
        monkeypatch.setattr(command, name, value)
    return fake


def run(*arguments: object, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, ["apply", *map(str, arguments)], input=stdin)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rule_sets_take_the_place_of_those_in_force_and_tariffs_stay(tmp_path: Path, kafka: FakeKafka) -> None:
    kafka.versions[DOCUMENTS] = documents_to_bytes({**TARIFF, "rules/old.yaml": b"linear_secs: 0\n"})
    north = written(tmp_path, "north.yaml", "linear_secs: 60\n")
    result = run(north, "--yes", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["changes"] == ["+ rules/north.yaml", "- rules/old.yaml"]
    assert kafka.done == ["control documents", "publish documents"]
    assert documents_from_bytes(kafka.versions[DOCUMENTS]) == {**TARIFF, "rules/north.yaml": b"linear_secs: 60\n"}
    kafka.done.clear()
    again = run(north)
    assert (again.exit_code, kafka.done) == (0, [])
    assert "in force already" in again.stdout
    assert run("--none", "--yes").exit_code == 0
    assert documents_from_bytes(kafka.versions[DOCUMENTS]) == TARIFF


def test_nothing_is_applied_without_a_yes_or_with_an_error(tmp_path: Path, kafka: FakeKafka) -> None:
    good, wrong = written(tmp_path, "a.yaml", "linear_secs: 60\n"), written(tmp_path, "b.yaml", "linear: 60\n")
    assert run(good, stdin="n\n").exit_code == 1
    assert run(good, wrong, "--yes").exit_code == 2
    assert (kafka.done, kafka.versions) == ([], {})
    assert run(good, stdin="y\n").exit_code == 0
    assert kafka.done == ["control documents", "publish documents"]


def test_the_order_of_estimates_is_put_in_force_beside_the_rule_sets(tmp_path: Path, kafka: FakeKafka) -> None:
    rules = {"rules/old.yaml": b"linear_secs: 0\n"}
    kafka.versions[DOCUMENTS] = documents_to_bytes({**TARIFF, **rules})
    mine = written(tmp_path, "mine.yaml", "order: [LIKE_DAY, CARRIED]\n")
    result = run("--estimates", mine, "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["changes"] == ["+ estimates.yaml"]
    named = {"estimates.yaml": b"order: [LIKE_DAY, CARRIED]\n"}
    assert documents_from_bytes(kafka.versions[DOCUMENTS]) == {**TARIFF, **rules, **named}
    assert run("--none", "--yes").exit_code == 0
    assert documents_from_bytes(kafka.versions[DOCUMENTS]) == {**TARIFF, **named}
    assert run("--no-estimates", "--yes").exit_code == 0
    assert documents_from_bytes(kafka.versions[DOCUMENTS]) == TARIFF


def test_a_wrong_order_of_estimates_is_told_and_not_applied(tmp_path: Path, kafka: FakeKafka) -> None:
    result = run("--estimates", written(tmp_path, "mine.yaml", "order: [GUESS]\n"), "--yes")
    assert result.exit_code == 2
    assert (kafka.done, kafka.versions) == ([], {})
    good = written(tmp_path, "good.yaml", "order: [CARRIED]\n")
    assert "RULES_FILE" in str(run("--estimates", good, "--no-estimates", "--yes").exception)


def test_it_must_be_said_which(kafka: FakeKafka) -> None:
    assert "RULES_FILE" in str(run("--yes").exception)
    assert kafka.done == []
