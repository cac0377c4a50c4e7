"""The plain record of the billing-readiness gate: whether a consumer's cycle can be billed, and if not, why."""

from __future__ import annotations

from schemas.fields import Field, Record, array, enum, nullable, record

READINESS_STATE = (
    ("READY", "it can be billed"),
    ("WAITING", "nothing is wrong, but something is still to come: `expected_at` says when"),
    ("BLOCKED", "somebody has to do something first: `reasons` says what"),
)

READINESS_REASON = (
    ("CYCLE_OPEN", "the cycle has not ended"),
    ("LATE_DATA", "the wait for late readings is not over"),
    ("DAYS_NOT_SETTLED", "days of the cycle without a settlement"),
    ("DAYS_NOT_FINAL", "days of the cycle that can still change"),
    ("NOT_CLOSED", "the determinant of the cycle is not final"),
    ("GROUP_NOT_READY", "other consumers of its group are not ready"),
    ("NO_DETERMINANT", "no determinant of the cycle"),
    ("NO_TARIFF", "no tariff is known, or it could not be rated"),
    ("ESTIMATED_SHARE", "too many of its intervals are estimated"),
    ("INTERVALS_MISSING", "intervals neither received nor estimated"),
    ("REGISTERS_MISSING", "a register is missing at one end of the cycle"),
    ("EXCEPTIONS_OPEN", "open exceptions of severity error"),
    ("EDITS_WAITING", "edits that wait for an approval"),
)

_REASON = record(
    "ReadinessReason",
    "One thing that keeps the cycle from being billed.",
    (
        Field("code", enum("ReadinessCode", "What it is.", READINESS_REASON), "What it is: docs/readiness.md."),
        Field("found", "long", "How much of it there is: days, exceptions, edits, intervals, tenths of a per cent."),
        Field("allowed", "long", "How much its category may have."),
        Field("blocks", "boolean", "True: somebody has to do something; false: it passes with time."),
    ),
)

READINESS = Record(
    "Readiness",
    "One revision of whether a billing cycle of a consumer can be billed. The key is (account, service_point, "
    "cycle_start, cycle_end); there is a revision when state, reasons, group, money or the bill's revision change.",
    (
        Field("account", "long", "Account that is billed."),
        Field("service_point", "long", "Service point (installation); a positive id of the registry."),
        Field("cycle_start", "long", "[s] Start of the cycle, epoch seconds UTC, included."),
        Field("cycle_end", "long", "[s] End of the cycle, epoch seconds UTC, not included."),
        Field("revision", "long", "Order of the revisions of a key, from 1: the larger replaces the smaller."),
        Field("category", "string", "Category whose thresholds hold; `default` where none is told."),
        Field("group", "string", "Consumers of a group are billed together; empty: none."),
        Field("state", enum("ReadinessState", "Whether it can be billed.", READINESS_STATE), "Whether it can be."),
        Field(
            "expected_at",
            nullable("long"),
            "[s] When it is expected to be ready, epoch seconds UTC; null unless it is WAITING.",
        ),
        Field("reasons", array(_REASON), "What keeps it from being billed; empty when it is READY."),
        Field("paise_at_stake", "long", "[paise] What the bill comes to as far as it is known; 0 when it is not."),
        Field(
            "determinant_revision",
            nullable("long"),
            "Revision of the cycle's determinant that was judged; null when there is none.",
        ),
        Field("judged_at", "long", "[s] Time of the log up to which it was judged, epoch seconds UTC."),
    ),
)
