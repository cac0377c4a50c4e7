"""What may be billed: thresholds by category, how long late readings are waited for, who is billed together."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT = "default"
"""Category of those whose tariff stands in no other."""


class Limits(BaseModel):
    """Thresholds of a category: so much may there be, and the cycle is still billed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    estimated_permille: int = Field(100, ge=0, le=1000, description="estimated intervals, 1/1000 of those expected")
    intervals_missing: int = Field(0, ge=0, description="intervals neither received nor estimated, or suspect")
    registers_missing: int = Field(0, ge=0, le=2, description="of the import registers at begin and end of the cycle")
    days_not_settled: int = Field(0, ge=0, description="days without a settlement")
    exceptions_open: int = Field(0, ge=0, description="open exceptions of severity error")
    edits_waiting: int = Field(0, ge=0, description="edits that wait for an approval")
    wait_hours: int = Field(
        72,
        ge=0,
        le=2400,
        description="after the cycle's end; so long late readings are waited for",
    )
    final_hours: int = Field(
        120, ge=0, le=2400, description="after the cycle's end; by then its days and its determinant are to be final"
    )


class Category(Limits):
    """A category of its own; what is not said is as in `default`."""

    tariffs: tuple[str, ...] = Field((), description="codes of its tariffs")


class ReadinessConfig(BaseModel):
    """A file of `kvarn readiness --config`; without one all of these defaults hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: Limits = Field(default_factory=lambda: Limits(), description="thresholds of those in no other category")
    categories: dict[str, Category] = Field(default_factory=dict, description="name -> thresholds")
    align_by: Literal["none", "account", "dt", "feeder", "tariff"] = Field(
        "account", description="consumers that are billed together, none before all are ready"
    )

    @model_validator(mode="after")
    def _apart(self) -> ReadinessConfig:
        seen: dict[str, str] = {}
        for name, category in self.categories.items():
            if name == DEFAULT:
                raise ValueError(f"`{DEFAULT}` stands outside of `categories`")
            for tariff in category.tariffs:
                if tariff in seen:
                    raise ValueError(f"tariff {tariff} stands in `{seen[tariff]}` and in `{name}`")
                seen[tariff] = name
        return self

    def category_of(self, tariff: str | None) -> tuple[str, Limits]:
        """Name and thresholds of the category that a tariff belongs to."""
        for name, category in self.categories.items():
            if tariff is not None and tariff in category.tariffs:
                given = {field: getattr(category, field) for field in category.model_fields_set - {"tariffs"}}
                return name, self.default.model_copy(update=given)
        return DEFAULT, self.default
