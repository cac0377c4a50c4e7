"""An association whose answers are arbitrary, altered or of somebody else; and the ciphering of answers."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.dlms_pull.client import Association, Credentials, Refused
from connectors.dlms_pull.pushes import is_push
from connectors.dlms_pull.sealing import Cipher, Unsealed, opened, proof
from connectors.dlms_pull.transport import NoAnswer, TcpConnection, check_sequence, failed
from pipeline.gcm_single import seal_one

ENCRYPTION, AUTHENTICATION = bytes(range(16)), bytes(range(0xD0, 0xE0))
METER, OURS = bytes.fromhex("4142430000012345"), b"KVN\0\0\0\0\1"

# AARE of a public association: accepted, InitiateResponse with conformance get, set, action, selective access, blocks.
AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400001c1d03e80007")
CLOCK_ANSWER = bytes.fromhex("c401c100090c07e90701ff0a0f0000feb600")
RELEASED = bytes.fromhex("6303800100")


def wrapped(apdu: bytes, version: int = 1) -> bytes:
    return struct.pack(">HHHH", version, 1, 48, len(apdu)) + apdu


class Answers:
    """A connection whose answers are made before."""

    address = "memory:1"
    answer_secs = 1.0

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.sent = list(answers), list[bytes]()

    async def exchange(self, request: bytes) -> bytes:
        await self.send(request)
        return await self.receive()

    async def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    async def receive(self) -> bytes:
        if not self.answers:
            raise failed("SILENT", self.address, "no more")
        return self.answers.pop(0)


async def talk(connection: Answers, credentials: Credentials) -> Any:
    association = Association(connection, credentials)
    await association.open()
    try:
        return await association.get(8, "0.0.1.0.0.255", 2)
    finally:
        await association.release()


PUBLIC = Credentials(48, 1, "wrapper")
HIGH = Credentials(48, 1, "wrapper", "gmac", 0x30, b"", OURS, METER, ENCRYPTION, AUTHENTICATION)


async def test_a_plain_association_reads_and_releases() -> None:
    connection = Answers(*(wrapped(apdu) for apdu in (AARE, CLOCK_ANSWER, RELEASED)))
    found = await talk(connection, PUBLIC)
    assert found.body.hex() == "07e90701ff0a0f0000feb600"
    assert [frame[8] for frame in connection.sent] == [0x60, 0xC0, 0x62]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.binary(max_size=80), max_size=4), st.sampled_from([PUBLIC, HIGH]))
def test_arbitrary_answers_are_no_answer(apdus: list[bytes], credentials: Credentials) -> None:
    try:
        asyncio.run(talk(Answers(*(wrapped(apdu) for apdu in apdus)), credentials))
    except (NoAnswer, Refused):
        return


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2), st.data())
def test_an_answer_with_an_altered_octet_is_an_answer_or_none(which: int, data: st.DataObject) -> None:
    apdus = [bytearray(apdu) for apdu in (AARE, CLOCK_ANSWER, RELEASED)]
    place = data.draw(st.integers(0, len(apdus[which]) - 1))
    apdus[which][place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del apdus[which][place:]
    try:
        asyncio.run(talk(Answers(*(wrapped(bytes(apdu)) for apdu in apdus)), PUBLIC))
    except (NoAnswer, Refused):
        return


async def test_an_association_in_plain_is_refused_where_it_must_be_ciphered() -> None:
    with pytest.raises(NoAnswer, match=r"OTHER_METER|NOT_PROTECTED|NOT_PROVED"):
        await talk(Answers(wrapped(AARE), wrapped(CLOCK_ANSWER)), HIGH)


async def test_counters_end_before_those_of_somebody_else_begin() -> None:
    association = Association(Answers(wrapped(AARE)), HIGH, 100, 102)
    with pytest.raises(NoAnswer, match="COUNTERS_USED"):
        await association.open()


PROTECTED = Credentials(48, 1, "wrapper", "none", 0x30, b"", OURS, METER, ENCRYPTION, AUTHENTICATION)
INITIATED = bytes.fromhex("0800065f1f0400001c1d03e80007")
PUSHES = [bytes.fromhex(text) for text in ("c200000700000000000000ff0200", "0f00000001000203")]
SWITCHED = bytes.fromhex("c701c10000")


def protected_aare() -> bytes:
    user = answer(1, INITIATED, tag=0x28)
    body = bytes.fromhex("a109060760857405080103a203020100a305a103020100a40a0408") + METER
    body += bytes([0xBE, len(user) + 2, 4, len(user)]) + user
    return bytes([0x61, len(body)]) + body


async def switched(*answers: bytes, credentials: Credentials = PROTECTED) -> None:
    aare = protected_aare() if credentials.protection else AARE
    association = Association(Answers(*(wrapped(apdu) for apdu in (aare, *answers))), credentials)
    await association.open()
    await association.act(70, "0.0.96.3.10.255", 1)


async def test_a_protected_association_acts_and_a_push_in_between_is_passed_over() -> None:
    await switched(answer(2, SWITCHED, tag=0xCF))
    await switched(*PUSHES, b"\xca\x00", answer(2, PUSHES[1], tag=0xDB), answer(3, SWITCHED, tag=0xCF))
    await switched(*PUSHES, SWITCHED, credentials=PUBLIC)
    with pytest.raises(NoAnswer, match="SILENT"):
        await switched(*PUSHES)
    with pytest.raises(Refused):
        await switched(answer(2, bytes.fromhex("c701c10300"), tag=0xCF))


@pytest.mark.parametrize(
    "clear", ["6303800100", "6100", "c701c10000", "c401c1000f01", "c501c100", "d80101", "0e010401"]
)
async def test_an_answer_in_clear_is_none_in_a_protected_association(clear: str) -> None:
    with pytest.raises(NoAnswer):
        await switched(bytes.fromhex(clear))
    with pytest.raises(NoAnswer):
        # What is opened before it opens nothing for it.
        await switched(answer(2, PUSHES[1], tag=0xDB), bytes.fromhex(clear))


@pytest.mark.parametrize("other", ["c501c100", "c401c1000f01", "c701c20000", "6303800100"])
@pytest.mark.parametrize("credentials", [PROTECTED, PUBLIC])
async def test_the_answer_to_something_else_is_none(other: str, credentials: Credentials) -> None:
    apdu = bytes.fromhex(other)
    with pytest.raises(NoAnswer):
        await switched(answer(2, apdu, tag=0xCF) if credentials.protection else apdu, credentials=credentials)


async def test_no_value_is_taken_of_a_push_or_of_a_block_in_clear() -> None:
    for clear in ("0f00000001000203", "c402c100000000010003090102", "c402c10100000001000412000700"):
        association = Association(Answers(wrapped(protected_aare()), wrapped(bytes.fromhex(clear))), PROTECTED)
        await association.open()
        with pytest.raises(NoAnswer):
            await association.get(8, "0.0.1.0.0.255", 2)


async def test_pushes_do_not_make_the_time_limit_longer() -> None:
    class Pushing(Answers):
        answer_secs = 0.2

        async def receive(self) -> bytes:
            if self.answers:
                return self.answers.pop(0)
            await asyncio.sleep(0.02)
            return wrapped(PUSHES[0])

    association = Association(Pushing(wrapped(protected_aare())), PROTECTED)
    await association.open()
    with pytest.raises(NoAnswer, match="SILENT"):
        async with asyncio.timeout(2):
            await association.act(70, "0.0.96.3.10.255", 1)


@pytest.mark.parametrize(("control", "apdu", "push"), [(0x13, "e6e7000f00", True), (0x03, "00", True),
                                                       (0x30, "e6e700c200", True), (0x30, "e6e700c401", False),
                                                       (0x11, "", False)])  # fmt: skip
def test_a_push_over_hdlc_is_known_by_its_control_octet_or_its_tag(control: int, apdu: str, push: bool) -> None:
    frame = hdlc(bytes([0x61, 0x00, 0x02, 0x00, 0x23, control, 0, 0]) + bytes.fromhex(apdu))
    assert is_push(frame, "hdlc", begins=True) is push
    assert is_push(frame, "hdlc", begins=False) is (control & ~0x10 == 0x03)


def cipher(control: int = 0x30) -> Cipher:
    return Cipher(OURS, ENCRYPTION, AUTHENTICATION, control)


def answer(counter: int, plain: bytes = b"plain", control: int = 0x30, title: bytes = METER, tag: int = 0xCC) -> bytes:
    sealed = seal_one(control, (ENCRYPTION, AUTHENTICATION), int.from_bytes(title, "big"), counter, plain)
    body = bytes([control]) + counter.to_bytes(4, "big") + sealed
    head = bytes([tag, 8]) + title if tag == 0xDB else bytes([tag])
    return head + bytes([len(body)]) + body


@pytest.mark.parametrize("control", [0x10, 0x20, 0x30])
def test_an_answer_is_opened_with_what_was_asked_for(control: int) -> None:
    mine = cipher(control)
    assert opened(answer(7, control=control), METER, mine) == (b"plain", control, 7)
    for wrong in (answer(7, control=control), answer(6, control=control)):
        with pytest.raises(Unsealed, match="counter"):
            opened(wrong, METER, mine)
    other = 0x30 if control != 0x30 else 0x20
    with pytest.raises(Unsealed, match="security control"):
        opened(answer(8, control=other), METER, mine)


@given(st.integers(2, 22), st.integers(1, 255))
def test_an_altered_answer_is_not_opened(place: int, flip: int) -> None:
    altered = bytearray(answer(7))
    altered[place] ^= flip
    with pytest.raises(Unsealed):
        opened(bytes(altered), METER, cipher())


def test_an_answer_of_another_meter_is_not_opened() -> None:
    with pytest.raises(Unsealed):
        opened(answer(7, title=OURS), METER, cipher())
    general = b"\xdb\x08" + OURS + answer(7, title=OURS)[1:]
    with pytest.raises(Unsealed, match="system title"):
        opened(general, METER, cipher())
    assert opened(b"\xdb\x08" + METER + answer(7)[1:], METER, cipher())[0] == b"plain"


@given(st.binary(max_size=60))
def test_any_octets_are_opened_or_not(raw: bytes) -> None:
    with pytest.raises(Unsealed):
        opened(raw, METER, cipher())


def test_the_proof_of_hls_is_that_of_the_standard() -> None:
    title = bytes.fromhex("4D4D4D0000000001")
    assert proof(cipher(), title, 1, bytes.fromhex("503677524A323146")).hex() == "10000000011a52fe7dd3e72748973c1e28"


async def framed(octets: bytes, framing: str) -> bytes:
    """What a connection reads of these octets, after which the other side closes."""
    reader = asyncio.StreamReader()
    reader.feed_data(octets)
    reader.feed_eof()
    connection = TcpConnection(reader, None, "memory:1", framing, 1.0)  # type: ignore[arg-type]
    return await connection.receive()


def hdlc(body: bytes) -> bytes:
    head = (0xA000 | len(body) + 4).to_bytes(2, "big") + body
    return b"\x7e" + head + check_sequence(head) + b"\x7e"


async def test_frames_are_read_whole_and_noise_in_front_of_hdlc_is_read_over() -> None:
    assert await framed(wrapped(b"abc") + wrapped(b"d"), "wrapper") == wrapped(b"abc")
    frame = hdlc(bytes.fromhex("610373"))
    for before in (b"", b"\x00\xff", b"\x7e\x7e"):
        assert await framed(before + frame, "hdlc") == frame


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["wrapper", "hdlc"]))
def test_any_octets_are_a_frame_or_no_answer(octets: bytes, framing: str) -> None:
    try:
        asyncio.run(framed(octets, framing))
    except NoAnswer:
        return


@given(st.integers(3, 8), st.integers(1, 255))
def test_an_altered_hdlc_frame_is_none(place: int, flip: int) -> None:
    frame = bytearray(hdlc(bytes.fromhex("61037300112233")))
    frame[place] ^= flip
    with pytest.raises(NoAnswer):
        asyncio.run(framed(bytes(frame), "hdlc"))
