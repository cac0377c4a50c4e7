"""Posts messages to the receiver: addresses, authentication, TLS, and what each answer asks for."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import urllib3

from pipeline.errors import ConfigError, Fatal, Transient
from schemas.mdus.check import Checker
from schemas.mdus.names import OUT
from schemas.mdus.outcomes import Outcome
from schemas.mdus.xml import UnreadableError, bulk, enveloped, parsed
from sinks.sap_mdus.answer import Answer, answer_of
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.model import Message
from sinks.sap_mdus.names import uuid_of
from sinks.sap_mdus.results import header

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 that say: later."""
OURS = frozenset({400, 413, 415, 422})
"""Statuses that say: not this message."""
MOST_SAID = 300


class Post:
    """The way to the receiver. Use: `open()`, `send()` again and again, `close()`."""

    def __init__(self, config: SapMdusConfig) -> None:
        self._config = config
        self._checker: Checker | None = None
        self._pool: urllib3.PoolManager | None = None

    def open(self) -> None:
        """Make ready to connect; raises ConfigError for schemas or certificates that cannot be used."""
        self._checker = Checker(self._config.wsdl, self._config.namespace)
        options: dict[str, Any] = {}
        for name, file in (("ca_certs", self._config.ca_file), ("cert_file", self._config.certificate_file),
                           ("key_file", self._config.key_file)):  # fmt: skip
            if file is not None:
                if not file.is_file():
                    raise ConfigError("TLS_FILE", where=str(file), what="it is not there", do="name a PEM file")
                options[name] = str(file)
        self._pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=self._config.answer_secs, **options)

    def close(self) -> None:
        """Close the connection."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def send(self, messages: Sequence[Message]) -> Answer:
        """Send messages of one service together; raises Transient when it should be tried again, Fatal when it must
        not go on."""
        message = self.message(messages)
        assert self._checker is not None, "open() first"
        try:
            fault = self._checker.fault(parsed(message))
        except UnreadableError as error:
            # Together they may be longer than what is read as XML; each half of them is sent by itself.
            return Answer(fault=f"it cannot be sent: {error}", ours=True)
        if fault:
            return Answer(fault=f"its schema has no place for it: {fault}", ours=True)
        return self._posted(messages, message)

    def message(self, messages: Sequence[Message]) -> bytes:
        """The message of many: the same messages give the same octets."""
        service = OUT[messages[0].service]
        created = max(message.created for message in messages)
        uuid = uuid_of("bulk", *(message.uuid for message in messages))
        head = header(uuid, created, self._config)
        return bulk(service.root, head, [message.body for message in messages], self._config.namespace)

    def _posted(self, messages: Sequence[Message], message: bytes) -> Answer:
        if self._pool is None:
            raise Fatal("SINK_CLOSED", where=self._config.url, what="the sink is not open", do="call open() first")
        url = self._config.urls.get(messages[0].service, self._config.url)
        body = enveloped(message) if self._config.envelope == "soap11" else message
        try:
            answer = self._pool.request("POST", url, body=body, headers=self._headers())
        except urllib3.exceptions.HTTPError as error:
            raise self._away(url, repr(error)) from error
        said = f"answer {answer.status}: {answer.data[:MOST_SAID].decode('utf-8', 'replace')}"
        if 200 <= answer.status < 300 and self._config.acknowledge != "confirmation":
            return Answer({message.uuid: Outcome() for message in messages})
        if 200 <= answer.status < 300 or answer.status == 500:
            # SOAP 1.1 sends a fault with status 500.
            return self._read(url, answer.data, messages[0].service, said)
        if answer.status in OURS:
            return Answer(fault=said, ours=True)
        if answer.status > 500 or answer.status in AGAIN:
            raise self._away(url, said)
        raise Fatal(
            "SAP_REFUSED", where=url, what=said,
            do="correct address, user or rights; started again, the sink goes on with what it was about to send",
        )  # fmt: skip

    def _read(self, url: str, octets: bytes, service: str, said: str) -> Answer:
        try:
            answer = answer_of(octets, OUT[service])
        except UnreadableError as error:
            raise self._away(url, f"{said} ({error})") from error
        if answer.fault and not answer.ours:
            raise self._away(url, answer.fault)
        return answer

    def _headers(self) -> dict[str, str]:
        secret = self._config.password.get_secret_value()
        basic = base64.b64encode(f"{self._config.user}:{secret}".encode()).decode()
        signed = {"Authorization": f"Basic {basic}"} if self._config.user else {}
        soap = {"SOAPAction": '""'} if self._config.envelope == "soap11" else {}
        kind = "text/xml" if self._config.envelope == "soap11" else "application/xml"
        return {**self._config.headers, **signed, **soap, "Content-Type": f"{kind}; charset=utf-8"}

    def _away(self, url: str, what: str) -> Transient:
        return Transient("SAP_AWAY", where=url, what=what, do="bring the receiver back; it is tried again")
