"""Reading a topology file: values, their places, and variables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.topology.findings import Place
from pipeline.topology.load import Document, parse


def read(text: str, **variables: str) -> Document:
    return parse(text, file="f.yaml", variables=variables)


def test_every_value_and_key_has_its_place() -> None:
    document = read("a: 1\nb:\n  - x\n  - {c: [true]}\n")
    assert document.data == {"a": 1, "b": ["x", {"c": [True]}]}
    assert document.values["b", 1, "c", 0] == Place("f.yaml", 4, 10)
    assert document.keys["b", 1, "c"] == Place("f.yaml", 4, 6)
    assert document.values["b", 0] == Place("f.yaml", 3, 5)


def test_a_place_that_is_not_there_is_that_of_what_is_around_it() -> None:
    document = read("a:\n  b: 1\n")
    assert document.place(("a", "missing", "deep")) == Place("f.yaml", 2, 3)
    assert document.key_place(("a", "b")) == Place("f.yaml", 2, 3)


def test_a_variable_is_filled_in_and_a_default_stands_in() -> None:
    document = read('a: "${ONE}:${TWO:-2}"\nb: ${THREE:-}\n', ONE="1")
    assert document.data == {"a": "1:2", "b": ""}
    assert document.findings == []


def test_a_default_also_stands_in_for_an_empty_variable() -> None:
    assert read("a: ${X:-y}\n", X="").data == {"a": "y"}


def test_two_dollars_are_one() -> None:
    assert read("a: $${HOME} costs $$5\n").data == {"a": "${HOME} costs $5"}


def test_a_value_with_a_default_may_hold_a_colon_and_slashes() -> None:
    assert read('a: "${DSN:-chdb://./data}"\n').data == {"a": "chdb://./data"}


def test_what_a_variable_holds_is_text_and_not_yaml() -> None:
    assert read("a: ${X}\n", X="{b: 1}\nc: 2").data == {"a": "{b: 1}\nc: 2"}


def test_every_unset_variable_of_a_value_is_found() -> None:
    document = read("a: ${ONE}${TWO}\n")
    assert [(item.code, item.place.line) for item in document.findings] == [("VARIABLE_UNSET", 1)] * 2
    assert document.unset == {("a",)}


def test_an_alias_reads_as_what_it_names() -> None:
    assert read("a: &x {b: 1}\nc: *x\n").data == {"a": {"b": 1}, "c": {"b": 1}}


def test_aliases_within_aliases_do_not_grow_without_end() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    document = read("\n".join(lines))
    assert [item.code for item in document.findings] == ["YAML_SYNTAX"]


def test_names_that_yaml_takes_for_truth_stay_names() -> None:
    assert read("on: 1\nno: 2\n12: 3\n").data == {"on": 1, "no": 2, "12": 3}


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    read(text)
