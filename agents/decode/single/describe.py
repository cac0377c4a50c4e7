"""Frames -> what they say: out of envelope and framing, joined, deciphered, and their values named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from agents.decode.config import IST_OFFSET_SECS
from agents.decode.describe_readings import describe_readings
from agents.decode.single.apdus import read_apdu
from agents.decode.single.ciphering import KeyFinder, Keys, is_ciphered, unseal
from agents.decode.single.content import Content
from agents.decode.single.described import Described
from agents.decode.single.envelopes import Payload, payloads
from agents.decode.single.explain import note_datum
from agents.decode.single.frames import Piece, pieces
from agents.decode.single.messages import Answer, Attribute, Block, Message
from agents.decode.single.names import APDU_NAMES
from agents.decode.single.octets import MOST_APDU, FrameError, Section, missing, truncated
from agents.decode.single.statements import describe_statement
from agents.decode.single.telegram import read_telegram
from agents.decode.single.transfers import Transfers, read_joined
from agents.decode.single.word import told_edges
from pipeline.axdr import read_datum
from pipeline.reading_frames import FIRST_OCTET, ReadingFrameError, read_reading_frame
from pipeline.statement_frames import FIRST_OCTET as FIRST_OF_STATEMENT
from pipeline.statement_frames import read_statement_frame
from pipeline.templates import ALERT

MOST_WAITING = 2 * MOST_APDU
"""Octets of segments that wait for the read with the next one."""

MOST_READS = 256
"""Reads whose segments wait: with each one more, all of them are looked at again."""

LAYERS = 8
"""APDUs inside each other."""

ASSOCIATIONS = (0x60, 0x61, 0x62, 0x63)
BLOCK_TRANSFER = 0xE0
READINGS = bytes([FIRST_OCTET])
"""What a frame of a head-end's readings begins with."""
STATEMENT = bytes([FIRST_OF_STATEMENT])
"""What a frame of statements begins with."""
_WORD = ALERT.columns[0].obis


@dataclass
class Options:
    """What the caller knows beside the frames.

    offset_secs: the wall clock of Indian meters, seconds ahead of UTC. columns, period_secs: of profile rows that come
    without their object list. explain: say of every range of octets what it is.
    """

    keys: Keys = field(default_factory=Keys)
    offset_secs: int = IST_OFFSET_SECS
    columns: list[Attribute] = field(default_factory=list)
    period_secs: int = 0
    explain: bool = False


class Describer:
    """Frames of one call, in order: blocks are joined over them, and what was learned of one serves the next."""

    def __init__(self, options: Options) -> None:
        self._keys = replace(options.keys)  # what associations teach is of this call alone
        self._explain, self._offset_secs = options.explain, options.offset_secs
        self._content = Content(options.offset_secs, options.columns, options.period_secs)
        self._transfers = Transfers()
        self._waiting: dict[tuple[int, int], tuple[Described, Block]] = {}
        self._segments: Payload | None = None
        self._reads = 0
        self._words: dict[str, list[int]] = {}

    def _section(self, name: str, octets: bytes) -> Section:
        return Section(name, octets, self._explain)

    def frame(self, octets: bytes) -> Iterator[Described]:
        """What each APDU of `octets` says. Never raises for what they contain."""
        for payload in payloads(octets):
            if isinstance(payload, FrameError):
                found = Described("text")
                found.fail(payload)
                yield found
                continue
            if payload.octets[:1] == READINGS:
                yield _readings(payload.octets, self._offset_secs)
                continue
            if payload.octets[:1] == STATEMENT:
                yield _statement(payload.octets, self._offset_secs)
                continue
            yield from self._read(payload)

    def apdu(self, octets: bytes) -> Iterator[Described]:
        """What one APDU says that came out of its framing and ciphering elsewhere."""
        yield from self._piece(Piece("raw", octets), Payload(octets), [])
        yield from self.end()

    def read(self, octets: bytes) -> Iterator[Described]:
        """What a read says that is whole, and has no envelope around it."""
        yield from self._read(Payload(octets))
        yield from self.end()

    def _read(self, payload: Payload) -> Iterator[Described]:
        """One read; segments at its end wait for the next one of the same framing."""
        segments, self._segments = self._segments, None
        if segments is None:
            self._reads = 0
        else:
            if payload.octets[:1] == segments.octets[:1]:
                payload = replace(payload, octets=segments.octets + payload.octets)
            else:
                yield from self._pieces(segments, last=True)
        yield from self._pieces(payload, last=False)

    def _pieces(self, payload: Payload, *, last: bool) -> Iterator[Described]:
        section = self._section("frame", payload.octets)
        for number, piece in enumerate(pieces(payload.octets, section)):
            waiting = len(payload.octets) - piece.waits
            if piece.waits >= 0 and not last and waiting <= MOST_WAITING and self._reads < MOST_READS:
                self._segments = replace(payload, octets=payload.octets[piece.waits :])
                self._reads = 1 if piece.waits else self._reads + 1
            else:
                yield from self._piece(piece, payload, [] if number else [section])

    def end(self) -> Iterator[Described]:
        """What still waits for its last segment or block."""
        if self._segments is not None:
            yield from self._pieces(self._segments, last=True)
        for found, block in self._waiting.values():
            if block.apdu:
                found.fail(missing("the last block is missing"))
            yield found
        self._waiting.clear()

    def _piece(self, piece: Piece, payload: Payload, sections: list[Section]) -> Iterator[Described]:
        if piece.apdu or piece.error is None:
            found = Described(piece.framing, sections=sections)
            if piece.link:
                found.details["link"] = piece.link
            if payload.form:
                found.details["form"] = payload.form
            if payload.device is not None or payload.time is not None:
                found.details["envelope"] = {"device": payload.device, "time": payload.time}
            if self._apdu(piece, found):
                found.device = found.device or payload.device
                found.time = found.time or payload.time
                self._note_edges(found)
                yield found
        if piece.error is not None:
            failed = Described(piece.framing, details={"link": piece.link} if piece.link else {}, sections=sections[:1])
            failed.device, failed.time = payload.device, payload.time
            failed.fail(piece.error)
            yield failed

    def _apdu(self, piece: Piece, found: Described) -> bool:
        """False while more blocks are due."""
        try:
            if piece.framing == "text":
                found.sections.append(self._section("telegram", piece.apdu))
                self._telegram(piece.apdu, found)
            elif piece.framing == "axdr":
                self._data(piece.apdu, found)
            elif piece.apdu:
                return self._layers(piece.apdu, found)
            elif "type" not in piece.link:
                raise truncated("a frame without an APDU")
        except FrameError as error:
            found.fail(error)
        return True

    def _layers(self, apdu: bytes, found: Described) -> bool:
        name = "APDU"
        for _ in range(LAYERS):
            if not apdu:
                raise truncated("nothing inside")
            section = self._section(name, apdu)
            found.sections.append(section)
            found.apdu = APDU_NAMES.get(apdu[0], f"apdu {apdu[0]:02X}")
            if apdu[:1] == b"/":
                found.apdu = "telegram"
                self._telegram(apdu, found)
                return True
            if is_ciphered(apdu[0]):
                apdu, name = self._unsealed(section, found), "APDU, deciphered"
                continue
            message = read_apdu(section)
            found.details.update(message.details)
            found.apdu = message.name
            if message.block is not None:
                whole = self._joined(message.block, found)
                if whole is None:
                    return found.error is not None
                if message.block.apdu:
                    apdu, name = whole, "APDU, joined from blocks"
                    continue
                self._values(message, whole, found)
                return True
            if message.inner and message.fault is None and apdu[0] not in ASSOCIATIONS:
                found.details.setdefault("layers", []).append(message.name)
                apdu, name = message.inner, f"APDU inside {message.name}"
                continue
            self._message(message, found)
            return True
        raise FrameError("DATA_MALFORMED", f"more than {LAYERS} APDUs inside each other")

    def _unsealed(self, section: Section, found: Described) -> bytes:
        opened = unseal(section, self._keys)
        if opened.device is not None:
            found.device = f"{opened.device:016X}"
        found.details.update(opened.details)
        if opened.fault is not None:
            raise opened.fault
        found.details.setdefault("layers", []).append(found.apdu)
        return opened.apdu

    def _joined(self, block: Block, found: Described) -> bytes | None:
        key = (block.service, block.invoke)
        before = self._waiting.pop(key, None)
        if before is not None:
            found.sections[:0] = before[0].sections
        whole = self._transfers.join(block)
        if whole is None:
            blocks, octets = self._transfers.progress(block)
            found.details["joined"] = {"blocks": blocks, "octets": octets}
            self._waiting[key] = (found, block)
        return whole

    def _values(self, message: Message, whole: bytes, found: Described) -> None:
        """The values of a service whose last block has come."""
        section = self._section("data, joined from blocks", whole)
        found.sections.append(section)
        assert message.block is not None
        read_joined(section, message.block.service, message)
        self._message(message, found)

    def _message(self, message: Message, found: Described) -> None:
        if message.name in ("aarq", "aare", "rlrq", "rlre"):
            self._association(message, found)
        fault = message.fault
        try:
            self._content.fill(message, found)
        except FrameError as error:
            fault = fault or error
        if fault is not None:
            raise fault

    def _association(self, message: Message, found: Described) -> None:
        """Its titles, and the dedicated key in it, serve the APDUs that come after."""
        title = message.details.get("title")
        if title is not None and len(title) == 16:
            if message.name == "aarq":
                self._keys.client = int(title, 16)
            else:
                self._keys.server = int(title, 16)
                found.device = found.device or title
        inner = message.inner
        for _ in range(2):
            if not inner:
                return
            section = self._section("user information", inner)
            found.sections.append(section)
            if is_ciphered(inner[0]):
                opened = unseal(section, self._keys)
                found.details["initiate_security"] = opened.details.get("security")
                if opened.fault is not None:
                    found.details["initiate"] = str(opened.fault)
                inner = opened.apdu
                continue
            initiate = read_apdu(section)
            self._keys.dedicated = initiate.dedicated or self._keys.dedicated
            found.details["initiate"] = initiate.details if initiate.fault is None else str(initiate.fault)
            return

    def _telegram(self, octets: bytes, found: Described) -> None:
        told = read_telegram(octets)
        found.sections[-1].note(0, len(octets), "telegram in text")
        found.values, found.units, found.time = told.values, told.units, told.time
        found.measured, found.clock = told.measured, told.clock
        found.device = found.device or told.device
        found.details.update(told.details)

    def _data(self, octets: bytes, found: Described) -> None:
        section = self._section("data", octets)
        found.sections.append(section)
        datum, _ = read_datum(octets, 0)
        note_datum(section, datum)
        self._content.fill(Message("data", answers=[Answer(datum=datum)]), found)

    def _note_edges(self, found: Described) -> None:
        """What changed in a meter's event status word since the one before in this call."""
        bits = found.values.get(_WORD)
        if found.device is None or not isinstance(bits, list):
            return
        before = self._words.get(found.device)
        if before is not None:
            found.details["edges"] = told_edges(before, bits)
        self._words[found.device] = bits


def describe_frames(
    frames: Iterable[bytes], keys: KeyFinder | Keys | None = None, offset_secs: int = IST_OFFSET_SECS
) -> Iterator[Described]:
    """What each APDU of `frames` says; blocks are joined over frames.

    `offset_secs`: the wall clock of Indian meters, seconds ahead of UTC. Never raises for what a frame contains.
    """
    known = keys if isinstance(keys, Keys) else Keys() if keys is None else Keys(keys)
    return describe_with(frames, Options(known, offset_secs))


def describe_with(frames: Iterable[bytes], options: Options) -> Iterator[Described]:
    """The same with everything that a caller may know."""
    describer = Describer(options)
    for frame in frames:
        yield from describer.frame(frame)
    yield from describer.end()


def _readings(frame: bytes, offset_secs: int) -> Described:
    """A frame of readings that another head-end has decoded."""
    found = Described("readings")
    try:
        said = read_reading_frame(frame)
    except ReadingFrameError as error:
        found.fail(FrameError(error.code, str(error)))
        return found
    found.device = f"{said.device:016X}"
    found.values, found.units = describe_readings(said, offset_secs)
    found.time = found.values["readings"][0]["time"]
    return found


def _statement(frame: bytes, offset_secs: int) -> Described:
    """A frame of statements about a service point."""
    found = Described("statement")
    try:
        said = read_statement_frame(frame)
    except ReadingFrameError as error:
        found.fail(FrameError(error.code, str(error)))
        return found
    found.values = describe_statement(said, offset_secs)
    found.time = found.values["intervals"][0]["start"]
    return found
