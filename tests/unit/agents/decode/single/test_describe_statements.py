"""What `kvarn decode` says of frames of statements."""

from __future__ import annotations

import numpy as np
import pytest

from agents.decode.single.describe import Options, describe_with
from pipeline.statement_frames import ROW, Statement, StatementFrame


def frame(kind: Statement) -> bytes:
    rows = np.zeros(1, ROW)
    rows["start"], rows["secs"], rows["present"], rows["energy"] = 1_767_205_800, 1800, 3, [70, 80, 0, 0]
    rows["quality"], rows["method"] = 3, 6
    return StatementFrame(kind, 7, 2, 1_767_300_000, rows, "edit-1", "a person", "the meter was wrong").octets()


HEAD = {
    "service_point": 7, "number": 2, "said_at": "2026-01-02T02:10:00+05:30", "id": "edit-1", "who": "a person",
    "why": "the meter was wrong",
}  # fmt: skip
INTERVAL = {"start": "2026-01-01T00:00:00+05:30", "secs": 1800}
VALUES = {"wh_imp": 70, "vah_imp": 80}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Statement.EDIT, VALUES),
        (Statement.CHECK, VALUES),
        (Statement.OUTAGE, {}),
        (Statement.DISCARD, {}),
        (Statement.ANSWER, VALUES | {"quality": "ESTIMATED", "method": "SCALED"}),
    ],
)
def test_it_says_who_said_what_of_which_interval(kind: Statement, said: dict[str, object]) -> None:
    (found,) = describe_with([frame(kind)], Options(offset_secs=19_800))
    assert found.values == HEAD | {"kind": kind.name, "intervals": [INTERVAL | said]}
    assert found.time == INTERVAL["start"]
    assert found.error is None


def test_one_that_is_broken_has_its_code() -> None:
    (found,) = describe_with([frame(Statement.EDIT)[:-1]], Options())
    assert found.error is not None
    assert found.error["code"] == "DATA_MALFORMED"
