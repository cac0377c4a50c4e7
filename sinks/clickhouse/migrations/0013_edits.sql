CREATE TABLE IF NOT EXISTS edits
(
    `id` String COMMENT 'Of the edit: chosen by who proposes it, never used again; at most 200 characters.',
    `event` Enum8('PROPOSED' = 1, 'APPROVED' = 2, 'REFUSED' = 3, 'UNDONE' = 4, 'WAITING' = 5, 'IN_FORCE' = 6, 'CLOSED' = 7, 'TAKEN_BACK' = 8, 'REJECTED' = 9) COMMENT 'What happened.',
    `service_point` UInt64 COMMENT 'Service point; a positive id of the registry.',
    `what` Enum8('VALUES' = 1, 'DISCARD' = 2, 'WITHDRAW' = 3) COMMENT 'What the edit does to its intervals.',
    `intervals` Array(Tuple(start DateTime('UTC'), secs Int32, wh_imp Nullable(Int64), vah_imp Nullable(Int64), wh_exp Nullable(Int64), vah_exp Nullable(Int64))) COMMENT 'Of PROPOSED the intervals, in order of time; empty in other events.',
    `override` Bool COMMENT 'True: values above what the meter can pass are meant.',
    `reason` Enum8('METER_FAULT' = 1, 'METER_EXCHANGE' = 2, 'READ_ON_SITE' = 3, 'CHECK_METER' = 4, 'COMMUNICATION' = 5, 'CLOCK_FAULT' = 6, 'WIRING' = 7, 'TAMPER' = 8, 'OUTAGE' = 9, 'TEST' = 10, 'GENUINE' = 11, 'AGREED' = 12, 'ESTIMATE_POOR' = 13, 'MISTAKE' = 14, 'OTHER' = 15) COMMENT 'Why the person does it; in an answer the reason of the edit.',
    `why` String COMMENT 'The same in words of the person; empty where the reason says all.',
    `author` String COMMENT 'Person whose event it is; the connector in an answer.',
    `batch` String COMMENT 'Name that edits share which were proposed together; empty for a single one.',
    `at` DateTime('UTC') COMMENT '[s] When it was said, epoch seconds UTC.',
    `answers` Int64 COMMENT 'Of an answer 1 + the offset of the event that it answers, in the same partition; 0 in events of people.',
    `code` String COMMENT 'Of REJECTED why, as docs/edits.md lists; empty otherwise.',
    `detail` String COMMENT 'The same for a person, with the interval that it is about; empty otherwise.',
    `log_partition` Int32 COMMENT 'partition of the record in its topic' CODEC(LZ4),
    `log_offset` Int64 COMMENT 'offset in that partition: the order of events' CODEC(LZ4),
    `day` Date ALIAS toDate(at, '{timezone}') COMMENT 'local day',
    INDEX by_time at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at, '{timezone}')
ORDER BY (toDate(at, '{timezone}'), service_point, id, log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row an event of an edit: asked for by a person, or answered by the connector of edits';

CREATE TABLE IF NOT EXISTS exception_work
(
    `service_point` UInt64 COMMENT 'Service point; a positive id of the registry.',
    `rule` Enum8('V01' = 1, 'V02' = 2, 'V03' = 3, 'V04' = 4, 'V05' = 5, 'V06' = 6, 'V07' = 7, 'V08' = 8, 'V09' = 9, 'V10' = 10, 'V11' = 11, 'V12' = 12, 'V13' = 13, 'V14' = 14, 'V15' = 15, 'V16' = 16, 'V17' = 17, 'V18' = 18, 'V19' = 19, 'V20' = 20, 'V21' = 21, 'V22' = 22, 'V23' = 23, 'V24' = 24, 'V25' = 25, 'V26' = 26, 'V27' = 27, 'V28' = 28, 'V29' = 29, 'V30' = 30, 'V31' = 31, 'V32' = 32, 'V33' = 33, 'V34' = 34, 'V35' = 35, 'V36' = 36, 'V37' = 37) COMMENT 'Rule of the exception: docs/reference/rules.md.',
    `period_start` DateTime('UTC') COMMENT '[s] Start of the exception\'s first local day, epoch seconds UTC.',
    `work` Enum8('OPEN' = 1, 'TAKEN' = 2, 'ACCEPTED' = 3, 'EDITED' = 4, 'RE_ESTIMATED' = 5, 'CLOSED' = 6) COMMENT 'How far it is.',
    `owner` String COMMENT 'Who has it; empty: nobody.',
    `note` String COMMENT 'What somebody wrote; empty: nothing.',
    `edit` String COMMENT 'Id of the edit that was proposed; empty when none was.',
    `author` String COMMENT 'Person who did it.',
    `at` DateTime('UTC') COMMENT '[s] When, epoch seconds UTC.',
    `log_partition` Int32 COMMENT 'partition of the record in its topic' CODEC(LZ4),
    `log_offset` Int64 COMMENT 'offset in that partition: the order of events' CODEC(LZ4),
    `day` Date ALIAS toDate(period_start, '{timezone}') COMMENT 'local day',
    INDEX by_time period_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(period_start, '{timezone}')
ORDER BY (toDate(period_start, '{timezone}'), service_point, rule, period_start, log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a step of somebody\'s work on an exception: taken, accepted, edited, closed';

CREATE OR REPLACE VIEW exception_work_latest AS
SELECT `service_point`, `rule`, `period_start`, `work`, `owner`, `note`, `edit`, `author`, `at`, `log_partition`, `log_offset`, `day`
FROM exception_work
ORDER BY day DESC, service_point DESC, rule DESC, period_start DESC, log_partition DESC, log_offset DESC
LIMIT 1 BY day, service_point, rule, period_start
COMMENT 'the newest revision of each row of exception_work';

CREATE OR REPLACE VIEW edits_latest AS
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
COMMENT 'one row an edit: who asked for it and why, how it stands, who approved it, who took it back';

CREATE OR REPLACE VIEW edits_audit AS
SELECT toDate(said.start, '{timezone}') AS day, said.start AS interval_start, said.secs AS interval_secs,
    e.service_point AS service_point, e.id AS id, e.state AS state, e.what AS what, e.reason AS reason, e.why AS why,
    e.author AS author, e.batch AS batch, e.proposed_at AS proposed_at, e.approved_by AS approved_by,
    e.in_force_at AS in_force_at, e.number AS number, e.taken_back_by AS taken_back_by,
    e.taken_back_at AS taken_back_at, e.code AS code, e.detail AS detail,
    said.wh_imp AS wh_imp_said, c.wh_imp_before AS wh_imp_before, c.wh_imp_now AS wh_imp_now,
    said.vah_imp AS vah_imp_said, c.vah_imp_before AS vah_imp_before, c.vah_imp_now AS vah_imp_now,
    said.wh_exp AS wh_exp_said, c.wh_exp_before AS wh_exp_before, c.wh_exp_now AS wh_exp_now,
    said.vah_exp AS vah_exp_said, c.vah_exp_before AS vah_exp_before, c.vah_exp_now AS vah_exp_now,
    c.quality_before AS quality_before, c.quality_now AS quality_now, c.method_now AS method_now,
    c.revisions AS revisions
FROM (SELECT *, said FROM edits_latest ARRAY JOIN intervals AS said) AS e
LEFT JOIN (
    SELECT r.service_point AS service_point, r.interval_start AS interval_start,
        argMaxIf(r.wh_imp, r.revision, bitAnd(r.quality, 15) != 5 AND bitAnd(r.flags, 16384) = 0) AS wh_imp_before, argMax(r.wh_imp, r.revision) AS wh_imp_now,
        argMaxIf(r.vah_imp, r.revision, bitAnd(r.quality, 15) != 5 AND bitAnd(r.flags, 16384) = 0) AS vah_imp_before, argMax(r.vah_imp, r.revision) AS vah_imp_now,
        argMaxIf(r.wh_exp, r.revision, bitAnd(r.quality, 15) != 5 AND bitAnd(r.flags, 16384) = 0) AS wh_exp_before, argMax(r.wh_exp, r.revision) AS wh_exp_now,
        argMaxIf(r.vah_exp, r.revision, bitAnd(r.quality, 15) != 5 AND bitAnd(r.flags, 16384) = 0) AS vah_exp_before, argMax(r.vah_exp, r.revision) AS vah_exp_now,
        argMaxIf(r.wh_imp_quality, r.revision, bitAnd(r.quality, 15) != 5 AND bitAnd(r.flags, 16384) = 0) AS quality_before,
        argMax(r.wh_imp_quality, r.revision) AS quality_now, argMax(r.method, r.revision) AS method_now,
        uniqExact(r.revision) AS revisions
    FROM readings AS r
    WHERE r.service_point IN (SELECT edits.service_point FROM edits)
        AND r.interval_start IN (SELECT arrayJoin(edits.intervals.start) FROM edits)
    GROUP BY service_point, interval_start
) AS c ON c.service_point = e.service_point AND c.interval_start = said.start
COMMENT 'one row an edit and interval: what was there before anybody edited it, what was said, and what is there now';

CREATE OR REPLACE VIEW exceptions_open AS
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
COMMENT 'one row an exception that is open and that nobody has accepted or closed';
