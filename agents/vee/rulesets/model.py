"""What a rule-set document may say, as models: keys of the document, of a set, of an override, and of one rule.

Beside these keys each of the three takes the fields of `agents.vee.config.Thresholds`, whatever they are, plainly: a
document of nothing but thresholds is the oldest form and stays valid.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.rules import Severity


def version_text(value: Any) -> Any:
    """A version's name as text: 2026-04-01 and 3 are fine names of a version, and no text to YAML."""
    return str(value) if isinstance(value, (int, float, date)) and not isinstance(value, bool) else value


class Run(StrEnum):
    """Whether a rule runs."""

    ON = "on"
    OFF = "off"  # it is not looked at
    SHADOW = "shadow"  # it flags and is counted, and changes nothing


class RuleChoice(BaseModel):
    """What is said of one rule: `V21: shadow`, or `V14: {run: shadow, severity: information}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: Run | None = Field(None, description="on, off, or shadow: it flags and is counted, and changes nothing")
    severity: Severity | None = Field(
        None, description="information: it is told; warning: quality changes; error: estimated"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        # Other tools write YAML 1.1, in which `on` and `off` are true and false.
        if isinstance(value, bool):
            return {"run": Run.ON if value else Run.OFF}
        return {"run": value} if isinstance(value, str) else value


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: dict[str, RuleChoice] = Field(default_factory=dict, description="rule -> on, off, shadow, or its severity")


class SetKeys(_Keys):
    """One entry of `sets`."""

    tariff_category: str | None = Field(None, min_length=1, description="service points of this tariff category")
    meter_model: str | None = Field(None, min_length=1, description="service points with a meter of this model")
    valid_from: date | None = Field(None, description="first local day; left out: as long as the document holds")
    valid_to: date | None = Field(None, description="first local day on which it holds no more")
    note: str = Field("", description="why, for who reads it later")


class OverrideKeys(_Keys):
    """One entry of `overrides`."""

    service_point: int = Field(gt=0, description="the service point")
    start: date = Field(description="first local day")
    end: date = Field(description="first local day on which it holds no more")
    reason: str = Field(description="why; kept with every result that it changes")
    author: str = Field(description="who wrote it")

    @field_validator("reason", "author")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("nothing is said")
        return value


class DocumentKeys(_Keys):
    """The document itself."""

    name: str | None = Field(
        None, min_length=1, description="rule set that this is a version of; left out: the name of the file"
    )
    version: str | None = Field(
        None, min_length=1, description="recorded with every result; left out: a digest of the document"
    )
    valid_from: date | None = Field(None, description="first local day of this version; left out: always")
    valid_to: date | None = Field(None, description="first local day on which it holds no more")
    utility: str | None = Field(None, min_length=1, description="for this utility alone; left out: for every one")
    note: str = Field("", description="why, for who reads it later")
    sets: list[Any] = Field(default_factory=list, description="what differs by tariff category and meter model")
    overrides: list[Any] = Field(default_factory=list, description="what differs for single service points")

    _text = field_validator("version", mode="before")(version_text)
