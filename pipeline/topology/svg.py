"""A graph as an SVG picture, made here: no tool to install, the same bytes for the same plan."""

from __future__ import annotations

from xml.sax.saxutils import escape

from pipeline.topology.graph import FILLS, LINES, Graph, Part
from pipeline.topology.layout import Box, Layout, Route, lay_out

FONT = "ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
INK = "#334155"
ROUNDING = {Part.CONNECTOR: 23, Part.TOPIC: 4, Part.WORKER: 10, Part.SINK: 0}


def svg(graph: Graph) -> str:
    """The picture of a graph."""
    layout = lay_out(graph)
    body = [*(_edge(route) for route in layout.routes), *(_box(box) for box in layout.boxes)]
    return "\n".join([*_head(layout, graph), *body, "</svg>"]) + "\n"


def _head(layout: Layout, graph: Graph) -> list[str]:
    size = f'viewBox="0 0 {layout.width} {layout.height}" width="{layout.width}" height="{layout.height}"'
    names = ", ".join(node.title for node in graph.nodes)
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}" font-size="12">',
        f"<title>{escape(names)}</title>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="{INK}"/></marker></defs>',
        f'<rect width="{layout.width}" height="{layout.height}" fill="#ffffff"/>',
    ]


def _edge(route: Route) -> str:
    first = route.boxes[0]
    x, y = first.x + first.width, first.middle
    path = [f"M{x} {y}"]
    for box in route.boxes[1:]:
        half = (box.x - x) // 2
        path.append(f"C{x + half} {y} {box.x - half} {box.middle} {box.x} {box.middle}")
        x, y = box.x + box.width, box.middle
    dashes = ' stroke-dasharray="4 4"' if route.aside else ""
    start = ' marker-start="url(#arrow)"' if route.backward or route.both else ""
    end = ' marker-end="url(#arrow)"' if route.both or not route.backward else ""
    return f'<path d="{" ".join(path)}" fill="none" stroke="{INK}"{dashes}{start}{end}/>'


def _box(box: Box) -> str:
    node = box.node
    assert node is not None
    shape = f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{ROUNDING[node.part]}"'
    middle = box.x + box.width // 2
    return (
        f'<rect {shape} fill="{FILLS[node.part]}" stroke="{LINES[node.part]}"/>'
        f'<text x="{middle}" y="{box.y + 19}" text-anchor="middle" font-weight="600">{escape(node.title)}</text>'
        f'<text x="{middle}" y="{box.y + 35}" text-anchor="middle" fill="{INK}">{escape(node.detail)}</text>'
    )
