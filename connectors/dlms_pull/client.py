"""An association with a meter, over gurux-dlms's client: open, get, set, act, release.

The library makes requests and reads answers; connection, time limits, ciphering and the proofs of HLS are ours. It is
GPL-2.0, and this package alone may use it (CONTRIBUTING 7.1).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gurux_dlms.ConnectionState import ConnectionState
from gurux_dlms.enums import Authentication, DataType, InterfaceType, ObjectType, RequestTypes
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXDLMSException import GXDLMSException
from gurux_dlms.GXReplyData import GXReplyData
from gurux_dlms.objects import GXDLMSAssociationLogicalName, GXDLMSData
from gurux_dlms.secure import GXDLMSSecureClient

from connectors.dlms_pull.counters import LAST
from connectors.dlms_pull.pushes import PUSHES, is_numbered, is_push
from connectors.dlms_pull.sealing import Cipher, Unsealed, install, proof
from connectors.dlms_pull.transport import Connection, NoAnswer, failed
from pipeline import axdr
from pipeline.axdr import Datum
from pipeline.axdr_compact import parse
from pipeline.gcm_single import AUTHENTICATED
from pipeline.octets import FrameError

AUTHENTICATION = {"none": Authentication.NONE, "lls": Authentication.LOW, "gmac": Authentication.HIGH_GMAC}
MOST_ANSWER_OCTETS = 8 << 20
MOST_EXCHANGES = 10_000
"""Of one read, block by block."""
GOT, WRITTEN, ACTED, RELEASED = 0xC4, 0xC5, 0xC7, 0x63
"""GET, SET and ACTION responses, and RLRE."""
IN_PARTS = RequestTypes.FRAME | RequestTypes.GBT
INVOKE_ID = 0x0F
"""Bits of invoke-id-and-priority."""
PROOF_OCTETS = 17
CHALLENGE_OCTETS = (8, 64)

RESULTS = {1: "hardware fault", 2: "temporary failure", 3: "read or write denied", 4: "object undefined",
           9: "class inconsistent", 11: "object unavailable", 12: "type unmatched", 13: "scope of access violated",
           14: "data block unavailable", 15: "long get aborted", 16: "no long get", 17: "long set aborted",
           18: "no long set", 19: "data block number invalid", 250: "other reason"}  # fmt: skip
"""Data-access-result and action-result (IEC 62056-5-3)."""


class Refused(Exception):
    """The meter answered, and said no: to ask again changes nothing."""

    def __init__(self, code: int, what: str = "") -> None:
        super().__init__(what or f"the meter answers {code}: {RESULTS.get(code, 'unknown result')}")
        self.code = code


@dataclass(frozen=True)
class Credentials:
    """As whom the client comes: SAPs, mechanism, and what it needs."""

    client: int
    server: int
    framing: str
    authentication: str = "none"
    protection: int = 0
    password: bytes = b""
    client_title: bytes = bytes(8)
    meter_title: bytes = b""
    """What the meter must be; empty: not known."""
    encryption: bytes = bytes(16)
    authentication_key: bytes = bytes(16)


class Association:
    """One association; not for two tasks at a time. `counter` is the next invocation counter."""

    def __init__(
        self, connection: Connection, credentials: Credentials, counter: int = 1, end: int = LAST,
        challenge: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:  # fmt: skip
        """Counters from `counter` on, below `end`."""
        install()
        self._end = end
        self._connection, self._credentials = connection, credentials
        framing = InterfaceType.HDLC if credentials.framing == "hdlc" else InterfaceType.WRAPPER
        self._client = GXDLMSSecureClient(
            True, credentials.client, credentials.server, AUTHENTICATION[credentials.authentication],
            bytearray(credentials.password), framing,
        )  # fmt: skip
        self._cipher = Cipher(credentials.client_title, credentials.encryption, credentials.authentication_key,
                              credentials.protection)  # fmt: skip
        self._cipher.invocationCounter = counter
        self._client.settings.cipher = self._cipher
        self._challenge = challenge(16) if credentials.authentication == "gmac" else b""
        if self._challenge:
            self._client.settings.useCustomChallenge = True
            self._client.settings.setCtoSChallenge(bytearray(self._challenge))
        self._open = False

    @property
    def counter(self) -> int:
        """The next invocation counter; every one below may have been used."""
        return int(self._cipher.invocationCounter)

    async def open(self) -> None:
        """Connect at the link layer, associate, prove and have proved; raises NoAnswer or Refused."""
        request = self._made(self._client.snrmRequest)
        if request:
            reply = await self._asked([request])
            self._made(lambda: self._client.parseUAResponse(reply.data))
        reply = await self._asked(self._made(self._client.aarqRequest))
        self._made(lambda: self._client.parseAareResponse(reply.data))
        self._open = True
        self._check_meter()
        if self._credentials.authentication == "gmac":
            if not self._client.getIsAuthenticationRequired():
                raise self._wrong("NOT_PROVED", "the meter asks for no proof where HLS was agreed on")
            await self._prove()

    def _check_meter(self) -> None:
        title = bytes(self._client.settings.sourceSystemTitle or b"")
        wanted = self._credentials.meter_title
        ciphered = self._credentials.protection or self._credentials.authentication == "gmac"
        if ciphered and wanted and title != wanted:
            raise self._wrong("OTHER_METER", f"the meter at this address is {title.hex().upper()}")
        if self._credentials.protection and not self._cipher.opened:
            raise self._wrong("NOT_PROTECTED", "the answer to the association is not ciphered")

    async def _prove(self) -> None:
        """HLS-5: answer the meter's challenge, and judge its answer to ours (IEC 62056-5-3; Green Book, HLS)."""
        settings = self._client.settings
        challenge, title = bytes(settings.getStoCChallenge() or b""), bytes(settings.sourceSystemTitle or b"")
        least, most = CHALLENGE_OCTETS
        if (
            not least <= len(challenge) <= most
            or challenge == self._challenge
            or title == bytes(self._credentials.client_title)
        ):
            raise self._wrong("NOT_PROVED", "the meter's challenge is our own, or of a wrong length")
        counter = self._cipher.invocationCounter
        self._cipher.invocationCounter = counter + 1
        answer = proof(self._cipher, self._credentials.client_title, counter, challenge)
        request = self._made(lambda: self._client.method(
            GXDLMSAssociationLogicalName(), 1, bytearray(answer), DataType.OCTET_STRING
        ))  # fmt: skip
        said = self._data(await self._asked(request, ACTED))
        given = said.body if said.tag == axdr.OCTETS else b""
        if len(given) != PROOF_OCTETS or given[0] != AUTHENTICATED:
            raise self._wrong("NOT_PROVED", "the meter does not answer our challenge")
        wanted = proof(self._cipher, title, int.from_bytes(given[1:5], "big"), self._challenge)
        if not hmac.compare_digest(wanted, given):
            raise self._wrong("NOT_PROVED", "the meter's answer to our challenge is wrong: another key")
        settings.connected = settings.connected | ConnectionState.DLMS

    async def get(self, class_id: int, name: str, attribute: int, selection: bytes = b"") -> Datum:
        """An attribute, block by block if need be; `selection`: selector octet and parameters."""
        chosen = GXByteBuffer(bytearray(selection)) if selection else None
        request = self._made(lambda: self._client._read(name, class_id, attribute, chosen))
        return self._data(await self._asked(request, GOT))

    async def set_octets(self, class_id: int, name: str, attribute: int, value: bytes) -> None:
        """Set an attribute to an octet string."""
        item = GXDLMSData(name)
        item.objectType = ObjectType(class_id)
        item.value = bytearray(value)
        item.setDataType(2, DataType.OCTET_STRING)
        request = self._made(lambda: self._client.write(item, attribute))
        await self._asked(request, WRITTEN)

    async def act(self, class_id: int, name: str, method: int) -> None:
        """Invoke a method with the integer 0."""
        item = GXDLMSData(name)
        item.objectType = ObjectType(class_id)
        request = self._made(lambda: self._client.method(item, method, 0, DataType.INT8))
        await self._asked(request, ACTED)

    async def release(self) -> None:
        """Say goodbye; a meter that does not answer to it is left."""
        if not self._open:
            return
        self._open = False
        try:
            await self._asked(self._made(self._client.releaseRequest) or [], RELEASED)
            if self._credentials.framing == "hdlc":
                await self._asked([self._made(self._client.disconnectRequest)])
        except (NoAnswer, Refused):
            return

    # ------------------------------------------------------------------------------------------- exchanges

    async def _asked(self, requests: list[Any], expected: int | None = None) -> Any:
        """The whole answer to a request, however many frames and blocks it takes.

        expected: the kind of response it must be; None: what comes before there is an association.
        """
        reply = GXReplyData()
        for number, request in enumerate(requests, 1):
            reply.clear()
            # In HDLC all frames of a request but the last are only acknowledged.
            wanted = expected if number == len(requests) else None
            await self._exchange(bytes(request), reply, wanted)
            for _ in range(MOST_EXCHANGES):
                if not reply.isMoreData():
                    break
                following = None if reply.isStreaming() else self._made(lambda: self._client.receiverReady(reply))
                await self._exchange(None if following is None else bytes(following), reply, wanted)
                if len(reply.data) > MOST_ANSWER_OCTETS:
                    raise self._wrong("ANSWER_TOO_LONG", f"more than {MOST_ANSWER_OCTETS} octets")
            else:
                raise self._wrong("ANSWER_TOO_LONG", f"more than {MOST_EXCHANGES} blocks")
        if reply.error:
            raise Refused(int(reply.error))
        return reply

    async def _exchange(self, request: bytes | None, reply: Any, expected: int | None) -> None:
        until = asyncio.get_running_loop().time() + self._connection.answer_secs
        frame = await (self._connection.receive() if request is None else self._connection.exchange(request))
        begins = not int(reply.moreData) & IN_PARTS
        for _ in range(MOST_EXCHANGES):
            if begins:
                reply.invokeId = -1
            before = self._cipher.opened
            if self._taken(frame, reply):
                break
            # A frame to somebody else, or one that was not asked for.
            frame = await self._further(until)
        else:
            raise self._wrong("NO_ANSWER", f"{MOST_EXCHANGES} frames that were not asked for")
        if expected is not None and not int(reply.moreData) & IN_PARTS:
            self._check_answer(reply, expected, self._cipher.opened > before)

    async def _further(self, until: float) -> bytes:
        """One more frame, within the time limit of the answer."""
        try:
            async with asyncio.timeout_at(until):
                return await self._connection.receive()
        except TimeoutError as error:
            raise self._wrong("SILENT", "no answer, only what was not asked for") from error

    def _taken(self, frame: bytes, reply: Any) -> bool:
        """Whether the frame is the answer's, or at least no push."""
        more = int(reply.moreData)
        if is_push(frame, self._credentials.framing, not more & RequestTypes.FRAME):
            if self._credentials.framing == "hdlc" and is_numbered(frame):
                # Not read, but counted.
                self._made(partial(self._client.getData, GXByteBuffer(bytearray(frame)), GXReplyData()))
            return False
        first = not more and not len(reply.data)
        if not self._made(partial(self._client.getData, GXByteBuffer(bytearray(frame)), reply)):
            return False
        if first and int(reply.command) in PUSHES:
            # A push inside of general ciphering.
            reply.clear()
            return False
        return True

    def _check_answer(self, reply: Any, expected: int, opened: bool) -> None:
        """Whether it is the answer to the request; an answer in clear proves nothing where it must be ciphered."""
        # RLRE is not ciphered, and nothing depends on it.
        if self._credentials.protection and expected != RELEASED and not opened:
            raise self._wrong("NOT_PROTECTED", "an answer that is not ciphered")
        kind = int(reply.command)
        # The library leaves the kind out where a further block follows.
        block = kind == 0 and int(reply.moreData) & RequestTypes.DATABLOCK and expected in (GOT, ACTED)
        if kind != expected and not block:
            raise self._wrong("NO_ANSWER", f"an answer of kind {kind:02X} where {expected:02X} was asked for")
        wanted = int(self._client.settings.invokeId) & INVOKE_ID
        if expected != RELEASED and (reply.invokeId < 0 or reply.invokeId & INVOKE_ID != wanted):
            raise self._wrong("NO_ANSWER", f"the answer to another request: {reply.invokeId}")

    def _data(self, reply: Any) -> Datum:
        try:
            return parse(bytes(reply.data.array()))
        except FrameError as error:
            raise self._wrong("NO_DATA", f"the answer is no data: {error.reason}") from error

    def _spare(self) -> None:
        """Before a request is made: a counter that is not ours must not be used. Two are left for the goodbye."""
        if self._credentials.protection and self.counter + 2 >= self._end:
            raise self._wrong("COUNTERS_USED", "one association has used its span of invocation counters")

    def _made(self, work: Callable[[], Any]) -> Any:
        """What the library makes of it; whatever it raises on octets that are no answer is one error here."""
        self._spare()
        try:
            return work()
        except Unsealed as error:
            raise self._wrong("NOT_PROTECTED", str(error)) from error
        except GXDLMSException as error:
            # Not asked again: after some wrong passwords a meter shuts itself.
            raise Refused(0, f"the meter does not admit this client: {str(error)[:200]}") from error
        except Exception as error:
            raise self._wrong("NO_ANSWER", f"{type(error).__name__}: {str(error)[:200]}") from error

    def _wrong(self, code: str, what: str) -> NoAnswer:
        return failed(code, self._connection.address, what)
