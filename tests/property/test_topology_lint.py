"""Whatever stands in a topology file, lint answers with findings and never with an exception."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.components import components
from pipeline.errors import ConfigError
from pipeline.topology import lint, load
from pipeline.topology.graph import graph_of, mermaid
from pipeline.topology.plan import resolve
from pipeline.topology.svg import svg

ROOT = Path(__file__).parents[2]
WHOLE: dict[str, Any] = load.parse((ROOT / "topologies.yaml").read_text(encoding="utf-8"), file="f", variables={}).data
COMPONENTS = components()

NAMES = st.sampled_from(
    ["frames", "readings", "decode", "vee", "rating", "nodes", "losses", "to", "from", "type", "dlms", "nothing", ""]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2000) | st.floats(allow_nan=False) | NAMES | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def paths(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value of a file."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(way for key, child in children for way in paths(child, (*path, key)))]


PATHS = [path for path in paths(WHOLE) if path]


def replaced(path: tuple[str | int, ...], value: Any, *, drop: bool) -> dict[str, Any]:
    made: Any = copy.deepcopy(WHOLE)
    node = made
    for key in path[:-1]:
        node = node[key]
    if drop:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    assert isinstance(made, dict)
    return made


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), VALUES, st.booleans())
def test_a_file_with_one_thing_changed_is_judged_and_planned_or_refused(
    path: tuple[str | int, ...], value: Any, drop: bool
) -> None:
    # JSON is YAML.
    text = json.dumps(replaced(path, value, drop=drop))
    report = lint.check(load.parse(text, file="f.yaml", variables={}), COMPONENTS)
    if report.errors:
        try:
            resolve(report)
        except ConfigError:
            return
        raise AssertionError("a plan in spite of errors")
    drawn = graph_of(resolve(report))
    assert mermaid(drawn)
    assert svg(drawn)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_file_of_anything_is_judged(value: Any) -> None:
    lint.check(load.parse(json.dumps(value), file="f.yaml", variables={}), COMPONENTS)
