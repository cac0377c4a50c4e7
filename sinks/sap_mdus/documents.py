"""What is sent of a reading, by the state of its document in the billing system.

open                   the reading; a newer one replaces what was not sent yet
entered, not billed    a correction, which names the message that it corrects (ReferenceUUID)
billed                 nothing: a case for a new bill, which a person decides on
cancelled              nothing

Without orders each reading is a document of its own, made by the reading itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from schemas.mdus.names import EXCHANGE_REASONS, OPENING_REASONS
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.journal import Journal
from sinks.sap_mdus.model import BILLED, CANCELLED, DEVICE_UNKNOWN, ENTERED, OPEN, REFUSED, Message, Order
from sinks.sap_mdus.names import uuid_of
from sinks.sap_mdus.readings import CLOSING, OPENING, Find, FindExchange, Place, Reading
from sinks.sap_mdus.registers import shown
from sinks.sap_mdus.results import result

log = structlog.get_logger()


class Documents:
    """Readings and orders of one block, as they come; within a transaction of the journal."""

    def __init__(
        self, config: SapMdusConfig, journal: Journal, find: tuple[Find, FindExchange], topic: str, token: str
    ) -> None:
        self._config, self._journal = config, journal
        self._find, self._find_exchange = find
        self._topic, self._token = topic, token

    def take_reading(self, reading: Reading) -> None:
        """A reading, new or in another revision."""
        if reading.place.channel not in self._config.registers or not self._journal.keep(reading):
            return
        orders = self._journal.orders_at(reading.place)
        if not orders and self._config.orders == "none" and reading.place.edge == CLOSING:
            orders = [self._own(reading.place)]
        for order in orders:
            self._say(order, reading)

    def take_order(self, event: Mapping[str, Any]) -> None:
        """An event of an order: a MeterReadingOrder."""
        known = self._journal.order(event["id"])
        if event["event"] == "ORDERED":
            self._ordered(event, known)
        elif known is None:
            log.warning("an order that nobody has made", order=event["id"], said=event["event"])
        elif event["event"] == "BILLED":
            self._journal.set_state(known.id, BILLED)
        elif known.state == OPEN:
            self._journal.replace(known.id)
            self._journal.set_state(known.id, CANCELLED)

    def _ordered(self, event: Mapping[str, Any], known: Order | None) -> None:
        edge = OPENING if event["reason"] in OPENING_REASONS else CLOSING
        place = Place(event["service_point"], event["channel"], event["time"], edge)
        if known is not None and known.place == place and known.state != CANCELLED:
            return
        if place.channel not in self._config.registers:
            log.warning("a register is ordered that is not sent", order=event["id"], channel=place.channel)
        order = Order(event["id"], place, False, event["reason"], event["device_id"], event["measurement_task"])
        self._journal.replace(order.id)
        self._journal.put_order(order)
        reading = self.reading_of(order)
        if reading is not None:
            self._say(order, reading)

    def reading_of(self, order: Order) -> Reading | None:
        """What answers an order: a period's end; or an exchange, within whose day no period begins or ends."""
        reading = self._journal.reading(order.place)
        return self._exchange(order) if reading is None else reading

    def take_exchange(self, order: Order) -> None:
        """Answer an order of an exchange by a registry that is new; what was refused is not said a second time."""
        if self._journal.reading(order.place) is not None:
            return
        reading = self._exchange(order)
        if reading is not None and not self._journal.has_refused(uuid_of("result", order.id, reading.name)):
            self._say(order, reading)

    def _exchange(self, order: Order) -> Reading | None:
        if order.reason not in EXCHANGE_REASONS or order.place.channel not in self._config.registers:
            return None
        zone = ZoneInfo(self._config.timezone)
        following = datetime.fromtimestamp(order.place.time, zone).date() + timedelta(days=1)
        return self._find_exchange(order.place, int(datetime.combine(following, time(0), zone).timestamp()))

    def say_again(self, message: Message) -> None:
        """Make a message anew that could not be made: the registry may have its device now."""
        self._journal.drop(message.uuid)
        order = self._journal.order(message.order_id)
        reading = None if order is None else self.reading_of(order)
        if order is None or reading is None:
            log.warning("a refused reading is not kept any more", uuid=message.uuid, order=message.order_id)
            return
        self._say(order, reading)

    def _own(self, place: Place) -> Order:
        task = f"{place.service_point}.{self._config.registers[place.channel].obis}"
        id = f"~{place.service_point}/{place.channel}/{place.time}/{place.edge}"
        return Order(id, place, True, self._config.reason, "", task)

    def _say(self, order: Order, reading: Reading) -> None:
        uuid = uuid_of("result", order.id, reading.name)
        now = "" if reading.wh is None else self._shown(reading)
        under_way = self._journal.under_way(order.id)
        if order.state == CANCELLED or (order.shown and order.shown == now and not under_way):
            # A correction that was taken back before it went out must not go out either.
            self._journal.replace(order.id)
            return
        if order.own and self._journal.order(order.id) is None:
            self._journal.put_order(order)
        device = order.device_id or self._device(reading.place)
        fault = _fault(reading, device)
        if fault:
            self._journal.put(
                self._topic,
                self._token,
                Message(uuid, "results", reading.place.time, b"", order.id, now),
                REFUSED,
                *fault,
            )
            return
        if order.state == BILLED:
            log.warning("a billed reading has changed", order=order.id, billed=order.shown, now=now)
            self._journal.case(order, reading, now)
            return
        self._journal.replace(order.id)
        corrects = under_way or (order.uuid if order.state == ENTERED else "")
        body = result(uuid, order, reading, device, now, corrects, self._config)
        self._journal.put(
            self._topic, self._token, Message(uuid, "results", reading.place.time, body, order.id, now)
        )  # fmt: skip

    def _shown(self, reading: Reading) -> str:
        """Value and type as they are sent: what is equal in both need not be sent again."""
        assert reading.wh is not None
        return f"{shown(reading.wh, self._config.registers[reading.place.channel])} {reading.type_code}"

    def _device(self, place: Place) -> str:
        # What is read last of a period is of the device that stood there until then.
        stands = self._find(place.service_point, place.time - (place.edge == CLOSING))
        return "" if stands is None else stands.device


def _fault(reading: Reading, device: str) -> tuple[str, str] | None:
    if reading.wh is None:
        return "NO_READING", "the register was not read at this time, and cannot be estimated"
    if reading.wh < 0:
        return "READING_NEGATIVE", f"{reading.wh} Wh"
    if not device:
        return DEVICE_UNKNOWN, f"the registry has no device at service point {reading.place.service_point} then"
    return None
