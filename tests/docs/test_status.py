"""The table of status fields is what connectors serve, and each field says what it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from unittest.mock import MagicMock

import pytest

from connectors import CONNECTORS, runner
from connectors.dlms.config import DlmsConfig
from connectors.dlms.connections import Listener
from connectors.dlms_pull.connector import Puller
from connectors.edits.connector import _Authority
from connectors.facts.connector import Counts as FactCounts
from connectors.gather.pump import PumpCounts
from connectors.sap_orders.connector import Counts as OrderCounts
from connectors.status_fields import EVERY, OWN


def test_what_every_connector_serves_is_in_the_table() -> None:
    pump = MagicMock()
    pump.counts = PumpCounts()
    served = runner.status("push", DlmsConfig(), pump, MagicMock(), MagicMock())
    assert list(served) == [one.name for one in EVERY]


@pytest.mark.parametrize(
    ("type_", "served"),
    [
        ("dlms", Listener.counts(MagicMock())),
        ("dlms_pull", Puller.counts(MagicMock())),
        ("edits", _Authority.counts(MagicMock())),
        ("facts", [one.name for one in fields(FactCounts)]),
        ("sap_orders", [one.name for one in fields(OrderCounts)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_type_serves_beside_is_in_the_table(type_: str, served: Iterable[str]) -> None:
    assert list(served) == [one.name for one in OWN[type_]]


def test_fields_are_of_connectors_that_there_are_and_have_a_meaning() -> None:
    assert set(OWN) <= set(CONNECTORS)
    assert [one for group in (EVERY, *OWN.values()) for one in group if not one.meaning] == []
