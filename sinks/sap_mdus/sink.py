"""The SAP sink: takes blocks into its journal, and sends until each message is confirmed or refused.

Guarantees: nothing is lost, for a block is committed once every message of it has an outcome, or the receiver has said
that it wants it later: then it waits in the journal, and holds up no other. A message may be sent more than once (its
answer was lost), always with the same octets under the same UUID: a receiver that says that it has it already has
accepted it. A refused message is kept in the journal with the receiver's reason, and the others go on; when the
receiver refuses one after the other, the fault is not theirs, and the sink stops.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from pipeline.errors import Fatal, Transient
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry
from schemas.mdus.names import EXCHANGE_REASONS
from schemas.mdus.outcomes import Outcome
from sinks.base import Sink
from sinks.documents.tables import mappings_of
from sinks.records import Block, Record
from sinks.sap_mdus.answer import Answer
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.documents import Documents
from sinks.sap_mdus.journal import Journal
from sinks.sap_mdus.model import ACCEPTED, BILLED, REFUSED, SENT, Message
from sinks.sap_mdus.others import event_message, series_messages
from sinks.sap_mdus.post import Post
from sinks.sap_mdus.readings import Place, Reading, Standing, exchanged, readings_of, standing

REST_SECS = 10.0
REGISTRY = "registry"
"""Stands for a topic in the journal: its blocks are the versions of the registry."""
MOST_IN_A_ROW = 10
"""Messages that are refused by a fault one after the other before the sink stops."""

log = structlog.get_logger()


class SapMdusSink(Sink):
    """`type: sap_mdus` in topologies.yaml."""

    schemas = frozenset({"Determinant", "ReadingBatch", "Event", "MeterReadingOrder"})

    def __init__(self, config: SapMdusConfig, clock: Callable[[], float] = time.time) -> None:
        # One process alone: a reading and its order stand in different partitions.
        super().__init__(config.blocks, exclusive=True)
        self.config = config
        self.journal = Journal(config.journal)
        self._post = Post(config)
        self._registry: Registry | None = None
        self._version = ""
        self._rested = 0.0
        self._refused_in_a_row = 0
        self._clock = clock

    def open(self) -> None:
        """Open the journal and make ready to connect."""
        self._post.open()
        self.journal.open()
        # Without its journal the sink does not know what it has sent: another journal is another place.
        self.place = f"{self.config.url} {self.journal.id}"

    def take_registry(self, version: str, registry: Registry) -> None:
        """Which device stands at which service point, its multiplying factor, and its registers at exchanges."""
        self._registry, self._version = registry, version

    def write(self, block: Block) -> int:
        """Take a block, and send; raises Transient while messages have no outcome."""
        if not self.journal.has(block.topic, block.token):
            with self.journal.transaction():
                self._take(block)
        self._go_on()
        return block.rows

    def rest(self) -> None:
        """Send what time alone has made due; raises Transient when the receiver is away."""
        if self._clock() >= self._rested + REST_SECS:
            self._rested = self._clock()
            self._go_on()

    def _go_on(self) -> None:
        """Send all that is due."""
        self._take_exchanges()
        for topic, token, message in self.journal.unsaid():
            with self.journal.transaction():
                self._documents(topic, token).say_again(message)
        self.journal.overdue(int(self._clock() - self.config.confirm_secs))
        while messages := self.journal.waiting(self.config.messages, self._clock(), self.config.again_secs):
            self._send(messages)

    def close(self) -> None:
        """Close connection and journal."""
        self._post.close()
        self.journal.close()

    # ------------------------------------------------------------------------------------------ taking

    def _take(self, block: Block) -> None:
        self.journal.begin(block.topic, block.token)
        documents = self._documents(block.topic, block.token)
        for record in block.records:
            self._take_record(record, documents, block)

    def _documents(self, topic: str, token: str) -> Documents:
        return Documents(self.config, self.journal, (self._standing, self._exchanged), topic, token)

    def _take_exchanges(self) -> None:
        """A version of the registry that is new here may have the exchanges that orders ask for."""
        if self._registry is None or self.journal.has(REGISTRY, self._version):
            return
        with self.journal.transaction():
            self.journal.begin(REGISTRY, self._version)
            documents = self._documents(REGISTRY, self._version)
            for order in self.journal.orders_for(EXCHANGE_REASONS):
                documents.take_exchange(order)

    def _take_record(self, record: Record, documents: Documents, block: Block) -> None:
        if record.schema == "ReadingBatch":
            for message in series_messages(record, self.config):
                self.journal.put(block.topic, block.token, message)
            return
        newest = 0
        for row in mappings_of([record]):
            if record.schema == "Event":
                event = event_message(row, self.config)
                if event is not None:
                    self.journal.put(block.topic, block.token, event)
            elif record.schema == "MeterReadingOrder" and row["event"] in ("ACCEPTED", "REFUSED"):
                self._confirmed(row)
            elif record.schema == "MeterReadingOrder":
                documents.take_order(row)
            elif row["kind"] in self.config.kinds and (self.config.provisional or row["state"] == "FINAL"):
                newest = max(newest, row["period_end"])
                for reading in readings_of(row, self._standing):
                    documents.take_reading(reading)
        if newest:
            self.journal.forget(newest - self.config.keep_days * DAY_SECS)

    def _confirmed(self, event: Mapping[str, Any]) -> None:
        """A confirmation that came by itself; of a message that has its outcome or is not ours it says nothing."""
        message = self.journal.unsettled(event["message"])
        if message is not None:
            codes = (event["code"].split() or [""]) if event["event"] == "REFUSED" else []
            self._settle(message, Outcome(tuple((code, event["note"]) for code in codes)))

    def _standing(self, service_point: int, time: int) -> Standing | None:
        return standing(self._known, service_point, time)

    def _exchanged(self, place: Place, until: int) -> Reading | None:
        return exchanged(self._known, place, until)

    @property
    def _known(self) -> Registry:
        if self._registry is None:
            raise Transient(
                "REGISTRY_AWAITED", where=self.config.url, what="there is no registry yet, and devices stand in it",
                do="publish the registry: kvarn registry apply",
            )  # fmt: skip
        return self._registry

    # ------------------------------------------------------------------------------------------ sending

    def _send(self, messages: Sequence[Message]) -> None:
        with self.journal.transaction():
            self.journal.sending(messages, int(self._clock()))
        answer = self._post.send(messages)
        # The receiver has them, and nobody here knows it yet.
        self.moments.reach("sink-in-block")
        if answer.fault:
            self._halve(messages, answer)
            return
        with self.journal.transaction():
            if self.config.acknowledge == "later":
                for message in messages:
                    self.journal.settle(message, SENT)
                silent = 0
            else:
                said = [
                    (message, answer.outcomes[message.uuid]) for message in messages if message.uuid in answer.outcomes
                ]
                for message, outcome in said:
                    self._settle(message, outcome)
                silent = len(messages) - len(said)
        if silent < len(messages):
            self._refused_in_a_row = 0
        if silent:
            raise Transient(
                "SAP_LATER", where=self.config.url,
                what=f"{silent} of {len(messages)} messages have no outcome yet",
                do="see `kvarn sap`; they are sent again under their UUIDs",
            )  # fmt: skip

    def _halve(self, messages: Sequence[Message], answer: Answer) -> None:
        """The whole was refused: the half that is not at fault shall not wait for the other."""
        if len(messages) > 1:
            middle = len(messages) // 2
            self._send(messages[:middle])
            self._send(messages[middle:])
            return
        self._refused_in_a_row += 1
        if self._refused_in_a_row > MOST_IN_A_ROW:
            raise Fatal(
                "SAP_REFUSES_ALL", where=self.config.url,
                what=f"{self._refused_in_a_row} messages were refused one after the other: {answer.fault}",
                do="compare both sides' schemas (option wsdl); started again, the sink goes on with this message",
            )  # fmt: skip
        with self.journal.transaction():
            self._refuse(messages[0], "FAULT", answer.fault)

    def _settle(self, message: Message, outcome: Outcome) -> None:
        """Note an outcome, or that the message is to be sent again."""
        types, config = outcome.types, self.config
        if not outcome.faults or types <= set(config.duplicate_types):
            self.journal.settle(message, ACCEPTED, note=outcome.note)
            return
        if types & set(config.billed_types) and message.order_id:
            self._billed(message)
        elif types <= {*config.again_types, *config.duplicate_types} and message.again + 1 < config.again_tries:
            self.journal.later(message, sorted(types)[0], outcome.note)
            return
        self._refuse(message, sorted(types)[0] or "REFUSED", outcome.note)

    def _billed(self, message: Message) -> None:
        """The receiver has billed what we wanted to correct: its word counts, whatever was known here."""
        self.journal.set_state(message.order_id, BILLED)
        order = self.journal.order(message.order_id)
        reading = self._documents("", "").reading_of(order) if order is not None else None
        if order is not None and reading is not None:
            self.journal.case(order, reading, message.shown)

    def _refuse(self, message: Message, code: str, note: str) -> None:
        log.warning("message refused", uuid=message.uuid, message=message.service, code=code, what=note)
        self.journal.settle(message, REFUSED, code, note)
