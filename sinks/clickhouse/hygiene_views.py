"""Views of the pipeline's hygiene: is every row there, and in time; are registers explained; clocks and counters right.

Each is a question to the base tables when it is asked, none is materialized. Filter by `day`. `{timezone}` stands for
the configured zone. What the figures mean and cannot say: docs/hygiene.md.
"""

from __future__ import annotations

from sinks.clickhouse.hygiene_arrivals import ARRIVALS, IN_SERVICE, OUTAGES, SLA_DAYS, SLA_LATEST, TIMELINESS
from sinks.clickhouse.hygiene_view import NODE_COLUMNS, NODES, View

UNEXPLAINED = View(
    "unexplained",
    "one row a service point and day with both registers: import energy that its intervals do not explain",
    (
        ("day", "local day"),
        ("service_point", "service point"),
        ("dt", "distribution transformer; 0 for none"),
        ("feeder", "feeder; 0 for none"),
        ("register_wh", "Wh: register difference times the multiplying factor"),
        ("actual_wh", "Wh: sum of the intervals that the meter sent and that passed"),
        ("estimated_wh", "Wh: sum of substitutes"),
        ("not_metered_wh", "Wh: register less actual; what had to be estimated"),
        ("unexplained_wh", "Wh: register less actual less estimated; what nothing explains"),
    ),
    """
SELECT d.day AS day, d.service_point AS service_point, any(p.dt) AS dt, any(p.feeder) AS feeder,
    any(d.wh_imp_register) AS register_wh, any(d.wh_imp_actual) AS actual_wh, any(d.wh_imp_estimated) AS estimated_wh,
    register_wh - actual_wh AS not_metered_wh, any(d.wh_imp_unexplained) AS unexplained_wh
FROM days_latest AS d
LEFT JOIN (SELECT service_point, argMax(dt, valid_from) AS dt, argMax(feeder, valid_from) AS feeder
    FROM service_points_latest GROUP BY service_point) AS p ON p.service_point = d.service_point
WHERE bitAnd(d.registers, 3) = 3
GROUP BY day, service_point
""",
)

UNEXPLAINED_NODES = View(
    "unexplained_nodes",
    "one row a day and node: import energy of its service points that their intervals do not explain",
    (
        *NODE_COLUMNS,
        ("service_points", "service points with both registers"),
        ("register_wh", "Wh: their register differences"),
        ("not_metered_wh", "Wh: register less actual; what had to be estimated"),
        ("unexplained_wh", "Wh: register less actual less estimated, summed with its sign"),
        ("unexplained_absolute_wh", "Wh: the same without the sign, so that one point does not hide another"),
        ("service_points_unexplained", "of these service points, those where it is not 0"),
    ),
    """
SELECT day, place.1 AS level, place.2 AS node, count() AS service_points, sum(u.register_wh) AS register_wh,
    sum(u.not_metered_wh) AS not_metered_wh, sum(u.unexplained_wh) AS unexplained_wh,
    sum(abs(u.unexplained_wh)) AS unexplained_absolute_wh,
    countIf(u.unexplained_wh != 0) AS service_points_unexplained
FROM (SELECT day, dt, feeder, register_wh, not_metered_wh, unexplained_wh FROM unexplained) AS u
{nodes}
WHERE place.1 = 'TOTAL' OR place.2 > 0
GROUP BY day, level, node
""".replace("{nodes}", NODES),
)

COUNTER_DAYS = View(
    "counter_days",
    "one row a device and day: invocation counters that no used frame had",
    (
        ("day", "local day"),
        ("device", "device"),
        ("service_point", "service point"),
        ("first_counter", "smallest counter of a block of the day"),
        ("last_counter", "largest counter of a block of the day"),
        ("frames", "frames between them that were used, these two included"),
        ("unused", "counters between them that no used frame had: pushes that were lost, refused or never sent"),
    ),
    """
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
""",
)

CLOCKS = View(
    "clocks",
    "one row a finding about a meter's clock: from when to when it was ahead or behind",
    (
        ("device", "DLMS system title, 16 hexadecimal digits"),
        ("service_point", "service point"),
        ("name", "meter clock ahead, or meter clock behind"),
        ("since", "when it was found, UTC"),
        ("drift_secs", "s: that the clock was ahead of its arrival then; negative: behind"),
        ("until", "when it was found to be right again, UTC; null: it is still off"),
    ),
    """
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
""",
)

CLOCK_DAYS = View(
    "clock_days",
    "one row a service point and day with rows whose clock is in doubt",
    (
        ("day", "local day"),
        ("service_point", "service point"),
        ("doubtful", "intervals with flag clock_doubtful"),
        ("invalid", "intervals with flag clock_invalid"),
        ("off_grid", "intervals whose stamp was off the grid"),
    ),
    """
SELECT day, service_point, uniqExactIf(interval_start, bitTest(flags, 1)) AS doubtful,
    uniqExactIf(interval_start, bitTest(flags, 0)) AS invalid,
    uniqExactIf(interval_start, bitTest(flags, 4)) AS off_grid
FROM readings WHERE frame >= 0 AND bitAnd(flags, 19) != 0
GROUP BY day, service_point
""",
)

HYGIENE_VIEWS = (
    SLA_LATEST, OUTAGES, ARRIVALS, IN_SERVICE, TIMELINESS, SLA_DAYS, UNEXPLAINED, UNEXPLAINED_NODES, COUNTER_DAYS,
    CLOCKS, CLOCK_DAYS,
)  # fmt: skip
"""In the order of creation: a view names only those before it."""
