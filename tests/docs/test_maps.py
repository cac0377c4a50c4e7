"""Packages that say what their modules are for name all of them, and none that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "agents/decode",
    "agents/decode/single",
    "agents/rating",
    "agents/vee",
    "cli/vee",
    "connectors/dlms_pull",
    "connectors/registry",
    "sinks/clickhouse",
)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_map_names_the_modules_of_its_package(name: str) -> None:
    folder = ROOT / name
    told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    rows = [re.split(r"  +", line, maxsplit=1) for line in told.splitlines()[1:] if line]
    assert [row for row in rows if len(row) != 2] == [], "names, two spaces, what they are for"
    named = [module for row in rows for module in row[0].split(", ")]
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    there -= {"__init__", "__pycache__"}
    assert len(named) == len(set(named))
    assert set(named) - there == set()
    beside = " ".join(row[1] for row in rows)
    assert {module for module in there - set(named) if not re.search(rf"\b{module}\b", beside)} == set()
