"""The shipped schemas, parsed, with their ids.

Shipped ids are a contract: they stand in every record written without a schema registry, and are never renumbered or
reused. They begin at 1,000,001, so that they are not taken for a registry's, which count from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from pipeline.errors import ConfigError
from pipeline.wire import Contracts

FOLDER = Path(__file__).parent / "avro"
IDS = Path(__file__).parent / "ids.json"
RELEASED = FOLDER / "released"


@cache
def shipped_ids() -> Mapping[str, int]:
    """Schema name -> shipped id."""
    table: dict[str, int] = json.loads(IDS.read_text(encoding="utf-8"))
    return table


def schema_text(name: str) -> str:
    """The `.avsc` file of a schema; raises ConfigError when none is shipped under this name."""
    path = FOLDER / f"{name}.avsc"
    if not path.is_file():
        raise ConfigError(
            "SCHEMA_UNKNOWN",
            where=name,
            what="no schema of this name is shipped",
            do=f"use one of {', '.join(sorted(shipped_ids()))}",
        )
    return path.read_text(encoding="utf-8")


@cache
def _parsed() -> Mapping[str, Any]:
    return {name: fastavro.parse_schema(json.loads(schema_text(name))) for name in shipped_ids()}


def released(folder: Path = RELEASED) -> Iterator[tuple[str, int, str]]:
    """(schema name, id, text) of every copy, in order of name and id."""
    for path in sorted(folder.glob("*.avsc")):
        name, number = path.stem.split(".")
        yield name, int(number), path.read_text(encoding="utf-8")


@cache
def _released() -> Mapping[int, tuple[str, Any]]:
    """Every id that was ever shipped -> name and schema; of today's ids today's schema."""
    today = {number: (name, _parsed()[name]) for name, number in shipped_ids().items()}
    return {number: (name, fastavro.parse_schema(json.loads(text))) for name, number, text in released()} | today


def load_contracts(
    registry_ids: Mapping[str, int] | None = None, former_ids: Mapping[int, int] | None = None
) -> Contracts:
    """The contracts of all topics, with the ids that a registry gave or else with the shipped ones. What was written
    with the shipped ones can be read in any case: a registry may be turned on later.

    `registry_ids` is what `schemas.registry.register` returns, `former_ids` what `schemas.registry.former_ids` does.
    Raises ConfigError when `registry_ids` lacks a schema.
    """
    ids = dict(shipped_ids() if registry_ids is None else registry_ids)
    missing = sorted(set(shipped_ids()) - set(ids))
    if missing:
        raise ConfigError(
            "SCHEMA_WITHOUT_ID",
            where=", ".join(missing),
            what="the registry gave no id",
            do="register all shipped schemas before starting",
        )
    known = dict(_released())
    known |= {number: known[shipped] for number, shipped in (former_ids or {}).items()}
    known |= {number: (name, _parsed()[name]) for name, number in ids.items()}
    return Contracts(_parsed(), ids, known)
