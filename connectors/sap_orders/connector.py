"""The endpoint: a request is judged, its orders are written to the topic, and only then it is confirmed.

A request that Kafka does not take is answered with 503: the sender repeats it. One that is sent twice writes the same
orders twice, and who reads them takes an order that it has for what it is.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from aiohttp import web
from confluent_kafka import KafkaError, Producer

from connectors.readings_in.devices import read_names
from connectors.sap_orders.config import SapOrdersConfig
from connectors.sap_orders.judge import Judge
from connectors.tls.contexts import server_context
from pipeline.errors import Transient
from pipeline.reference import Registry
from pipeline.wire import ONE_AT_A_TIME, Contracts
from schemas.mdus.check import Checker

WRITE_SECS = 20.0
Tell = Callable[[Callable[[], dict[str, Any]]], None]
Write = Callable[[Sequence[tuple[bytes, bytes]]], None]
"""Write (key, value) each; returns when all are there, raises Transient."""

log = structlog.get_logger()


@dataclass
class Counts:
    """Since the start."""

    requests: int = 0
    orders_taken: int = 0
    refused: int = 0
    requests_put_off: int = 0


class OrderTopic:
    """The topic of orders, written to. Blocks: call it in a thread, one call at a time."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
             "partitioner": "murmur2", "message.timeout.ms": int(1000 * WRITE_SECS)}
        )  # fmt: skip

    def write(self, values: Sequence[tuple[bytes, bytes]]) -> None:
        """Write (key, value) each and wait for all; raises Transient when Kafka does not have them in time."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Any) -> None:
            if error is not None:
                failed.append(error)

        try:
            for key, value in values:
                self._producer.produce(self._topic, key=key, value=value, on_delivery=delivered)
                self._producer.poll(0)
        except BufferError as error:
            raise self._unwritten("too many wait already") from error
        if self._producer.flush(WRITE_SECS + 1) or failed:
            raise self._unwritten(str(failed[0]) if failed else "no answer")

    def _unwritten(self, what: str) -> Transient:
        return Transient("ORDERS_UNWRITTEN", where=self._topic, what=what, do="check the broker; the sender repeats it")


class Endpoint:
    """Answers requests; `registry` gives the one in force."""

    def __init__(
        self, config: SapOrdersConfig, contracts: Contracts, write: Write, registry: Callable[[], Registry],
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.counts = Counts()
        self._config, self._contracts, self._write, self._registry = config, contracts, write, registry
        self._judge = Judge(config, Checker(config.wsdl, config.namespace), read_names(config.names))
        self._clock = clock
        self._turn = asyncio.Lock()

    async def answer(self, request: web.Request) -> web.Response:
        """The answer to a request."""
        self.counts.requests += 1
        if not self._may(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="kvarn"'})
        octets = await request.read()
        now = int(self._clock())
        # In the order in which they came: a cancellation must not overtake its order. And a schema that is compiled
        # has one log of errors, so that two threads must not use it at once.
        async with self._turn:
            return await self._answered(octets, now)

    async def _answered(self, octets: bytes, now: int) -> web.Response:
        judged = await asyncio.to_thread(self._judge.judged, octets, self._registry(), now)
        self.counts.refused += judged.refused
        for kind, note in judged.unsaid:
            log.warning("a notification does not fit the registry", code=kind, what=note)
        if judged.records:
            encode = self._contracts.encode
            values = [
                ((record["id"] or record["message"]).encode(), encode("MeterReadingOrder", record))
                for record in judged.records
            ]
            try:
                await asyncio.to_thread(self._write, values)
            except Transient as error:
                self.counts.requests_put_off += 1
                log.warning("orders not written", code=error.code, what=error.what)
                return web.Response(status=503, headers={"Retry-After": "30"}, text=error.what)
            self.counts.orders_taken += len(judged.records)
        return web.Response(status=judged.status, body=judged.answer, content_type="text/xml", charset="utf-8")

    def _may(self, request: web.Request) -> bool:
        if not self._config.user:
            return True
        wanted = f"{self._config.user}:{self._config.password.get_secret_value()}".encode()
        said = request.headers.get("Authorization", "")
        return hmac.compare_digest(said.encode(), b"Basic " + base64.b64encode(wanted))

    async def served(self) -> web.AppRunner:
        """Listen; the caller cleans the runner up."""
        app = web.Application(client_max_size=self._config.request_bytes)
        app.router.add_post("/{path:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        host, port = self._config.listen.rsplit(":", 1)
        context = server_context(self._config.tls)
        await web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=context).start()
        return runner


async def run(
    config: SapOrdersConfig, place: tuple[str, Contracts], registry: Callable[[], Registry], stop: asyncio.Event,
    ready: asyncio.Event | None = None, tell: Tell | None = None,
) -> None:  # fmt: skip
    """Listen until `stop`. `place`: brokers and contracts."""
    bootstrap, contracts = place
    endpoint = Endpoint(config, contracts, OrderTopic(bootstrap, config.orders).write, registry)
    if tell is not None:
        tell(lambda: asdict(endpoint.counts))
    runner = await endpoint.served()
    log.info("listening", connector="sap_orders", listen=config.listen, tls=config.tls.on)
    try:
        if ready is not None:
            ready.set()
        await stop.wait()
    finally:
        await runner.cleanup()
