"""The reference pages say what the code does: rendered, complete, and about files that are right."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli.commands import COMMANDS
from cli.components import components
from cli.output import EXIT_CODES
from cli.reference.pages import PAGES, ROOT, rendered
from cli.reference.tables import ENUMS, meanings
from cli.topology import check, read_plan
from pipeline.codes import REJECT_CODES, RULES, Level, Role
from pipeline.topology.findings import CODES
from pipeline.topology.topics import TOPICS

TOPOLOGIES = [ROOT / "topologies.yaml", *sorted((ROOT / "examples").glob("*.yaml"))]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return rendered()


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_is_what_the_code_renders(name: str, pages: dict[str, str]) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == pages[name], "run `python -m cli.reference`"


def test_no_page_of_the_reference_is_left_over() -> None:
    on_disk = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert on_disk == {name for name in PAGES if name.startswith("docs/reference/")}


# DT, FEEDER and SUBSTATION say what they are; members of the other enums need a sentence.
@pytest.mark.parametrize("enum", [enum for enum in ENUMS if enum not in (Level, Role)], ids=lambda enum: enum.__name__)
def test_every_member_of_a_code_enum_has_a_meaning(enum: type[IntEnum]) -> None:
    assert set(meanings(enum)) == set(enum.__members__)


def test_every_row_of_a_table_has_a_line_of_its_own(pages: dict[str, str]) -> None:
    for name, rows in (("lint", CODES), ("rejects", REJECT_CODES), ("rules", RULES)):
        page = pages[f"docs/reference/{name}.md"]
        assert [page.count(f"| `{row.code}` |") for row in rows] == [1] * len(rows)
    for topic in TOPICS:
        assert f"| `{topic.name}` |" in pages["docs/topics.md"]


def test_every_command_and_exit_code_is_on_the_page_of_the_command_line(pages: dict[str, str]) -> None:
    page = pages["docs/reference/cli.md"]
    for command in COMMANDS:
        assert f"\n### kvarn {command.name}\n" in page
    for row in EXIT_CODES:
        assert f"| {row.number} | {row.meaning} |" in page


def test_every_option_says_what_it_means(pages: dict[str, str]) -> None:
    rows = [line for line in pages["docs/reference/topologies.md"].splitlines() if line.startswith("| `")]
    assert [line for line in rows if line.endswith("|  |")] == []


def test_a_default_that_is_a_list_or_a_table_can_be_pasted_into_the_file(pages: dict[str, str]) -> None:
    page = pages["docs/reference/topologies.md"]
    shown = [line.split(" | ")[2].strip("`") for line in page.splitlines() if line.startswith("| `")]
    found = [YAML(typ="safe").load(one) for one in shown if one.startswith(("[", "{"))]
    assert {"hours": 8, "percent": 95.0} in next(
        one for one in found if isinstance(one, list) and isinstance(one[0], dict)
    )
    forms = next(one for one in found if isinstance(one, dict) and "wh_imp" in one)
    assert forms["wh_imp"] == {"obis": "1-0:1.8.0", "digits": 6, "decimals": 3}


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.name)
def test_a_shipped_topology_has_no_findings(path: Path) -> None:
    assert [str(item) for item in check(path).findings] == []


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.name)
def test_topics_of_a_shipped_topology_are_in_the_table_with_their_schema(path: Path) -> None:
    known = {topic.name: topic.schema for topic in TOPICS if not topic.reserved}
    for topic in read_plan(path).topics.values():
        assert known[topic.name] == topic.schema


def test_shipped_topologies_name_only_components_that_are_there() -> None:
    parts = components()
    for path in TOPOLOGIES:
        plan = read_plan(path)
        assert {stage.name for chain in plan.chains for stage in chain.stages} <= set(parts.agents)
        assert {connector.type for connector in plan.connectors.values()} <= set(parts.connectors)
        assert {sink.type for sink in plan.sinks.values()} <= set(parts.sinks)


def test_the_split_example_is_the_shipped_topology_but_for_the_cuts() -> None:
    shipped = {path.name: path for path in TOPOLOGIES}
    whole, split = (read_plan(shipped[name]) for name in ("topologies.yaml", "split.yaml"))
    assert [stage.name for chain in whole.chains for stage in chain.stages] == [
        stage.name for chain in split.chains for stage in chain.stages
    ]
    assert [chain.name for chain in split.chains] == ["metering.decode", "metering.vee", "metering.rating", "losses"]
    assert set(split.topics) - set(whole.topics) == {"decoded"}


# What an example that says "The same as topologies.yaml" sets otherwise in a stage, which stages it has besides, and
# what its worker writes besides.
OTHERWISE: dict[str, dict[str, dict[str, object]]] = {"cold.yaml": {"vee": {"cold_days": 400}}}
STAGES_BESIDES = {"facts.yaml": {"checks"}}
BESIDES = {"cold.yaml": {"cold-requests"}}
SAME = [
    path
    for path in TOPOLOGIES
    if path.read_text(encoding="utf-8").startswith("# The same as topologies.yaml") and path.name != "split.yaml"
]


def test_examples_that_say_that_they_are_the_shipped_topology_are_found() -> None:
    names = {"cold.yaml", "edits.yaml", "facts.yaml", "frames.yaml", "head-end.yaml", "prepaid.yaml", "sap.yaml"}
    assert names <= {path.name for path in SAME}


@pytest.mark.parametrize("path", SAME, ids=lambda path: path.name)
def test_an_example_is_the_shipped_topology_but_for_what_it_names(path: Path) -> None:
    whole, more = read_plan(ROOT / "topologies.yaml"), read_plan(path)
    assert {name: more.topics.get(name) for name in whole.topics} == dict(whole.topics)
    assert whole.connectors.keys() <= more.connectors.keys()
    warehouse, larger = whole.sinks["warehouse"], more.sinks["warehouse"]
    assert set(warehouse.topics) <= set(larger.topics)
    assert (larger.type, larger.options) == (warehouse.type, warehouse.options)
    otherwise, besides = OTHERWISE.get(path.name, {}), BESIDES.get(path.name, set())
    assert [chain.name for chain in more.chains] == [chain.name for chain in whole.chains]
    for chain, theirs in zip(whole.chains, more.chains, strict=True):
        expected = [(stage.name, stage.options.model_copy(update=otherwise.get(stage.name))) for stage in chain.stages]
        added = STAGES_BESIDES.get(path.name, set())
        assert added <= {stage.name for stage in theirs.stages} or chain.name != "metering"
        assert [(stage.name, stage.options) for stage in theirs.stages if stage.name not in added] == expected
        assert {topic.name for topic in theirs.written} - {topic.name for topic in chain.written} <= besides
        assert set(chain.written) <= set(theirs.written)


def test_the_example_of_head_ends_is_the_shipped_topology_and_two_connectors_more() -> None:
    whole, more = (read_plan(ROOT / name) for name in ("topologies.yaml", "examples/head-end.yaml"))
    assert set(more.topics) - set(whole.topics) == {"readings-in"}
    types = {connector.type for connector in more.connectors.values()}
    assert types - {connector.type for connector in whole.connectors.values()} == {"folder", "readings_topic"}
