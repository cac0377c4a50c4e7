"""Outages to what is said of service points: the network below a node, corrections, order, against plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.facts.network import nodes_below, points_below
from connectors.facts.outages import Outages
from pipeline.codes import Level
from pipeline.reference import FOREVER, Registry
from pipeline.statement_frames import Statement, read_statement_frame

T0 = 1_751_351_400
OPEN_SECS = 72 * 3600
SUBSTATION, FEEDER, OTHER, DT, FAR_DT = 1, 100, 101, 200, 201


def network() -> Registry:
    """Points 7 and 8 at a DT of a feeder, 9 at the feeder itself, 10 at another feeder; 8 left the DT at T0 + 9000."""
    columns = {column.name: column.empty(0) for column in Registry.COLUMNS}
    rows = [(7, DT, FEEDER, FOREVER), (8, DT, FEEDER, T0 + 9000), (8, FAR_DT, OTHER, FOREVER), (9, 0, FEEDER, FOREVER),
            (10, FAR_DT, OTHER, FOREVER)]  # fmt: skip
    columns["point"] = np.array([row[0] for row in rows], np.uint64)
    columns["dt"] = np.array([row[1] for row in rows], np.uint32)
    columns["feeder"] = np.array([row[2] for row in rows], np.uint32)
    columns["point_to"] = np.array([row[3] for row in rows], np.int64)
    columns["point_from"] = np.array([0, 0, T0 + 9000, 0, 0], np.int64)
    columns["node"] = np.array([SUBSTATION, FEEDER, OTHER, DT, FAR_DT], np.uint32)
    columns["node_parent"] = np.array([0, SUBSTATION, SUBSTATION, FEEDER, OTHER], np.uint32)
    columns["node_level"] = np.array([Level.SUBSTATION, Level.FEEDER, Level.FEEDER, Level.DT, Level.DT], np.uint8)
    return Registry(**columns)


REGISTRY = network()


def fact(id: str = "o", **others: Any) -> dict[str, Any]:
    return {"id": id, "kind": "OUTAGE", "revision": 1, "service_point": 7, "node": 0, "from_time": T0,
            "until_time": T0 + 3600, "confirmed": True, "who": "", "source": "OMS", "why": "tree",
            "said_at": T0 + 4000, **others}  # fmt: skip


def node(number: int, **others: Any) -> dict[str, Any]:
    return fact(**{"service_point": 0, "node": number, **others})


def said(outages: Outages, record: dict[str, Any]) -> dict[tuple[int, int], int]:
    """(service point, begin) -> seconds."""
    noted = outages.note(record)
    if noted is None:
        return {}
    return {
        (point, one.start): secs
        for one in outages.said(*noted, REGISTRY)
        for point, secs in zip(one.points.tolist(), one.secs.tolist(), strict=True)
    }


def test_all_that_a_node_feeds_is_below_it() -> None:
    assert nodes_below(REGISTRY, SUBSTATION).tolist() == [SUBSTATION, FEEDER, OTHER, DT, FAR_DT]
    assert nodes_below(REGISTRY, 999).tolist() == [999]
    assert points_below(REGISTRY, SUBSTATION, T0, T0 + 1).tolist() == [7, 8, 9, 10]
    assert points_below(REGISTRY, FEEDER, T0, T0 + 1).tolist() == [7, 8, 9]
    assert points_below(REGISTRY, FEEDER, T0 + 9000, T0 + 9001).tolist() == [7, 9]
    assert points_below(REGISTRY, FAR_DT, T0, T0 + 9001).tolist() == [8, 10]
    assert points_below(REGISTRY, 999, T0, T0 + 1).tolist() == []


def test_an_outage_becomes_a_statement_of_each_service_point() -> None:
    outages = Outages(OPEN_SECS)
    record = node(DT)
    noted = outages.note(record)
    assert noted is not None
    (one,) = outages.said(*noted, REGISTRY)
    frames = [read_statement_frame(frame.octets()) for frame in one.frames(42, record)]
    assert [(frame.kind, frame.service_point, frame.number) for frame in frames] == [
        (Statement.OUTAGE, 7, 42), (Statement.OUTAGE, 8, 42),
    ]  # fmt: skip
    assert {(frame.id, frame.who, frame.why, frame.said_at) for frame in frames} == {("o", "OMS", "tree", T0 + 4000)}
    assert [(int(frame.rows["start"][0]), int(frame.rows["secs"][0])) for frame in frames] == [(T0, 3600)] * 2


def test_an_open_outage_counts_for_so_long_and_then_its_end_holds() -> None:
    outages = Outages(OPEN_SECS)
    assert said(outages, fact(until_time=None)) == {(7, T0): OPEN_SECS}
    assert said(outages, fact(revision=2, until_time=T0 + 5400)) == {(7, T0): 5400}
    assert said(outages, fact(revision=1, until_time=None)) == {}


def test_a_corrected_begin_takes_the_former_one_back() -> None:
    outages = Outages(OPEN_SECS)
    said(outages, fact())
    assert said(outages, fact(revision=2, from_time=T0 + 600)) == {(7, T0): 0, (7, T0 + 600): 3000}


def test_what_is_no_longer_sure_is_taken_back_and_what_never_was_is_not_said() -> None:
    outages = Outages(OPEN_SECS)
    assert said(outages, fact(confirmed=False)) == {}
    assert said(outages, fact(revision=2)) == {(7, T0): 3600}
    assert said(outages, fact(revision=3, confirmed=False)) == {(7, T0): 0}


def test_a_service_point_stays_without_supply_while_another_outage_of_the_same_begin_holds() -> None:
    outages = Outages(OPEN_SECS)
    assert said(outages, node(FEEDER, id="f", until_time=T0 + 1800)) == {(7, T0): 1800, (8, T0): 1800, (9, T0): 1800}
    assert said(outages, fact("p", until_time=T0 + 7200)) == {(7, T0): 7200}
    assert said(outages, fact("p", revision=2, confirmed=False)) == {(7, T0): 1800}
    assert said(outages, node(FEEDER, id="f", revision=2, confirmed=False)) == {(7, T0): 0, (8, T0): 0, (9, T0): 0}


def test_an_outage_of_the_wrong_node_is_moved() -> None:
    outages = Outages(OPEN_SECS)
    said(outages, node(DT))
    assert said(outages, node(FAR_DT, revision=2)) == {(7, T0): 0, (8, T0): 0, (10, T0): 3600}


@pytest.mark.parametrize(
    "wrong",
    [{"from_time": 5}, {"until_time": T0}, {"until_time": T0 + 400 * 86_400}, {"node": 3}, {"service_point": 0}],
)
def test_an_outage_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it "):
        Outages(OPEN_SECS).note(fact(**wrong))


def test_other_facts_say_nothing_of_supply() -> None:
    assert Outages(OPEN_SECS).note(fact(kind="TEMPERATURE")) is None


FACTS = st.lists(
    st.builds(
        lambda id, revision, about, start, secs, confirmed: {
            **fact(id, revision=revision, from_time=T0 + start, confirmed=confirmed, **about),
            "until_time": None if secs is None else T0 + start + secs,
        },
        st.sampled_from("abc"), st.integers(1, 4),
        st.sampled_from([{"service_point": 7}, {"service_point": 10}, {"service_point": 0, "node": FEEDER},
                         {"service_point": 0, "node": SUBSTATION}]),
        st.sampled_from([0, 600]), st.sampled_from([None, 900, 3600]), st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(FACTS)
def test_what_was_said_last_is_what_the_newest_facts_say(facts: list[dict[str, Any]]) -> None:
    outages = Outages(OPEN_SECS)
    state: dict[tuple[int, int], int] = {}
    newest: dict[str, dict[str, Any]] = {}
    for one in facts:
        state.update(said(outages, one))
        if one["id"] not in newest or newest[one["id"]]["revision"] <= one["revision"]:
            newest[one["id"]] = one
    wanted: dict[tuple[int, int], int] = {}
    for one in newest.values():
        start, until = one["from_time"], one["until_time"]
        below = {FEEDER: [7, 8, 9], SUBSTATION: [7, 8, 9, 10]}
        for point in below.get(one["node"], [one["service_point"]]) if one["confirmed"] else ():
            secs = OPEN_SECS if until is None else until - start
            wanted[point, start] = max(wanted.get((point, start), 0), secs)
    assert {key: secs for key, secs in state.items() if secs} == wanted
