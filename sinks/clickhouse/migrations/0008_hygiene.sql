CREATE TABLE IF NOT EXISTS log_times
(
    `origin_topic` LowCardinality(String) COMMENT 'id of the frames topic that the tick stands in' CODEC(LZ4),
    `origin_partition` UInt16 COMMENT 'partition of that topic' CODEC(LZ4),
    `origin_offset` UInt64 COMMENT 'offset of the tick in that partition' CODEC(Delta, LZ4),
    `time` DateTime('UTC') COMMENT 'time of the tick, UTC' CODEC(DoubleDelta, LZ4),
    `lateness_secs` UInt32 COMMENT 's: how long intervals stay open behind it' CODEC(LZ4)
)
ENGINE = ReplacingMergeTree
ORDER BY (origin_topic, origin_partition, origin_offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a tick: what lies before it in its partition of the frames log had arrived by its time';

CREATE TABLE IF NOT EXISTS sla
(
    `number` UInt32 COMMENT 'grows whenever the sink\'s option `sla` is another' CODEC(LZ4),
    `hours` UInt16 COMMENT 'hours after local midnight that the day ends at' CODEC(LZ4),
    `percent` Float64 COMMENT 'share of the meters in service that is promised, per cent' CODEC(LZ4)
)
ENGINE = ReplacingMergeTree
ORDER BY (number, hours)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'What is promised of a day\'s rows; the rows with the largest number are in force';

CREATE OR REPLACE VIEW sla_latest AS
SELECT hours, percent FROM sla FINAL WHERE number = (SELECT max(number) FROM sla)
COMMENT 'the promises in force';

CREATE OR REPLACE VIEW outages AS
SELECT service_point, time AS began_at, next_time AS ended_at
FROM (
    SELECT service_point, time, name,
        leadInFrame(time) OVER following AS next_time, leadInFrame(name) OVER following AS next_name
    FROM (SELECT DISTINCT service_point, time, toString(name) AS name FROM events
        WHERE name IN ('last gasp', 'first breath') AND edge = 'OCCURRED')
    WINDOW following AS (PARTITION BY service_point ORDER BY time, name
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
WHERE name = 'last gasp' AND next_name = 'first breath'
COMMENT 'one row a confirmed outage of a service point: a last gasp and the first breath that follows it';

CREATE OR REPLACE VIEW arrivals AS
SELECT day, service_point, interval_start, any(r.interval_secs) AS interval_secs,
    min(nullIf(t.time, toDateTime(0, 'UTC'))) AS arrived_by
FROM (SELECT day, service_point, interval_start, interval_secs, origin_topic, origin_partition, origin_offset
    FROM readings WHERE frame >= 0 AND method != 'HEAD_END') AS r
ASOF LEFT JOIN log_times AS t ON r.origin_topic = t.origin_topic AND r.origin_partition = t.origin_partition
    AND r.origin_offset <= t.origin_offset
GROUP BY day, service_point, interval_start
COMMENT 'one row an interval of which a row came from a meter: the tick by which the first one was in the log';

CREATE OR REPLACE VIEW in_service AS
SELECT day, day_end, service_point, dt, feeder, ends, off,
    arrayCount(e -> arrayExists(o -> e > o.1 AND e <= o.2, off), ends) AS in_outage,
    length(ends) - in_outage AS expected,
    toUInt8(stands AND NOT arrayExists(o -> toUInt32(day_end) > o.1 AND toUInt32(day_end) <= o.2, off))
        AS register_expected
FROM (
    SELECT l.day AS day, any(l.day_end) AS day_end, l.service_point AS service_point, max(l.stands) AS stands,
        arraySort(arrayDistinct(groupArrayArray(l.ends))) AS ends, argMax(p.dt, p.valid_from) AS dt,
        argMax(p.feeder, p.valid_from) AS feeder, any(o.off) AS off
    FROM (
        SELECT d.day AS day, d.day_end AS day_end, link.service_point AS service_point,
            link.valid_to >= d.day_end AS stands,
            range(toUInt32(greatest(link.valid_from, d.day_start)) + link.interval_secs,
                toUInt32(least(link.valid_to, d.day_end)) + 1, link.interval_secs) AS ends
        FROM (SELECT day, toDateTime(toStartOfDay(toDateTime(day, '{timezone}')), 'UTC') AS day_start,
                toDateTime(toStartOfDay(toDateTime(day + 1, '{timezone}')), 'UTC') AS day_end
            FROM (SELECT DISTINCT day FROM days)) AS d
        CROSS JOIN devices_latest AS link
        WHERE link.valid_from < d.day_end AND link.valid_to > d.day_start
    ) AS l
    LEFT JOIN service_points_latest AS p ON p.service_point = l.service_point
    LEFT JOIN (SELECT service_point, groupArray((toUInt32(began_at), toUInt32(ended_at))) AS off
        FROM outages GROUP BY service_point) AS o ON o.service_point = l.service_point
    WHERE p.valid_from < l.day_end
    GROUP BY l.day, l.service_point
)
COMMENT 'one row a service point and day on which a meter stood there: what is expected of it';

CREATE OR REPLACE VIEW timeliness AS
SELECT s.day AS day, s.day_end AS day_end, s.service_point AS service_point, s.dt AS dt, s.feeder AS feeder,
    s.expected AS expected, s.in_outage AS in_outage,
    arrayMap(x -> x.2, arrayFilter(x -> has(s.ends, x.1) AND NOT arrayExists(o -> x.1 > o.1 AND x.1 <= o.2, s.off),
        a.came)) AS arrived,
    length(arrived) AS received,
    if(expected > 0 AND received >= expected AND arrayMax(arrived) < 4294967295,
        toDateTime(arrayMax(arrived), 'UTC'), NULL) AS complete_by,
    s.register_expected AS register_expected, nullIf(m.register_by, toDateTime(0, 'UTC')) AS register_by
FROM in_service AS s
LEFT JOIN (
    SELECT day, service_point, groupArray((toUInt32(interval_start) + interval_secs,
        ifNull(toUInt32(arrived_by), toUInt32(4294967295)))) AS came
    FROM arrivals GROUP BY day, service_point
) AS a ON a.day = s.day AND a.service_point = s.service_point
LEFT JOIN (
    SELECT r.day AS day, r.service_point AS service_point,
        ifNull(min(nullIf(t.time, toDateTime(0, 'UTC'))), toDateTime(0, 'UTC')) AS register_by
    FROM (SELECT day, service_point, origin_topic, origin_partition, origin_offset
        FROM days WHERE bitTest(registers, 1)) AS r
    ASOF LEFT JOIN log_times AS t ON r.origin_topic = t.origin_topic AND r.origin_partition = t.origin_partition
        AND r.origin_offset <= t.origin_offset
    GROUP BY day, service_point
) AS m ON m.day = s.day AND m.service_point = s.service_point
COMMENT 'one row a service point and day: what of the expected rows has come, and when';

CREATE OR REPLACE VIEW sla_days AS
SELECT day, place.1 AS level, place.2 AS node, hours, any(percent) AS promised_percent,
    countIf(expected > 0) AS meters,
    countIf(expected > 0 AND came >= expected) AS meters_by,
    round(100 * meters_by / greatest(meters, 1), 3) AS meters_percent,
    toUInt8(100 * meters_by >= promised_percent * meters) AS kept,
    sum(expected) AS rows_expected, sum(came) AS rows_by,
    round(100 * rows_by / greatest(rows_expected, 1), 3) AS rows_percent,
    sum(received) AS rows_received,
    sum(register_expected) AS registers_expected,
    countIf(register_expected AND ifNull(register_by <= until, 0)) AS registers_by,
    sum(in_outage) AS rows_in_outage
FROM (
    SELECT t.*, sla.hours AS hours, sla.percent AS percent, t.day_end + 3600 * sla.hours AS until,
        arrayCount(x -> x <= toUInt32(until), t.arrived) AS came
    FROM timeliness AS t CROSS JOIN sla_latest AS sla
)
ARRAY JOIN [('TOTAL', toUInt32(0)), ('FEEDER', feeder), ('DT', dt)] AS place
WHERE place.1 = 'TOTAL' OR place.2 > 0
GROUP BY day, level, node, hours
COMMENT 'one row a day, node and promise: what had come so many hours after the day had ended';

CREATE OR REPLACE VIEW unexplained AS
SELECT d.day AS day, d.service_point AS service_point, any(p.dt) AS dt, any(p.feeder) AS feeder,
    any(d.wh_imp_register) AS register_wh, any(d.wh_imp_actual) AS actual_wh, any(d.wh_imp_estimated) AS estimated_wh,
    register_wh - actual_wh AS not_metered_wh, any(d.wh_imp_unexplained) AS unexplained_wh
FROM days_latest AS d
LEFT JOIN (SELECT service_point, argMax(dt, valid_from) AS dt, argMax(feeder, valid_from) AS feeder
    FROM service_points_latest GROUP BY service_point) AS p ON p.service_point = d.service_point
WHERE bitAnd(d.registers, 3) = 3
GROUP BY day, service_point
COMMENT 'one row a service point and day with both registers: import energy that its intervals do not explain';

CREATE OR REPLACE VIEW unexplained_nodes AS
SELECT day, place.1 AS level, place.2 AS node, count() AS service_points, sum(u.register_wh) AS register_wh,
    sum(u.not_metered_wh) AS not_metered_wh, sum(u.unexplained_wh) AS unexplained_wh,
    sum(abs(u.unexplained_wh)) AS unexplained_absolute_wh,
    countIf(u.unexplained_wh != 0) AS service_points_unexplained
FROM (SELECT day, dt, feeder, register_wh, not_metered_wh, unexplained_wh FROM unexplained) AS u
ARRAY JOIN [('TOTAL', toUInt32(0)), ('FEEDER', feeder), ('DT', dt)] AS place
WHERE place.1 = 'TOTAL' OR place.2 > 0
GROUP BY day, level, node
COMMENT 'one row a day and node: import energy of its service points that their intervals do not explain';

CREATE OR REPLACE VIEW counter_days AS
SELECT b.day AS day, b.device AS device, b.service_point AS service_point, b.first_counter AS first_counter,
    b.last_counter AS last_counter,
    b.blocks + arrayCount(x -> x >= b.first_end AND x < b.last_end, s.times) AS frames,
    greatest(toInt64(last_counter) - first_counter + 1 - frames, 0) AS unused
FROM (
    SELECT day, device, any(service_point) AS service_point, min(counter) AS first_counter,
        max(counter) AS last_counter, uniqExact(counter) AS blocks,
        argMin(toUInt32(interval_start) + interval_secs, counter) AS first_end,
        argMax(toUInt32(interval_start) + interval_secs, counter) AS last_end
    FROM readings WHERE frame >= 0 AND counter > 0 GROUP BY day, device
) AS b
LEFT JOIN (
    SELECT day, device, groupArray(toUInt32(time)) AS times
    FROM (SELECT DISTINCT day, device, time, kind, revision FROM snapshots) GROUP BY day, device
) AS s ON s.day = b.day AND s.device = b.device
COMMENT 'one row a device and day: invocation counters that no used frame had';

CREATE OR REPLACE VIEW clocks AS
SELECT device, service_point, name, since, drift_secs, if(next_edge = 'RESTORED', next_at, NULL) AS until
FROM (
    SELECT device, service_point, name, edge, received_at AS since,
        dateDiff('second', received_at, time) AS drift_secs,
        leadInFrame(received_at) OVER following AS next_at, leadInFrame(edge) OVER following AS next_edge
    FROM (SELECT DISTINCT device, service_point, toString(name) AS name, toString(edge) AS edge, received_at, time
        FROM events WHERE source = 'PIPELINE' AND startsWith(name, 'meter clock'))
    WINDOW following AS (PARTITION BY device, name ORDER BY received_at, edge
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
WHERE edge = 'OCCURRED'
COMMENT 'one row a finding about a meter\'s clock: from when to when it was ahead or behind';

CREATE OR REPLACE VIEW clock_days AS
SELECT day, service_point, uniqExactIf(interval_start, bitTest(flags, 1)) AS doubtful,
    uniqExactIf(interval_start, bitTest(flags, 0)) AS invalid,
    uniqExactIf(interval_start, bitTest(flags, 4)) AS off_grid
FROM readings WHERE frame >= 0 AND bitAnd(flags, 19) != 0
GROUP BY day, service_point
COMMENT 'one row a service point and day with rows whose clock is in doubt';
