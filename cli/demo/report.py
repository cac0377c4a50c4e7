"""The demo's figures for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

MOST_NODES = 12


def show(out: Console, figures: dict[str, Any], next_steps: Sequence[str]) -> None:
    """Print the summary of a run."""
    out.print()
    out.print(
        f"[bold]{figures['frames_in']:,} frames[/] in {figures['seconds']:.1f} s "
        f"({figures['frames_per_s']:,.0f} a second), {figures['determinants']:,} determinants"
    )
    if figures["compiling_s"] >= 1:
        out.print(f"Before that {figures['compiling_s']:.0f} s of compiling kernels, once on this machine.")
    out.print(_counts("Readings", "interval readings", figures["readings"]))
    out.print(_counts("Put aside, by reason", "frames", figures["rejected"]))
    found = figures["rejects_match"]
    out.print(
        f"Of these {found['matched']:,} are what the simulator broke, frame by frame; "
        f"{found['unexpected']:,} unexpected, {found['not_found']:,} not found."
    )
    out.print(_stages(figures["stages"]))
    out.print(_energy(figures))
    out.print(_losses(figures["losses"]))
    if "tables" in figures:
        out.print(_comparison(figures["tables"]))
    out.print("[bold]Next[/]")
    for step in next_steps:
        out.print(f"  {step}", markup=False)


def _counts(title: str, unit: str, counts: dict[str, int]) -> Table:
    table = Table("", unit, title=title, title_justify="left")
    table.columns[1].justify = "right"
    for name, number in counts.items():
        table.add_row(name, f"{number:,}")
    return table


def _stages(stages: list[dict[str, Any]]) -> Table:
    table = Table("stage", "import energy", "kWh", title="Energy by stage, all meters", title_justify="left")
    table.columns[2].justify = "right"
    for stage in stages:
        for name, energy in stage["wh"].items():
            table.add_row(stage["stage"], name, kwh(energy))
    return table


def _energy(figures: dict[str, Any]) -> Table:
    table = Table("", "kWh", title="Energy of consumers, import", title_justify="left")
    table.columns[1].justify = "right"
    for name, energy in figures["energy_wh"].items():
        table.add_row(name, kwh(energy))
    registers = figures["registers"]
    table.caption = (
        f"{registers['exact']:,} of {registers['both_ends']:,} service points with registers at both ends meet them "
        f"to the watt-hour; {registers['without']:,} lack a register at an end."
    )
    return table


def _losses(losses: list[dict[str, Any]]) -> Table:
    table = Table("node", "level", "input kWh", "output kWh", "loss kWh", "true loss kWh", "loss %", "actual",
                  title="Losses, whole run", title_justify="left")  # fmt: skip
    for column in table.columns[2:]:
        column.justify = "right"
    shown = sorted(losses, key=lambda row: (row["level"] != "FEEDER", -row["loss_wh"]))[:MOST_NODES]
    for row in shown:
        share = 100 * row["loss_wh"] / row["input_wh"] if row["input_wh"] else 0.0
        real = "" if row["truth_loss_wh"] is None else kwh(row["truth_loss_wh"], 1)
        table.add_row(row["node"], row["level"], kwh(row["input_wh"], 0), kwh(row["output_wh"], 0),
                      kwh(row["loss_wh"], 1), real, f"{share:.1f}", f"{row['coverage']:.0%}")  # fmt: skip
    if len(losses) > len(shown):
        table.caption = f"{len(losses) - len(shown)} more nodes: feeders first, then the largest losses are shown."
    return table


def _comparison(tables: dict[str, dict[str, int]]) -> Table:
    table = Table("table", "rows", "embedded run", "different", title="Beside the embedded run", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, row in tables.items():
        table.add_row(name, f"{row['rows']:,}", f"{row['other_rows']:,}", f"{row['different']:,}")
    return table


def kwh(energy_wh: int, decimals: int = 3) -> str:
    """Wh as kWh; with three decimals it is exact."""
    return f"{energy_wh / 1000:,.{decimals}f}"
