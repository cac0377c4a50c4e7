CREATE TABLE IF NOT EXISTS profile_rows
(
    `service_point` UInt64 COMMENT 'Service point as of the row\'s time; a positive id of the registry.',
    `device` String COMMENT 'Device that reported it: DLMS system title as 16 hexadecimal digits, upper case.',
    `time` DateTime('UTC') COMMENT '[s] Stamp of the row by the meter\'s clock: billing date, time of the event; of a nameplate when it was sent; epoch seconds UTC.',
    `received_at` DateTime('UTC') COMMENT '[s] When the connector had the frame, epoch seconds UTC.',
    `profile` LowCardinality(String) COMMENT 'Logical name of the profile: 0.0.94.91.10.255 nameplate, 1.0.98.1.0.255 billing, 0.0.99.98.n.255 event logs.',
    `code` Int32 COMMENT 'Event code of IS 15959 in the row of an event log; 0 for other profiles.',
    `template` LowCardinality(String) COMMENT 'Table by which the columns were named (docs/decoding.md).',
    `values` Array(Tuple(obis String, attribute Int32, value Nullable(String), unit String, text Nullable(String), time Nullable(DateTime('UTC')))) COMMENT 'What was sent, in the profile\'s order; null-data is left out.',
    `flags` UInt16 COMMENT 'Bits of pipeline.codes.Flag: 1 clock_invalid, 2 clock_doubtful, 4 counter_late, 8 template_unverified, 16 off_grid, 32 plain, 1024 head_end, 2048 head_end_estimated, 4096 head_end_suspect, 8192 head_end_edited.',
    `frame` Int32 COMMENT 'Frame within the source record, from 0.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(time, '{timezone}') COMMENT 'local day',
    INDEX by_time time TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time, '{timezone}')
ORDER BY (toDate(time, '{timezone}'), profile, service_point, time, device, code, source_topic_id, source_partition, source_offset, source_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'Rows of nameplates, billing profiles and event logs with values, as meters send them, as often as they do';

CREATE OR REPLACE VIEW profile_rows_latest AS
SELECT `service_point`, `device`, `time`, `received_at`, `profile`, `code`, `template`, `values`, `flags`, `frame`, `source_topic_id`, `source_partition`, `source_offset`, `source_index`, `day`
FROM profile_rows
ORDER BY day DESC, profile DESC, service_point DESC, time DESC, device DESC, code DESC, source_topic_id DESC, source_partition DESC, source_offset DESC, source_index DESC
LIMIT 1 BY day, profile, service_point, time, device, code
COMMENT 'the newest revision of each row of profile_rows';

CREATE OR REPLACE VIEW profile_values AS
SELECT day, profile, service_point, time, device, code, template, flags, received_at, sent.obis AS obis, sent.attribute AS attribute, sent.value AS value, toFloat64OrNull(sent.value) AS number, sent.unit AS unit, sent.text AS text, sent.time AS value_time
FROM profile_rows_latest
ARRAY JOIN `values` AS sent
COMMENT 'a row a value of profile_rows_latest; number: value as a float';
