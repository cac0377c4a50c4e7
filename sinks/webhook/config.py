"""Options of the webhook sink."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from pipeline.localtime import zone_of_tz
from sinks.buffer import BlockLimits
from sinks.documents.names import FormatName
from sinks.runner_options import RunnerOptions


class WebhookConfig(BaseModel):
    """`type: webhook` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="where documents are posted to", pattern=r"^https?://[^\s/]+")
    format: FormatName = Field("jsonl", description="what a document is written as: docs/ways-out.md")
    secret: SecretStr = Field(
        SecretStr(""), description="key of the signature (HMAC-SHA256) in header Kvarn-Signature; empty: none"
    )
    headers: dict[str, str] = Field(default_factory=dict, description="headers of every request, such as Authorization")
    ca_file: Path | None = Field(None, description="certificates to trust instead of the system's, PEM")
    answer_secs: float = Field(30.0, gt=0, le=240, description="longest that the receiver may take to answer")
    timezone: str = Field("Asia/Kolkata", description="zone of local times in formats that have them")
    blocks: BlockLimits = Field(
        default_factory=lambda: BlockLimits(rows=1_000, block_bytes=4 << 20, age_secs=2.0),
        description="size and age of a document, bound of the buffer",
    )
    runner: RunnerOptions = Field(default_factory=RunnerOptions, description="reading from Kafka, and retries")

    _known_zone = field_validator("timezone")(zone_of_tz)
