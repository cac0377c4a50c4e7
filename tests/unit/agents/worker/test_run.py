"""How a worker that must not go on says so: exit code and last line."""

from __future__ import annotations

import pytest

from agents.worker.run import ending
from cli.output import EXIT_CODES, exit_code
from pipeline.errors import ConfigError, ContractError, Fatal, KvarnError, Transient

SAID = {"where": "here", "what": "it broke", "do": "start it again"}


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (Fatal("NO_PROGRESS", **SAID), 1),
        (Transient("TOPIC_UNREADABLE", **SAID), 4),
        (ContractError("NO_RECORD", **SAID), 5),
        (ConfigError("MASTER_KEY_MISSING", **SAID), 2),
    ],
)
def test_each_kind_of_error_has_the_exit_code_of_the_table(error: KvarnError, number: int) -> None:
    found, said = ending(error, exit_code)
    assert found == number
    assert number in {row.number for row in EXIT_CODES}
    assert said == {"code": error.code, "exit_code": number, "reason": str(error)}
    assert "it broke. Start it again" in said["reason"]


def test_what_is_no_error_of_ours_has_a_code_of_the_table_and_names_itself() -> None:
    found, said = ending(TimeoutError(), exit_code)
    assert found == 1
    assert said["code"] == "UNEXPECTED"
    assert said["reason"] == "TimeoutError()"
