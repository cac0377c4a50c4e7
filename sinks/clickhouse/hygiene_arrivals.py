"""Views of what has come of a day, and when: outages, arrivals, what is expected, and what is promised."""

from __future__ import annotations

from sinks.clickhouse.hygiene_view import NODE_COLUMNS, NODES, View

SLA_LATEST = View(
    "sla_latest",
    "the promises in force",
    (("hours", "hours after the day has ended"), ("percent", "share of the meters in service that is promised")),
    "SELECT hours, percent FROM sla FINAL WHERE number = (SELECT max(number) FROM sla)",
)

OUTAGES = View(
    "outages",
    "one row a confirmed outage of a service point: a last gasp and the first breath that follows it",
    (
        ("service_point", "service point"),
        ("began_at", "last gasp, the meter's clock, UTC"),
        ("ended_at", "first breath, UTC"),
    ),
    """
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
""",
)

ARRIVALS = View(
    "arrivals",
    "one row an interval of which a row came from a meter: the tick by which the first one was in the log",
    (
        ("day", "local day"),
        ("service_point", "service point"),
        ("interval_start", "start of the interval, UTC"),
        ("interval_secs", "s: length of the interval"),
        ("arrived_by", "time of the first tick behind it in the log, UTC; null: none is there yet"),
    ),
    """
SELECT day, service_point, interval_start, any(r.interval_secs) AS interval_secs,
    min(nullIf(t.time, toDateTime(0, 'UTC'))) AS arrived_by
FROM (SELECT day, service_point, interval_start, interval_secs, origin_topic, origin_partition, origin_offset
    FROM readings WHERE frame >= 0 AND method != 'HEAD_END') AS r
ASOF LEFT JOIN log_times AS t ON r.origin_topic = t.origin_topic AND r.origin_partition = t.origin_partition
    AND r.origin_offset <= t.origin_offset
GROUP BY day, service_point, interval_start
""",
)

IN_SERVICE = View(
    "in_service",
    "one row a service point and day on which a meter stood there: what is expected of it",
    (
        ("day", "local day"),
        ("day_end", "local midnight that it ends at, UTC"),
        ("service_point", "service point"),
        ("dt", "distribution transformer; 0 for none"),
        ("feeder", "feeder; 0 for none"),
        ("ends", "ends of its intervals, epoch seconds UTC"),
        ("off", "confirmed outages, epoch seconds UTC"),
        ("in_outage", "intervals whose end fell into a confirmed outage: they are not expected"),
        ("expected", "intervals that are expected"),
        ("register_expected", "1: so is the register at the day's end"),
    ),
    """
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
""",
)

TIMELINESS = View(
    "timeliness",
    "one row a service point and day: what of the expected rows has come, and when",
    (
        ("day", "local day"),
        ("day_end", "local midnight that it ends at, UTC"),
        ("service_point", "service point"),
        ("dt", "distribution transformer; 0 for none"),
        ("feeder", "feeder; 0 for none"),
        ("expected", "intervals that are expected; without those of confirmed outages"),
        ("in_outage", "intervals whose end fell into a confirmed outage"),
        ("received", "of the expected, those of which a row came from the meter"),
        ("arrived", "by when each of them was in the log, epoch seconds UTC; 4294967295: not known yet"),
        ("complete_by", "when the last of them was there, UTC; null: one is missing"),
        ("register_expected", "1: the register at the day's end is expected"),
        ("register_by", "tick that settled the day with it, UTC; null: it has not come"),
    ),
    """
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
""",
)

SLA_DAYS = View(
    "sla_days",
    "one row a day, node and promise: what had come so many hours after the day had ended",
    (
        *NODE_COLUMNS,
        ("hours", "hours after the day has ended"),
        ("promised_percent", "share of the meters that is promised"),
        ("meters", "service points in service of which a row is expected"),
        ("meters_by", "of these, all expected rows were there in time"),
        ("meters_percent", "share of them"),
        ("kept", "1: the promise was kept"),
        ("rows_expected", "intervals that are expected"),
        ("rows_by", "of these, there in time"),
        ("rows_percent", "share of them"),
        ("rows_received", "of these, there by now"),
        ("registers_expected", "registers at the day's end that are expected"),
        ("registers_by", "of these, there in time"),
        ("rows_in_outage", "intervals whose end fell into a confirmed outage: they are not expected"),
    ),
    """
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
{nodes}
WHERE place.1 = 'TOTAL' OR place.2 > 0
GROUP BY day, level, node, hours
""".replace("{nodes}", NODES),
)
