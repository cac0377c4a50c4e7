"""The document `estimates.yaml`: what may stand in it, what is wrong with it, and what the scorecard writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.vee.estimate.document import Document, load, read
from agents.vee.estimate.document_file import document_text
from agents.vee.estimate.order_file import ALL
from agents.vee.estimate.scorecard import Scorecard, Sums
from agents.vee.estimate.stream import document_in_force, expected_errors_of, orders_of, rows_of_points, whole_orders
from agents.vee.kernels_order import LEAST, LONGEST, METHOD, NOT_KNOWN, OWN, SHORTEST
from agents.vee.rulesets.findings import ESTIMATE_CODES
from pipeline.codes import Method, Role
from pipeline.errors import ConfigError

HOME = "CONSUMER/1/TO_5_KW"
ROOT = Path(__file__).parents[5]


def said(text: str) -> list[str]:
    """Line and code of each finding."""
    return [f"{finding.place.line} {finding.code}" for finding in read(text, "e.yaml")[1]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("order: [LINEAR, LIKE_DAY, CARRIED]\n", []),
        ("", ["1 ESTIMATES_EMPTY"]),
        ("order: [\n", ["2 YAML_SYNTAX"]),
        ("order: []\n", ["1 VALUE_INVALID"]),
        ("order: [CARRIED]\nordr: 1\n", ["2 ESTIMATES_KEY"]),
        ("order: [FLAT]\n", ["1 VALUE_INVALID"]),
        ("order:\n- {longest_secs: 5}\n- CARRIED\n", ["2 FIELD_MISSING"]),
        ("order:\n- {method: LINEAR, least_days: 1}\n- CARRIED\n", ["2 VALUE_INVALID"]),
        ("order:\n- {method: LINEAR, longest_secs: 5, shortest_secs: 6}\n- CARRIED\n", ["2 VALUE_INVALID"]),
        ("order: [LIKE_DAY]\n", ["1 ESTIMATES_LEFT"]),
        ("order:\n- CARRIED\n- {method: CARRIED, longest_secs: 9}\n", ["3 ESTIMATES_NEVER"]),
        ("expected_error: {LINEAR: {2 h: 5}}\n", ["1 VALUE_INVALID"]),
        ("expected_error: {LINEAR: {1 h: 10001}}\n", ["1 VALUE_INVALID"]),
        ("expected_error: {GUESS: {1 h: 1}}\n", ["1 VALUE_INVALID"]),
        ("classes:\n- {note: all}\n", ["2 FIELD_MISSING"]),
        ("classes:\n- {role: CONSUMER}\n", ["2 SAYS_NOTHING"]),
        ("classes:\n- {role: SHOP, order: [CARRIED]}\n", ["2 VALUE_INVALID"]),
        (
            "classes:\n- {tariffs: [1, 2], order: [CARRIED]}\n- {role: CONSUMER, tariffs: [2], order: [CARRIED]}\n",
            ["3 ESTIMATES_NEVER"],
        ),
    ],
)
def test_each_fault_is_found_where_it_stands(text: str, wanted: list[str]) -> None:
    assert said(text) == wanted


def test_every_code_has_a_line_in_the_docs_and_the_example_no_finding() -> None:
    page = (ROOT / "docs" / "estimates.md").read_text(encoding="utf-8")
    assert [row.code for row in ESTIMATE_CODES if f"| `{row.code}` | {row.level} | {row.meaning}" not in page] == []
    example = ROOT / "examples" / "estimates" / "by-class.yaml"
    document, findings = read(example.read_text(encoding="utf-8"), example.name)
    assert (document is not None, findings) == (True, [])


def test_all_errors_are_named_at_once_and_nothing_holds() -> None:
    with pytest.raises(ConfigError, match=r"ESTIMATES_FAULT at e\.yaml:1:9") as raised:
        load("order: [FLAT]\nodd: 1\n", "e.yaml")
    assert "ESTIMATES_KEY line 2" in str(raised.value)
    with pytest.raises(ConfigError, match="ESTIMATES_FAULT"):
        document_in_force({"estimates.yaml": b"\xff"})


def test_without_a_document_the_shipped_order_and_figures_hold() -> None:
    document = document_in_force({"rules/a.yaml": b"linear_secs: 0"})
    (order,) = orders_of(document)
    assert order[:4, METHOD].tolist() == [Method.LINEAR, Method.LIKE_DAY, Method.CARRIED, 0]
    assert order[0, LONGEST] == OWN
    assert whole_orders(document, 7200)[0, 0, LONGEST] == 7200
    (figures,) = expected_errors_of(document)
    assert figures[Method.CARRIED].tolist() == [560, 756, 921, 929]
    assert figures[Method.HEAD_END].tolist() == [NOT_KNOWN] * 4


def test_steps_and_figures_of_a_class_take_the_place_of_those_of_all() -> None:
    text = """
version: 3
order: [{method: LIKE_DAY, least_days: 2, shortest_secs: 60}, CARRIED]
expected_error: {CARRIED: {1 h: 1, 3 d: 4}}
classes:
- {role: CONSUMER, load_class: TO_5_KW, expected_error: {CARRIED: {1 h: 9}}}
- {tariffs: [4], order: [LINEAR, CARRIED]}
"""
    document = load(text, "e.yaml")
    assert document.version == "3"
    orders, figures = orders_of(document), expected_errors_of(document)
    assert orders[1].tolist() == orders[0].tolist()
    assert orders[0, 0, [METHOD, SHORTEST, LEAST]].tolist() == [Method.LIKE_DAY, 60, 2]
    assert orders[2, :3, METHOD].tolist() == [Method.LINEAR, Method.CARRIED, 0]
    assert figures[:, Method.CARRIED].tolist() == [[1, 756, 921, 4], [9, 756, 921, 4], [1, 756, 921, 4]]
    role = np.array([Role.CONSUMER, Role.CONSUMER, Role.DT_METER], np.uint8)
    tariff, load_w = np.array([4, 4, 0], np.uint16), np.array([5000, 5001, 0], np.uint32)
    assert rows_of_points(document, role, tariff, load_w).tolist() == [1, 2, 0]


def card(*rows: tuple[str, str, int, int, int]) -> Scorecard:
    """Class, method, length, gaps, thousandths; each counts for all too."""
    made = Scorecard()
    for name, method, length, gaps, permille in rows:
        for own in (name, ALL):
            made.put((own, Method[method], length), Sums(gaps, permille, 0, 1000, 0))
    return made


def steps_of(part: Any) -> list[tuple[str, int, int | None]]:
    return [(step.method, step.shortest_secs, step.longest_secs) for step in part.order]


def test_the_scorecard_s_document_ranks_methods_by_length_and_has_what_was_measured_often_enough() -> None:
    made = card(
        (HOME, "LINEAR", 0, 200, 400), (HOME, "LIKE_DAY", 0, 200, 500), (HOME, "CARRIED", 0, 200, 600),
        (HOME, "LINEAR", 1, 200, 700), (HOME, "LIKE_DAY", 1, 200, 500), (HOME, "SCALED", 1, 200, 300),
        (HOME, "LIKE_DAY", 2, 50, 450), (HOME, "LIKE_DAY", 3, 50, 450),
    )  # fmt: skip
    text = document_text(made)
    document, findings = read(text, "e.yaml")
    assert (document is not None, findings) == (True, [])
    assert isinstance(document, Document)
    assert steps_of(document)[:5] == [
        ("LINEAR", 0, 7200), ("LIKE_DAY", 0, 7200), ("CARRIED", 0, 7200), ("LIKE_DAY", 7201, 43_200),
        ("LINEAR", 7201, 43_200),
    ]  # fmt: skip
    assert steps_of(document)[-2:] == [("LIKE_DAY", 0, None), ("CARRIED", 0, None)]
    assert document.expected_error == {
        "LINEAR": {"1 h": 400, "6 h": 700}, "LIKE_DAY": {"1 h": 500, "6 h": 500}, "SCALED": {"6 h": 300},
        "CARRIED": {"1 h": 600},
    }  # fmt: skip
    (one,) = document.classes
    assert (one.role, one.tariffs, one.load_class, one.order) == ("CONSUMER", (1,), "TO_5_KW", None)
    assert document_text(made) == text


def test_a_class_has_an_order_of_its_own_where_its_scores_differ() -> None:
    made = card(
        (HOME, "LINEAR", 0, 900, 100), (HOME, "LIKE_DAY", 0, 900, 500),
        ("CONSUMER/2/TO_20_KW", "LINEAR", 0, 150, 800), ("CONSUMER/2/TO_20_KW", "LIKE_DAY", 0, 150, 100),
    )  # fmt: skip
    document = load(document_text(made), "e.yaml")
    orders = {one.tariffs: one.order for one in document.classes}
    assert document.order is not None
    assert document.order[0].method == "LIKE_DAY", "600 of 2,000, LINEAR 900"
    mine = orders[1,]
    assert mine is not None
    assert mine[0].method == "LINEAR"
    assert orders[2,] is None
