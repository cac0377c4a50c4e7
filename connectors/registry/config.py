"""The mapping of a utility's own files or tables: places, headers, units, words, zone, form of dates."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from connectors.registry.tables import TABLE_BY_NAME, UNITS, Kind
from pipeline.errors import ConfigError
from pipeline.localtime import known_zone

DATE_FORMS = {
    "YYYY-MM-DD": "%Y-%m-%d", "DD-MM-YYYY": "%d-%m-%Y", "DD/MM/YYYY": "%d/%m/%Y", "DD.MM.YYYY": "%d.%m.%Y",
    "MM/DD/YYYY": "%m/%d/%Y", "YYYYMMDD": "%Y%m%d",
}  # fmt: skip
"""Declared form of dates -> the same for strptime; a time of day may follow. ISO 8601 is read besides, always."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableMapping(_Strict):
    """One table."""

    file: str | None = Field(None, description="file in the folder; NAME.csv when not given")
    query: str | None = Field(None, description="SQL of the table, with ORDER BY so that rows can be found again")
    columns: dict[str, str] = Field(default_factory=dict, description="column here: header there")
    units: dict[str, str] = Field(default_factory=dict, description="column: its unit there, as kW, kWh, min")
    values: dict[str, dict[str, str]] = Field(default_factory=dict, description="column: {word there: value here}")
    constants: dict[str, str] = Field(default_factory=dict, description="column: value of all rows")


class Mapping(_Strict):
    """A whole import."""

    source: Literal["csv", "postgresql"] = Field("csv", description="csv, or postgresql")
    folder: Path = Field(Path(), description="folder of the CSV files, seen from the mapping file")
    dsn_variable: str = Field("KVARN_REGISTRY_DSN", description="environment variable with the PostgreSQL DSN")
    encoding: str = Field("utf-8", description="encoding of the files; a byte order mark goes before it")
    delimiter: str = Field(",", min_length=1, max_length=1, description="between two cells")
    decimal: Literal[".", ","] = Field(".", description="before decimals")
    zone: str = Field("Asia/Kolkata", description="zone of dates and times that name none")
    dates: str = Field("YYYY-MM-DD", description=f"form of dates: one of {', '.join(DATE_FORMS)}")
    earliest: datetime.date = Field(datetime.date(1990, 1, 1), description="first day that a date may be")
    latest: datetime.date = Field(datetime.date(2050, 1, 1), description="last day that a date may be")
    tables: dict[str, TableMapping] = Field(default_factory=dict, description="table: its mapping")

    _known_zone = field_validator("zone")(known_zone)

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as error:
            raise ValueError("no such encoding") from error
        return value

    @field_validator("dates")
    @classmethod
    def _dates(cls, value: str) -> str:
        if value not in DATE_FORMS:
            raise ValueError(f"use one of {', '.join(DATE_FORMS)}")
        return value

    @model_validator(mode="after")
    def _names(self) -> Mapping:
        for name, table in self.tables.items():
            if name not in TABLE_BY_NAME:
                raise ValueError(f"table {name} is none of {', '.join(TABLE_BY_NAME)}")
            known = {column.name: column for column in TABLE_BY_NAME[name].columns}
            for part in (table.columns, table.units, table.values, table.constants):
                if unknown := sorted(set(part) - set(known)):
                    raise ValueError(f"{name} has no column {unknown[0]}")
            for column, unit in table.units.items():
                if unit not in UNITS.get(known[column].unit, {}):
                    raise ValueError(f"{name}.{column} cannot be in {unit}")
            if any(known[column].kind in (Kind.KEY, Kind.DOCUMENT) for column in (*table.values, *table.constants)):
                raise ValueError("keys and documents are neither mapped nor constant")
            if self.source == "postgresql" and table.query is None:
                raise ValueError(f"{name} needs a query")
        return self

    def of(self, table: str) -> TableMapping:
        """The mapping of a table; the plain one when nothing is said of it."""
        return self.tables.get(table, TableMapping())


def read_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; raises ConfigError with every fault at once."""
    try:
        data = YAML(typ="base", pure=True).load(io.BytesIO(path.read_bytes()))
        mapping = Mapping.model_validate(data or {})
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("MAPPING_UNREADABLE", where=str(path), what=str(error), do="correct the file") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'mapping'}: {e['msg']}" for e in error.errors())
        raise ConfigError("MAPPING_FAULT", where=str(path), what=faults, do="correct the mapping") from error
    return mapping.model_copy(update={"folder": path.parent / mapping.folder})
