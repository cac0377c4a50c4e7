"""Run one connector of a topology until SIGTERM: the shell around pump, transport, registry and status page."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel

from connectors.cold.config import ColdConfig
from connectors.dlms.config import DlmsConfig
from connectors.dlms_pull.config import DlmsPullConfig
from connectors.edits.config import EditsConfig
from connectors.facts.config import FactsConfig
from connectors.folder.config import FolderConfig
from connectors.frames_topic.config import FramesTopicConfig
from connectors.gather.brake import Brake
from connectors.gather.outlet import KafkaOutlet, Targets
from connectors.gather.pump import Pump
from connectors.gather.readers import Readers
from connectors.gather.readers import watch as watch_readers
from connectors.mqtt.config import MqttConfig
from connectors.parked.config import ParkedConfig
from connectors.phases import COMMAND_PHASES, PHASES
from connectors.prepaid.config import PrepaidConfig
from connectors.readings_topic.config import ReadingsTopicConfig
from connectors.sap_orders.config import SapOrdersConfig
from connectors.status import serve
from connectors.ticker.config import TickerConfig
from pipeline.errors import ConfigError, Transient
from pipeline.reference_codec import registry_from_bytes
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.moments import Moments
from pipeline.runtime.references import REGISTRY, empty_registry
from pipeline.wire import Contracts

if TYPE_CHECKING:
    from connectors.cold.connector import Lane
    from connectors.parked.again import Asked
    from connectors.parked.connector import Offers
    from connectors.prepaid.connector import Rates

REGISTRY_POLL_SECS = 0.5
TYPES = {
    DlmsConfig: "dlms",
    DlmsPullConfig: "dlms_pull",
    FactsConfig: "facts",
    EditsConfig: "edits",
    FolderConfig: "folder",
    FramesTopicConfig: "frames_topic",
    MqttConfig: "mqtt",
    ParkedConfig: "parked",
    ReadingsTopicConfig: "readings_topic",
    SapOrdersConfig: "sap_orders",
    TickerConfig: "ticker",
}
Gathering = (
    DlmsConfig
    | DlmsPullConfig
    | FactsConfig
    | EditsConfig
    | FolderConfig
    | FramesTopicConfig
    | MqttConfig
    | ParkedConfig
    | ReadingsTopicConfig
    | SapOrdersConfig
)
"""Those that have a pump."""
DECODED = (FolderConfig, ParkedConfig, ReadingsTopicConfig)
"""Connectors that hand on frames of readings, which others would refuse; parked ones may be such."""
STATED = (EditsConfig, FactsConfig, ParkedConfig)
"""Connectors that hand on statements about service points, which others would refuse."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Environment:
    """What every connector of a deployment shares."""

    bootstrap: str
    contracts: Contracts
    partitions: int
    targets: Targets = field(default_factory=Targets)
    registry_topic: str = "registry"
    status_port: int = 0
    readers: tuple[str, ...] = ()
    """Consumer groups that read the topic of frames: reading from meters stops while one is too far behind."""
    key_folder: Path = Path()
    """Folder of sealed key stores, for those who talk with meters."""
    master_key: bytes | None = field(default=None, repr=False)
    in_force: Asked | None = None
    """What the workers have in force; a parked connector that offers rejects again asks for it."""
    lane: Lane | None = None
    """What a cold connector judges by."""
    rates: Rates | None = None
    """What a prepaid connector charges by."""


async def run_connector(name: str, config: BaseModel, environment: Environment, stop: asyncio.Event) -> None:
    """Run `name` until `stop` is set; raises Fatal when it must not go on."""
    if isinstance(config, TickerConfig):
        from connectors.ticker.connector import run as tick

        await tick(
            config,
            environment.bootstrap,
            environment.contracts,
            environment.targets.frames,
            environment.partitions,
            stop,
        )
        return
    if isinstance(config, ColdConfig):
        from connectors.cold.connector import Place as ColdPlace
        from connectors.cold.connector import run as answer

        assert environment.lane is not None
        frames = environment.targets.frames, environment.partitions
        place = ColdPlace(name, environment.bootstrap, environment.contracts, *frames)
        await answer(config, place, environment.lane, stop)
        return
    if isinstance(config, PrepaidConfig):
        from connectors.prepaid.connector import Place as LedgerPlace
        from connectors.prepaid.connector import run as keep

        assert environment.rates is not None
        ledger = LedgerPlace(name, environment.bootstrap, environment.contracts, environment.targets.frames)
        await keep(config, ledger, environment.rates, stop)
        return
    assert isinstance(config, Gathering)
    moments = Moments.from_environment((*PHASES, *COMMAND_PHASES))
    outlet = KafkaOutlet(environment.bootstrap, environment.contracts, environment.targets, name, moments)
    brake = Brake(config.gather.behind_bytes, time.monotonic)
    pump = Pump(
        empty_registry(), environment.partitions, outlet, config.gather, lambda: int(time.time()), moments,
        lambda: brake.on, decoded=isinstance(config, DECODED),
        stated=isinstance(config, STATED),
    )  # fmt: skip
    pumping_stop = asyncio.Event()
    own = _Own()
    page = (
        await serve(environment.status_port, lambda: {**status(name, config, pump, outlet, brake), **own.counts()})
        if environment.status_port
        else None
    )
    watch = asyncio.ensure_future(_watch_registry(config, environment, pump, stop))
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    transport = asyncio.ensure_future(_transport(name, config, environment, pump, stop, own, moments))
    braking = asyncio.ensure_future(_watch_readers(brake, environment, outlet, stop))
    try:
        done, _ = await asyncio.wait({watch, pumping, transport, braking}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        await transport
        pumping_stop.set()
        await pumping
        await asyncio.gather(watch, braking)
        outlet.flush()
    finally:
        for task in (watch, pumping, transport, braking):
            task.cancel()
        if page is not None:
            await page.cleanup()


@dataclass
class _Own:
    """Counts that a connector type has beside those of the pump."""

    counts: Callable[[], dict[str, Any]] = dict

    def tell(self, counts: Callable[[], dict[str, Any]]) -> None:
        self.counts = counts


async def _transport(
    name: str, config: BaseModel, environment: Environment, pump: Pump, stop: asyncio.Event, own: _Own,
    moments: Moments,
) -> None:  # fmt: skip
    # Nothing is taken from a meter before there is a registry to resolve it with: else all of it would be parked.
    await _first_of(pump.adopted, stop)
    if stop.is_set():
        return
    if isinstance(config, DlmsConfig):
        from connectors.dlms.connector import run as run_dlms

        await run_dlms(config, pump, stop, pump.ready, own.tell)
    elif isinstance(config, DlmsPullConfig):
        try:
            from connectors.dlms_pull.connector import Place
            from connectors.dlms_pull.connector import run as run_pull
        except ModuleNotFoundError as error:
            raise ConfigError(
                "PULL_EXTRA_MISSING", where=name, what=str(error), do="install Kvarn with its extra `pull`"
            ) from error
        place = Place(
            name, environment.bootstrap, environment.contracts, environment.key_folder, environment.master_key,
            moments,
        )  # fmt: skip
        await run_pull(config, pump, place, stop, pump.ready, own.tell)
    elif isinstance(config, MqttConfig):
        from connectors.mqtt.connector import run as run_mqtt

        await run_mqtt(config, pump, stop, pump.ready, own.tell)
    elif isinstance(config, FolderConfig):
        from connectors.folder.connector import run as run_folder

        await run_folder(config, pump, stop, pump.ready)
    elif isinstance(config, EditsConfig):
        from connectors.edits.connector import run as run_edits

        await run_edits(config, name, (environment.bootstrap, environment.contracts), pump, stop, pump.ready, own.tell)
    elif isinstance(config, SapOrdersConfig):
        from connectors.sap_orders.connector import run as run_orders

        broker = (environment.bootstrap, environment.contracts)
        await run_orders(config, broker, lambda: pump.registry, stop, pump.ready, own.tell)
    elif isinstance(config, ReadingsTopicConfig):
        from connectors.readings_topic.connector import run as run_topic

        await run_topic(config, environment.bootstrap, pump, stop, pump.ready)
    elif isinstance(config, FramesTopicConfig):
        from connectors.frames_topic.connector import run as run_frames

        await run_frames(config, environment.bootstrap, pump, stop, pump.ready, own.tell)
    elif isinstance(config, FactsConfig):
        from connectors.facts.connector import run as run_facts
        from connectors.facts.topic import FactTopic

        topic = FactTopic(environment.bootstrap, config.source, config.group)
        await run_facts(config, topic, environment.contracts, pump, stop, own.tell)
    else:
        assert isinstance(config, ParkedConfig)
        pump.ready.set()
        await _offer_rejects(config, environment, pump, stop)


async def _offer_rejects(config: ParkedConfig, environment: Environment, pump: Pump, stop: asyncio.Event) -> None:
    if config.rejects_from is None or environment.in_force is None:
        await stop.wait()
        return
    from connectors.parked.again import Again

    asked = environment.in_force
    again = Again(environment.bootstrap, config.rejects_from, environment.contracts, pump, asked)
    await again.watch(config.look_secs, stop)


async def _watch_readers(brake: Brake, environment: Environment, outlet: KafkaOutlet, stop: asyncio.Event) -> None:
    if not brake.bound or not environment.readers:
        await stop.wait()
        return
    readers = Readers(environment.bootstrap, environment.targets.frames, environment.partitions, environment.readers)
    await watch_readers(brake, readers, lambda: outlet.written, stop)


async def _watch_registry(config: BaseModel, environment: Environment, pump: Pump, stop: asyncio.Event) -> None:
    versions = KafkaReferences(environment.bootstrap, environment.registry_topic)
    offers = _offers(config, environment, pump)
    silent = False
    try:
        while not stop.is_set():
            try:
                await _look(versions, offers, pump, stop)
                silent = False
            except Transient as error:
                # Before a first version nothing was taken. From then on frames may lie here and nowhere else: while the
                # broker is away they wait for it, under the version that is in force.
                if not pump.adopted.is_set():
                    raise
                if not silent:
                    log.warning("not read, what is in force stays", code=error.code, what=error.what)
                silent = True
            try:
                await asyncio.wait_for(stop.wait(), REGISTRY_POLL_SECS)
            except TimeoutError:
                continue
    finally:
        await asyncio.to_thread(versions.close)
        if offers is not None:
            await asyncio.to_thread(offers.close)


async def _look(versions: KafkaReferences, offers: Offers | None, pump: Pump, stop: asyncio.Event) -> None:
    if offers is not None:
        # First: a look at the topic that was broken off is finished with the version with which it began.
        await offers.offer(stop)
    latest = await asyncio.to_thread(versions.newer, REGISTRY)
    if latest is not None and latest[0] != pump.registry_version:
        registry = await asyncio.to_thread(registry_from_bytes, latest[1])
        pump.adopt(registry, latest[0])
        log.info("registry in force", version=latest[0][:12], links=len(registry.device))
        if offers is not None:
            await asyncio.to_thread(offers.adopt, registry)
            await offers.offer(stop)
    pump.settled_version = pump.registry_version


def _offers(config: BaseModel, environment: Environment, pump: Pump) -> Offers | None:
    if not isinstance(config, ParkedConfig):
        return None
    from connectors.parked.connector import Offers

    return Offers(environment.bootstrap, config, environment.contracts, pump)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def status(name: str, config: BaseModel, pump: Pump, outlet: KafkaOutlet, brake: Brake) -> dict[str, Any]:
    """The counts of the status page; `behind_octets` is null until the broker has told it."""
    return {
        "connector": name,
        "type": TYPES[type(config)],
        "ready": pump.ready.is_set(),
        **vars(pump.counts),
        "waiting_octets": outlet.waiting_octets,
        "behind_octets": brake.behind_octets,
        "braking": brake.on,
        "braked_secs": brake.secs,
        "registry_version": pump.registry_version,
        "settled_version": pump.settled_version,
    }


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT end the connector cleanly: what was taken is handed on first."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
