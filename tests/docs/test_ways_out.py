"""The examples of docs/ways-out.md are options that their sinks take; its table names every format and quality code."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from cli.components import components
from cli.reference.pages import ROOT
from pipeline.topology import lint, load
from sinks import SINKS
from sinks.documents import FORMATS
from sinks.documents.ies import STATUS
from sinks.documents.quality_codes import CIM, ESPI, MSCONS

PAGE = (ROOT / "docs" / "ways-out.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_an_example_is_taken_by_its_sink(text: str) -> None:
    options = YAML(typ="safe", pure=True).load(text)
    del options["from"]
    SINKS[options.pop("type")].model_validate(options)


def test_every_format_is_in_the_table() -> None:
    for name in FORMATS:
        assert re.search(rf"^\| .*`{name}`.* \|", PAGE, re.MULTILINE), name


@pytest.mark.parametrize("quality", list(CIM))
def test_the_codes_of_a_quality_are_those_in_the_code(quality: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {quality} |")]
    cim, espi, ies, mscons = (cell.strip() for cell in row.strip("|").split("|")[1:])
    assert cim == CIM[quality]
    assert espi.endswith(ESPI[quality])
    assert ies.startswith(STATUS[quality])
    assert mscons == MSCONS[quality]


def test_lint_refuses_a_format_without_a_place_for_the_topic() -> None:
    text = (ROOT / "topologies.yaml").read_text(encoding="utf-8")
    text += "  out: {type: files, folder: out, format: cim-xml, from: [readings, determinants]}\n"
    found = lint.check(load.parse(text, file="file.yaml", variables={}), components()).findings
    assert [item.code for item in found] == ["EDGE_SCHEMA"]
    assert "`files cim-xml` sink takes no Determinant" in found[0].message
