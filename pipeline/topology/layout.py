"""Places for a graph's nodes: columns from left to right, few crossings, whole numbers only.

The usual four steps of layered drawing (Sugiyama, Tagawa, Toda 1981): turn around what flows backwards, give each node
a column, order the columns by the middle of the neighbours, and move nodes towards them. Integers and stable sorting,
so that a plan has one picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.topology.graph import Edge, Graph, Node

HEIGHT, ROW_GAP, COLUMN_GAP, MARGIN = 46, 22, 70, 20
"""Pixels: a box, between boxes of a column, between columns, around the picture."""

CHARACTER, PADDING = 7, 26
"""Pixels: width of a letter of the picture's font at its size, and room beside the text of a box."""

SWEEPS = 12


@dataclass
class Box:
    """A node with its place (top left) and size; a bend of a long edge has no node and no width."""

    node: Node | None
    column: int
    width: int = 0
    height: int = HEIGHT
    x: int = 0
    y: int = 0

    @property
    def middle(self) -> int:
        """Height at which edges meet it."""
        return self.y + self.height // 2


@dataclass(frozen=True)
class Route:
    """An edge's way: boxes from left to right. `backward`: it flows from right to left; `both`: either way."""

    boxes: tuple[Box, ...]
    aside: bool
    backward: bool
    both: bool


@dataclass(frozen=True)
class Layout:
    """The picture: boxes of nodes, ways of edges, and its size."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    width: int
    height: int


def lay_out(graph: Graph) -> Layout:
    """Places for everything in a graph."""
    forward, turned = _without_circles(graph)
    columns = _columns(graph, forward)
    boxes = {node.id: Box(node, columns[node.id], _width(node)) for node in graph.nodes}
    layers: list[list[Box]] = [[] for _ in range(max(columns.values(), default=0) + 1)]
    for box in boxes.values():
        layers[box.column].append(box)
    pairs = {(edge.source, edge.target) for edge in graph.edges}
    drawn: set[tuple[str, str]] = set()
    routes = []
    for source, target, edge in forward:
        if (source, target) in drawn:
            continue
        drawn.add((source, target))
        both = {(source, target), (target, source)} <= pairs
        way = [boxes[source], *_bends(layers, columns[source], columns[target]), boxes[target]]
        routes.append(Route(tuple(way), edge.aside, (source, target) in turned, both))
    _order(layers, routes)
    width, height = _place(layers, routes)
    return Layout(tuple(boxes.values()), tuple(routes), width, height)


def _width(node: Node) -> int:
    return max(len(node.title), len(node.detail)) * CHARACTER + PADDING


def _without_circles(graph: Graph) -> tuple[list[tuple[str, str, Edge]], set[tuple[str, str]]]:
    """Edges as (left, right, edge), and the pairs that were turned around so that nothing goes in a circle."""
    following: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        following[edge.source].append(edge.target)
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    # Edges turned later decide nothing about edges turned earlier, so one walk is enough.
    for start in sorted(following, key=lambda name: sum(edge.target == name for edge in graph.edges)):
        _walk(start, following, [], done, back)
    forward = [
        (edge.target, edge.source, edge) if (edge.source, edge.target) in back else (edge.source, edge.target, edge)
        for edge in graph.edges
    ]
    return forward, {(target, source) for source, target in back}


def _walk(
    node: str, following: dict[str, list[str]], way: list[str], done: set[str], back: set[tuple[str, str]]
) -> None:
    if node in done:
        return
    way.append(node)
    for after in following[node]:
        if after in way:
            back.add((node, after))
        else:
            _walk(after, following, way, done, back)
    way.pop()
    done.add(node)


def _columns(graph: Graph, forward: list[tuple[str, str, Edge]]) -> dict[str, int]:
    """Column of each node: right of all that flows into it; what nothing flows into stands next to its target."""
    columns = {node.id: 0 for node in graph.nodes}
    for _ in graph.nodes:
        for left, right, _edge in forward:
            columns[right] = max(columns[right], columns[left] + 1)
    fed = {right for _, right, _edge in forward}
    for node in graph.nodes:
        targets = [columns[right] for left, right, _edge in forward if left == node.id]
        if node.id not in fed and targets:
            columns[node.id] = min(targets) - 1
    return columns


def _bends(layers: list[list[Box]], first: int, last: int) -> list[Box]:
    bends = [Box(None, column, height=ROW_GAP) for column in range(first + 1, last)]
    for bend in bends:
        layers[bend.column].append(bend)
    return bends


def _neighbours(routes: Iterable[Route]) -> tuple[dict[int, list[Box]], dict[int, list[Box]]]:
    """By id of a box: its neighbours to the left, and to the right."""
    left: dict[int, list[Box]] = {}
    right: dict[int, list[Box]] = {}
    for route in routes:
        for one, other in zip(route.boxes, route.boxes[1:], strict=False):
            right.setdefault(id(one), []).append(other)
            left.setdefault(id(other), []).append(one)
    return left, right


def _order(layers: list[list[Box]], routes: list[Route]) -> None:
    """Sort each column by the mean place of its neighbours, from the left and from the right in turn."""
    left, right = _neighbours(routes)
    for sweep in range(SWEEPS):
        neighbours, order = (left, layers) if sweep % 2 == 0 else (right, layers[::-1])
        rank = {id(box): place for layer in layers for place, box in enumerate(layer)}
        for layer in order:
            means = {
                id(box): (sum(rank[id(item)] for item in near) * 1000 // len(near))
                if (near := neighbours.get(id(box), []))
                else rank[id(box)] * 1000
                for box in layer
            }
            layer.sort(key=lambda box: means[id(box)])
            rank.update({id(box): place for place, box in enumerate(layer)})


def _place(layers: list[list[Box]], routes: list[Route]) -> tuple[int, int]:
    x = MARGIN
    for layer in layers:
        widest = max((box.width for box in layer), default=0)
        for box in layer:
            box.x = x + (widest - box.width) // 2
        x += widest + COLUMN_GAP
        _stack(layer, [0] * len(layer))
    left, right = _neighbours(routes)
    for sweep in range(SWEEPS):
        neighbours, order = (left, layers) if sweep % 2 == 0 else (right, layers[::-1])
        for layer in order:
            wanted = [
                sum(item.middle for item in near) // len(near) - box.height // 2
                if (near := neighbours.get(id(box), []))
                else box.y
                for box in layer
            ]
            _stack(layer, wanted)
    top = min(box.y for layer in layers for box in layer) if any(layers) else 0
    for layer in layers:
        for box in layer:
            box.y += MARGIN - top
    bottom = max((box.y + box.height for layer in layers for box in layer), default=0)
    return x - COLUMN_GAP + MARGIN, bottom + MARGIN


def _stack(layer: list[Box], wanted: list[int]) -> None:
    """Put the boxes of a column near `wanted`, in their order and without touching."""
    floor = None
    for box, height in zip(layer, wanted, strict=True):
        box.y = height if floor is None else max(height, floor)
        floor = box.y + box.height + ROW_GAP
    if not layer:
        return
    # What was pushed down is shared: the column moves up by the mean of it.
    pushed = sum(box.y - height for box, height in zip(layer, wanted, strict=True)) // len(layer)
    for box in layer:
        box.y -= pushed
