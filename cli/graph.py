"""`kvarn graph`: the picture of a topology."""

from __future__ import annotations

import dataclasses
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import DEFAULT_FILE, Json, TopologyFile, aside, emit
from cli.topology import read_plan
from pipeline.topology.graph import graph_of, mermaid
from pipeline.topology.svg import svg


class Picture(StrEnum):
    """Form of the picture."""

    MERMAID = "mermaid"
    SVG = "svg"


Form = Annotated[
    Picture | None, typer.Option("--format", help="Form of the picture. [by the name of --output, else mermaid]")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write; standard output when none is named.", dir_okay=False),
]


def graph(file: TopologyFile = DEFAULT_FILE, form: Form = None, output: Output = None, as_json: Json = False) -> None:
    """Draw a topology: connectors, topics, workers with their stages, and sinks, as Mermaid text or as SVG.

    Mermaid text can be pasted into Markdown; the SVG needs no tool. `--json` gives nodes and edges instead.
    """
    drawn = graph_of(read_plan(file))
    if as_json:
        emit(
            {
                "nodes": [dataclasses.asdict(node) for node in drawn.nodes],
                "edges": [dataclasses.asdict(edge) for edge in drawn.edges],
            }
        )
        return
    chosen = form or (Picture.SVG if output is not None and output.suffix == ".svg" else Picture.MERMAID)
    picture = svg(drawn) if chosen is Picture.SVG else mermaid(drawn)
    if output is None:
        sys.stdout.write(picture)
        return
    output.write_text(picture, encoding="utf-8")
    aside().print(f"{output}: {len(drawn.nodes)} nodes, {len(drawn.edges)} edges", markup=False)
