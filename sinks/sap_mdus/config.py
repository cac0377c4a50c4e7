"""Options of the SAP sink."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from pipeline.channels import ENERGY
from pipeline.localtime import zone_of_tz
from schemas.mdus.names import NAMESPACES, OUT
from sinks.buffer import BlockLimits
from sinks.runner_options import RunnerOptions

CHANNEL_NAMES = tuple(channel.name for channel in ENERGY)


class RegisterForm(BaseModel):
    """A register as the billing system has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    obis: str = Field(description="OBIS code of the register in messages, such as 1-0:1.8.0", pattern=r"^[\w.:*-]+$")
    digits: int = Field(6, ge=1, le=12, description="places before the decimal point; a reading wraps behind them")
    decimals: int = Field(3, ge=0, le=3, description="places behind the decimal point; what is beyond is cut off")


REGISTERS = {
    "wh_imp": RegisterForm(obis="1-0:1.8.0", digits=6, decimals=3),
    "vah_imp": RegisterForm(obis="1-0:9.8.0", digits=6, decimals=3),
    "wh_exp": RegisterForm(obis="1-0:2.8.0", digits=6, decimals=3),
    "vah_exp": RegisterForm(obis="1-0:10.8.0", digits=6, decimals=3),
}


class SapMdusConfig(BaseModel):
    """`type: sap_mdus` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="where messages are posted to", pattern=r"^https?://[^\s/]+")
    urls: dict[str, str] = Field(
        default_factory=dict, description="another address by message: results, series, events"
    )
    journal: Path = Field(
        description="file of the journal (SQLite): orders, what was sent and what was said of it; on a disk that stays"
    )
    user: str = Field("", description="user name of basic authentication; empty: none")
    password: SecretStr = Field(SecretStr(""), description="its password")
    headers: dict[str, str] = Field(default_factory=dict, description="further headers of every request")
    ca_file: Path | None = Field(None, description="certificates to trust instead of the system's, PEM")
    certificate_file: Path | None = Field(None, description="our own certificate for TLS, PEM")
    key_file: Path | None = Field(None, description="its private key, PEM")
    envelope: Literal["soap11", "none"] = Field("soap11", description="what messages are wrapped in")
    acknowledge: Literal["confirmation", "status", "later"] = Field(
        "confirmation",
        description="what says that a message was taken: its confirmation in the answer, a status of 2xx alone, or a "
        "confirmation that comes later by itself, through the connector sap_orders and the topic mr-orders",
    )
    confirm_secs: float = Field(
        3600.0, gt=0, description="with `acknowledge: later`: a message without a confirmation is sent again after it"
    )
    sender: str = Field("KVARN", description="SenderBusinessSystemID")
    recipient: str = Field("SAP", description="RecipientBusinessSystemID")
    namespace: str = Field(NAMESPACES[0], description="namespace of root elements")
    wsdl: Path | None = Field(None, description="WSDL or XSD to check messages against instead of the shipped schemas")
    orders: Literal["required", "none"] = Field(
        "none",
        description="required: only readings that are ordered (topic mr-orders) are sent; none: every reading is",
    )
    kinds: tuple[Literal["DAY", "MONTH"], ...] = Field(("MONTH",), description="periods whose readings are sent")
    provisional: bool = Field(False, description="send readings of determinants that are not final, too")
    registers: dict[str, RegisterForm] = Field(
        default_factory=lambda: dict(REGISTERS), description="energy channel -> register; others are not sent"
    )
    series: tuple[str, ...] = Field(
        ("wh_imp", "wh_exp"), description="channels of which intervals are sent, from topics of readings"
    )
    reason: str = Field("01", description="reason code of readings without an order", pattern=r"^\d\d$")
    duplicate_types: tuple[str, ...] = Field(
        ("DUPLICATE_UUID",), description="TypeIDs of a confirmation that say: this message is here already"
    )
    again_types: tuple[str, ...] = Field(("WRONG_ORDER", "LOCKED"), description="TypeIDs that say: send it again later")
    billed_types: tuple[str, ...] = Field(
        ("BILLED",), description="TypeIDs that say: too late for a correction, the bill is made"
    )
    again_tries: int = Field(8, ge=1, le=1000, description="so often a message is sent before it counts as refused "
                             "for such a TypeID")  # fmt: skip
    again_secs: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="pause before the second time, doubled up to an hour; others are sent meanwhile",
    )
    messages: int = Field(500, ge=1, le=10_000, description="messages that are posted together")
    answer_secs: float = Field(60.0, gt=0, le=240, description="longest that the receiver may take to answer")
    timezone: str = Field("Asia/Kolkata", description="zone of dates and times of readings")
    keep_days: int = Field(400, ge=31, description="how long readings without an order, and done orders, are kept")
    blocks: BlockLimits = Field(
        default_factory=lambda: BlockLimits(rows=5_000, block_bytes=8 << 20, age_secs=10.0),
        description="what is taken into the journal at once, bound of the buffer",
    )
    runner: RunnerOptions = Field(default_factory=RunnerOptions, description="reading from Kafka, and retries")

    _known_zone = field_validator("timezone")(zone_of_tz)

    @field_validator("urls")
    @classmethod
    def _of_messages(cls, urls: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(urls) - set(OUT))
        if unknown:
            raise ValueError(f"{unknown[0]} is no message: one of {', '.join(OUT)}")
        return urls

    @model_validator(mode="after")
    def _possible(self) -> SapMdusConfig:
        unknown = sorted({*self.registers, *self.series} - set(CHANNEL_NAMES))
        if unknown:
            raise ValueError(f"{unknown[0]} is no energy channel: one of {', '.join(CHANNEL_NAMES)}")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file: give both or none")
        return self
