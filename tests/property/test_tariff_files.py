"""Any file gives a tariff or faults with a place; nothing else comes out of reading one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rating.engine.catalogue import FOLDER
from agents.rating.engine.lint import FAULT_CODES, lint
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.sheet import read_sheet, to_yaml
from agents.rating.engine.words import bill_words, tariff_words
from pipeline.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples" / "tariffs"
FILES = [path.read_text() for folder in (FOLDER, EXAMPLES) for path in sorted(folder.glob("*.yaml"))]
SHEET = (EXAMPLES / "domestic.csv").read_text()
PIECES = [
    "",
    "-",
    "0",
    "-5",
    "1e9",
    "1e400",
    "nan",
    "null",
    "[]",
    "{}",
    "[EC]",
    "*x",
    "&x 1",
    ": ",
    "\t",
    "é",
    "\x00",
    "x" * 70,
]
CODES = {row.code for row in FAULT_CODES} | {"SHEET_FORM", "SHEET_ROW"}


@st.composite
def broken(draw: st.DrawFn, texts: list[str]) -> str:
    """A text with a few cells, lines or characters replaced."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 12)))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[end:]
    return text


@settings(max_examples=150)
@given(broken(FILES))
def test_a_broken_file_gives_faults_with_a_place_or_a_tariff_that_can_be_rated(text: str) -> None:
    document, faults = lint(text.encode(), "x.yaml")
    assert (document.tariff is None) == any(fault.level == "error" for fault in faults)
    lines = text.count("\n") + 2
    assert all(fault.code in CODES and 1 <= fault.line <= lines and fault.hint for fault in faults)
    if document.tariff is not None:
        given_ = Quantities(
            wh=250_000, days=30, load_w=3_000, load_va=3_000, md_w=4_000, md_va=4_000, vah=260_000, md_window_va=4_000,
            phases=1, interruption_hours=Fraction(1000),
        )  # fmt: skip
        try:
            bill = rate(document.tariff, given_, partial=True)
        except ConfigError:
            return
        assert bill.total_paise == sum(line.paise for line in bill.lines)
        assert all([*tariff_words(document.tariff), *bill_words(bill)])


@settings(max_examples=100)
@given(broken([SHEET]))
def test_a_broken_sheet_gives_faults_with_a_row_or_the_file_that_it_says(text: str) -> None:
    data, document = read_sheet(text.encode(), "x.csv")
    assert (document.tariff is None) == bool(document.faults)
    assert all(fault.code in CODES and fault.hint for fault in document.faults)
    if document.tariff is not None:
        assert lint(to_yaml(data, "x.csv"), "x.yaml")[0].tariff == document.tariff


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\ncharges: &a [*a]\n",
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(8)),
        "? [a, b]\n: 1\n",
        "%YAML 9.9\n---\nversion: 2\n",
        "version: 2\n---\nversion: 2\n",
        "",
        "[1, 2]",
        "\ufeffversion: 2\n",
    ],
)
def test_a_file_that_is_endless_or_no_mapping_is_a_fault(text: str) -> None:
    document, faults = lint(text.encode(), "x.yaml")
    assert document.tariff is None
    assert faults
