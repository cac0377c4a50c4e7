"""A small meter over TCP, made of gurux-dlms's server classes; run as a process of its own.

The server classes of gurux-dlms for Python are not finished: they call methods that are not there, and answer HLS with
an AARE that cannot be read. So the answers to SNRM and AARQ and the read, write and action services are finished here.
Reading of requests, ciphering, both sides' proofs of HLS, framing, segmentation and the encoding of data are gurux's.

`python -m tests.integration.dlms_pull.meter '{"framing": "hdlc", "authentication": "gmac", ...}'` prints its port.
What it did can be read from its standard output, a JSON object a line.
"""

# Names of overridden methods and their parameters are gurux's.
# ruff: noqa: N803, N815

from __future__ import annotations

import json
import secrets
import socketserver
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from gurux_dlms import GXByteBuffer
from gurux_dlms._GXAPDU import _GXAPDU
from gurux_dlms.AesGcmParameter import AesGcmParameter
from gurux_dlms.ConnectionState import ConnectionState
from gurux_dlms.enums import (
    AccessMode,
    Authentication,
    Command,
    Conformance,
    InterfaceType,
    MethodAccessMode,
    ObjectType,
    RequestTypes,
    Security,
    SourceDiagnostic,
)
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXDLMS import GXDLMS
from gurux_dlms.GXDLMSLNParameters import GXDLMSLNParameters
from gurux_dlms.GXDLMSServer import GXDLMSServer
from gurux_dlms.GXSecure import GXSecure
from gurux_dlms.GXServerReply import GXServerReply
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from gurux_dlms.objects import GXDLMSAssociationLogicalName, GXDLMSDisconnectControl

from tests.integration.dlms_pull.objects import MeterOptions, clock_of, encoded, objects


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def open_request(settings: Any, data: Any) -> None:
    """Opens a ciphered request; in place of gurux's own, which mixes up its parameters."""
    data.data.position = data.data.position - 1
    if data.moreData & RequestTypes.FRAME:
        return
    own = settings.cipher
    parameters = AesGcmParameter(0, settings.sourceSystemTitle, own.blockCipherKey, own.authenticationKey)
    plain = GXCiphering.decrypt(settings, parameters, data.data)
    say(counter=parameters.invocationCounter)
    data.data.clear()
    data.data.set(plain)
    data.command = Command(data.data.getUInt8())


GXDLMS.handleGloDedRequest = staticmethod(open_request)


class Meter(GXDLMSServer):
    """One connection's server; objects are shared by all connections of the process."""

    def __init__(self, options: MeterOptions, items: Any) -> None:
        framing = InterfaceType.HDLC if options.framing == "hdlc" else InterfaceType.WRAPPER
        super().__init__(True, framing)
        self.options = options
        self.settings.cipher = GXCiphering(bytearray.fromhex(options.title))
        self.settings.cipher.blockCipherKey = bytearray.fromhex(options.encryption)
        self.settings.cipher.authenticationKey = bytearray.fromhex(options.authentication_key)
        self.settings.maxServerPDUSize = options.pdu
        self.conformance = (
            Conformance.GET
            | Conformance.SET
            | Conformance.ACTION
            | Conformance.SELECTIVE_ACCESS
            | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
            | Conformance.MULTIPLE_REFERENCES
        )
        self.association = GXDLMSAssociationLogicalName()
        self.items.append(self.association)
        for item in items:
            self.items.append(item)
        self.transaction: Any = None
        self.client_counters: list[int] = []
        for item in items:
            self.association.objectList.append(item)
        self.initialize()

    # What gurux asks of its user.
    def isTarget(self, serverAddress: int, clientAddress: int) -> bool:
        if clientAddress == 16:
            return self.options.public_open
        return True

    def onValidateAuthentication(self, authentication: int, password: Any) -> int:
        wanted = {"none": Authentication.NONE, "lls": Authentication.LOW, "gmac": Authentication.HIGH_GMAC}
        if self.settings.clientAddress == 16:
            return SourceDiagnostic.NONE if authentication == Authentication.NONE else SourceDiagnostic.NOT_RECOGNISED
        if authentication != wanted[self.options.authentication]:
            return SourceDiagnostic.AUTHENTICATION_MECHANISM_NAME_REQUIRED
        if authentication == Authentication.LOW and bytes(password) != self.options.password.encode():
            return SourceDiagnostic.AUTHENTICATION_FAILURE
        return SourceDiagnostic.NONE

    def onFindObject(self, objectType: int, sn: int, ln: str) -> Any:
        return None

    def onGetAttributeAccess(self, arg: Any) -> int:
        return AccessMode.READ_WRITE

    def onGetMethodAccess(self, arg: Any) -> int:
        return MethodAccessMode.ACCESS

    def onConnected(self, connectionInfo: Any) -> None:
        say(connected=self.settings.clientAddress)

    def onInvalidConnection(self, connectionInfo: Any) -> None:
        say(refused=self.settings.clientAddress)

    def onDisconnected(self, connectionInfo: Any) -> None:
        say(disconnected=self.settings.clientAddress)

    # What gurux's own read service calls and has not.
    def notifyRead(self, *_args: Any) -> None: ...
    def onPreRead(self, args: Any) -> None: ...
    def onPreWrite(self, args: Any) -> None: ...
    def onPostWrite(self, args: Any) -> None: ...
    def onPreGet(self, args: Any) -> None: ...
    def onPostGet(self, args: Any) -> None: ...
    def onPreAction(self, args: Any) -> None: ...
    def onPostAction(self, args: Any) -> None: ...
    def onPostRead(self, *_args: Any) -> None: ...

    def handleCommand(self, cmd: int, data: Any, sr: Any) -> Any:
        try:
            return self._command(cmd, data, sr)
        except Exception as error:
            say(failed=repr(error), command=int(cmd))
            raise

    def receive(self, octets: bytes) -> bytes:
        """The answer to octets that came; empty while a frame is not whole. gurux's own loop hides what fails."""
        self.receivedData.set(octets)
        GXDLMS.getData(self.settings, self.receivedData, self.info, None)
        if not self.info.complete:
            return b""
        self.receivedData.clear()
        command, more = self.info.command, self.info.moreData
        if more & RequestTypes.FRAME:
            return bytes(GXDLMS.getHdlcFrame(self.settings, self.settings.getReceiverReady(), self.replyData))
        if not self.isTarget(self.settings.serverAddress, self.settings.clientAddress):
            self.info.clear()
            return b""
        try:
            return bytes(self.handleCommand(command, self.info.data, Reply(b"")) or b"")
        finally:
            self.info.clear()

    # What gurux's server builds wrongly, or not at all: the answers to SNRM and DISC, and an AARE with HLS.
    def handleSnrmRequest(self, data: Any) -> None:
        self.reset(True)
        self.settings.connected = ConnectionState.HDLC
        # Longest information field either way: 128 octets; window 1.
        self.replyData.set(bytes.fromhex("8180140502008006020080070400000001080400000001"))

    def generateDisconnectRequest(self) -> None:
        self.replyData.clear()

    def handleAarqRequest(self, data: Any, connectionInfo: Any) -> None:
        settings = self.settings
        if settings.interfaceType == InterfaceType.WRAPPER:
            self.reset(True)
        settings.setCtoSChallenge(None)
        settings.cipher.invocationCounter = self.options.counter + 1
        diagnostic = int(_GXAPDU.parsePDU(settings, settings.cipher, data, None))
        settings.maxPduSize = min(settings.maxPduSize, self.options.pdu)
        if not diagnostic:
            diagnostic = int(self.onValidateAuthentication(settings.authentication, settings.password))
        accepted = diagnostic == 0
        say(association=settings.clientAddress, accepted=accepted)
        high = settings.authentication > Authentication.LOW
        if accepted and high:
            diagnostic = int(SourceDiagnostic.AUTHENTICATION_REQUIRED)
            settings.setStoCChallenge(bytearray(secrets.token_bytes(16)))
        elif accepted:
            settings.connected = settings.connected | ConnectionState.DLMS
        if settings.interfaceType != InterfaceType.WRAPPER:
            self.replyData.set(_GXCommon.LLC_REPLY_BYTES)
        self.replyData.set(self._aare(accepted, diagnostic, high))

    def _aare(self, accepted: bool, diagnostic: int, high: bool) -> bytes:
        cipher = self.settings.cipher
        ciphered = bool(cipher.security)
        body = _tlv(0xA1, _tlv(6, bytes.fromhex("608574050801") + bytes([3 if ciphered else 1])))
        body += _tlv(0xA2, _tlv(2, bytes([0 if accepted else 1])))
        body += _tlv(0xA3, _tlv(0xA1, _tlv(2, bytes([diagnostic]))))
        if ciphered or self.settings.authentication == Authentication.HIGH_GMAC:
            body += _tlv(0xA4, _tlv(4, bytes(cipher.systemTitle)))
        if accepted and high:
            mechanism = bytes.fromhex("608574050802") + bytes([self.settings.authentication])
            body += _tlv(0x88, b"\x07\x80") + _tlv(0x89, mechanism)
            body += _tlv(0xAA, _tlv(0x80, bytes(self.settings.stoCChallenge)))
        if accepted:
            user = bytes(_GXAPDU.getUserInformation(self.settings, cipher))
            if ciphered:
                cipher.invocationCounter += 1
            body += _tlv(0xBE, _tlv(4, user))
        return _tlv(0x61, body)

    def _command(self, cmd: int, data: Any, sr: Any) -> Any:
        if cmd in (Command.GET_REQUEST, Command.METHOD_REQUEST, Command.SET_REQUEST) and data:
            say(request=int(cmd), ciphered=bool(self.settings.cipher.security))
            if not self._open(cmd):
                return super().handleCommand(cmd, data, sr)
            frame = self.settings.getNextSend(False) if self.replyData else 0
            answer = {Command.GET_REQUEST: self._get, Command.METHOD_REQUEST: self._action,
                      Command.SET_REQUEST: self._set}[cmd]  # fmt: skip
            answer(data)
            if self.settings.interfaceType == InterfaceType.WRAPPER:
                return GXDLMS.getWrapperFrame(self.settings, cmd, self.replyData)
            return GXDLMS.getHdlcFrame(self.settings, frame, self.replyData)
        return super().handleCommand(cmd, data, sr)

    def _open(self, cmd: int) -> bool:
        return bool(self.settings.acceptConnection()) or cmd == Command.METHOD_REQUEST

    def _answer(self, command: int, kind: int, invoke: int, data: Any, status: int) -> None:
        p = GXDLMSLNParameters(self.settings, invoke, command, kind, None, data, status)
        security = self.settings.cipher.security
        if self.options.unciphered and command == Command.GET_RESPONSE:
            self.settings.cipher.security = Security.NONE
        GXDLMS.getLNPdu(p, self.replyData)
        self.settings.cipher.security = security

    def _get(self, data: Any) -> None:
        kind, invoke = data.getUInt8(), data.getUInt8()
        if kind == 2:
            data.getUInt32()
            self.settings.increaseBlockIndex()
            self._block(invoke)
            return
        class_id = data.getUInt16()
        name = bytearray(6)
        data.get(name)
        attribute, selected = data.getUInt8(), data.getUInt8()
        selector = data.getUInt8() if selected else 0
        parameters = _GXCommon.getData(self.settings, data, _GXDataInfo()) if selected else None
        item = self.items.findByLN(ObjectType(class_id), _GXCommon.toLogicalName(name))
        self.settings.resetBlockIndex()
        say(get=_GXCommon.toLogicalName(name), attribute=attribute, selector=selector)
        if item is None:
            self._answer(Command.GET_RESPONSE, 1, invoke, None, 4)
            return
        self.transaction = GXByteBuffer(encoded(self.settings, item, attribute, selector, parameters))
        if len(self.transaction) + 20 <= self.settings.maxPduSize:
            self._answer(Command.GET_RESPONSE, 1, invoke, self.transaction, 0)
        else:
            self._block(invoke)

    def _block(self, invoke: int) -> None:
        """The next block of an answer that is too long for one APDU."""
        room = self.settings.maxPduSize - 40
        raw = bytes(self.transaction.array())[self.transaction.position :]
        part, last = raw[:room], len(raw) <= room
        self.transaction.position += len(part)
        head = bytes([Command.GET_RESPONSE, 2, invoke, last]) + self.settings.blockIndex.to_bytes(4, "big")
        size = bytes([len(part)]) if len(part) < 0x80 else b"\x82" + len(part).to_bytes(2, "big")
        plain = GXByteBuffer(bytearray(head + b"\0" + size + part))
        self.replyData.clear()
        if self.settings.interfaceType != InterfaceType.WRAPPER:
            self.replyData.set(_GXCommon.LLC_REPLY_BYTES)
        if self.settings.cipher.security and not self.options.unciphered:
            p = GXDLMSLNParameters(self.settings, invoke, Command.GET_RESPONSE, 2, None, None, 0)
            self.replyData.set(GXDLMS.cipher0(p, plain))
        else:
            self.replyData.set(plain)

    def _action(self, data: Any) -> None:
        _kind, invoke = data.getUInt8(), data.getUInt8()
        class_id = data.getUInt16()
        name = bytearray(6)
        data.get(name)
        method, given = data.getUInt8(), data.getUInt8()
        value = _GXCommon.getData(self.settings, data, _GXDataInfo()) if given else None
        say(action=_GXCommon.toLogicalName(name), method=method)
        answer = GXByteBuffer()
        if class_id == ObjectType.ASSOCIATION_LOGICAL_NAME and method == 1:
            challenge = self._hls(bytes(value))
            if challenge is None:
                self._answer(Command.METHOD_RESPONSE, 1, invoke, GXByteBuffer(b"\0"), 3)
                return
            answer.set(b"\x01\x00\x09" + bytes([len(challenge)]) + challenge)
            # Connected from here on.
            self.settings.connected = self.settings.connected | ConnectionState.DLMS
            self._answer(Command.METHOD_RESPONSE, 1, invoke, answer, 0)
            return
        item = self.items.findByLN(ObjectType(class_id), _GXCommon.toLogicalName(name))
        if isinstance(item, GXDLMSDisconnectControl) and self.settings.acceptConnection():
            item.outputState = method == 2
            say(switched=method, on=item.outputState)
            self._answer(Command.METHOD_RESPONSE, 1, invoke, GXByteBuffer(b"\0"), 0)
            return
        self._answer(Command.METHOD_RESPONSE, 1, invoke, GXByteBuffer(b"\0"), 4)

    def _hls(self, value: bytes) -> bytes | None:
        """Judge the client's answer to our challenge; ours to its, or None."""
        counter = int.from_bytes(value[1:5], "big")
        title = self.settings.sourceSystemTitle
        wanted = GXSecure.secure(self.settings, self.settings.cipher, counter, self.settings.stoCChallenge, title)
        say(hls=bytes(wanted) == value)
        if bytes(wanted) != value:
            return None
        own = self.settings.cipher
        made = GXSecure.secure(self.settings, own, own.invocationCounter, self.settings.ctoSChallenge, own.systemTitle)
        return bytes(made)

    def _set(self, data: Any) -> None:
        _kind, invoke = data.getUInt8(), data.getUInt8()
        data.getUInt16()
        name = bytearray(6)
        data.get(name)
        attribute, _selected = data.getUInt8(), data.getUInt8()
        value = _GXCommon.getData(self.settings, data, _GXDataInfo())
        octets = bytes(value) if isinstance(value, (bytes, bytearray)) else b""
        say(set=_GXCommon.toLogicalName(name), attribute=attribute, value=octets.hex())
        item = self.items.findByLN(ObjectType.CLOCK, _GXCommon.toLogicalName(name))
        if item is not None:
            item.ahead = round(clock_of(octets) - time.time())
        self._answer(Command.SET_RESPONSE, 1, invoke, None, 0)


class Reply(GXServerReply):
    """What the server classes expect of a reply."""

    connectionInfo: Any = None

    def setReply(self, octets: Any) -> None:
        self.reply = octets

    def getConnectionInfo(self) -> Any:
        return self.connectionInfo


class Connection(socketserver.BaseRequestHandler):
    """One client; a server state of its own."""

    def handle(self) -> None:
        options: MeterOptions = self.server.options  # type: ignore[attr-defined]
        meter = Meter(options, self.server.items)  # type: ignore[attr-defined]
        answers = 0
        while True:
            try:
                data = self.request.recv(4096)
            except OSError:
                return
            if not data:
                return
            if options.silent:
                continue
            octets = meter.receive(data)
            if not octets:
                continue
            answers += 1
            if options.slow_secs:
                time.sleep(options.slow_secs)
            if options.garbage_after and answers >= options.garbage_after:
                octets = b"\xff\xfe not a frame " * 40
            if options.close_after and answers >= options.close_after:
                self.request.sendall(octets[: len(octets) // 2])
                return
            self.request.sendall(octets)


class Listener(socketserver.ThreadingTCPServer):
    """Where the meter listens."""

    daemon_threads = True
    allow_reuse_address = True


def main() -> None:
    options = MeterOptions(**json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
    with Listener(("127.0.0.1", 0), Connection) as listener:
        listener.options, listener.items = options, objects(options)  # type: ignore[attr-defined]
        say(port=listener.server_address[1], options=asdict(options))
        # Whoever started it ends it by closing its standard input, too.
        threading.Thread(target=lambda: (sys.stdin.read(), listener.shutdown()), daemon=True).start()
        listener.serve_forever()


if __name__ == "__main__":
    main()
