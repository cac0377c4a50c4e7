"""`kvarn registry apply` and `diff` against the real Kafka: what is published is what a worker and a connector read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.deployment import prepare
from cli.reference.pages import ROOT
from cli.registry.commands import app
from cli.topology import read_plan
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.references import KEYS, REGISTRY
from pipeline.step import Origin
from pipeline.wire import read_frames
from tests.builders_registry import clean, read
from tests.integration.test_connectors import read_topic

pytestmark = pytest.mark.kafka
TOPOLOGY = ROOT / "topologies.yaml"


@pytest.fixture
def environment(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {
        "KAFKA_BOOTSTRAP": kafka, "MQTT_URL": "mqtt://127.0.0.1:1", "SCHEMA_REGISTRY_URL": "",
        "DLMS_LISTEN": "127.0.0.1:0", "CLICKHOUSE_DSN": f"chdb://{tmp_path / 'warehouse'}",
        "KVARN_KEYS": str(tmp_path / "keystore"), "KVARN_MASTER_KEY": "00" * 32,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return kafka


def run(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json", "--file", str(TOPOLOGY)])
    assert result.exit_code == 0, result.output
    said: dict[str, object] = json.loads(result.stdout)
    return said


def test_what_is_applied_is_in_force_and_named_in_every_partition(environment: str, tmp_path: Path) -> None:
    files = clean(20)
    folder = files.write(tmp_path / "in")
    version = read(folder).version
    said = run("apply", folder, "--yes")
    assert said["applied"] == [KEYS, REGISTRY]
    store = KafkaReferences(environment)
    assert store.latest(REGISTRY) == (version, read(folder).raw)
    store.close()
    plan = read_plan(TOPOLOGY)
    contracts = prepare(plan)
    topic = next(iter(plan.connectors.values())).to
    newest = {partition: value for partition, _, value in read_topic(environment, topic.name, topic.partitions)}
    assert set(newest) == set(range(topic.partitions))
    for value in newest.values():
        control = read_frames(contracts, value, Origin("t", 0, 0)).control
        assert control is not None
        assert control.versions == said["versions"]
    files.rows["service_points"][0]["sanctioned_w"] = "4000"
    files.write(tmp_path / "in")
    found = run("diff", folder)
    assert found["before"] == version
    assert found["tables"]["service_points"]["counts"] == {"added": 0, "removed": 0, "changed": 1}  # type: ignore[index]
    assert run("export", tmp_path / "out")["version"] == version
    assert read(tmp_path / "out").version == version
