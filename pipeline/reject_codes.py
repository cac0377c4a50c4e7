"""Reject codes: why a frame, or a row of it, was not used. Numbers are contracts, as all of `pipeline.codes`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RejectCode:
    """Why a frame, or a row of it, went to `rejects` (or is parked); `number` is what kernels write."""

    number: int
    code: str
    stage: str
    parked: bool
    meaning: str
    next_step: str


REJECT_CODES: tuple[RejectCode, ...] = (
    RejectCode(
        1,
        "DEVICE_UNKNOWN",
        "connector",
        True,
        "the registry does not know this device yet",
        "register the device; the frame flows on by itself as late data",
    ),
    RejectCode(
        2,
        "FRAME_UNREADABLE",
        "connector",
        False,
        "no system title or device could be read from the bytes",
        "check what is connected to this port or topic",
    ),
    RejectCode(
        3,
        "WRAPPER_VERSION",
        "connector",
        False,
        "the WRAPPER version is not 1",
        "check the sender's framing (IEC 62056-47)",
    ),
    RejectCode(
        4,
        "FRAME_TOO_LONG",
        "connector",
        False,
        "a declared length is above the limit; at decode: more rows than a profile or a record can have",
        "check the sender; raise the limit only if its frames are really that long",
    ),
    RejectCode(
        5,
        "FRAME_TRUNCATED",
        "decode",
        False,
        "the bytes end before the declared length",
        "check the transport; the meter will send the block again with the next profile read",
    ),
    RejectCode(
        6,
        "APDU_UNKNOWN",
        "decode",
        False,
        "the first APDU octet is not one that is decoded",
        "keep the frame; it can be decoded when its APDU is supported",
    ),
    RejectCode(
        7,
        "SECURITY_UNSUPPORTED",
        "decode",
        False,
        "suite, tag or compression of the security control octet",
        "check the meter's security policy",
    ),
    RejectCode(
        8,
        "KEY_UNKNOWN",
        "decode",
        True,
        "no key for this system title in the key store, or not of the kind that the frame needs",
        "add the key (32 octets for suite 2, the broadcast key for its key set); requeue the frame",
    ),
    RejectCode(
        9,
        "DECRYPT_FAILED",
        "decode",
        False,
        "the authentication tag does not fit: wrong key or altered bytes",
        "check the key version of the meter; look for corruption on the way",
    ),
    RejectCode(
        10,
        "COUNTER_REPLAYED",
        "decode",
        False,
        "this invocation counter was seen with other bytes",
        "look at the meter's security event log",
    ),
    RejectCode(
        11,
        "COUNTER_TOO_OLD",
        "decode",
        False,
        "older than the window of 256 counters",
        "nothing, if the profile read has filled the gap; else requeue",
    ),
    RejectCode(12, "COUNTER_DUPLICATE", "decode", False, "the same frame again", "nothing: the first copy was used"),
    RejectCode(
        13,
        "DATA_MALFORMED",
        "decode",
        False,
        "the A-XDR structure is broken or beyond the limits",
        "keep the frame for the meter's maker",
    ),
    RejectCode(
        14,
        "TEMPLATE_UNKNOWN",
        "decode",
        False,
        "no template fits this push of this meter",
        "add a template for manufacturer and profile; requeue",
    ),
    RejectCode(
        15,
        "CLOCK_UNUSABLE",
        "decode",
        False,
        "the stamp has unspecified or impossible fields",
        "check the meter's clock",
    ),
    RejectCode(
        16,
        "NOT_LINKED",
        "decode",
        True,
        "the device was at no service point at the time of the reading",
        "check the installation dates of the device",
    ),
    RejectCode(
        17,
        "TOO_OLD",
        "vee",
        False,
        "the interval is older than the hot window",
        "with `cold_days` its day is corrected (docs/cold.md); else what was estimated for its day stays",
    ),
    RejectCode(18, "IN_FUTURE", "vee", False, "the interval ends after the time of the log", "check the meter's clock"),
    RejectCode(
        19,
        "OFF_GRID",
        "vee",
        False,
        "the stamp is further from the grid than the tolerance",
        "check the meter's clock and its capture period",
    ),
    RejectCode(
        20,
        "DUPLICATE_INTERVAL",
        "vee",
        False,
        "the interval is there with the same values",
        "nothing: the first copy was used",
    ),
    RejectCode(21, "POISON", "worker", False, "a step failed on this frame", "report it with these bytes"),
    RejectCode(
        40,
        "MESSAGE_UNREADABLE",
        "connector",
        False,
        "a message or file of readings or frames is not of the declared format",
        "correct `format` or `payload`, or the sender; then send it again",
    ),
    RejectCode(
        41,
        "READING_UNREADABLE",
        "connector",
        False,
        "a decoded reading lacks a column, or has one that cannot be read",
        "the detail names row and column: correct it there, or the mapping, and send the row again",
    ),
    RejectCode(
        42,
        "NAME_UNKNOWN",
        "connector",
        False,
        "the head-end's name of the meter is no system title, no number, and not in `names`",
        "add the name to the file `names`; send the row again",
    ),
    RejectCode(
        43,
        "INTERVAL_OTHER",
        "connector",
        False,
        "the head-end's intervals are not as long as the registry says of this meter",
        "correct the registry, or the declared length; send the rows again",
    ),
    RejectCode(
        44,
        "ESTIMATE_UNUSED",
        "vee",
        False,
        "a head-end's estimate of an interval of which there is an actual value, or a larger estimate",
        "nothing: the other value is used",
    ),
    RejectCode(
        45,
        "REGISTER_NOT_ACTUAL",
        "vee",
        False,
        "a midnight register that the head-end calls estimated, edited or suspect: no day is settled to it",
        "nothing, if the actual register follows",
    ),
    RejectCode(
        50,
        "FRAME_DAMAGED",
        "decode",
        False,
        "a check sequence of the framing does not fit: HCS or FCS of HDLC, checksum of M-Bus",
        "look for noise on the line; the meter will send it again if it waits for an answer",
    ),
    RejectCode(
        51,
        "SEGMENT_MISSING",
        "decode",
        False,
        "segments or blocks of an APDU are missing, or stand out of order",
        "let the gateway send all of an APDU in one payload; the next profile read brings what is lost",
    ),
    RejectCode(
        60,
        "STATEMENT_POINT",
        "vee",
        False,
        "a statement about a service point, or a time of it, at which no meter stands",
        "correct service point or time; or register the meter, then say it again under a larger number",
    ),
    RejectCode(
        61,
        "STATEMENT_INTERVAL",
        "vee",
        False,
        "a statement about an interval that the meter does not have: begin or length are off its grid",
        "give begin and length of the meter's own intervals",
    ),
    RejectCode(
        62,
        "STATEMENT_VALUE",
        "vee",
        False,
        "an edit below zero, or above what is kept of an interval",
        "correct the value, in Wh and VAh times the multiplying factor",
    ),
    RejectCode(
        63,
        "STATEMENT_ROOM",
        "vee",
        False,
        "more is said of this service point within the hot window than its state can hold",
        "leave out what is said twice; or wait until a day has left the window",
    ),
    RejectCode(
        66,
        "PERIOD_CLOSED",
        "rating",
        False,
        "a day of a month before the last has changed, whose bill is no longer revised",
        "the readings are corrected (`readings_latest`, `days_latest`): adjust the bill by hand",
    ),
)

REJECT_NUMBER: dict[str, int] = {row.code: row.number for row in REJECT_CODES}
REJECT_BY_NUMBER: dict[int, RejectCode] = {row.number: row for row in REJECT_CODES}
