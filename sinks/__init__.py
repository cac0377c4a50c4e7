"""Sinks write topics to where they end; one folder each, same rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from sinks.base import Sink
from sinks.clickhouse.config import ClickHouseConfig
from sinks.files.config import FilesConfig
from sinks.sap_mdus.config import SapMdusConfig
from sinks.webhook.config import WebhookConfig

SINKS: dict[str, type[BaseModel]] = {
    "clickhouse": ClickHouseConfig,
    "files": FilesConfig,
    "sap_mdus": SapMdusConfig,
    "webhook": WebhookConfig,
}
"""`type` in topologies.yaml -> options. Configurations import no client library, so `lint` needs none."""


def _clickhouse(config: Any) -> Sink:
    from sinks.clickhouse.sink import ClickHouseSink

    return ClickHouseSink(config)


def _files(config: Any) -> Sink:
    from sinks.files.sink import FilesSink

    return FilesSink(config)


def _sap_mdus(config: Any) -> Sink:
    from sinks.sap_mdus.sink import SapMdusSink

    return SapMdusSink(config)


def _webhook(config: Any) -> Sink:
    from sinks.webhook.sink import WebhookSink

    return WebhookSink(config)


BUILDERS: dict[str, Callable[[Any], Sink]] = {
    "clickhouse": _clickhouse,
    "files": _files,
    "sap_mdus": _sap_mdus,
    "webhook": _webhook,
}
"""`type` -> the sink of a configuration; here the client library is imported."""
