"""Frames of a bill read from the real Kafka: by place, and what retention has taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from cli.decoding.keys import keys_for
from cli.demo.command import demo_config, run_embedded, warehouse_in, with_warehouse
from cli.demo.embedded import KEYS_FILE, MASTER_KEY
from cli.explain.bill import BillKey, answers, bill_of
from cli.explain.logs import KafkaLog, kafka_log
from cli.explain.walk import ALL, Sources, Wanted, walk
from cli.topology import read_plan
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics, topic_id
from schemas.load import load_contracts
from sinks.clickhouse.reader import open_here
from tests.docs.test_reference import ROOT
from tests.scenarios.test_explain import at_hand

pytestmark = pytest.mark.kafka


def test_a_bill_is_walked_back_to_frames_in_kafka_and_says_what_is_gone(
    kafka: str, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KVARN_MASTER_KEY", MASTER_KEY.hex())
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka)
    config = demo_config(meters=4, days=2, seed=6, faults="none")
    run_embedded(config, ROOT / "topologies.yaml", warehouse_in(tmp_path), quiet=True)
    records = at_hand(tmp_path)
    ensure_topics(kafka, [WantedTopic(unique, 1 + max(partition for partition, _ in records))])
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for (partition, _), value in sorted(records.items()):
        producer.produce(unique, value=value, partition=partition)
    assert producer.flush(30) == 0
    statement = (
        "SELECT account, service_point, toUnixTimestamp(period_start) AS start FROM determinants_latest "
        "WHERE kind = 'MONTH' AND wh_imp > 0 ORDER BY service_point LIMIT 1"
    )
    (bill,) = with_warehouse(warehouse_in(tmp_path), lambda ask: ask(statement))
    sources = Sources(load_contracts(), KafkaLog(kafka, unique), keys_for(None, None, tmp_path / KEYS_FILE))

    def said(wanted: Wanted) -> dict[str, Any]:
        reader = open_here(warehouse_in(tmp_path))
        try:
            key = BillKey(int(bill["account"]), int(bill["service_point"]), int(bill["start"]))
            ask = answers(reader.ask)
            return walk(ask, bill_of(ask, key, "MONTH"), sources, wanted)
        finally:
            reader.close()

    whole = said(Wanted(ALL, hashed=True))
    assert whole["missing"] == []
    assert whole["lineage"]["frames_there"] == whole["lineage"]["frames"] > 40
    partition = whole["lineage"]["partition"]
    before = sorted({row["origin_offset"] for row in whole["intervals"]})[10]
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(unique, partition, before)]).values():
        future.result(30)
    less = said(Wanted(ALL, hashed=True))
    assert less["sums"] == whole["sums"]
    assert 0 < less["lineage"]["frames_there"] < whole["lineage"]["frames"]
    assert any(f"offset {before - 1} " in text or "no longer has offset" in text for text in less["missing"])
    # A topology finds its topic by the id that readings name.
    text = (ROOT / "topologies.yaml").read_text(encoding="utf-8")
    name = f"{unique}-frames"
    file = tmp_path / "topologies.yaml"
    file.write_text(
        text.replace("  frames: {schema", f"  {name}: {{schema")
        .replace("source: frames", f"source: {name}")
        .replace("to: frames", f"to: {name}")
    )
    plan = read_plan(file)
    assert name in {chain.source.name for chain in plan.chains}
    ensure_topics(kafka, [WantedTopic(name, 1)])
    assert kafka_log(plan, topic_id(kafka, name)) is not None
