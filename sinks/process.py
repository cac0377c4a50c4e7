"""A sink as a process of its own: one sink of a topology on Kafka, until it is told to stop."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from pipeline.errors import ContractError, Fatal, Transient
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes
from pipeline.runtime.collector import collect_seldom
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.moments import Moments
from pipeline.runtime.references import REGISTRY
from pipeline.wire import Contracts
from sinks import BUILDERS
from sinks.kafka_log import KafkaLog
from sinks.phases import PHASES
from sinks.runner import Counts, RunnerOptions, SinkRunner

log = structlog.get_logger()


@dataclass(frozen=True)
class SinkSettings:
    """What a topology says of one sink. `topics` is topic -> schema of its values; `options` is its checked config.

    `registry_topic` has the versions of the registry; empty: none are kept beside the data.
    """

    type: str
    options: Any
    topics: Mapping[str, str]
    group: str
    registry_topic: str = ""


class NewRegistry:
    """Versions of the registry as they are published on Kafka, each given once; looked up on a thread of its own."""

    def __init__(self, bootstrap: str, topic: str, every_secs: float) -> None:
        self._references = KafkaReferences(bootstrap, topic)
        self._every_secs = every_secs
        self._found: queue.SimpleQueue[tuple[str, Registry]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="registry", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def __call__(self) -> tuple[str, Registry] | None:
        """A version that was not given before, or None; raises Fatal when nobody looks any more."""
        if self._broken is not None:
            raise Fatal(
                "REGISTRY_WATCH", where="registry", what=f"looking for new versions has failed: {self._broken!r}",
                do="start the sink again, and report it",
            ) from self._broken  # fmt: skip
        try:
            return self._found.get_nowait()
        except queue.Empty:
            return None

    def _watch(self) -> None:
        known = ""
        while not self._stop.is_set():
            try:
                latest = self._references.newer(REGISTRY)
                if latest is not None and latest[0] != known:
                    known = latest[0]
                    self._found.put((known, registry_from_bytes(latest[1])))
            except (Transient, ContractError) as error:
                log.warning("registry not read", code=error.code, what=error.what)
            except Exception as error:  # noqa: BLE001  the sink says it, with its reason
                self._broken = error
                return
            self._stop.wait(self._every_secs)

    def close(self) -> None:
        """End; a lookup that is under way is waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._references.close()


def run_sink(settings: SinkSettings, bootstrap: str, contracts: Contracts, stop: threading.Event) -> Counts:
    """Run until `stop` is set; raises ConfigError, Fatal or ContractError with what to do next."""
    collect_seldom()
    sink = BUILDERS[settings.type](settings.options)
    options: RunnerOptions = settings.options.runner
    source = KafkaLog(
        bootstrap, settings.group, tuple(settings.topics), alone=sink.exclusive, fetch_bytes=options.fetch_bytes
    )
    moments = Moments.from_environment(PHASES)
    if not settings.registry_topic:
        return SinkRunner(sink, source, settings.topics, contracts, options, moments=moments).run(stop)
    registry = NewRegistry(bootstrap, settings.registry_topic, options.registry_secs)
    registry.start()
    try:
        return SinkRunner(sink, source, settings.topics, contracts, options, registry=registry, moments=moments).run(
            stop
        )
    finally:
        registry.close()


def stop_on_signals(stop: threading.Event) -> None:
    """SIGTERM and SIGINT end a sink cleanly: what is gathered is written and committed first."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
