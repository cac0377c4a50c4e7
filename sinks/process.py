"""A sink as a process of its own: one sink of a topology on Kafka, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.wire import Contracts
from sinks import BUILDERS
from sinks.kafka_log import KafkaLog
from sinks.runner import Counts, RunnerOptions, SinkRunner


@dataclass(frozen=True)
class SinkSettings:
    """What a topology says of one sink. `topics` is topic -> schema of its values; `options` is its checked config."""

    type: str
    options: Any
    topics: Mapping[str, str]
    group: str


def make_runner(settings: SinkSettings, bootstrap: str, contracts: Contracts) -> SinkRunner:
    """The sink of `settings` on the broker; nothing is connected yet but the consumer."""
    sink = BUILDERS[settings.type](settings.options)
    options: RunnerOptions = settings.options.runner
    log = KafkaLog(
        bootstrap, settings.group, tuple(settings.topics), alone=sink.exclusive, fetch_bytes=options.fetch_bytes
    )
    return SinkRunner(sink, log, settings.topics, contracts, options)


def run_sink(settings: SinkSettings, bootstrap: str, contracts: Contracts, stop: threading.Event) -> Counts:
    """Run until `stop` is set; raises ConfigError, Fatal or ContractError with what to do next."""
    return make_runner(settings, bootstrap, contracts).run(stop)


def stop_on_signals(stop: threading.Event) -> None:
    """SIGTERM and SIGINT end a sink cleanly: what is gathered is written and committed first."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
