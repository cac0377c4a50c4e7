"""Views of how far estimates are off: scores over all partitions, and what is expected of each estimated reading."""

from __future__ import annotations

from schemas.estimate_score import LOAD_BOUNDS_W, LoadClass
from sinks.clickhouse.hygiene_view import View

CLASS = ("role", "tariff_number", "load_class")
SUMS = ("gaps", "energy_wh", "wrong_wh", "over_wh", "spread_wh")
KEY = (*CLASS, "lane", "method", "gap_secs")

ENOUGH_GAPS = 100
"""A class with fewer gaps of a method and length lends the figures of all classes."""


def _permille(part: str, whole: str) -> str:
    return f"if({whole} > 0, toInt64(floor((2000 * {part} + {whole}) / (2 * {whole}))), NULL)"


LATEST = View(
    "estimate_scores_latest",
    "one row a class, lane, method and length of gap: how far estimates are off, over all partitions",
    (
        ("role", "role of the service points of the class"),
        ("tariff_number", "number of their tariff; 0 for none"),
        ("load_class", "band of their sanctioned load"),
        ("lane", "HOT: as the stream estimates; COLD: with all days around"),
        ("method", "method of estimation"),
        ("gap_secs", "s: length of gap"),
        ("day", "last local day that is in it"),
        ("gaps", "gaps that were tried; older ones count less"),
        ("energy_wh", "Wh: import that was taken away"),
        ("wrong_wh", "Wh: sum of |estimate - actual|"),
        ("over_wh", "Wh: sum of estimate - actual"),
        ("spread_wh", "Wh: how far the days around lie from the estimates"),
        ("wape_permille", "1/1000: wrong_wh / energy_wh; null without energy"),
        ("bias_permille", "1/1000: over_wh / energy_wh; null without energy"),
    ),
    f"""
SELECT {", ".join(KEY)}, max(s.last) AS day, {", ".join(f"sum(s.part_{name}) AS {name}" for name in SUMS)},
    {_permille("wrong_wh", "energy_wh")} AS wape_permille, {_permille("over_wh", "energy_wh")} AS bias_permille
FROM (SELECT {", ".join(KEY)}, day AS last, {", ".join(f"{name} AS part_{name}" for name in SUMS)}
    FROM estimate_scores ORDER BY day_start DESC, revision DESC LIMIT 1 BY source_partition, {", ".join(KEY)}) AS s
GROUP BY {", ".join(KEY)}
""",  # noqa: S608 - of constants
)

BANDS = ", ".join(f"sanctioned_w <= {most}, '{LoadClass(place).name}'" for place, most in enumerate(LOAD_BOUNDS_W))
"""Pairs of multiIf: band of a sanctioned load."""

ESTIMATES = View(
    "readings_estimates",
    "one row an estimated interval: its method, the gap that it is in, and how far off it is expected to be",
    (
        ("day", "local day"),
        ("service_point", "service point"),
        ("interval_start", "start of the interval, UTC"),
        ("interval_secs", "s: length of the interval"),
        ("revision", "revision of the reading"),
        ("method", "how the value was made"),
        ("wh_imp", "Wh: the estimate"),
        ("gap_secs", "s: estimated intervals in a row that it is one of"),
        ("gap_class_secs", "s: length of gap whose score is taken"),
        ("scored_by", "CLASS: the score is of its class; ALL: of all classes, whose gaps are more; empty: none"),
        ("expected_permille", "1/1000: expected error of the estimate; null when its method was not scored"),
        ("expected_wh", "Wh: the same"),
    ),
    f"""
SELECT r.day AS day, r.service_point AS service_point, r.interval_start AS interval_start,
    r.interval_secs AS interval_secs, r.revision AS revision, r.method AS method, r.wh_imp AS wh_imp,
    r.gap_secs AS gap_secs, r.gap_class_secs AS gap_class_secs,
    multiIf(s.gaps >= {ENOUGH_GAPS}, 'CLASS', a.gaps > 0, 'ALL', '') AS scored_by,
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
        argMax(multiIf({BANDS}, '{LoadClass.ABOVE_100_KW.name}'), valid_from) AS load_class
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
        {_permille("sum(e.wrong_wh)", "sum(e.energy_wh)")} AS wape
    FROM (SELECT lane, method, gap_secs, gaps, wrong_wh, energy_wh FROM estimate_scores_latest) AS e
    GROUP BY lane, method, gap_secs
) AS a ON a.lane = r.lane AND a.method = r.method AND a.gap_secs = r.gap_class_secs
""",  # noqa: S608 - of constants
)

ESTIMATE_VIEWS = (LATEST, ESTIMATES)
"""In the order of creation."""
