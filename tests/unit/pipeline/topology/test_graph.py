"""The picture of a topology, as Mermaid and as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.topology import lint, load
from pipeline.topology.components import Components
from pipeline.topology.graph import Edge, Graph, Node, Part, graph_of, mermaid
from pipeline.topology.layout import lay_out
from pipeline.topology.plan import resolve
from pipeline.topology.svg import svg

WHOLE = (Path(__file__).parent / "whole.yaml").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def graph(components: Components, text: str = WHOLE) -> Graph:
    return graph_of(resolve(lint.check(load.parse(text, file="f.yaml", variables={}), components)))


def test_every_part_and_used_topic_is_a_node(components: Components) -> None:
    names = {(node.part, node.title) for node in graph(components).nodes}
    assert {title for part, title in names if part is Part.CONNECTOR} == {"push", "waiting", "ticker"}
    assert {title for part, title in names if part is Part.WORKER} == {"metering", "losses"}
    assert (Part.SINK, "warehouse") in names
    assert (Part.TOPIC, "registry") not in names, "nothing flows through it"


def test_a_reading_can_be_followed_from_connector_to_sink(components: Components) -> None:
    edges = {(edge.source, edge.target) for edge in graph(components).edges}
    way = ["connector_push", "topic_frames", "worker_metering", "topic_readings", "sink_warehouse"]
    assert set(pairwise(way)) <= edges


def test_what_a_connector_puts_aside_is_drawn_apart(components: Components) -> None:
    aside = {(edge.source, edge.target) for edge in graph(components).edges if edge.aside}
    assert ("connector_push", "topic_parked") in aside
    assert ("connector_push", "topic_frames") not in aside


def test_names_that_differ_in_a_sign_have_different_ids(components: Components) -> None:
    text = WHOLE.replace(
        "connectors:\n", "connectors:\n  pu-sh: {type: ticker, to: frames}\n  pu_sh: {type: ticker, to: frames}\n"
    )
    ids = [node.id for node in graph(components, text).nodes]
    assert len(set(ids)) == len(ids)


def test_mermaid_names_every_node_and_edge(components: Components) -> None:
    made = graph(components)
    lines = mermaid(made).splitlines()
    assert lines[0] == "flowchart LR"
    assert '    topic_frames[("frames<br/>FrameBatch × 4")]:::topic' in lines
    assert sum(" --> " in line or " -.-> " in line for line in lines) == len(made.edges)


def test_the_svg_is_wellformed_and_names_every_node(components: Components) -> None:
    made = graph(components)
    root = ET.fromstring(svg(made))
    texts = [item.text for item in root.iter(f"{SVG}text")]
    assert {node.title for node in made.nodes} <= set(texts)
    assert root.find(f"{SVG}title") is not None


def test_the_same_topology_gives_the_same_bytes(components: Components) -> None:
    assert svg(graph(components)) == svg(graph(components))
    assert mermaid(graph(components)) == mermaid(graph(components))


def test_two_ways_between_two_nodes_are_one_line_with_two_heads(components: Components) -> None:
    # The parked connector takes frames from `parked`, and parks again those that are still unknown.
    routes = [
        route
        for route in lay_out(graph(components)).routes
        if {box.node.title for box in (route.boxes[0], route.boxes[-1]) if box.node} == {"parked", "waiting"}
    ]
    assert [route.both for route in routes] == [True]


NODES = tuple(Node(f"n{number}", Part.TOPIC, f"name {number}", "detail") for number in range(8))
EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] != pair[1]), max_size=16)


@given(EDGES)
def test_no_two_boxes_touch_and_all_lie_in_the_picture(pairs: list[tuple[int, int]]) -> None:
    edges = tuple(dict.fromkeys(Edge(f"n{source}", f"n{target}") for source, target in pairs))
    layout = lay_out(Graph(NODES, edges))
    boxes = layout.boxes
    for place, one in enumerate(boxes):
        assert one.x >= 0
        assert one.y >= 0
        assert one.x + one.width <= layout.width
        assert one.y + one.height <= layout.height
        for other in boxes[place + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y


@given(EDGES)
def test_every_edge_is_drawn_and_lines_run_from_left_to_right(pairs: list[tuple[int, int]]) -> None:
    edges = tuple(dict.fromkeys(Edge(f"n{source}", f"n{target}") for source, target in pairs))
    drawn = set()
    for route in lay_out(Graph(NODES, edges)).routes:
        columns = [box.column for box in route.boxes]
        assert columns == list(range(columns[0], columns[0] + len(columns)))
        first, last = route.boxes[0].node, route.boxes[-1].node
        assert first is not None
        assert last is not None
        ways = [(last.id, first.id)] if route.backward and not route.both else [(first.id, last.id)]
        drawn |= {*ways, (last.id, first.id)} if route.both else set(ways)
    assert drawn == {(edge.source, edge.target) for edge in edges}


def test_a_graph_without_nodes_is_an_empty_picture() -> None:
    assert ET.fromstring(svg(Graph((), ()))) is not None
