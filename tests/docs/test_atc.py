"""The page of AT&C says what is so: its commands run, its names are those of the tables, its numbers are computed."""

from __future__ import annotations

import re
import shlex

import pytest

from agents.losses.indices.formulas import FORMULAS
from agents.losses.indices.inputs import QUANTITIES
from agents.losses.indices.reliability import RULES
from cli.losses.columns import KEYS, UNITS
from cli.main import main
from cli.reference.pages import ROOT

PAGE = (ROOT / "docs" / "atc.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_runs(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line, comments=True)[1:])
    assert not ended.value.code
    assert "17.38" in capsys.readouterr().out


def test_every_name_that_a_user_can_write_is_on_the_page() -> None:
    names = [*KEYS, *(quantity.name for quantity in QUANTITIES), *(row.code for row in (*FORMULAS, *RULES))]
    names += [f"_{unit}" for kind in UNITS.values() for unit in kind]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
