"""Views of what people do: how edits stand, what they changed, and what is open in the queue of exceptions."""

from __future__ import annotations

from pipeline.channels import ENERGY
from pipeline.codes import Quality
from sinks.clickhouse.hygiene_view import View

MANUAL = int(Quality.MANUAL)
DISCARDED = 1 << 14
"""Flag of a reading whose interval a person has discarded."""

EDITS_LATEST = View(
    "edits_latest",
    "one row an edit: who asked for it and why, how it stands, who approved it, who took it back",
    (
        ("service_point", "service point"),
        ("id", "id of the edit"),
        ("state", "PROPOSED (not answered yet), WAITING, IN_FORCE, TAKEN_BACK, CLOSED or REJECTED"),
        ("what", "VALUES, DISCARD or WITHDRAW"),
        ("reason", "why"),
        ("why", "why, in words"),
        ("author", "who asked for it"),
        ("batch", "name that edits share which were proposed together"),
        ("proposed_at", "when, UTC"),
        ("approved_by", "the second person; empty: none, or none was needed"),
        ("in_force_at", "since when it holds, UTC; null: never"),
        ("number", "of its statements: of two about an interval the larger holds; 0: it never held"),
        ("taken_back_by", "who undid it; empty: nobody"),
        ("taken_back_at", "when, UTC; null: never"),
        ("code", "why it was rejected; empty otherwise"),
        ("detail", "the same in words"),
        ("intervals", "what is said of each interval"),
    ),
    """
SELECT service_point, id,
    multiIf(last_state != '', last_state, rejected.2 != '', 'REJECTED', 'PROPOSED') AS state,
    what, reason, why, author, batch, proposed_at,
    if(cause.2 = 'APPROVED', cause.3, '') AS approved_by,
    if(begun.2 = '', NULL, begun.4) AS in_force_at, if(begun.2 = '', 0, begun.1 + 1) AS number,
    if(ended.2 = '', '', undone.3) AS taken_back_by, if(ended.2 = '', NULL, ended.4) AS taken_back_at,
    if(last_state = '', rejected.6, '') AS code, if(last_state = '', rejected.7, '') AS detail, intervals
FROM (
    SELECT e.service_point AS service_point, e.id AS id,
        argMinIf(e.what, e.log_offset, e.event = 'PROPOSED') AS what,
        argMinIf(e.reason, e.log_offset, e.event = 'PROPOSED') AS reason,
        argMinIf(e.why, e.log_offset, e.event = 'PROPOSED') AS why,
        argMinIf(e.author, e.log_offset, e.event = 'PROPOSED') AS author,
        argMinIf(e.batch, e.log_offset, e.event = 'PROPOSED') AS batch,
        minIf(e.at, e.event = 'PROPOSED') AS proposed_at,
        argMinIf(e.intervals, e.log_offset, e.event = 'PROPOSED') AS intervals,
        arraySort(one -> one.1, groupArray(
            (e.log_offset, toString(e.event), e.author, e.at, e.answers, e.code, e.detail))) AS events,
        arrayLast(one -> one.2 IN ('WAITING', 'IN_FORCE', 'CLOSED', 'TAKEN_BACK'), events).2 AS last_state,
        arrayFirst(one -> one.2 = 'REJECTED', events) AS rejected,
        arrayFirst(one -> one.2 = 'IN_FORCE', events) AS begun,
        arrayFirst(one -> one.1 = begun.5 - 1, events) AS cause,
        arrayFirst(one -> one.2 = 'TAKEN_BACK', events) AS ended,
        arrayFirst(one -> one.1 = ended.5 - 1, events) AS undone
    FROM edits AS e FINAL
    GROUP BY service_point, id
)
""",
)

_UNTOUCHED = f"bitAnd(r.quality, 15) != {MANUAL} AND bitAnd(r.flags, {DISCARDED}) = 0"
_AGGREGATES = ",\n        ".join(
    f"argMaxIf(r.{channel.name}, r.revision, {_UNTOUCHED}) AS {channel.name}_before, "
    f"argMax(r.{channel.name}, r.revision) AS {channel.name}_now"
    for channel in ENERGY
)
_CHANNELS = ",\n    ".join(
    f"said.{channel.name} AS {channel.name}_said, c.{channel.name}_before AS {channel.name}_before, "
    f"c.{channel.name}_now AS {channel.name}_now"
    for channel in ENERGY
)

EDITS_AUDIT = View(
    "edits_audit",
    "one row an edit and interval: what was there before anybody edited it, what was said, and what is there now",
    (
        ("day", "local day"),
        ("interval_start", "start of the interval, UTC"),
        ("interval_secs", "s: its length"),
        *((name, doc) for name, doc in EDITS_LATEST.columns if name not in ("intervals",)),
        *(
            column
            for channel in ENERGY
            for column in (
                (f"{channel.name}_said", f"{channel.unit}: what the edit says; null: nothing"),
                (f"{channel.name}_before", f"{channel.unit}: newest revision in which no person had a hand"),
                (f"{channel.name}_now", f"{channel.unit}: newest revision"),
            )
        ),
        ("quality_before", "quality of wh_imp before"),
        ("quality_now", "quality of wh_imp now"),
        ("method_now", "how a substituted value was made"),
        ("revisions", "revisions of the interval in the warehouse; 0: it is not there"),
    ),
    f"""
SELECT toDate(said.start, '{{timezone}}') AS day, said.start AS interval_start, said.secs AS interval_secs,
    e.service_point AS service_point, e.id AS id, e.state AS state, e.what AS what, e.reason AS reason, e.why AS why,
    e.author AS author, e.batch AS batch, e.proposed_at AS proposed_at, e.approved_by AS approved_by,
    e.in_force_at AS in_force_at, e.number AS number, e.taken_back_by AS taken_back_by,
    e.taken_back_at AS taken_back_at, e.code AS code, e.detail AS detail,
    {_CHANNELS},
    c.quality_before AS quality_before, c.quality_now AS quality_now, c.method_now AS method_now,
    c.revisions AS revisions
FROM (SELECT *, said FROM edits_latest ARRAY JOIN intervals AS said) AS e
LEFT JOIN (
    SELECT r.service_point AS service_point, r.interval_start AS interval_start,
        {_AGGREGATES},
        argMaxIf(r.wh_imp_quality, r.revision, {_UNTOUCHED}) AS quality_before,
        argMax(r.wh_imp_quality, r.revision) AS quality_now, argMax(r.method, r.revision) AS method_now,
        uniqExact(r.revision) AS revisions
    FROM readings AS r
    WHERE r.service_point IN (SELECT edits.service_point FROM edits)
        AND r.interval_start IN (SELECT arrayJoin(edits.intervals.start) FROM edits)
    GROUP BY service_point, interval_start
) AS c ON c.service_point = e.service_point AND c.interval_start = said.start
""",  # noqa: S608
)

EXCEPTIONS_OPEN = View(
    "exceptions_open",
    "one row an exception that is open and that nobody has accepted or closed",
    (
        ("day", "first local day"),
        ("service_point", "service point"),
        ("rule", "rule that failed"),
        ("severity", "of the rule"),
        ("dt", "distribution transformer; 0 for none"),
        ("feeder", "feeder; 0 for none"),
        ("period_start", "start of the first day, UTC"),
        ("period_end", "end of the last settled day, UTC"),
        ("rupees", "at stake on the last day, at the average rate that the stage is told"),
        ("wh_at_stake", "Wh: import of the last day that is estimated, suspect or unexplained"),
        ("age_days", "days since the first day began"),
        ("work", "OPEN, TAKEN, EDITED or RE_ESTIMATED; OPEN where nobody has looked at it"),
        ("owner", "who has it; empty: nobody"),
        ("note", "what somebody wrote"),
        ("edit", "id of the edit that was proposed; empty: none"),
        ("edit_state", "how that stands; empty: none"),
    ),
    """
SELECT x.day AS day, x.service_point AS service_point, x.rule AS rule, x.severity AS severity, p.dt AS dt,
    p.feeder AS feeder, x.period_start AS period_start, x.period_end AS period_end, x.paise_at_stake / 100 AS rupees,
    x.wh_at_stake AS wh_at_stake, dateDiff('day', x.period_start, now()) AS age_days,
    if(w.author = '', 'OPEN', toString(w.work)) AS work, w.owner AS owner, w.note AS note, w.edit AS edit,
    e.state AS edit_state
FROM exceptions_latest AS x
LEFT JOIN exception_work_latest AS w
    ON w.service_point = x.service_point AND w.rule = x.rule AND w.period_start = x.period_start
LEFT JOIN edits_latest AS e ON e.service_point = w.service_point AND e.id = w.edit
LEFT JOIN (SELECT service_point, argMax(dt, valid_from) AS dt, argMax(feeder, valid_from) AS feeder
    FROM service_points_latest GROUP BY service_point) AS p ON p.service_point = x.service_point
WHERE x.state = 'OPEN'
    AND (work NOT IN ('ACCEPTED', 'CLOSED') OR edit_state IN ('REJECTED', 'CLOSED', 'TAKEN_BACK'))
""",
)

EXCEPTIONS_BY_RULE = View(
    "exceptions_by_rule",
    "one row a month, rule and state: how much somebody should look at",
    (
        ("month", "first day of the month in which the exceptions begin"),
        (
            "stage",
            "who found them: exceptions (days), usage (months), losses (nodes), decode (what meters say of themselves)",
        ),
        ("rule", "the rule that failed"),
        ("severity", "its severity"),
        ("state", "OPEN or CLOSED"),
        ("exceptions", "how many"),
        ("service_points", "at how many service points"),
        ("kwh", "energy at stake"),
        ("rupees", "the same at the average rate of the stage"),
    ),
    """
SELECT toStartOfMonth(day) AS month, if(stage = '', 'exceptions', toString(stage)) AS stage, rule, severity, state,
    count() AS exceptions, uniqExact(service_point) AS service_points, sum(wh_at_stake) / 1000 AS kwh,
    sum(paise_at_stake) / 100 AS rupees
FROM exceptions_latest
GROUP BY month, stage, rule, severity, state
""",
)

WORK_VIEWS = (EDITS_LATEST, EDITS_AUDIT, EXCEPTIONS_OPEN, EXCEPTIONS_BY_RULE)
