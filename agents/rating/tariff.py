"""Tariffs as data: the YAML file, read without floats and checked.

A tariff file names charges in the order of the bill. Scalars are read as text and become integers or `Decimal`, so that
3.46 is 3.46. Lint messages name file and field.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from agents.rating.calendar import QUARTERS
from agents.rating.engine.format.base import known_step
from agents.rating.engine.format.calendar import quarters_of
from agents.rating.state import ZONES
from pipeline.errors import ConfigError
from pipeline.localtime import known_zone

if TYPE_CHECKING:
    from agents.rating.engine.format.tariff import Tariff as Version2

FOLDER = Path(__file__).parent / "tariffs"
NOT_IN_FORCE = ("draft", "set_aside")
"""Statuses of tariffs that nobody is billed by. One that has ended was in force: its months are measured."""
RATE_DIGITS = 5
"""Decimal places of a rate: 0.00001 rupees."""
MAX_LINES = 24
"""Lines of a bill: a charge, or a slab of one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("a rate is written as text or decimal, never as a binary float")
    return value


Rate = Annotated[Decimal, Field(decimal_places=RATE_DIGITS, gt=-10_000, lt=10_000, description="rupees, exact")]


class Slab(_Strict):
    """One slab: units above the slab before and up to `to`."""

    to: int | None = Field(None, gt=0, description="last unit (kWh a month) of the slab; left out in the last slab")
    rate: Rate = Field(description="rupees per kWh")
    all_units: bool = Field(False, description="true: who ends in this slab pays this rate for every unit")

    _rate = field_validator("rate", mode="before")(_exact)


class SlabCharge(_Strict):
    """Energy by slabs."""

    code: str = Field(min_length=1, max_length=24, description="code of the line; a slab's line is CODE.1, CODE.2, ...")
    kind: Literal["slabs"]
    slabs: tuple[Slab, ...] = Field(min_length=1, description="slabs with rising bounds")

    @model_validator(mode="after")
    def _rising(self) -> SlabCharge:
        bounds = [slab.to for slab in self.slabs]
        if bounds[-1] is not None or any(bound is None for bound in bounds[:-1]):
            raise ValueError("only the last slab has no upper bound, and it must have none")
        inner = [bound for bound in bounds if bound is not None]
        if any(after <= before for before, after in pairwise(inner)):
            raise ValueError("slab bounds must rise")
        flags = [slab.all_units for slab in self.slabs]
        if flags != sorted(flags):
            raise ValueError("slabs with all_units stand after those without")
        return self


class EnergyCharge(_Strict):
    """All units at one rate."""

    code: str = Field(min_length=1, max_length=24, description="code of the line")
    kind: Literal["energy"]
    rate: Rate = Field(description="rupees per kWh")

    _rate = field_validator("rate", mode="before")(_exact)


class FixedCharge(_Strict):
    """An amount a connection and month."""

    code: str = Field(min_length=1, max_length=24, description="code of the line")
    kind: Literal["fixed"]
    rate: Rate = Field(description="rupees per month")

    _rate = field_validator("rate", mode="before")(_exact)


class PercentCharge(_Strict):
    """A percentage of charges that stand above it: duty, tax, surcharge."""

    code: str = Field(min_length=1, max_length=24, description="code of the line")
    kind: Literal["percent"]
    of: tuple[str, ...] = Field(min_length=1, description="codes of the charges it is taken of")
    rate: Rate = Field(description="per cent")

    _rate = field_validator("rate", mode="before")(_exact)


Charge = Annotated[SlabCharge | EnergyCharge | FixedCharge | PercentCharge, Field(discriminator="kind")]


class Zone(_Strict):
    """A time-of-use zone: the same every day."""

    code: str = Field(min_length=1, max_length=24, description="name of the zone in determinants")
    name: str = Field("", description="what people call it")
    windows: tuple[str, ...] = Field(min_length=1, description="HH:MM-HH:MM, local time, end not included")

    def quarters(self) -> list[int]:
        """Quarter hours of the local day, 0 to 95; raises ValueError for a window off the grid."""
        return [quarter for window in self.windows for quarter in quarters_of(window)]


class Tariff(_Strict):
    """One version of one tariff, in force from `valid_from` until the next version of the same number."""

    version: int = Field(ge=1, le=1, description="version of this file format")
    code: str = Field(min_length=1, max_length=64, description="name of the tariff version in determinants")
    number: int = Field(ge=1, le=65_535, description="the registry's column `tariff`")
    name: str = Field(description="what people call it")
    valid_from: datetime.date = Field(description="first local day it is in force")
    timezone: str = Field("Asia/Kolkata", description="zone of the days and windows")
    step_wh: int = Field(1000, description="billed energy is a multiple of this; what is left is carried: 1000 or 1")
    month_days: int = Field(30, gt=0, description="days of a month, for periods that are not a calendar month")
    zones: tuple[Zone, ...] = Field(
        (), max_length=ZONES, description="time-of-use zones; together each quarter hour once"
    )
    charges: tuple[Charge, ...] = Field(min_length=1, description="charges in the order of the bill")

    _known_zone = field_validator("timezone")(known_zone)
    _known_step = field_validator("step_wh")(known_step)

    @model_validator(mode="after")
    def _consistent(self) -> Tariff:
        quarters = sorted(quarter for zone in self.zones for quarter in zone.quarters())
        if self.zones and quarters != list(range(QUARTERS)):
            raise ValueError("the zones' windows must hold each quarter hour of the day exactly once")
        codes: list[str] = []
        for charge in self.charges:
            if charge.code in codes:
                raise ValueError(f"charge {charge.code} stands twice")
            if isinstance(charge, PercentCharge) and not set(charge.of) <= set(codes):
                raise ValueError(f"charge {charge.code} is taken of charges that do not stand above it")
            codes.append(charge.code)
        lines = sum(len(charge.slabs) if isinstance(charge, SlabCharge) else 1 for charge in self.charges)
        if lines > MAX_LINES:
            raise ValueError(f"a bill has at most {MAX_LINES} lines")
        return self


def parse_tariff(text: bytes, where: str) -> Tariff:
    """The tariff in a YAML text; raises ConfigError with every fault at once."""
    try:
        data = YAML(typ="base", pure=True).load(io.BytesIO(text))
    except YAMLError as error:
        raise ConfigError("TARIFF_YAML", where=where, what=str(error), do="correct the YAML") from error
    if isinstance(data, dict) and data.get("version") == "2":
        return _of_version_2(text, where)
    try:
        return Tariff.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'tariff'}: {e['msg']}" for e in error.errors())
        raise ConfigError("TARIFF_FAULT", where=where, what=faults, do="correct the tariff file") from error


def _of_version_2(text: bytes, where: str) -> Tariff:
    """A file of the newer format, where it says nothing that the kernel cannot do."""
    # The engine reads version 1 through this module; it is loaded when there is such a file.
    from agents.rating.engine.bulk import downgraded
    from agents.rating.engine.documents import parse

    return downgraded(parse(text, where), where)


class InForce(NamedTuple):
    """A tariff of the stream: what its kernel rates; where that is not all of it nothing is rated (`rated` has no
    charges), and `whole` says what is to be measured."""

    rated: Tariff
    whole: Version2 | None = None


def parse_in_force(text: bytes, where: str) -> InForce:
    """The tariff in a YAML text of either version; raises ConfigError, also for one that is a draft or set aside: it
    would take the place of the version before it."""
    try:
        return InForce(parse_tariff(text, where))
    except ConfigError as error:
        if error.code != "TARIFF_STREAM":
            raise
    from agents.rating.engine.bulk import measured
    from agents.rating.engine.documents import parse

    whole = parse(text, where)
    if whole.status in NOT_IN_FORCE:
        raise ConfigError(
            "TARIFF_STATUS", where=where, what=f"its status is {whole.status}, so nobody is billed by it",
            do="leave it out until it is in force; `kvarn tariff shadow` rates past months by it",
        )  # fmt: skip
    return InForce(measured(whole), whole)


def shipped_in_force(name: str) -> InForce:
    """A tariff that comes with the project, by the name of its file without `.yaml`."""
    return parse_in_force(_shipped_text(name), f"{name}.yaml")


def shipped_tariff(name: str) -> Tariff:
    """The same, of those that the stream can rate."""
    return parse_tariff(_shipped_text(name), f"{name}.yaml")


def _shipped_text(name: str) -> bytes:
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.yaml")))
        raise ConfigError("TARIFF_UNKNOWN", where=name, what="no such tariff is shipped", do=f"use one of {known}")
    return path.read_bytes()


def tariffs_in_force(shipped: tuple[InForce, ...], documents: Mapping[str, bytes]) -> tuple[InForce, ...]:
    """Tariffs of the documents `tariffs/*.yaml`, and of the shipped ones those whose number no document has."""
    published = [
        parse_in_force(documents[name], name)
        for name in sorted(documents)
        if name.startswith("tariffs/") and name.endswith(".yaml")
    ]
    numbers = {tariff.rated.number for tariff in published}
    chosen = [*published, *(tariff for tariff in shipped if tariff.rated.number not in numbers)]
    chosen.sort(key=lambda tariff: (tariff.rated.number, tariff.rated.valid_from))
    for before, after in pairwise([tariff.rated for tariff in chosen]):
        if (before.number, before.valid_from) == (after.number, after.valid_from):
            raise ConfigError(
                "TARIFF_TWICE",
                where=f"{before.code}, {after.code}",
                what=f"both are number {after.number} from {after.valid_from}",
                do="give one of them another number or another start",
            )
    return tuple(chosen)
