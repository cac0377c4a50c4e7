"""The page of the tariff file, and its JSON schema, from the models that read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel

from agents.rating.engine.adjustments import Adjustments, FppasInputs, MonthValue
from agents.rating.engine.format import calendar, charges
from agents.rating.engine.format.base import Range, When
from agents.rating.engine.format.schemes import BillingDemand, LoadFactor, NetMetering, Prepaid
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lint import FAULT_CODES
from agents.rating.engine.sheet import COLUMNS
from cli.reference.markdown import code, page, table
from cli.reference.options import HEAD, option_rows

PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("calendar", calendar.Calendar),
    ("calendar.seasons", calendar.Season),
    ("calendar.zones", calendar.Zone),
    ("billing_demand", BillingDemand),
    ("load_factor", LoadFactor),
    ("net_metering", NetMetering),
    ("prepaid", Prepaid),
    ("when", When),
    ("a range of `when`", Range),
)
INNER: tuple[tuple[str, type[BaseModel]], ...] = (
    ("slabs", charges.Slab),
    ("bands", charges.Band),
    ("zones of `tod`", charges.ZoneRate),
    ("steps", charges.Step),
    ("table", charges.Row),
)


def tariff_page() -> str:
    """docs/reference/tariff.md"""
    return page(
        "The tariff file",
        "Version 2 of the tariff file, key by key. How one is written, with formulas and examples: "
        "[tariffs](../tariffs.md). The same as JSON schema, for editors: "
        "[tariff-v2.schema.json](../../schemas/tariff-v2.schema.json).",
        "Numbers are read as text and are exact: 3.46 is 3.46. Unknown keys are faults everywhere.",
        "## The file",
        _keys(Tariff),
        *(part for name, model in PARTS for part in (f"### {_title(name)}", _keys(model))),
        "## Charges",
        "Each charge has a `code`, a `kind`, and may have:",
        _keys(charges.Common),
        *_kinds(),
        *(part for name, model in INNER for part in (f"### {_title(name)}", _keys(model))),
        "## Monthly values",
        "A document of FAC, PPAC or FPPAS values, for `kvarn tariff rate --adjustments`.",
        _keys(Adjustments),
        "### A month",
        _keys(MonthValue),
        "### `fppas`",
        _keys(FppasInputs),
        "## The sheet",
        "Columns of the spreadsheet that `kvarn tariff import` reads (CSV, UTF-8, comma or semicolon).",
        table(("column", "what is in it"), ((code(name), text) for name, text in COLUMNS.items())),
        "## Findings of lint",
        table(("code", "level", "meaning"), ((code(row.code), row.level, row.meaning) for row in FAULT_CODES)),
    )


def _title(name: str) -> str:
    return name if "`" in name else code(name)


def _keys(model: type[BaseModel], without: frozenset[str] = frozenset()) -> str:
    rows = [row for row in option_rows(model) if row[0].strip("`") not in without]
    return table(HEAD, rows) if rows else "No keys of its own."


def _kinds() -> Iterator[str]:
    common = frozenset(charges.Common.model_fields) | {"kind"}
    for model in get_args(get_args(charges.Charge)[0]):
        names = " or ".join(code(name) for name in get_args(model.model_fields["kind"].annotation))
        yield f"### Kind {names}"
        yield " ".join((model.__doc__ or "").split())
        yield _keys(model, common)


def schema() -> str:
    """schemas/tariff-v2.schema.json"""
    found = Tariff.model_json_schema()
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "Kvarn tariff file, version 2"
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
