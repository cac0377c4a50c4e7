"""A receiver that stands for SAP: takes readings, intervals and events, and refuses what a billing system refuses.

`python -m bench.sap_receiver --port 8001` runs one on loopback until it is interrupted, and prints each message that it
takes or refuses. Tests use `Receiver` and `receiving` in their own process.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from schemas.mdus.check import Checker
from schemas.mdus.names import EVENTS, OUT, RESULTS, Service
from schemas.mdus.xml import UnreadableError, body_of, confirmation, element, enveloped, name_of, parsed, text_at

SERVICES = {service.root: service for service in OUT.values()}
Faults = list[tuple[str, str]]


@dataclass
class Receiver:
    """What a billing system knows, and how it behaves.

    `orders`: id -> OPEN, ENTERED or BILLED; None: it takes readings without an order. `registers`: (device, OBIS) that
    it has; None: all. `unknown`: elements that its schema has not. `statuses`: answered first, with nothing taken.
    `silent`: so many requests are taken and not answered. `user`: `name:password` that it asks for.
    """

    url: str = ""
    orders: dict[str, str] | None = None
    registers: set[tuple[str, str]] | None = None
    unknown: set[str] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)
    silent: int = 0
    user: str = ""
    taken: dict[str, Any] = field(default_factory=dict)
    entered: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    checker: Checker = field(default_factory=Checker)

    def values(self) -> list[str]:
        """Values of the readings that were taken, in their order."""
        path = f"{RESULTS.subject}/Result/MeterReadingResultValue"
        return [text_at(one, path) for one in self.taken.values() if name_of(one) == RESULTS.message]

    def answer(self, octets: bytes) -> tuple[int, bytes]:
        """(status, body) for a request."""
        self.requests.append(octets)
        try:
            message = body_of(parsed(octets))
        except UnreadableError as error:
            return 500, _fault(str(error))
        strange = sorted({name_of(one) for one in message.iter()} & self.unknown)
        said = f"element {strange[0]} is not known" if strange else self.checker.fault(message)
        service = SERVICES.get(name_of(message))
        if said or service is None:
            return 500, _fault(said or f"{name_of(message)} is not taken here")
        outcomes = [self._judge(service, one) for one in message.findall(service.message)]
        head = {"ReferenceUUID": text_at(message, "MessageHeader/UUID"), "CreationDateTime": "2026-01-01T00:00:00Z"}
        return 200, enveloped(confirmation(service, head, outcomes, 0, message.nsmap[message.prefix]))

    def _judge(self, service: Service, one: Any) -> tuple[str, Faults]:
        uuid = text_at(one, "MessageHeader/UUID")
        if uuid in self.taken:
            faults: Faults = [("DUPLICATE_UUID", f"{uuid} is here already")]
        elif service is RESULTS:
            faults = self._reading(one.find(service.subject), one, uuid)
        else:
            faults = self._device(one.find(service.subject)) if service is EVENTS else []
        if faults:
            self.refused += [(uuid, kind) for kind, _ in faults]
        else:
            self.taken[uuid] = one
        return uuid, faults

    def _device(self, subject: Any) -> Faults:
        device = text_at(subject, "UtilitiesDevice/UtilitiesDeviceID")
        if self.registers is None or device in {known for known, _ in self.registers}:
            return []
        return [("UNKNOWN_DEVICE", device)]

    def _reading(self, document: Any, one: Any, uuid: str) -> Faults:
        task = document.find("UtilitiesMeasurementTask")
        register = (text_at(task, "UtilitiesDevice/UtilitiesDeviceID"),
                    text_at(task, "UtilitiesObjectIdentificationSystemCodeText"))  # fmt: skip
        if self.registers is not None and register not in self.registers:
            return [("UNKNOWN_REGISTER", f"device {register[0]} has no register {register[1]}")]
        date = text_at(document, "Result/MeterReadingDate")
        id = text_at(document, "ID") or "/".join((*register, date))
        corrects = text_at(one, "MessageHeader/ReferenceUUID")
        state = (self.orders or {}).get(id, "ENTERED" if id in self.entered else "OPEN")
        if self.orders is not None and id not in self.orders:
            return [("WRONG_ORDER", f"{id} is not ordered")]
        if state == "BILLED":
            return [("BILLED", f"{id} is billed")]
        if corrects and self.entered.get(id) != corrects:
            return [("WRONG_ORDER", f"{id}: what is to be corrected is not here")]
        if state == "ENTERED" and not corrects:
            return [("ENTERED", f"{id} has a reading already")]
        self.entered[id] = uuid
        if self.orders is not None:
            self.orders[id] = "ENTERED"
        return []


def _fault(text: str) -> bytes:
    return enveloped(
        b'<soapenv:Fault xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
        + element("faultcode", {"": "soapenv:Client"})
        + element("faultstring", {"": text})
        + b"</soapenv:Fault>"
    )


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            octets = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = self._answer(octets)
            if receiver.silent > 0 and status == 200:
                receiver.silent -= 1
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self, octets: bytes) -> tuple[int, bytes]:
            if receiver.user:
                wanted = "Basic " + base64.b64encode(receiver.user.encode()).decode()
                if self.headers.get("Authorization") != wanted:
                    return 401, b"who are you?"
            if receiver.statuses:
                return receiver.statuses.pop(0), b"not now"
            return receiver.answer(octets)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed of requests."""

    return Handler


@contextmanager
def receiving(receiver: Receiver | None = None, port: int = 0) -> Iterator[Receiver]:
    """A receiver on a free port of this machine, or on `port`."""
    found = receiver or Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(found))
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}/sap"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    """Run a receiver until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--unknown", action="append", default=[], help="an element that its schema has not")
    arguments = parser.parse_args()
    receiver = Receiver(unknown=set(arguments.unknown))
    with receiving(receiver, arguments.port):
        sys.stdout.write(f"listening at {receiver.url}\n")
        seen: tuple[int, int] = (0, 0)
        try:
            while not threading.Event().wait(1.0):
                now = (len(receiver.taken), len(receiver.refused))
                if now != seen:
                    seen = now
                    last = receiver.refused[-1] if receiver.refused else None
                    sys.stdout.write(json.dumps({"taken": now[0], "refused": now[1], "last_refused": last}) + "\n")
                    sys.stdout.flush()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
