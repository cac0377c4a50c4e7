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

The tables here are what `schemas.render` makes the `.avsc` files from. Units stand in brackets at the start of a doc,
and a doc says what null means wherever null is allowed. Code lists come from `pipeline.codes`.
"""

from __future__ import annotations

from pipeline.channels import CHANNELS, ENERGY
from pipeline.codes import REJECT_CODES, Flag, Level
from pipeline.rules import RULES, Severity
from schemas.edits import EDIT, EXCEPTION_WORK
from schemas.estimate_score import estimate_score
from schemas.fields import Field, Record, array, enum, nullable, record
from schemas.profile_rows import profile_row

ORIGIN = (
    Field("source_topic_id", "string", "Id of the log that this record was made from; empty when it came from no log."),
    Field("source_partition", "int", "Partition of that log; -1 when none."),
    Field("source_offset", "long", "Offset of the record in that log which gave rise to this one; -1 when none."),
    Field(
        "source_index",
        "int",
        "Place among the records that this offset gave rise to in the same output, from 0. Two records with the same "
        "topic id, partition, offset and index are copies.",
    ),
)

STATE = (
    ("PROVISIONAL", "may still change as late readings arrive"),
    ("FINAL", "the hot window is closed; only a correction changes it"),
)

DEVICE_DOC = "DLMS system title as 16 hexadecimal digits, upper case"

# ------------------------------------------------------------------------------------------------ determinants

DETERMINANT_KIND = (("DAY", "one local day"), ("MONTH", "one billing month"))

DETERMINANT_REASON = (
    ("FIRST", "first revision of this bill key"),
    ("LATE_DATA", "readings or registers arrived after the revision before"),
    ("RE_ESTIMATED", "substituted values changed"),
    ("FINALISED", "the period closed for good"),
    ("EDITED", "a person changed a reading"),
    ("REGISTRY", "the registry changed: device, multiplying factor, tariff or account"),
    ("TARIFF", "another version of the tariff is in force for the period"),
    ("RUNNING", "another day was added to the running period"),
)

REGISTER_SOURCE = (
    ("REGISTERS", "difference of the meter's own registers, times the multiplying factor"),
    ("INTERVALS", "sum of intervals, because a register is missing at one end"),
)

_REGISTER = record(
    "Register",
    "One energy register of the period.",
    (
        Field(
            "channel",
            enum("Channel", "Energy channel.", ((channel.name, channel.doc) for channel in ENERGY)),
            "Which register.",
        ),
        Field(
            "opening",
            nullable("long"),
            "[Wh or VAh] Reading at period_start of the device that stood there then, before the multiplying factor; "
            "null when not known.",
        ),
        Field(
            "closing",
            nullable("long"),
            "[Wh or VAh] Reading at period_end of the device that stood there then; null when not known. With more "
            "than one meter segment closing - opening is not the energy of the period.",
        ),
        Field(
            "source", enum("RegisterSource", "Where the energy comes from.", REGISTER_SOURCE), "Source of the energy."
        ),
    ),
)

_ZONE = record(
    "Zone",
    "Energy in one time-of-day zone.",
    (
        Field("zone", "string", "Name of the zone in the tariff."),
        Field("wh", "long", "[Wh] Active energy, import, in this zone."),
    ),
)

_LINE = record(
    "TariffLine",
    "One line of the bill: base x rate, rounded once, to the paisa.",
    (
        Field("code", "string", "Code of the line in the tariff: fixed charge, a slab of the energy charge, duty, ..."),
        Field("base", "long", "What the rate is applied to, in `base_unit`."),
        Field("base_unit", "string", "Unit of base: Wh, VAh, W, VA, months, paise."),
        Field(
            "rate",
            "string",
            "Exact decimal: rupees per kWh, kVAh, kW, kVA or month as base_unit says; per cent if base_unit is paise.",
        ),
        Field("paise", "long", "[paise] Amount of the line; negative for a rebate."),
    ),
)

DETERMINANT = Record(
    "Determinant",
    "One revision of all billing determinants of a bill key. The key is (account, service_point, period_start, "
    "period_end, kind); versions of tariff and rules are attributes of the revision and never part of the key.",
    (
        Field("account", "long", "Account that is billed; 0 when the service point has none."),
        Field("service_point", "long", "Service point (installation); a positive id of the registry."),
        Field("period_start", "long", "[s] Start of the period, epoch seconds UTC, included."),
        Field("period_end", "long", "[s] End of the period, epoch seconds UTC, not included."),
        Field("kind", enum("DeterminantKind", "Length of the period.", DETERMINANT_KIND), "What the period is."),
        Field("revision", "long", "Order of the revisions of a bill key: the larger replaces the smaller."),
        Field("supersedes", nullable("long"), "Revision that this one replaces; null for the first."),
        Field("reason", enum("DeterminantReason", "Why there is a revision.", DETERMINANT_REASON), "Why it was made."),
        Field("state", enum("State", "Whether it can still change.", STATE), "Provisional or final."),
        Field("meter_segments", "int", "Number of devices that measured the period; above 1 after a meter exchange."),
        Field("wh_imp", "long", "[Wh] Active energy, import, times the multiplying factor."),
        Field("vah_imp", "long", "[VAh] Apparent energy while importing, times the multiplying factor."),
        Field("wh_exp", "long", "[Wh] Active energy, export, times the multiplying factor."),
        Field("vah_exp", "long", "[VAh] Apparent energy while exporting, times the multiplying factor."),
        Field("delta_wh_imp", "long", "[Wh] wh_imp less that of the superseded revision; the whole for the first."),
        Field("delta_vah_imp", "long", "[VAh] vah_imp less that of the superseded revision; the whole for the first."),
        Field("delta_wh_exp", "long", "[Wh] wh_exp less that of the superseded revision; the whole for the first."),
        Field("delta_vah_exp", "long", "[VAh] vah_exp less that of the superseded revision; the whole for the first."),
        Field("estimated_wh", "long", "[Wh] The part of wh_imp that stands in estimated intervals."),
        Field(
            "registers", array(_REGISTER), "Registers and source of each energy above, in the order of the channels."
        ),
        Field("zones", array(_ZONE), "wh_imp by time-of-day zone, in the tariff's order; empty without zones."),
        Field("demand_w", nullable("long"), "[W] Largest mean power of an actual interval; null without one."),
        Field("demand_start", nullable("long"), "[s] Start of that interval, epoch seconds UTC; null without one."),
        Field("demand_va", nullable("long"), "[VA] The same for apparent power; null without one."),
        Field("demand_va_start", nullable("long"), "[s] Start of that interval, epoch seconds UTC; null without one."),
        Field(
            "power_factor",
            nullable("int"),
            "[1/1000] wh_imp / vah_imp, rounded half up; null when vah_imp is 0 or not measured.",
        ),
        Field("intervals_expected", "int", "Intervals that the period has."),
        Field("intervals_actual", "int", "Of these, as the meter sent them."),
        Field("intervals_estimated", "int", "Of these, substituted."),
        Field("intervals_missing", "int", "Of these, neither received nor substituted."),
        Field("intervals_suspect", "int", "Of these, received but failing a rule, and not in the sums."),
        Field("tariff", nullable("string"), "Code of the tariff; null when the service point has none."),
        Field("lines", array(_LINE), "The bill in the tariff's order; empty when it was not rated."),
        Field("total_paise", nullable("long"), "[paise] Sum of the lines; null when it was not rated."),
        Field(
            "delta_paise",
            nullable("long"),
            "[paise] total_paise less that of the superseded revision (the whole for "
            "the first); null when it was not rated.",
        ),
        Field(
            "versions",
            {"type": "map", "values": "string"},
            "Versions in force when it was made: kind (registry, documents) to SHA-256, hex.",
        ),
        Field("lineage_from", "long", "First offset of (source_topic_id, source_partition) whose readings are in it."),
        Field("lineage_to", "long", "Last such offset."),
        *ORIGIN,
    ),
)

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
            "the last month is from what was expected, of V20 that of the last day.",
        ),
        Field("paise_at_stake", "long", "[paise] The same at the average rate that the stage is told, to sort by."),
        Field(
            "stage",
            "string",
            "Stage that found it: exceptions (days), usage (months). Two records of the same stage, topic id, "
            "partition, offset and index are copies.",
            default="exceptions",
        ),
        Field("tick_time", "long", "[s] Time of the log at which it was seen, epoch seconds UTC."),
        *ORIGIN,
    ),
)

# ------------------------------------------------------------------------------------------------ estimates

ESTIMATE_SCORE = estimate_score(ORIGIN)

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

_REPORTER = Field("device", "string", f"Device that reported it: {DEVICE_DOC}.")
_FLAGS = Field(
    "flags",
    "int",
    # DISCARDED and SHADOW are said of readings alone.
    "Bits of pipeline.codes.Flag: "
    + ", ".join(f"{int(flag)} {(flag.name or '').lower()}" for flag in Flag if flag < Flag.DISCARDED)
    + ".",
)

EVENT = Record(
    "Event",
    "One meter event (IS 15959 part 2).",
    (
        Field("service_point", "long", "Service point at the time of the event; a positive id of the registry."),
        _REPORTER,
        Field("time", "long", "[s] The meter's own clock, epoch seconds UTC."),
        Field("received_at", "long", "[s] When the connector had the frame, epoch seconds UTC."),
        Field("source", enum("EventSource", "Where it was read.", EVENT_SOURCE), "Where it was read."),
        Field("edge", enum("EventEdge", "Begin or end.", EVENT_EDGE), "Begin or end of the condition."),
        Field("name", "string", "What happened, in words: magnetic influence, last gasp, ..."),
        Field(
            "bit", nullable("int"), "Bit of the event status word, 0 the highest of its first octet; null for others."
        ),
        Field("code", nullable("int"), "Event code of IS 15959; null when the bit has none."),
        _FLAGS,
        Field("frame", "int", "Frame within the source record, from 0; -1 when it came from none."),
        *ORIGIN,
    ),
)

PROFILE_ROW = profile_row(_FLAGS, _REPORTER, ORIGIN)

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

# ------------------------------------------------------------------------------------------------ commands

COMMAND = Record(
    "Command",
    "Something that a meter is to be asked or told. It is run once at most if it acts on the meter; a copy (the same "
    "id and contents) is answered like the first.",
    (
        Field("id", "string", "Chosen by who commands, never used again: a UUID, for example; at most 200 characters."),
        Field("device", "string", f"Device: {DEVICE_DOC}."),
        Field("kind", "string", "What: ping, read_registers, read_profile, sync_clock, disconnect, reconnect."),
        Field(
            "arguments",
            {"type": "map", "values": "string"},
            "Arguments of the kind by name (docs/commands.md); empty when it has none.",
        ),
        Field("issued", "long", "[s] When it was given, epoch seconds UTC."),
        Field("expires", "long", "[s] From then on it is not begun any more but answered; epoch seconds UTC."),
        Field("source", "string", "Who commands: a system or a person, for the record."),
    ),
)

COMMAND_STATE = (
    ("ACCEPTED", "taken, and waiting for its turn or for the meter"),
    ("RUNNING", "the meter is connected"),
    ("DONE", "final: the meter did it, or answered"),
    ("FAILED", "final: see code; OUTCOME_UNKNOWN says that the meter may have done it"),
    ("EXPIRED", "final: it was not begun in time"),
    ("REFUSED", "final: it cannot be run as it is"),
)

_VALUE = record(
    "CommandValue",
    "One value of a result.",
    (
        Field("name", "string", "What it is: class:name:attribute of an object of the meter, or a word of the kind."),
        Field("value", "string", "The value: a decimal number, scaler applied, or text; empty when there is none."),
        Field(
            "unit", "string", "Its unit (Wh, V, A, s, ...); empty when it has none; `error n` where the meter refused."
        ),
    ),
)

COMMAND_RESULT = Record(
    "CommandResult",
    "What became of a command. After a crash a result may be there twice, with the same contents.",
    (
        Field("id", "string", "Id of the command."),
        Field("device", "string", f"Device: {DEVICE_DOC}."),
        Field("kind", "string", "Kind of the command."),
        Field("state", enum("CommandState", "How far it is.", COMMAND_STATE), "How far it is."),
        Field("code", "string", "Why it failed, expired or was refused, as docs/commands.md lists; empty otherwise."),
        Field("reason", "string", "The same for a person; no keys, no passwords."),
        Field("values", array(_VALUE), "What was read; empty when nothing was."),
        Field("at", "long", "[s] When it came to this state, epoch seconds UTC."),
        Field("source", "string", "Connector or head-end that answers."),
    ),
)

# ------------------------------------------------------------------------------------------------ facts

FACT_KIND = (
    ("OUTAGE", "there was no supply at the service point, or at all below the node"),
    ("TEMPERATURE", "mean temperature of a day or an hour"),
    ("CHECK", "what a check meter or a redundant channel measured in one interval"),
    ("NEIGHBOURS", "service points whose use is like that of this one"),
)

_NEIGHBOUR = record("Neighbour", "One neighbour.", (Field("service_point", "long", "Service point of the neighbour."),))

FACT = Record(
    "Fact",
    "One revision of what others say, about a service point, a network node or a place. The key is (kind, id).",
    (
        Field("id", "string", "Id of the fact with who says it; a later revision of it has the same."),
        Field("kind", enum("FactKind", "What is said.", FACT_KIND), "What is said."),
        Field("revision", "long", "Order of the revisions of a key: the larger replaces the smaller."),
        Field("service_point", "long", "Service point that it is about; 0: a node or a place."),
        Field("node", "int", "Network node of the registry that it is about; 0: a service point or a place."),
        Field("place", "string", "Place that it is about, a weather station for example; empty when none."),
        Field("from_time", "long", "[s] Begin, epoch seconds UTC, included; 0: always."),
        Field(
            "until_time",
            nullable("long"),
            "[s] End, epoch seconds UTC, not included; null: it has not ended, or has no end.",
        ),
        Field("confirmed", "boolean", "OUTAGE: whether it is sure. One that is not changes no reading."),
        Field("temperature", nullable("int"), "TEMPERATURE: tenths of a degree Celsius; null: of another kind."),
        Field("channel", "string", "CHECK: energy channel, wh_imp for example; empty: of another kind."),
        Field("energy", nullable("long"), "[Wh or VAh] CHECK: what was measured; null: of another kind."),
        Field("neighbours", array(_NEIGHBOUR), "NEIGHBOURS: the neighbours; empty: of another kind."),
        Field("source", "string", "Where it comes from: an outage system, a weather service."),
        Field("who", "string", "Who handed it on."),
        Field("why", "string", "Why, in words; may be empty."),
        Field("said_at", "long", "[s] When it was handed on, epoch seconds UTC."),
    ),
)

# -------------------------------------------------------------------------------------------------- cold requests

_COLD_ROW = record(
    "ColdRow",
    "A row of a profile as it was decoded, in the meter's own quantities: before the multiplying factor.",
    (
        Field("time", "long", "[s] Its stamp; a block's closes its interval; epoch seconds UTC."),
        Field("kind", "int", "pipeline.codes.Kind: 1 block load, 2 registers at a midnight."),
        Field("flags", "int", "Bits of pipeline.codes.Flag."),
        Field("counter", "long", "Invocation counter; 0 for plain frames."),
        Field("present", "long", "Bit n set: channel n of pipeline.channels is there."),
        *(
            Field(channel.name, "long", f"[{channel.unit}] {channel.doc}; 0 where it is not there.")
            for channel in CHANNELS
        ),
    ),
)

COLD_REQUEST = Record(
    "ColdRequest",
    "Rows of one service point, device and local day that came when the day had left the hot window. They change "
    "nothing until an answer comes, which is a record in the partition of frames that they came from. Copies do no "
    "harm.",
    (
        Field("service_point", "long", "Service point as of the rows' time; a positive id of the registry."),
        Field("device", "string", f"Device that sent them: {DEVICE_DOC}."),
        Field("day_start", "long", "[s] Local midnight that their day begins at, epoch seconds UTC."),
        Field("tick_time", "long", "[s] Time of the log at which they came, epoch seconds UTC."),
        Field("rows", array(_COLD_ROW), "The rows, in the order in which they came."),
        *ORIGIN,
    ),
)

RECORDS: tuple[Record, ...] = (
    DETERMINANT, LOSS, READING_EXCEPTION, ESTIMATE_SCORE, EVENT, PROFILE_ROW, REJECT, COMMAND, COMMAND_RESULT, FACT,
    EDIT, EXCEPTION_WORK, COLD_REQUEST,
)  # fmt: skip
