CREATE TABLE IF NOT EXISTS cold_requests
(
    `service_point` UInt64 COMMENT 'Service point as of the rows\' time; a positive id of the registry.',
    `device` String COMMENT 'Device that sent them: DLMS system title as 16 hexadecimal digits, upper case.',
    `day_start` DateTime('UTC') COMMENT '[s] Local midnight that their day begins at, epoch seconds UTC.',
    `tick_time` DateTime('UTC') COMMENT '[s] Time of the log at which they came, epoch seconds UTC.',
    `rows` Array(Tuple(time DateTime('UTC'), kind Int32, flags Int32, counter Int64, present Int64, wh_imp Int64, vah_imp Int64, wh_exp Int64, vah_exp Int64, varh_q1 Int64, varh_q2 Int64, varh_q3 Int64, varh_q4 Int64, voltage_r Int64, voltage_y Int64, voltage_b Int64, current_r Int64, current_y Int64, current_b Int64, current_n Int64, power_factor Int64)) COMMENT 'The rows, in the order in which they came.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(day_start, '{timezone}') COMMENT 'local day',
    INDEX by_time day_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day_start, '{timezone}')
ORDER BY (toDate(day_start, '{timezone}'), service_point, device, source_topic_id, source_partition, source_offset, source_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'Rows that came when their day had left the hot window: what a correction of closed days goes by';

ALTER TABLE rejects MODIFY COLUMN `code` Enum8('DEVICE_UNKNOWN' = 1, 'FRAME_UNREADABLE' = 2, 'WRAPPER_VERSION' = 3, 'FRAME_TOO_LONG' = 4, 'FRAME_TRUNCATED' = 5, 'APDU_UNKNOWN' = 6, 'SECURITY_UNSUPPORTED' = 7, 'KEY_UNKNOWN' = 8, 'DECRYPT_FAILED' = 9, 'COUNTER_REPLAYED' = 10, 'COUNTER_TOO_OLD' = 11, 'COUNTER_DUPLICATE' = 12, 'DATA_MALFORMED' = 13, 'TEMPLATE_UNKNOWN' = 14, 'CLOCK_UNUSABLE' = 15, 'NOT_LINKED' = 16, 'TOO_OLD' = 17, 'IN_FUTURE' = 18, 'OFF_GRID' = 19, 'DUPLICATE_INTERVAL' = 20, 'POISON' = 21, 'MESSAGE_UNREADABLE' = 40, 'READING_UNREADABLE' = 41, 'NAME_UNKNOWN' = 42, 'INTERVAL_OTHER' = 43, 'ESTIMATE_UNUSED' = 44, 'REGISTER_NOT_ACTUAL' = 45, 'FRAME_DAMAGED' = 50, 'SEGMENT_MISSING' = 51, 'STATEMENT_POINT' = 60, 'STATEMENT_INTERVAL' = 61, 'STATEMENT_VALUE' = 62, 'STATEMENT_ROOM' = 63, 'PERIOD_CLOSED' = 66) COMMENT 'Why it was refused; docs/reference/rejects.md says what to do next.';
