CREATE TABLE IF NOT EXISTS estimate_scores
(
    `day_start` DateTime('UTC') COMMENT '[s] Start of the last local day that is in it, epoch seconds UTC.',
    `role` Enum8('UNKNOWN' = 1, 'CONSUMER' = 2, 'DT_METER' = 3, 'FEEDER_METER' = 4) COMMENT 'Role of the service points of the class.',
    `tariff_number` Int32 COMMENT 'Number of their tariff in the registry; 0 for none.',
    `load_class` Enum8('UNKNOWN' = 1, 'TO_1_KW' = 2, 'TO_5_KW' = 3, 'TO_20_KW' = 4, 'TO_100_KW' = 5, 'ABOVE_100_KW' = 6) COMMENT 'Band of their sanctioned load.',
    `lane` Enum8('HOT' = 1, 'COLD' = 2) COMMENT 'How much of the series the method had.',
    `method` Enum8('NONE' = 0, 'OUTAGE' = 1, 'CHECK_METER' = 2, 'LINEAR' = 3, 'LIKE_DAY' = 4, 'NEAR_DAY' = 5, 'SCALED' = 6, 'ZONE_SCALED' = 7, 'FLAT' = 8, 'CARRIED' = 9, 'ROUNDING' = 10, 'HEAD_END' = 11, 'CLOCK_SET' = 12, 'PREVIOUS_PERIOD' = 13, 'CLASS_PROFILE' = 14, 'NEIGHBOURS' = 15, 'TEMPERATURE' = 16, 'REGISTER' = 17, 'REGISTER_LINE' = 18, 'AGREED' = 19, 'WEIGHTED_DAYS' = 20, 'MEDIAN_DAYS' = 21, 'BRIDGE' = 22, 'MANUAL' = 23) COMMENT 'Method of estimation: docs/reference/estimates.md.',
    `gap_secs` Int64 COMMENT '[s] Length of the gaps: an hour, six, a day, three days.',
    `revision` UInt64 COMMENT 'Order of the revisions of a key: the larger replaces the smaller.',
    `state` Enum8('LEARNING' = 1, 'KNOWN' = 2) COMMENT 'Learning or known.',
    `gaps` Int64 COMMENT 'Gaps that the method applied to, at least in part.',
    `energy_wh` Int64 COMMENT '[Wh] Import that was taken away there.',
    `wrong_wh` Int64 COMMENT '[Wh] Sum of |estimate - actual| over the intervals.',
    `over_wh` Int64 COMMENT '[Wh] Sum of estimate - actual; above zero: too much.',
    `spread_wh` Int64 COMMENT '[Wh] Sum of how far the days around lie from the estimates; 0: not measured.',
    `wape_permille` Nullable(Int32) COMMENT '[1/1000] wrong_wh / energy_wh, rounded; null without energy.',
    `bias_permille` Nullable(Int32) COMMENT '[1/1000] over_wh / energy_wh, rounded; null without energy.',
    `tick_time` DateTime('UTC') COMMENT '[s] Time of the log at which the day was scored, epoch seconds UTC.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(day_start, '{timezone}') COMMENT 'local day',
    INDEX by_time day_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(day_start, '{timezone}')
ORDER BY (toDate(day_start, '{timezone}'), role, tariff_number, load_class, lane, method, gap_secs, source_partition, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a partition, local day, class, lane, method and length of gap: how far estimates are off';

CREATE OR REPLACE VIEW estimate_scores_latest AS
SELECT role, tariff_number, load_class, lane, method, gap_secs, max(s.last) AS day, sum(s.part_gaps) AS gaps, sum(s.part_energy_wh) AS energy_wh, sum(s.part_wrong_wh) AS wrong_wh, sum(s.part_over_wh) AS over_wh, sum(s.part_spread_wh) AS spread_wh,
    if(energy_wh > 0, toInt64(floor((2000 * wrong_wh + energy_wh) / (2 * energy_wh))), NULL) AS wape_permille, if(energy_wh > 0, toInt64(floor((2000 * over_wh + energy_wh) / (2 * energy_wh))), NULL) AS bias_permille
FROM (SELECT role, tariff_number, load_class, lane, method, gap_secs, day AS last, gaps AS part_gaps, energy_wh AS part_energy_wh, wrong_wh AS part_wrong_wh, over_wh AS part_over_wh, spread_wh AS part_spread_wh
    FROM estimate_scores ORDER BY day_start DESC, revision DESC LIMIT 1 BY source_partition, role, tariff_number, load_class, lane, method, gap_secs) AS s
GROUP BY role, tariff_number, load_class, lane, method, gap_secs
COMMENT 'one row a class, lane, method and length of gap: how far estimates are off, over all partitions';

CREATE OR REPLACE VIEW readings_estimates AS
SELECT r.day AS day, r.service_point AS service_point, r.interval_start AS interval_start,
    r.interval_secs AS interval_secs, r.revision AS revision, r.method AS method, r.wh_imp AS wh_imp,
    r.gap_secs AS gap_secs, r.gap_class_secs AS gap_class_secs,
    multiIf(s.gaps >= 100, 'CLASS', a.gaps > 0, 'ALL', '') AS scored_by,
    multiIf(method = 'OUTAGE', toNullable(toInt64(0)), scored_by = 'CLASS', s.wape, a.wape) AS expected_permille,
    intDiv(abs(wh_imp) * expected_permille, 1000) AS expected_wh
FROM (
    SELECT day, service_point, interval_start, interval_secs, revision, method, wh_imp,
        sum(interval_secs) OVER (PARTITION BY service_point, interval_secs, island) AS gap_secs,
        multiIf(gap_secs <= 7200, 3600, gap_secs <= 43200, 21600, gap_secs <= 129600, 86400, 259200) AS gap_class_secs,
        if(method IN ('LINEAR', 'LIKE_DAY', 'CARRIED', 'SCALED', 'FLAT'), 'HOT', 'COLD') AS lane
    FROM (
        SELECT day, service_point, interval_start, interval_secs, revision, toString(method) AS method, wh_imp,
            toInt64(toUnixTimestamp(interval_start)) - toInt64(interval_secs) * toInt64(row_number() OVER (
                PARTITION BY service_point, interval_secs ORDER BY interval_start)) AS island
        FROM readings_latest WHERE wh_imp_quality = 'ESTIMATED'
    )
) AS r
LEFT JOIN (
    SELECT service_point, toString(argMax(role, valid_from)) AS role, argMax(tariff, valid_from) AS tariff,
        argMax(multiIf(sanctioned_w <= 0, 'UNKNOWN', sanctioned_w <= 1000, 'TO_1_KW', sanctioned_w <= 5000, 'TO_5_KW', sanctioned_w <= 20000, 'TO_20_KW', sanctioned_w <= 100000, 'TO_100_KW', 'ABOVE_100_KW'), valid_from) AS load_class
    FROM service_points_latest GROUP BY service_point
) AS p ON p.service_point = r.service_point
LEFT JOIN (
    SELECT toString(role) AS role, toUInt16(tariff_number) AS tariff, toString(load_class) AS load_class,
        toString(lane) AS lane, toString(method) AS method, gap_secs, gaps, wape_permille AS wape
    FROM estimate_scores_latest
) AS s ON s.role = if(p.role = '', 'UNKNOWN', p.role) AND s.tariff = p.tariff
    AND s.load_class = if(p.load_class = '', 'UNKNOWN', p.load_class) AND s.lane = r.lane AND s.method = r.method
    AND s.gap_secs = r.gap_class_secs
LEFT JOIN (
    SELECT toString(lane) AS lane, toString(method) AS method, gap_secs, sum(e.gaps) AS gaps,
        if(sum(e.energy_wh) > 0, toInt64(floor((2000 * sum(e.wrong_wh) + sum(e.energy_wh)) / (2 * sum(e.energy_wh)))), NULL) AS wape
    FROM (SELECT lane, method, gap_secs, gaps, wrong_wh, energy_wh FROM estimate_scores_latest) AS e
    GROUP BY lane, method, gap_secs
) AS a ON a.lane = r.lane AND a.method = r.method AND a.gap_secs = r.gap_class_secs
COMMENT 'one row an estimated interval: its method, the gap that it is in, and how far off it is expected to be';
