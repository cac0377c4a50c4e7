"""Options of TLS, for connectors that listen and for those that connect."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ServerTls(BaseModel):
    """Of a connector that meters or gateways connect to. Empty texts are files that are not used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificate: str = Field("", description="file of the certificate and its chain (PEM), for TLS 1.2 or newer; "
                             "nothing plain is taken then. Empty: no TLS")  # fmt: skip
    key: str = Field("", description="file of its private key (PEM, not encrypted); not readable by all")
    client_ca: str = Field("", description="file of authorities (PEM): only clients with a certificate of theirs are "
                           "let in. Empty: all are")  # fmt: skip

    @property
    def on(self) -> bool:
        """Whether TLS is spoken."""
        return bool(self.certificate)

    @model_validator(mode="after")
    def _whole(self) -> ServerTls:
        _both(self.certificate, self.key)
        if self.client_ca and not self.certificate:
            raise ValueError("client_ca: give certificate and key too")
        return self


class ClientTls(BaseModel):
    """Of a connector that connects to a broker. Empty texts are files that are not used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: str = Field("", description="file of authorities (PEM) that the broker's certificate must be of; empty: those "
                    "of this machine")  # fmt: skip
    certificate: str = Field("", description="file of our own certificate and its chain (PEM), for brokers that ask")
    key: str = Field("", description="file of its private key (PEM, not encrypted); not readable by all")

    @model_validator(mode="after")
    def _whole(self) -> ClientTls:
        _both(self.certificate, self.key)
        return self


def _both(certificate: str, key: str) -> None:
    if bool(certificate) != bool(key):
        raise ValueError("certificate, key: give both or none")
