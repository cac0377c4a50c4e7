"""Balances as Avro from columns against the general writer, record by record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.losses import balances
from agents.losses.balances import Losses
from agents.losses.nodes import Nodes, nodes_of
from agents.losses.state import BALANCE, DAY, INTERVAL
from pipeline.codes import Level
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.step import Origin
from schemas.load import load_contracts

CONTRACTS = load_contracts()
KNOWN = 6
"""Nodes of the registry are some of 1 to this; balances are of these too, and of others."""

energy = st.one_of(st.integers(-(2**61), 2**61), st.integers(-130, 130))
count = st.one_of(st.integers(0, 2**31 - 1), st.integers(0, 130))
names = st.one_of(st.just(""), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10))
registries = st.dictionaries(st.integers(1, KNOWN), st.tuples(names, st.sampled_from(Level)))
rows = st.lists(
    st.tuples(
        st.sampled_from((INTERVAL, DAY)),  # row
        st.one_of(st.integers(1, KNOWN + 2), st.integers(1, 2**32 - 1)),  # node
        st.integers(0, 2**16 - 1),  # revision
        st.integers(0, 2**32 - 1),  # secs
        st.integers(-(2**40), 2**40),  # start
        st.tuples(energy, energy, energy),
        st.tuples(count, count, count, count, count),
        st.booleans(),  # final
    ),
    max_size=12,
)
origins = st.builds(Origin, st.text(st.characters(codec="utf-8"), max_size=80), count, st.integers(0, 2**62))


def nodes(registry: dict[int, tuple[str, Level]]) -> Nodes:
    """Nodes sorted by id."""
    known = sorted(registry)
    level = np.array([registry[node][1] for node in known], np.uint8)
    return nodes_of(np.array(known, np.uint32), [registry[node][0] for node in known], level)


def table(listed: list[tuple[int, int, int, int, int, tuple[int, ...], tuple[int, ...], bool]]) -> Array:
    """Rows BALANCE."""
    out = np.zeros(len(listed), BALANCE)
    for item, (row, node, revision, secs, start, energies, counts, _) in zip(out, listed, strict=True):
        item["row"], item["node"], item["revision"], item["secs"], item["start"] = row, node, revision, secs, start
        item["input_wh"], item["output_wh"], item["estimated_wh"] = energies
        item["expected"], item["actual"], item["estimated"], item["inputs_expected"], item["inputs_actual"] = counts
    return out


def made(listed: list[tuple[int, int, int, int, int, tuple[int, ...], tuple[int, ...], bool]], known: Nodes) -> Losses:
    """Balances with a tick and an origin of their own."""
    rows, final = table(listed), np.array([one[-1] for one in listed], bool)
    return Losses(rows, known.find(rows["node"]), known, final, 1_767_551_400, Origin("topic", 3, 2**40))


@settings(max_examples=150, deadline=None)
@given(rows, registries, origins, st.integers(0, 2**40), st.integers(1, 5))
def test_each_balance_has_the_bytes_that_the_general_writer_gives_it(listed, registry, origin, tick, chunk) -> None:  # type: ignore[no-untyped-def]
    losses = replace(made(listed, nodes(registry)), origin=origin, tick_time=tick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(balances, "CHUNK", chunk)
        encoded = losses.encode(CONTRACTS)
    records = losses.records()
    assert list(encoded.values) == [CONTRACTS.encode("Loss", record) for record in records]
    assert encoded.keys.tobytes() == b"".join(record["node"].to_bytes(8, "big") for record in records)
    for record in records:
        name, level = registry.get(record["node"], ("", Level.DT))
        assert (record["name"], record["level"]) == (name or str(record["node"]), level.name)


def test_a_field_that_losses_cannot_fill_is_refused() -> None:
    schema = {**CONTRACTS.schemas["Loss"]}  # type: ignore[dict-item]
    schema["fields"] = [*schema["fields"], {"name": "colour", "type": "string"}]
    contracts = replace(CONTRACTS, schemas={**CONTRACTS.schemas, "Loss": schema})
    losses = made([(DAY, 1, 1, 1800, 0, (1, 2, 3), (1, 2, 3, 4, 5), True)], nodes({}))
    with pytest.raises(ContractError, match="FIELD_UNKNOWN"):
        losses.encode(contracts)
