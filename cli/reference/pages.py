"""Which page is rendered by what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agents.vee.rulesets.schema import json_schema
from cli.reference import tables
from cli.reference.commands import command_line
from cli.reference.determinants import determinants
from cli.reference.estimates import estimates
from cli.reference.options import topologies
from cli.reference.readings import readings
from cli.reference.registry import registry
from cli.reference.status import status
from cli.reference.tariff import schema, tariff_page
from cli.reference.warehouse import warehouse

ROOT = Path(__file__).parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "docs/topics.md": tables.topics,
    "docs/determinants.md": determinants,
    "docs/reference/topologies.md": topologies,
    "docs/reference/cli.md": command_line,
    "docs/reference/codes.md": tables.codes,
    "docs/reference/rules.md": tables.rules,
    "docs/reference/rejects.md": tables.rejects,
    "docs/reference/estimates.md": estimates,
    "docs/reference/lint.md": tables.lint,
    "docs/reference/readings.md": readings,
    "docs/reference/registry.md": registry,
    "docs/reference/status.md": status,
    "docs/reference/tariff.md": tariff_page,
    "docs/reference/warehouse.md": warehouse,
    "schemas/tariff-v2.schema.json": schema,
    "schemas/rule-set.schema.json": json_schema,
}


def rendered() -> dict[str, str]:
    """File name -> text of every page."""
    return {name: render() for name, render in PAGES.items()}
