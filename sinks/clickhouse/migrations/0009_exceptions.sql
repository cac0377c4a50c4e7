CREATE TABLE IF NOT EXISTS exceptions
(
    `service_point` UInt64 COMMENT 'Service point; a positive id of the registry.',
    `rule` Enum8('V01' = 1, 'V02' = 2, 'V03' = 3, 'V04' = 4, 'V05' = 5, 'V06' = 6, 'V07' = 7, 'V08' = 8, 'V09' = 9, 'V10' = 10, 'V11' = 11, 'V12' = 12, 'V13' = 13, 'V14' = 14, 'V15' = 15, 'V16' = 16, 'V17' = 17, 'V18' = 18, 'V19' = 19, 'V20' = 20, 'V21' = 21, 'V22' = 22, 'V23' = 23, 'V24' = 24, 'V25' = 25, 'V26' = 26, 'V27' = 27, 'V28' = 28, 'V29' = 29, 'V30' = 30, 'V31' = 31, 'V32' = 32, 'V33' = 33, 'V34' = 34, 'V35' = 35, 'V36' = 36, 'V37' = 37) COMMENT 'Rule that failed: docs/reference/rules.md.',
    `severity` Enum8('INFORMATION' = 1, 'WARNING' = 2, 'ERROR' = 3) COMMENT 'Severity of the rule.',
    `period_start` DateTime('UTC') COMMENT '[s] Start of the first local day, epoch seconds UTC, included.',
    `period_end` DateTime('UTC') COMMENT '[s] End of the last local day that is settled, epoch seconds UTC, not included. A run of days that is open goes on behind it.',
    `revision` UInt64 COMMENT 'Order of the revisions of a key: the larger replaces the smaller.',
    `state` Enum8('OPEN' = 1, 'CLOSED' = 2) COMMENT 'Open or closed.',
    `intervals_expected` Int32 COMMENT 'Intervals of the last day.',
    `intervals_actual` Int32 COMMENT 'Of these with an actual reading.',
    `intervals_estimated` Int32 COMMENT 'Of these with an estimated reading.',
    `intervals_missing` Int32 COMMENT 'Of these with no reading at all.',
    `intervals_suspect` Int32 COMMENT 'Of these with a suspect reading.',
    `wh_at_stake` Int64 COMMENT '[Wh] Import of the last day that is estimated, suspect or unexplained.',
    `paise_at_stake` Int64 COMMENT '[paise] The same at the average rate that the stage is told, to sort by.',
    `tick_time` DateTime('UTC') COMMENT '[s] Time of the log at which it was seen, epoch seconds UTC.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(period_start, '{timezone}') COMMENT 'local day',
    INDEX by_time period_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(period_start, '{timezone}')
ORDER BY (toDate(period_start, '{timezone}'), service_point, rule, period_start, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a service point, rule, first day and revision: what somebody should look at, and whether it is open';

CREATE OR REPLACE VIEW exceptions_latest AS
SELECT `service_point`, `rule`, `severity`, `period_start`, `period_end`, `revision`, `state`, `intervals_expected`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `wh_at_stake`, `paise_at_stake`, `tick_time`, `source_topic_id`, `source_partition`, `source_offset`, `source_index`, `day`
FROM exceptions
ORDER BY day DESC, service_point DESC, rule DESC, period_start DESC, revision DESC
LIMIT 1 BY day, service_point, rule, period_start
COMMENT 'the newest revision of each row of exceptions';
