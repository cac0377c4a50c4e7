"""Blocks as documents: what files and webhooks bring to other systems.

A format renders one block to octets, the same octets each time: no clock, no chance. What a format cannot say (a
balance in MSCONS) it does not take, and `kvarn lint` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sinks.documents.cim import cim_json, cim_xml
from sinks.documents.determinants_csv import determinants_csv
from sinks.documents.espi import espi
from sinks.documents.ies import ies
from sinks.documents.mscons import mscons
from sinks.documents.names import FORMAT_SCHEMAS
from sinks.documents.nem12 import nem12
from sinks.documents.tables import csv_table, json_lines
from sinks.records import Record

Render = Callable[[Sequence[Record], str, str], bytes]
"""(records of one topic, name of the document, zone of local times) -> octets."""


@dataclass(frozen=True)
class Format:
    """A format: the ending of its files, its media type, and what it is."""

    ending: str
    media_type: str
    render: Render
    doc: str


FORMATS: dict[str, Format] = {
    "jsonl": Format("jsonl", "application/x-ndjson", json_lines, "one JSON object a line, every field"),
    "csv": Format("csv", "text/csv", csv_table, "a header and one line a record; lists within a cell as JSON"),
    "cim-xml": Format(
        "xml", "application/xml", cim_xml, "IEC 61968-9 MeterReadings in an EventMessage (IEC 61968-100)"
    ),
    "cim-json": Format("json", "application/json", cim_json, "the same as JSON, an object an element"),
    "espi": Format("xml", "application/atom+xml", espi, "Green Button: ESPI (NAESB REQ.21), an Atom feed"),
    "ies": Format("json", "application/json", ies, "India Energy Stack MeterData, profile INTERVAL (draft v0.6)"),
    "mscons": Format("edi", "application/edifact", mscons, "UN/EDIFACT D.04B MSCONS 2.4c, a message a meter"),
    "nem12": Format("csv", "text/csv", nem12, "NEM12 of AEMO's Meter Data File Format, days of market time"),
    "determinants-csv": Format(
        "csv", "text/csv", determinants_csv, "determinants as a billing team reads them: kWh, rupees, local dates"
    ),
}
"""Name in topologies.yaml -> format."""


def schemas_of(name: str) -> frozenset[str]:
    """Schemas of the records that a format has a place for."""
    return FORMAT_SCHEMAS[name]
