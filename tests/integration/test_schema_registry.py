"""The shipped schemas in the real schema registry."""

from __future__ import annotations

import socket

import pytest

from pipeline.errors import ConfigError, Transient
from pipeline.step import Tick
from pipeline.wire import frames_record
from schemas.load import released, schema_text, shipped_ids
from schemas.registry import connect, contracts_of, register

pytestmark = pytest.mark.registry


@pytest.fixture
def topics(unique: str) -> dict[str, str]:
    """A topic of its own for every schema, and a second one for Reject."""
    return {**{f"{unique}-{name.lower()}": name for name in shipped_ids()}, f"{unique}-parked": "Reject"}


def test_every_shipped_schema_is_registered_once_and_gets_the_same_id_again(
    schema_registry: str, topics: dict[str, str]
) -> None:
    with connect(schema_registry) as client:
        ids = register(client, topics)
        assert set(ids) == set(shipped_ids())
        assert len(set(ids.values())) == len(ids)
        assert register(client, topics) == ids


def test_records_carry_the_ids_that_the_registry_gave(schema_registry: str, topics: dict[str, str]) -> None:
    contracts = contracts_of(schema_registry, topics)
    raw = frames_record(contracts, tick=Tick(1_751_308_200, 900))
    assert int.from_bytes(raw[1:5], "big") == contracts.ids["FrameBatch"] < min(shipped_ids().values())
    assert contracts.decode(raw, "FrameBatch")["tick"]["time"] == 1_751_308_200


def test_ids_that_the_registry_gave_to_a_former_release_are_read_as_well(schema_registry: str, unique: str) -> None:
    topic = f"{unique}-readings"
    name, number, text = next(version for version in released() if version[1] not in shipped_ids().values())
    with connect(schema_registry) as client:
        old_id = client.register(f"{topic}-value", text)
    contracts = contracts_of(schema_registry, {topic: name})
    assert contracts.ids[name] != old_id
    assert contracts.known[old_id] == contracts.known[number]


def test_schemas_of_no_topic_have_an_id_as_well(schema_registry: str, unique: str) -> None:
    assert set(contracts_of(schema_registry, {f"{unique}-losses": "Loss"}).ids) == set(shipped_ids())


def test_a_schema_that_breaks_an_older_one_is_refused_before_anything_is_registered(
    schema_registry: str, unique: str
) -> None:
    old, new = f"{unique}-losses", f"{unique}-frames"
    with connect(schema_registry) as client:
        client.register(f"{old}-value", schema_text("Loss").replace('"FEEDER"', '"LINE"'))
        with pytest.raises(ConfigError, match="SCHEMA_INCOMPATIBLE"):
            register(client, {new: "FrameBatch", old: "Loss"})
        # Nothing of it is there: anything fits a subject that is new.
        assert client.incompatible(f"{new}-value", '{"type": "record", "name": "Other", "fields": []}') == []


def test_a_registry_that_does_not_answer_is_a_matter_of_trying_again(free_port: int) -> None:
    address = f"http://127.0.0.1:{free_port}"
    with connect(address, timeout_secs=1.0) as client, pytest.raises(Transient, match="REGISTRY_SILENT"):
        register(client, {"frames": "FrameBatch"})


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
