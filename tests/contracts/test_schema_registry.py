"""Registering the shipped schemas, against a registry in memory."""

from __future__ import annotations

import io
import json

import fastavro
import pytest

from pipeline.batch import ReadingBatch
from pipeline.columns import empty, pack
from pipeline.errors import ConfigError, ContractError
from pipeline.wire import HEADER, MAGIC, read_stage
from schemas.compatibility import breaks
from schemas.load import FOLDER, load_contracts, released, schema_text, shipped_ids
from schemas.registry import former_ids, register
from sinks.plain import plain_rows
from tests.contracts.test_schemas import read_example


class MemoryRegistry:
    """Subjects and ids as a registry keeps them: one id a text."""

    def __init__(self) -> None:
        self.latest: dict[str, str] = {}
        self.ids: dict[str, int] = {}
        self.all: dict[str, list[tuple[int, str]]] = {}

    def incompatible(self, subject: str, text: str) -> list[str]:
        return breaks(reader=text, writer=self.latest[subject]) if subject in self.latest else []

    def register(self, subject: str, text: str) -> int:
        self.latest[subject] = text
        number = self.ids.setdefault(text, len(self.ids) + 1)
        versions = self.all.setdefault(subject, [])
        if (number, text) not in versions:
            versions.append((number, text))
        return number

    def versions(self, subject: str) -> list[tuple[int, str]]:
        return [(number, json.dumps(json.loads(text))) for number, text in self.all.get(subject, [])]


def test_topics_with_one_schema_get_one_id() -> None:
    client = MemoryRegistry()
    ids = register(client, {"frames": "FrameBatch", "rejects": "Reject", "parked": "Reject"})
    assert ids == {"FrameBatch": 1, "Reject": 2}
    assert set(client.latest) == {"frames-value", "rejects-value", "parked-value"}


def test_registering_again_gives_the_same_ids() -> None:
    client = MemoryRegistry()
    topics = {"losses": "Loss", "determinants": "Determinant"}
    assert register(client, topics) == register(client, topics)


def test_nothing_is_registered_when_one_schema_does_not_fit() -> None:
    client = MemoryRegistry()
    client.latest["losses-value"] = schema_text("Loss").replace('"FEEDER"', '"LINE"')
    with pytest.raises(ConfigError, match="SCHEMA_INCOMPATIBLE at losses-value"):
        register(client, {"frames": "FrameBatch", "losses": "Loss"})
    assert set(client.latest) == {"losses-value"}


def test_a_registry_that_gives_one_schema_two_ids_is_refused() -> None:
    class Counting(MemoryRegistry):
        def register(self, subject: str, text: str) -> int:
            self.latest[subject] = text
            return len(self.latest)

    with pytest.raises(ConfigError, match="SCHEMA_TWO_IDS"):
        register(Counting(), {"rejects": "Reject", "parked": "Reject"})


def test_a_topic_with_an_unknown_schema_is_refused() -> None:
    with pytest.raises(ConfigError, match="SCHEMA_UNKNOWN at Nothing"):
        register(MemoryRegistry(), {"x": "Nothing"})


def test_what_was_written_with_the_registry_s_id_of_a_former_release_is_read() -> None:
    client = MemoryRegistry()
    former = [(name, text) for name, number, text in released() if number not in shipped_ids().values()]
    text = next(text for name, text in former if name == "ReadingBatch")
    old_id = client.register("readings-value", text)
    topics = {"readings": "ReadingBatch", **{name: name for name in shipped_ids() if name != "ReadingBatch"}}
    ids = register(client, topics)
    assert ids["ReadingBatch"] != old_id
    body = io.BytesIO()
    record = {"source_topic_id": "log", "source_partition": 3, "source_offset": 17, "previous_offset": 16,
              "tick": {"time": 100, "lateness_secs": 5}, "control": None, **pack(empty(ReadingBatch))}  # fmt: skip
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(text)), record)
    raw = HEADER.pack(MAGIC, old_id) + body.getvalue()
    contracts = load_contracts(ids, former_ids(client, topics))
    for views in (False, True):
        assert read_stage(contracts, "ReadingBatch", raw, views=views).parcel.origin.offset == 17
    with pytest.raises(ContractError, match="SCHEMA_OTHER"):
        read_stage(load_contracts(ids), "ReadingBatch", raw)


def test_a_version_that_no_release_had_is_not_taken_for_one() -> None:
    client = MemoryRegistry()
    other = client.register("readings-value", schema_text("ReadingBatch").replace("packing", "packed_how"))
    register(client, {"readings": "ReadingBatch"})
    assert other not in former_ids(client, {"readings": "ReadingBatch"})


def test_what_was_written_before_a_doc_was_reworded_is_read() -> None:
    client = MemoryRegistry()
    topics = {name: name for name in shipped_ids()}
    old_id = client.register("Reject-value", schema_text("Reject").replace("IN_FUTURE: the", "IN_FUTURE: this"))
    ids = register(client, topics)
    contracts = load_contracts(ids, former_ids(client, topics))
    assert old_id in contracts.accepted("Reject")
    record = read_example(next((FOLDER / "examples" / "Reject").iterdir()))
    raw = HEADER.pack(MAGIC, old_id) + contracts.encode("Reject", record)[HEADER.size :]
    assert contracts.decode(raw, "Reject") == record
    assert len(plain_rows(contracts, "Reject", "rejects [0]", [7], [raw])) == 1
