"""Options of the file sink."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.localtime import zone_of_tz
from sinks.buffer import BlockLimits
from sinks.documents.names import FormatName
from sinks.runner_options import RunnerOptions


class FilesConfig(BaseModel):
    """`type: files` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(description="folder of the files; a folder for each topic is made in it")
    format: FormatName = Field("jsonl", description="what a file is written as: docs/ways-out.md")
    division: str = Field(
        "", description="with determinants-csv: only service points that this node of the network feeds, by name or id"
    )
    timezone: str = Field("Asia/Kolkata", description="zone of local times in formats that have them")
    blocks: BlockLimits = Field(
        default_factory=lambda: BlockLimits(rows=50_000, age_secs=60.0),
        description="size and age of a file, bound of the buffer",
    )
    runner: RunnerOptions = Field(default_factory=RunnerOptions, description="reading from Kafka, and retries")
    spare_bytes: int = Field(
        256 << 20, ge=0, description="bytes that stay free on the disk: with less nothing is written"
    )

    _known_zone = field_validator("timezone")(zone_of_tz)

    @model_validator(mode="after")
    def _of_determinants(self) -> FilesConfig:
        if self.division and self.format != "determinants-csv":
            raise ValueError("division: only with `format: determinants-csv`")
        return self
