"""The webhook sink: each block is one request, sent again until the receiver has it.

Guarantees: nothing is lost, for a block is committed after a 2xx alone. A block may be sent more than once (its answer
was lost), always with the same body and the same `Idempotency-Key`: a receiver that keeps the keys doubles nothing.
A request that the receiver refuses for good (4xx) stops the sink with the answer, for dropping it would lose data.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import urllib3

from pipeline.errors import Fatal, Transient
from sinks.base import Sink
from sinks.documents import FORMATS, schemas_of
from sinks.documents.rows import document_rows
from sinks.records import Block
from sinks.webhook.config import WebhookConfig
from sinks.webhook.signature import HEADER, sign

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 that say: later. 409: another request with this key is still being worked on."""
MOST_SAID = 300


class WebhookSink(Sink):
    """`type: webhook` in topologies.yaml."""

    def __init__(self, config: WebhookConfig, clock: Callable[[], float] = time.time) -> None:
        super().__init__(config.blocks)
        self.config = config
        self.format = FORMATS[config.format]
        self.schemas = schemas_of(config.format)
        # Another receiver is another place: what it has not been sent yet must not be skipped.
        self.place = config.url
        self._clock = clock
        self._pool: urllib3.PoolManager | None = None

    def open(self) -> None:
        """Make ready to connect; the receiver is first asked when there is something to send."""
        trusted: dict[str, Any] = {} if self.config.ca_file is None else {"ca_certs": str(self.config.ca_file)}
        self._pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=self.config.answer_secs, **trusted)

    def write(self, block: Block) -> int:
        """Post a block; raises Transient when it should be sent again, Fatal when the receiver refuses it."""
        if not document_rows(block.records):
            return 0
        if self._pool is None:
            raise Fatal("SINK_CLOSED", where=self.config.url, what="the sink is not open", do="call open() first")
        body = self.format.render(block.records, block.token, self.config.timezone)
        try:
            answer = self._pool.request("POST", self.config.url, body=body, headers=self._headers(block, body))
        except urllib3.exceptions.HTTPError as error:
            raise self._away(block, repr(error)) from error
        if not 200 <= answer.status < 300:
            self._refused(block, answer.status, answer.data[:MOST_SAID].decode("utf-8", "replace"))
        self.moments.reach("sink-in-block")
        return block.rows

    def _headers(self, block: Block, body: bytes) -> dict[str, str]:
        secret = self.config.secret.get_secret_value().encode()
        signed = {HEADER: sign(secret, int(self._clock()), body)} if secret else {}
        return {
            **self.config.headers,
            **signed,
            "Content-Type": self.format.media_type,
            "Idempotency-Key": block.token,
            "Kvarn-Topic": block.topic,
            "Kvarn-Schema": block.records[0].schema,
        }

    def _refused(self, block: Block, status: int, said: str) -> None:
        if status >= 500 or status in AGAIN:
            raise self._away(block, f"answer {status}: {said}")
        raise Fatal(
            "WEBHOOK_REFUSED",
            where=f"{self.config.url}, block {block.token}",
            what=f"answer {status}: {said}",
            do="correct the receiver, url, headers or secret; started again, the sink goes on with this block",
        )

    def _away(self, block: Block, what: str) -> Transient:
        where = f"{self.config.url}, block {block.token}"
        return Transient("WEBHOOK_AWAY", where=where, what=what, do="bring the receiver back; it is tried again")

    def close(self) -> None:
        """Close the connection."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None
