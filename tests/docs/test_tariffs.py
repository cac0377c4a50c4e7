"""The page of tariffs says what is so: its commands run, its file is right, its numbers are computed."""

from __future__ import annotations

import re
import shlex

import pytest

from agents.rating.engine.catalogue import find
from agents.rating.engine.documents import parse
from agents.rating.engine.format.charges import Charge
from agents.rating.engine.lint import FAULT_CODES, lint
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import KINDS, rate
from agents.rating.engine.sheet import COLUMNS
from cli.main import main
from cli.reference.pages import ROOT

PAGE = (ROOT / "docs" / "tariffs.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference" / "tariff.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("kvarn") and "mine" not in line]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_runs(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line, comments=True)[1:])
    assert not ended.value.code
    assert capsys.readouterr().out


def test_the_file_of_the_page_has_no_findings() -> None:
    text = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0].encode()
    assert lint(text, "page")[1] == ()
    assert parse(text, "page").code == "mine-2026"


def test_the_cliff_of_the_page_is_computed() -> None:
    tariff = find("tangedco-lt1a-2022")
    assert [rate(tariff, Quantities(wh=units * 1000)).total_paise for units in (500, 501)] == [172500, 195800]


def test_every_kind_code_and_column_is_on_a_page() -> None:
    kinds = {name for model in KINDS for name in model.model_fields["kind"].annotation.__args__}
    assert all(f"`{kind}`" in PAGE for kind in kinds)
    assert all(f"`{kind}`" in REFERENCE for kind in kinds)
    assert len(KINDS) == len(Charge.__origin__.__args__)
    assert [REFERENCE.count(f"| `{row.code}` |") for row in FAULT_CODES] == [1] * len(FAULT_CODES)
    assert all(f"| `{name}` |" in REFERENCE for name in COLUMNS)
