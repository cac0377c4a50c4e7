"""Records of the source that cannot be read: rejected whole, or the end where a missing record is a loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.worker.unreadable import put_aside
from pipeline.errors import ContractError
from pipeline.step import Origin
from pipeline.wire import HEADER, frames_record
from schemas.load import load_contracts
from tests.unit.agents.worker.test_poison import POINTS, chain, rejects, toy_batch

GOOD = frames_record(load_contracts(), batch=toy_batch(POINTS))
DAMAGED = {
    "no header": b"not Avro",
    "empty": b"",
    "another schema": b"\0\0\0\0\1" + GOOD[HEADER.size :],
    "cut": GOOD[: len(GOOD) // 2],
    "garbage behind the header": GOOD[: HEADER.size] + b"\xff" * 200,
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_rejected_whole_and_passed(raw: bytes) -> None:
    one: Any = chain()
    with pytest.raises(Exception) as caught:
        one.read(raw, "id", 0, 7)
    outputs = put_aside(one, Origin("id", 0, 7), raw, caught.value)
    (found,) = rejects(outputs)
    assert (found["code"], found["frame"], found["partition"], found["offset"]) == ("POISON", -1, 0, 7)
    assert found["raw"] == raw
    assert one.position.applied == 7
    assert put_aside(chain(), Origin("id", 0, 7), raw, caught.value) == outputs


def test_between_stages_it_ends_the_process() -> None:
    one: Any = chain()
    one.plan = replace(one.plan, reads="NodeEnergy")
    with pytest.raises(ContractError, match="RECORD_UNREADABLE"):
        put_aside(one, Origin("id", 0, 7), b"x", ValueError("odd"))
    assert one.position.applied != 7


def test_where_rejects_are_not_kept_it_ends_the_process() -> None:
    one: Any = chain()
    one.plan = replace(one.plan, stages=tuple(replace(stage, emits={}) for stage in one.plan.stages))
    with pytest.raises(ContractError, match="RECORD_UNREADABLE"):
        put_aside(one, Origin("id", 0, 7), b"x", ValueError("odd"))
