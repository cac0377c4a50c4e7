"""How a head-end writes its readings: what a topology says of a topic or folder of them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.readings_in.qualities import QualityClass
from connectors.readings_in.quantities import Quantity, quantity, usual_columns
from connectors.readings_in.times import EPOCH, EPOCH_MS, ISO
from pipeline.codes import Kind
from pipeline.localtime import zone_of_tz

OWN_STAMPS, OWN_UNITS = ("nem12", "espi", "mscons"), ("nem12", "mscons")
"""Formats whose messages say when an interval ends, and whose `values` are names alone."""
KINDS = {"block": Kind.BLOCK, "daily": Kind.DAILY, "instant": Kind.INSTANT}


class Columns(BaseModel):
    """Where a reading has its parts: a column of CSV or Parquet, a field of JSON or Avro (within another one: `a.b`).

    CIM, ESPI, MSCONS and NEM12 have their own places for these.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field("device", description="name of the meter")
    time: str = Field("time", description="stamp")
    kind: str = Field("kind", description="block, daily or instant; without this column `kind` of the connector holds")
    quality: str = Field("quality", description="the head-end's quality, as it writes it; none: actual")
    id: str = Field("id", description="the head-end's id of the reading, kept for lineage")


class ReadingsOptions(BaseModel):
    """The options that say what a head-end's readings look like."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json", "csv", "cim", "avro", "nem12", "espi", "mscons", "parquet", "suffix"] = Field(
        "json", description="json (a list, an object with a list, or a line each), csv, cim (IEC 61968-9), avro "
        "(object container files), nem12 (AEMO), espi (Green Button), mscons (UN/EDIFACT); of a folder also parquet, "
        "and suffix: as the file's name ends"
    )  # fmt: skip
    head_end: str = Field("head-end", min_length=1, max_length=60, description="name of the head-end, kept for lineage")
    device: Literal["auto", "title", "number", "name"] = Field(
        "auto", description="what names a meter: its system title (16 hexadecimal digits), the registry's number, a "
        "name of the file `names`, or auto: the first that fits, names first"
    )  # fmt: skip
    named_by: Literal["point", "meter"] = Field(
        "point", description="NEM12 and MSCONS: what is taken for a meter's name, that of its metering point (NMI, "
        "LOC+172) or its number (serial number of record 200, RFF+MG)"
    )  # fmt: skip
    names: Path | None = Field(None, description="CSV file with columns name, device: the head-end's names of meters")
    zone: str = Field("Asia/Kolkata", description="zone of stamps without an offset")
    time_format: str = Field(ISO, description="iso, epoch, epoch_ms, or a pattern as of strptime: %d-%m-%Y %H:%M")
    stamp: Literal["end", "start"] = Field("end", description="what a block's stamp is: end or start of its interval")
    interval_secs: int = Field(
        0, ge=0, le=86_400, description="length of the head-end's intervals, checked against the registry; 0: as the "
        "registry says (of CIM, ESPI, MSCONS and NEM12: as the message says)"
    )  # fmt: skip
    kind: Literal["block", "daily", "instant"] = Field(
        "block", description="block: energy of intervals; daily: registers at midnight; instant: momentary values"
    )
    columns: Columns = Field(default_factory=lambda: Columns(), description="where a reading has its parts")
    values: dict[str, str] = Field(
        default_factory=dict, description="column -> quantity and unit, for example kWh_import: wh_imp kWh; none: "
        "those columns that are called as quantities are, see docs/reference/readings.md; of NEM12 and "
        "MSCONS without a unit: their suffixes and OBIS codes, for example K1: varh_q3"
    )  # fmt: skip
    records: str = Field("readings", description="JSON and Avro: field of an object that holds a list of readings")
    qualities: dict[str, QualityClass] = Field(
        default_factory=dict, description="the head-end's own codes: actual, estimated, edited, suspect or missing"
    )
    unknown_quality: Literal["suspect", "refuse"] = Field(
        "suspect", description="what becomes of a reading whose quality is in no table"
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="CSV: what stands between two columns")
    decimal: Literal[".", ","] = Field(".", description="CSV: decimal sign")
    message_bytes: int = Field(
        64_000_000, ge=1000, description="largest message or file that is read; CSV files are read in parts and may be "
        "larger"
    )  # fmt: skip

    _known_zone = field_validator("zone")(zone_of_tz)

    @field_validator("time_format")
    @classmethod
    def _form(cls, form: str) -> str:
        if form not in (ISO, EPOCH, EPOCH_MS) and "%" not in form:
            raise ValueError("use iso, epoch, epoch_ms, or a pattern with %")
        return form

    @field_validator("values")
    @classmethod
    def _quantities(cls, values: dict[str, str]) -> dict[str, str]:
        for text in values.values():
            quantity(text)
        return values

    @model_validator(mode="after")
    def _possible(self) -> ReadingsOptions:
        if self.format in OWN_STAMPS and self.stamp == "start":
            raise ValueError(f"stamp: {self.format} says itself when its intervals end")
        if self.stamp == "start" and self.format != "cim" and not self.interval_secs:
            raise ValueError("interval_secs: say how long intervals are whose start is their stamp")
        if self.format in OWN_UNITS and any(" " in text.strip() for text in self.values.values()):
            raise ValueError(f"values: {self.format} says itself in which units values are")
        if self.device == "name" and self.names is None:
            raise ValueError("names: give the file, when devices have names")
        return self

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """Column -> what it holds."""
        return {column: quantity(text) for column, text in (self.values or usual_columns()).items()}
