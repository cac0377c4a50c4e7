"""The plain records: what leaves the house, one Avro record each, with a doc on every field.

Determinant    one revision of a bill key with all its determinants
Loss           one revision of a node's balance
ReadingException  something in a service point's readings that somebody should look at
EstimateScore  how far estimates of a method are off, at a length of gap, in a class of service points
Event          one meter event: an edge of the event status word
ProfileRow     a row of a profile as its meter sends it: nameplate, billing, values at an event
Reject         a frame, or a row of one, that was not used (also what is parked)
ColdRequest    rows that are older than the hot window: a correction of closed days is asked for
Command        something that a meter is to be asked or told
CommandResult  what became of it
Fact           what others say of a service point, a network node or a place: an outage, a temperature, a check meter
Edit           an event of an edit of readings
ExceptionWork  what somebody does about an exception
Readiness      whether a consumer's billing cycle can be billed
Payment        what is paid for an account, or changes what it owes
LedgerEntry    an entry of a prepaid account's ledger
MeterReadingOrder  what a billing system wants read, takes back, or has billed

The tables here are what `schemas.render` makes the `.avsc` files from. Units stand in brackets at the start of a doc,
and a doc says what null means wherever null is allowed. Code lists come from `pipeline.codes`.
"""

from __future__ import annotations

from pipeline.codes import REJECT_CODES, Level
from pipeline.rules import RULES, Severity
from schemas.cold_requests import COLD_REQUEST
from schemas.commands import COMMAND, COMMAND_RESULT
from schemas.common import DEVICE_DOC, FLAGS, ORIGIN, REPORTER, STATE
from schemas.determinants import DETERMINANT
from schemas.edits import EDIT, EXCEPTION_WORK
from schemas.estimate_score import ESTIMATE_SCORE
from schemas.facts import FACT
from schemas.fields import Field, Record, enum, nullable
from schemas.meter_reading_orders import METER_READING_ORDER
from schemas.prepaid import LEDGER_ENTRY, PAYMENT
from schemas.profile_rows import PROFILE_ROW
from schemas.readiness import READINESS

# ------------------------------------------------------------------------------------------------ losses

LOSS_SPAN = (("INTERVAL", "one metering interval"), ("DAY", "one local day"))

LEVEL_DOC = {Level.DT: "distribution transformer", Level.FEEDER: "11 kV feeder", Level.SUBSTATION: "substation"}

LOSS = Record(
    "Loss",
    "One revision of the energy balance of a network node. The key is (node, span, start).",
    (
        Field("node", "long", "Network node; a positive id of the registry."),
        Field("name", "string", "Name of the node; its id in decimal when it has none."),
        Field(
            "level",
            enum("Level", "Level of the node.", ((level.name, LEVEL_DOC[level]) for level in Level)),
            "Level of the node in the network.",
        ),
        Field("span", enum("LossSpan", "Length of the balance.", LOSS_SPAN), "What the balance covers."),
        Field("start", "long", "[s] Start of the balance, epoch seconds UTC, included."),
        Field("secs", "long", "[s] Length of the balance."),
        Field("revision", "long", "Order of the revisions of a key: the larger replaces the smaller."),
        Field("supersedes", nullable("long"), "Revision that this one replaces; null for the first."),
        Field("state", enum("State", "Whether it can still change.", STATE), "Provisional or final."),
        Field("input_wh", "long", "[Wh] Import less export at the meters that feed the node."),
        Field("output_wh", "long", "[Wh] Import less export at what the node feeds."),
        Field("loss_wh", "long", "[Wh] input_wh - output_wh; negative when the network data or a factor is wrong."),
        Field("estimated_wh", "long", "[Wh] The part of output_wh that is estimated."),
        Field("coverage", "int", "[1/1000] actual / expected, rounded down; 0 when nothing is expected."),
        Field("expected", "int", "Intervals of service points fed by the node that the balance should have."),
        Field("actual", "int", "Of these with an actual reading."),
        Field("estimated", "int", "Of these with an estimated reading."),
        Field("inputs_expected", "int", "Intervals of the node's input meters that the balance should have."),
        Field("inputs_actual", "int", "Of these with an actual reading."),
        Field(
            "tick_time",
            "long",
            "[s] Time of the log that closed it: the smallest tick over all sources, epoch seconds UTC.",
        ),
        *ORIGIN,
    ),
)

# ------------------------------------------------------------------------------------------------ exceptions

EXCEPTION_STATE = (
    ("OPEN", "somebody should look at it"),
    ("CLOSED", "late data have put it right, or the run of days or months has ended"),
)
SEVERITY_DOC = {
    Severity.INFORMATION: "told and counted; quality and value stay",
    Severity.WARNING: "the quality becomes that of the rule; the value stays",
    Severity.ERROR: "the value cannot be used: it is estimated",
}

READING_EXCEPTION = Record(
    "ReadingException",
    "One revision of something in a service point's readings that somebody should look at. The key is (service_point, "
    "rule, period_start).",
    (
        Field("service_point", "long", "Service point; a positive id of the registry."),
        Field(
            "rule",
            enum("ReadingRule", "Validation rule.", ((rule.code, rule.name) for rule in RULES)),
            "Rule that failed: docs/reference/rules.md.",
        ),
        Field(
            "severity",
            enum("RuleSeverity", "What a failure does.", ((one.name, SEVERITY_DOC[one]) for one in Severity)),
            "Severity of the rule.",
        ),
        Field("period_start", "long", "[s] Start of the first local day, epoch seconds UTC, included."),
        Field(
            "period_end",
            "long",
            "[s] End of the last local day that is settled, epoch seconds UTC, not included. A run of days that is "
            "open goes on behind it.",
        ),
        Field("revision", "long", "Order of the revisions of a key: the larger replaces the smaller."),
        Field("state", enum("ExceptionState", "Whether it is open.", EXCEPTION_STATE), "Open or closed."),
        Field("intervals_expected", "int", "Intervals of the last day."),
        Field("intervals_actual", "int", "Of these with an actual reading."),
        Field("intervals_estimated", "int", "Of these with an estimated reading."),
        Field("intervals_missing", "int", "Of these with no reading at all."),
        Field("intervals_suspect", "int", "Of these with a suspect reading."),
        Field(
            "wh_at_stake",
            "long",
            "[Wh] Import of the last day that is estimated, suspect or unexplained; of V17 and V19 how far the use of "
            "the last month is from what was expected, of V20 that of the last day; of V24 what was used, of V36 how "
            "far the day's energy has changed, of V35 what was lost, or was there too much.",
        ),
        Field("paise_at_stake", "long", "[paise] The same at the average rate that the stage is told, to sort by."),
        Field(
            "stage",
            "string",
            "Stage that found it: exceptions (days), usage (months), losses (nodes), decode (what meters say of "
            "themselves). Two records of the same stage, topic id, partition, offset and index are copies.",
            default="exceptions",
        ),
        Field(
            "found",
            nullable("long"),
            "What was judged: V24 Wh that were used, V36 Wh of the day now, V35 Wh that flowed out, V13 Wh of the "
            "zones, V31 thousandths of the ratio in the meter, V28 W of the meter's maximum demand; null for other "
            "rules.",
            None,
        ),
        Field(
            "expected",
            nullable("long"),
            "What it was compared with: V24 Wh that are let pass, V36 Wh of the day when it was final, V35 Wh that "
            "flowed in, V13 Wh of the total register, V31 thousandths of the registry's ratio, V28 W of the largest "
            "interval; null for other rules.",
            None,
        ),
        Field(
            "node",
            "long",
            "Network node, of which `service_point` is the meter (V35); 0 for what is found at a service point.",
            0,
        ),
        Field("tick_time", "long", "[s] Time of the log at which it was seen, epoch seconds UTC."),
        *ORIGIN,
    ),
)

# ------------------------------------------------------------------------------------------------ events

EVENT_SOURCE = (
    ("ESW", "an edge of the event status word of a push"),
    ("LOG", "an entry of an event log profile"),
    ("PIPELINE", "found by a stage, not reported by the meter"),
)

EVENT_EDGE = (
    ("OCCURRED", "the condition began, or a momentary event took place"),
    ("RESTORED", "the condition ended"),
)


EVENT = Record(
    "Event",
    "One meter event (IS 15959 part 2).",
    (
        Field("service_point", "long", "Service point at the time of the event; a positive id of the registry."),
        REPORTER,
        Field("time", "long", "[s] The meter's own clock, epoch seconds UTC."),
        Field("received_at", "long", "[s] When the connector had the frame, epoch seconds UTC."),
        Field("source", enum("EventSource", "Where it was read.", EVENT_SOURCE), "Where it was read."),
        Field("edge", enum("EventEdge", "Begin or end.", EVENT_EDGE), "Begin or end of the condition."),
        Field("name", "string", "What happened, in words: magnetic influence, last gasp, ..."),
        Field(
            "bit", nullable("int"), "Bit of the event status word, 0 the highest of its first octet; null for others."
        ),
        Field("code", nullable("int"), "Event code of IS 15959; null when the bit has none."),
        FLAGS,
        Field("frame", "int", "Frame within the source record, from 0; -1 when it came from none."),
        *ORIGIN,
    ),
)

# ------------------------------------------------------------------------------------------------ rejects

REJECT = Record(
    "Reject",
    "A frame, or a row of one, that was not used: with why, where it came from and its bytes. Parked ones flow on when "
    "what they wait for is there.",
    (
        Field("stage", "string", "Stage that refused it: connector, decode, vee, ..."),
        Field(
            "code",
            enum("RejectCode", "Why it was refused.", ((row.code, row.meaning) for row in REJECT_CODES)),
            "Why it was refused; docs/reference/rejects.md says what to do next.",
        ),
        Field("parked", "boolean", "True: it is kept to be offered again; false: it is a dead letter."),
        Field("topic", "string", "Topic or endpoint that the bytes were read from."),
        Field("partition", "int", "Partition they were read from; -1 when it was no topic."),
        Field("offset", "long", "Offset they were read from; -1 when it was no topic."),
        Field("frame", "int", "Frame within that record, from 0; -1 when the code is not about a single frame."),
        Field("service_point", "long", "Service point; 0 when not known."),
        Field("device", "string", f"Device: {DEVICE_DOC}; empty when not known."),
        Field("received_at", "long", "[s] When the connector had the frame, epoch seconds UTC."),
        Field(
            "time",
            nullable("long"),
            "[s] Stamp of the row that was refused, epoch seconds UTC; null when the whole frame was.",
            None,
        ),
        Field("detail", "string", "What was found, for a person; no keys, no plain text of encrypted frames."),
        Field("raw", "bytes", "The frame as it came; cut at 64 KiB; empty when a stage behind decode refused a row."),
        *ORIGIN,
    ),
)

# ------------------------------------------------------------------------------------------------ all

STORED: tuple[Record, ...] = (
    DETERMINANT, LOSS, READING_EXCEPTION, ESTIMATE_SCORE, EVENT, PROFILE_ROW, REJECT, FACT, EDIT, EXCEPTION_WORK,
    COLD_REQUEST, READINESS, PAYMENT, LEDGER_ENTRY,
)  # fmt: skip
"""Those that sinks take."""

STORED_SCHEMAS = frozenset({"ReadingBatch", *(one.name for one in STORED)})
"""Names of all schemas that sinks take: readings, and plain records."""

RECORDS: tuple[Record, ...] = (*STORED, COMMAND, COMMAND_RESULT, METER_READING_ORDER)
