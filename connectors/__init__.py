"""Connectors bring frames, ticks and reference records into the `frames` topic; one folder each, same rooms."""

from __future__ import annotations

from pydantic import BaseModel

from connectors.cold.config import ColdConfig
from connectors.dlms.config import DlmsConfig
from connectors.dlms_pull.config import DlmsPullConfig
from connectors.edits.config import EditsConfig
from connectors.facts.config import FactsConfig
from connectors.folder.config import FolderConfig
from connectors.frames_topic.config import FramesTopicConfig
from connectors.mqtt.config import MqttConfig
from connectors.parked.config import ParkedConfig
from connectors.prepaid.config import PrepaidConfig
from connectors.readings_topic.config import ReadingsTopicConfig
from connectors.sap_orders.config import SapOrdersConfig
from connectors.ticker.config import TickerConfig

CONNECTORS: dict[str, type[BaseModel]] = {
    "cold": ColdConfig,
    "dlms": DlmsConfig,
    "dlms_pull": DlmsPullConfig,
    "facts": FactsConfig,
    "edits": EditsConfig,
    "folder": FolderConfig,
    "frames_topic": FramesTopicConfig,
    "mqtt": MqttConfig,
    "parked": ParkedConfig,
    "prepaid": PrepaidConfig,
    "readings_topic": ReadingsTopicConfig,
    "sap_orders": SapOrdersConfig,
    "ticker": TickerConfig,
}
"""`type` in topologies.yaml -> options. Configurations import no client library, so `lint` needs none."""
