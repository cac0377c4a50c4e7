"""Many light meters behind gateways, in a process of its own: answers from a table, ciphered by nobody.

    python -m bench.pull_server '{"gateways": 40, "delay_secs": 0.2, "rows": 96}'

Says {"ports": [...]} as a line of JSON, serves until its standard input ends, and then says what it saw. A meter here
is an association of the class of gurux-dlms's server: AARQ, GET (also by blocks), release; WRAPPER framing.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

from connectors.dlms_pull import obis
from connectors.dlms_pull.encode import Capture
from pipeline import axdr
from pipeline.axdr import Datum
from pipeline.cosem_time import date_time

FIRST_TIME, PERIOD_SECS, OFFSET_SECS = 1_751_308_200, 900, 19_800
"""Start of the profile: 2025-07-01 00:00 in India."""
AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400001c1d03e80007")
"""Accepted, none: InitiateResponse with get, set, action, selective access, blocks; PDU 1000 (IEC 62056-5-3)."""
RELEASED = bytes.fromhex("6303800100")
BLOCK_OCTETS = 980
AARQ, GET, RLRQ = 0x60, 0xC0, 0x62
NEXT = 2
UNDEFINED = 4
COLUMNS = (
    ("1.0.12.27.0.255", axdr.UINT16, -1, 35, 2300), ("1.0.1.29.0.255", axdr.UINT32, 0, 30, 100),
    ("1.0.9.29.0.255", axdr.UINT32, 0, 31, 110), ("1.0.2.29.0.255", axdr.UINT32, 0, 30, 0),
    ("1.0.10.29.0.255", axdr.UINT32, 0, 31, 0), ("1.0.11.27.0.255", axdr.UINT16, -2, 33, 225),
    ("1.0.91.27.0.255", axdr.UINT16, -2, 33, 224),
)  # fmt: skip
"""Of the block profile: code, tag, scaler, unit, value."""

Key = tuple[int, bytes, int]
"""Class, logical name, attribute."""


def table(rows: int) -> dict[Key, bytes]:
    """What a meter says of its attributes."""
    captures = [Capture(obis.CLOCK, obis.CLOCK_NAME, 2, 0), *(Capture(obis.REGISTER, one[0], 2, 0) for one in COLUMNS)]
    said: dict[tuple[int, str, int], Datum] = {
        (obis.DATA, obis.MANUFACTURER_NAME, 2): axdr.octet_string(b"KVARN"),
        (obis.DATA, obis.FIRMWARE_NAME, 2): axdr.octet_string(b"1.0.3"),
        (obis.CLOCK, obis.CLOCK_NAME, 2): axdr.octet_string(date_time(FIRST_TIME, OFFSET_SECS)),
        (obis.PROFILE, obis.BLOCK_PROFILE, 3): axdr.array(*(_definition(one) for one in captures)),
        (obis.PROFILE, obis.BLOCK_PROFILE, 4): Datum(axdr.UINT32, PERIOD_SECS),
        (obis.PROFILE, obis.BLOCK_PROFILE, 2): axdr.array(*(_row(number) for number in range(1, rows + 1))),
    }
    for name, _, power, unit, _ in COLUMNS:
        said[obis.REGISTER, name, 3] = axdr.structure(Datum(axdr.INT8, power), Datum(axdr.ENUM, unit))
    return {(one, obis.octets_of(name), attribute): datum.encoded() for (one, name, attribute), datum in said.items()}


def _definition(one: Capture) -> Datum:
    return axdr.structure(
        Datum(axdr.UINT16, one.class_id), axdr.octet_string(obis.octets_of(one.name)), Datum(axdr.INT8, one.attribute),
        Datum(axdr.UINT16, one.index),
    )  # fmt: skip


def _row(number: int) -> Datum:
    clock = axdr.octet_string(date_time(FIRST_TIME + number * PERIOD_SECS, OFFSET_SECS))
    return axdr.structure(clock, *(Datum(tag, value) for _, tag, _, _, value in COLUMNS))


@dataclass
class Seen:
    """Connections of a gateway: now, at most; and of all gateways together."""

    open: int = 0
    most: int = 0


@dataclass
class Meters:
    """All gateways of the process."""

    answers: dict[Key, bytes]
    delay_secs: float
    all: Seen = field(default_factory=Seen)
    gateways: list[Seen] = field(default_factory=list)
    answered: int = 0

    def gateway(self) -> Any:
        """What serves the connections of one more gateway."""
        mine = Seen()
        self.gateways.append(mine)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for seen in (mine, self.all):
                seen.open += 1
                seen.most = max(seen.most, seen.open)
            try:
                await self._serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            finally:
                for seen in (mine, self.all):
                    seen.open -= 1
                writer.close()

        return talk

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest, number = b"", 0
        while True:
            head = await reader.readexactly(8)
            apdu = await reader.readexactly(int.from_bytes(head[6:8], "big"))
            if self.delay_secs:
                await asyncio.sleep(self.delay_secs)
            if apdu[0] == GET:
                if apdu[1] == NEXT:
                    number += 1
                else:
                    rest, number = self._wanted(apdu), 0
                answer, rest = _answered(apdu[2], rest, number)
            else:
                answer = AARE if apdu[0] == AARQ else RELEASED
            self.answered += 1
            writer.write(head[:2] + head[4:6] + head[2:4] + len(answer).to_bytes(2, "big") + answer)

    def _wanted(self, apdu: bytes) -> bytes:
        """Data of an attribute, empty when there is none."""
        return self.answers.get((int.from_bytes(apdu[3:5], "big"), apdu[5:11], apdu[11]), b"")


def _answered(invoke: int, data: bytes, number: int) -> tuple[bytes, bytes]:
    """A GET response, whole or the next block, and what is left."""
    if not number and not data:
        return bytes([0xC4, 1, invoke, 1, UNDEFINED]), b""
    if not number and len(data) <= BLOCK_OCTETS:
        return bytes([0xC4, 1, invoke, 0]) + data, b""
    part, rest = data[:BLOCK_OCTETS], data[BLOCK_OCTETS:]
    head = bytes([0xC4, 2, invoke, not rest]) + (number + 1).to_bytes(4, "big")
    return head + b"\0\x82" + len(part).to_bytes(2, "big") + part, rest


async def serve(gateways: int, delay_secs: float, rows: int) -> None:
    """Until standard input ends."""
    meters = Meters(table(rows), delay_secs)
    servers = [await asyncio.start_server(meters.gateway(), "127.0.0.1", 0, backlog=4096) for _ in range(gateways)]
    _say({"ports": [server.sockets[0].getsockname()[1] for server in servers]})
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()
    most = max(seen.most for seen in meters.gateways)
    _say({"most_open": meters.all.most, "most_at_a_gateway": most, "answers": meters.answered})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    from connectors.gather.open_files import let_open

    options = json.loads(sys.argv[1])
    let_open(20_000 - 256)
    asyncio.run(serve(options["gateways"], options["delay_secs"], options["rows"]))
