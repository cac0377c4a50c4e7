"""gurux-dlms reads the same values, frame by frame; where it does not, the table says how and who is right.

Real frames and made ones. What neither names by a quantity is compared as data: tags, lists and strings as they came.
The table must stay true: a difference that is gone, or a new one, makes a test fail.
"""

import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decode.describe import Keys
from agents.decode.single.apdus import read_apdu
from agents.decode.single.ciphering import is_ciphered, unseal
from agents.decode.single.clock import wall_text
from agents.decode.single.frames import pieces
from agents.decode.single.octets import FrameError, Section
from agents.decode.single.transfers import Transfers, read_joined
from pipeline.axdr import Datum
from pipeline.axdr_compact import unpacked
from tests.builders_apdus import (
    LONG_KEYS,
    attribute,
    blocks,
    general,
    general_ciphering,
    get_blocks,
    hdlc,
    mbus,
    notification,
    obis,
    scaler,
    segments,
    service,
)
from tests.builders_frames import (
    ALERT_PLAIN,
    BLOCK_BLOCKS,
    BLOCK_HDLC,
    BLOCK_PLAIN,
    BLOCK_SEALED,
    BLOCK_WRAPPED,
    DEVICE,
    DUMMY_KEY,
    DUMMY_SEALED,
    KEYS,
    datum,
    length_octets,
    stamp,
    wrapped,
)
from tests.conformance.real_frames import FRAMES

gurux = pytest.importorskip("gurux_dlms")

GET = bytes.fromhex("c401c1000600001391")
DEDICATED = (bytes(range(0x30, 0x40)), KEYS[1])
LEVELS = {0: KEYS, 1: KEYS, 2: LONG_KEYS}


@dataclass(frozen=True)
class Case:
    """Frames of one message, how they are framed, and the keys of their sender."""

    frames: tuple[bytes, ...]
    framing: str = "raw"
    keys: tuple[bytes, bytes] | None = None
    title: int = DEVICE
    suite: int = 0
    dedicated: bool = False


DATA = {
    "null-data": b"\0", "boolean": b"\3\1", "bit-string": b"\4\x0a\xa0\x40", "double-long": b"\5\xff\xff\xff\xfe",
    "double-long-unsigned": b"\6\xff\xff\xff\xfe", "octet-string": b"\x09\2\1\2", "visible-string": b"\x0a\2ab",
    "utf8-string": b"\x0c\3\xe2\x82\xac", "bcd": b"\x0d\x42", "integer": b"\x0f\xff", "long": b"\x10\xff\xfe",
    "unsigned": b"\x11\xff", "long-unsigned": b"\x12\xff\xfe", "long64": b"\x14" + b"\xff" * 8,
    "long64-unsigned": b"\x15" + b"\xff" * 8, "enum": b"\x16\7", "float32": b"\x17" + struct.pack(">f", 231.3),
    "float64": b"\x18" + struct.pack(">d", 0.1), "dont-care": b"\xff", "array": b"\1\2\x11\1\x11\2",
    "structure": b"\2\2\2\1\x11\1\1\0", "long octet-string": datum(9, bytes(300)),
    "compact-array": b"\x13\x12\6\0\1\0\2\0\3", "compact-array of structures": b"\x13\2\2\x12\x11\6\0\1\7\0\2\x08",
    "compact-array of strings": b"\x13\x09\7\3abc\2xy", "compact-array of arrays": b"\x13\1\0\2\x11\4\1\2\3\4",
    "date-time": b"\x19" + stamp(), "date": b"\x1a\7\xe9\7\1\2", "time": b"\x1b\1\2\3\4",
}  # fmt: skip
"""A value of each tag, inside a structure behind a number."""

MADE = {
    "block push": Case((BLOCK_PLAIN,)),
    "alert push": Case((ALERT_PLAIN,)),
    "wrapper": Case((BLOCK_WRAPPED,), "wrapper"),
    "hdlc": Case((BLOCK_HDLC,), "hdlc"),
    "hdlc in segments": Case(tuple(segments(BLOCK_PLAIN, 30)), "hdlc"),
    "hdlc with addresses of four octets": Case(
        (hdlc(b"\xe6\xe7\0" + BLOCK_PLAIN, source=b"\0\2\0\x23"),), "hdlc"
    ),
    "mbus": Case(tuple(mbus(BLOCK_PLAIN)), "mbus"),
    "mbus, plain in two frames": Case(tuple(mbus(BLOCK_PLAIN, 50)), "mbus"),
    "mbus, ciphered in two frames": Case(tuple(mbus(BLOCK_SEALED, 60)), "mbus", KEYS),
    "mbus, ciphered in three frames": Case(tuple(mbus(BLOCK_SEALED, 50)), "mbus", KEYS),
    "a length cut by the end of an hdlc segment": Case(
        tuple(segments(notification(datum(2, [*[datum(17, 1)] * 6, datum(9, bytes(130))])), 25)), "hdlc"
    ),
    "compact array over hdlc segments": Case(
        tuple(segments(notification(b"\x13\x12" + length_octets(60) + bytes(range(60))), 40)), "hdlc"
    ),
    "ciphered": Case((BLOCK_SEALED,), keys=KEYS),
    "known sample": Case((DUMMY_SEALED,), keys=(DUMMY_KEY, DUMMY_KEY), title=int.from_bytes(DUMMY_SEALED[2:10], "big")),
    "general-block-transfer": Case(BLOCK_BLOCKS),
    "ciphering in blocks": Case(tuple(blocks(general(0xDB, BLOCK_PLAIN), 60)), keys=KEYS),
    "general-ded": Case((general(0xDC, GET, keys=DEDICATED),), keys=KEYS, dedicated=True),
    "ded-get-response": Case((service(0xD4, GET, keys=DEDICATED),), keys=KEYS, dedicated=True),
    "glo-get-response": Case((service(0xCC, GET),), keys=KEYS),
    "glo-event-notification": Case(
        (service(0xCA, b"\xc2\0" + attribute(1, "0.0.96.11.0.255", 2) + datum(18, 101)),), keys=KEYS
    ),
    "general-ciphering": Case((general_ciphering(GET, b"\0\0"),), keys=KEYS),
    "get-response": Case((GET,)),
    "get-response with blocks": Case(tuple(get_blocks(datum(2, [datum(9, b"x" * 50), datum(6, 7)]), 20))),
    "get-response with list": Case((b"\xc4\x03\x41\x02\0" + datum(6, 7) + b"\0" + datum(9, b"METER"),)),
    "action-response with data": Case((b"\xc7\x01\xc2\0\1\0" + datum(6, 7),)),
    "event-notification": Case((b"\xc2\0" + attribute(1, "0.0.96.11.0.255", 2) + datum(18, 101),)),
    "event-notification with time": Case(
        (b"\xc2\1\x0c" + stamp() + attribute(1, "0.0.96.11.0.255", 2) + datum(18, 101),)
    ),
    "self-describing list": Case((notification(datum(2, [obis("1.0.1.8.0.255"), datum(6, 5), scaler(-1, 30)])),)),
    **{f"data: {name}": Case((notification(datum(2, [datum(17, 1), octets])),)) for name, octets in DATA.items()},
    **{
        f"suite {suite}, control {policy:02X}": Case(
            (general(0xDB, BLOCK_PLAIN, control=policy | suite, keys=keys),), keys=keys, suite=suite
        )
        for suite, keys in LEVELS.items() for policy in (0x10, 0x20, 0x30)
    },
}  # fmt: skip


def real():
    """Real frames as cases; what stands behind an LLC head or alone is told to gurux-dlms as such."""
    for name, frame in FRAMES.items():
        key = bytes.fromhex(frame.get("key_hex", ""))
        octets = bytes.fromhex(frame["hex"])
        pair = (key, bytes.fromhex(frame.get("auth_key_hex") or frame["key_hex"])) if key else None
        title = int(frame.get("system_title_hex") or "0", 16)
        framing = {"llc_apdu": "raw", "raw_apdu": "raw"}.get(frame["framing"], frame["framing"])
        frames = (octets[3:] if frame["framing"] == "llc_apdu" else octets,)
        if framing == "mbus":
            frames = tuple(_cut(octets))
        yield name, Case(frames, framing, pair, title)


def _cut(octets):
    """M-Bus frames of one read: gurux-dlms takes them one by one."""
    while octets:
        yield octets[: octets[1] + 6]
        octets = octets[octets[1] + 6 :]


CASES = MADE | dict(real())

NOTHING, RAISES, OTHER = "nothing", "raises", "other"
OURS, THEIRS, BOTH = "Kvarn", "gurux-dlms", "both"


@dataclass(frozen=True)
class Difference:
    """What gurux-dlms makes of the frame, who is right, and why."""

    theirs: str
    right: str
    why: str


_UNREAD = "a client reads no requests, and gives their data not back"
_DEDICATED = "its code for dedicated keys misses an attribute"
_EVENTS = "it takes the notification and gives no value"

DIFFERENCES: dict[str, Difference] = {
    "general-ded": Difference(RAISES, OURS, _DEDICATED),
    "ded-get-response": Difference(RAISES, OURS, _DEDICATED),
    "general-ciphering": Difference(RAISES, OURS, "its code for the fields calls a method that is not there"),
    "event-notification": Difference(NOTHING, OURS, _EVENTS),
    "event-notification with time": Difference(NOTHING, OURS, _EVENTS),
    "glo-event-notification": Difference(NOTHING, OURS, _EVENTS),
    "data: bit-string": Difference(OTHER, OURS, "it counts the unused bits of the last octet too"),
    "data: utf8-string": Difference(OTHER, OURS, "it gives the octets in hex in place of the text"),
    "data: dont-care": Difference(OTHER, OURS, "it leaves the element out, so that those behind move up"),
    "data: compact-array of arrays": Difference(RAISES, OURS, "it reads no arrays of fixed length inside"),
    "compact array over hdlc segments": Difference(RAISES, OURS, "it begins to read before all segments have come"),
    "a length cut by the end of an hdlc segment": Difference(
        RAISES, OURS, "it begins to read before all segments have come"
    ),
    "mbus, ciphered in three frames": Difference(NOTHING, OURS, "it ends at the second frame"),
    "mbus, plain in two frames": Difference(RAISES, OURS, "it takes the second frame for another APDU"),
    "amshan-kaifa-no_list_2": Difference(RAISES, OURS, "the meter puts a tag before the date-time"),
    "dlmsparser-raw_egd_example": Difference(RAISES, OURS, "the meter sends attribute descriptors without tags"),
    "pwitab-action-req": Difference(NOTHING, BOTH, _UNREAD),
    "pwitab-range-descriptor-request": Difference(NOTHING, BOTH, _UNREAD),
}


def ours(case):
    """Data of all answers, in order."""
    keys = Keys(lambda _title: case.keys, server=case.title, dedicated=DEDICATED[0] if case.dedicated else None)
    found, transfers = [], Transfers()
    reads = [b"".join(case.frames)] if case.framing in ("hdlc", "mbus") else case.frames
    for read in reads:
        for piece in pieces(read):
            if piece.error is not None:
                raise piece.error
            apdu = piece.apdu
            while apdu:
                apdu = _step(apdu, keys, transfers, found)
    return found


def _step(apdu, keys, transfers, found):
    """What is inside, or nothing where the values have been found."""
    section = Section("", apdu)
    if is_ciphered(apdu[0]):
        opened = unseal(section, keys)
        if opened.fault is not None:
            raise opened.fault
        return opened.apdu
    message = read_apdu(section)
    if message.fault is not None:
        raise message.fault
    if message.block is not None:
        whole = transfers.join(message.block)
        if whole is None or message.block.apdu:
            return whole
        read_joined(Section("", whole), message.block.service, message)
    found += [plain(answer.datum) for answer in message.answers if answer.datum is not None]
    return None


def plain(data: Datum):
    """As `theirs_plain` has it."""
    if data.tag == 19:
        data = unpacked(data)
    if data.tag in (1, 2):
        return [plain(item) for item in data.value]
    if data.tag == 4:
        count, octets = data.value
        return "".join(f"{octet:08b}" for octet in octets)[:count]
    if data.tag == 25:
        return wall_text(data.value)
    if data.tag == 26:
        return wall_text(data.value + bytes(7))[:10]
    if data.tag == 27:
        return f"{data.value[0]:02}:{data.value[1]:02}:{data.value[2]:02}"
    if data.tag in (10, 12):
        return data.value.decode("utf-8")
    return data.value


def theirs(case):
    """The value that gurux-dlms gives for the frames, None when it gives none; raises what it raises."""
    from gurux_dlms.enums import Authentication, InterfaceType, Security
    from gurux_dlms.objects.enums import SecuritySuite
    from gurux_dlms.secure import GXDLMSSecureClient

    # It says on standard output of each frame how it was protected.
    sys.modules["gurux_dlms.GXDLMSChippering"].print = lambda *_: None
    kinds = {"hdlc": InterfaceType.HDLC, "wrapper": InterfaceType.WRAPPER, "mbus": InterfaceType.WIRED_MBUS}
    client = GXDLMSSecureClient(True, 16, 1, Authentication.NONE, None, kinds.get(case.framing, InterfaceType.PDU))
    if case.keys is not None:
        ciphering = client.ciphering
        ciphering.security, ciphering.securitySuite = Security.AUTHENTICATION_ENCRYPTION, SecuritySuite(case.suite)
        ciphering.systemTitle = bytearray(case.title.to_bytes(8, "big"))
        client.settings.sourceSystemTitle = ciphering.systemTitle
        ciphering.blockCipherKey, ciphering.authenticationKey = (bytearray(key) for key in case.keys)
        if case.dedicated:
            ciphering.dedicatedKey = bytearray(DEDICATED[0])
    reply, notify = gurux.GXReplyData(), gurux.GXReplyData()
    for frame in case.frames:
        buffer = gurux.GXByteBuffer(frame)
        client.getData(buffer, reply, notify)
        for _ in range(8 if case.framing in ("hdlc", "mbus") else 0):
            if buffer.position >= len(frame):
                break
            client.getData(buffer, reply, notify)
        if reply.isMoreData() and frame[0] == 0xC4:
            client.receiverReady(reply)  # what it would ask next; it counts the blocks there
    return notify.value if notify.value is not None else reply.value


def theirs_plain(value):
    """Numbers, strings, octets and lists alone."""
    if isinstance(value, list | tuple):
        return [theirs_plain(item) for item in value]
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, gurux.GXBitString):
        octets = bytes(value.value)
        return "".join(f"{octet:08b}" for octet in octets)[: 8 * len(octets) - value.padBits]
    if isinstance(value, gurux.GXDateTime):
        kinds = {gurux.GXDate: "%Y-%m-%d", gurux.GXTime: "%H:%M:%S"}
        return value.value.strftime(kinds.get(type(value), "%Y-%m-%d %H:%M:%S"))
    if isinstance(value, bool | int | float):
        return value if isinstance(value, bool) else float(value) if isinstance(value, float) else int(value)
    return value


def verdict(case):
    """ "same", or what gurux-dlms does instead, with both results."""
    try:
        mine = ours(case)
    except FrameError as error:
        mine = error
    try:
        other = theirs_plain(theirs(case))
    except Exception as error:  # noqa: BLE001 - it raises all kinds of them
        return ("same" if isinstance(mine, FrameError) else RAISES), mine, error
    if isinstance(mine, FrameError):
        return ("same" if other is None else OTHER), mine, other
    if mine in ([other], other) or (other is None and mine == []):
        return "same", mine, other
    return (NOTHING if other is None else OTHER), mine, other


@pytest.mark.parametrize("name", sorted(set(CASES) - set(DIFFERENCES)))
def test_both_read_the_same(name):
    assert verdict(CASES[name])[0] == "same", verdict(CASES[name])


@pytest.mark.parametrize("name", sorted(set(DIFFERENCES) & set(CASES)))
def test_the_difference_is_still_there(name):
    assert verdict(CASES[name])[0] == DIFFERENCES[name].theirs, verdict(CASES[name])


numbers = st.one_of(
    st.builds(datum, st.just(3), st.booleans()),
    st.builds(datum, st.just(5), st.integers(-(2**31), 2**31 - 1)),
    st.builds(datum, st.just(6), st.integers(0, 2**32 - 1)),
    st.builds(datum, st.just(15), st.integers(-128, 127)),
    st.builds(datum, st.just(16), st.integers(-(2**15), 2**15 - 1)),
    st.builds(datum, st.sampled_from([13, 17, 22]), st.integers(0, 255)),
    st.builds(datum, st.just(18), st.integers(0, 2**16 - 1)),
    st.builds(datum, st.just(20), st.integers(-(2**63), 2**63 - 1)),
    st.builds(datum, st.just(21), st.integers(0, 2**64 - 1)),
    st.builds(datum, st.just(23), st.floats(width=32, allow_nan=False)),
    st.builds(datum, st.just(24), st.floats(allow_nan=False)),
)
strings = st.builds(datum, st.just(9), st.binary(max_size=300)) | st.builds(
    datum, st.just(10), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.encode)
)
packed = st.lists(st.integers(0, 2**16 - 1), max_size=40).map(
    lambda items: b"\x13\x12" + length_octets(2 * len(items)) + struct.pack(f">{len(items)}H", *items)
)
trees = st.recursive(
    numbers | strings | packed | st.just(b"\0"),
    lambda inner: st.builds(datum, st.sampled_from([1, 2]), st.lists(inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(trees, min_size=1, max_size=4), st.sampled_from(["raw", "wrapper", "hdlc", "mbus", "sealed", "blocks"]))
def test_both_read_the_same_of_any_data(items, way):
    apdu = notification(datum(2, items))
    cases = {
        "raw": lambda: Case((apdu,)),
        "wrapper": lambda: Case((wrapped(apdu),), "wrapper"),
        # Strings and compact arrays over segments, and plain APDUs over M-Bus frames, stand in the table.
        "hdlc": lambda: Case(tuple(segments(apdu, 2000)), "hdlc"),
        "mbus": lambda: Case(tuple(mbus(apdu)), "mbus") if len(apdu) <= 240 else Case((apdu,)),
        "sealed": lambda: Case((general(0xDB, apdu),), keys=KEYS),
        "blocks": lambda: Case(tuple(blocks(apdu, 100))),
    }
    found = verdict(cases[way]())
    assert found[0] == "same", found
    assert len(found[1][0]) == len(items)


PAGE = Path(__file__).parents[2] / "docs" / "decoding.md"


def test_the_page_lists_every_difference_and_no_other():
    rows = [f"| {name} | {item.theirs} | {item.right} | {item.why} |" for name, item in DIFFERENCES.items()]
    section = PAGE.read_text("utf-8").split("## Where gurux-dlms differs", 1)[1]
    assert [line for line in section.splitlines() if line.startswith("|")][2:] == rows


def test_most_real_frames_are_read_by_both():
    """A comparison with frames that neither reads would say nothing."""
    read = [name for name in FRAMES if verdict(CASES[name])[0] == "same" and ours_or_none(CASES[name])]
    assert len(read) >= 16 or not FRAMES


def ours_or_none(case):
    try:
        return ours(case)
    except FrameError:
        return None
