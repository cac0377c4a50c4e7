"""Options of the connector of SAP's orders."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.gather.config import GatherOptions
from connectors.tls.config import ServerTls
from pipeline.channels import ENERGY
from pipeline.localtime import zone_of_tz
from schemas.mdus.names import NAMESPACES

REGISTERS = {"1-0:1.8.0": "wh_imp", "1-0:9.8.0": "vah_imp", "1-0:2.8.0": "wh_exp", "1-0:10.8.0": "vah_exp"}


class SapOrdersConfig(BaseModel):
    """`type: sap_orders` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str = Field("127.0.0.1:8060", description="address and port of the endpoint", pattern=r".+:\d+$")
    orders: str = Field("mr-orders", description="topic that orders are written to")
    tls: ServerTls = Field(default_factory=lambda: ServerTls(), description="TLS instead of plain HTTP")
    user: str = Field("", description="user name that requests must have (basic authentication); empty: none")
    password: SecretStr = Field(SecretStr(""), description="its password")
    registers: dict[str, str] = Field(
        default_factory=lambda: dict(REGISTERS),
        description="OBIS code of a register as orders have it -> energy channel",
    )
    names: Path | None = Field(
        None, description="CSV file `name,device`: the billing system's names of devices, where they are not system "
        "titles in 16 hexadecimal digits",
    )  # fmt: skip
    wsdl: Path | None = Field(None, description="WSDL or XSD to check messages against instead of the shipped schemas")
    namespace: str = Field(NAMESPACES[0], description="namespace of root elements")
    timezone: str = Field("Asia/Kolkata", description="zone of the scheduled dates")
    request_bytes: int = Field(8 << 20, ge=1024, le=32 << 20, description="longest request")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")

    _known_zone = field_validator("timezone")(zone_of_tz)

    @field_validator("registers")
    @classmethod
    def _channels(cls, registers: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(registers.values()) - {channel.name for channel in ENERGY})
        if unknown:
            raise ValueError(f"{unknown[0]} is no energy channel")
        return registers
