"""Dirty rows: for each rule of a registry import a way to plant it, and what must be found then, and nothing else.

A plant gets the files and a number that no other plant uses; it may use the number beside it (OTHER away) too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.registry.rules import RULES
from tests.builders_registry import DT, FEEDER, FIRST_POINT, OTHER_FEEDER, RAW, Files, key, title

OTHER = 4_000_000
"""Numbers below are those of plants; a node of a plant is this many above its number."""

Found = tuple[str, int, str, str]
Plant = Callable[[Files, int], list[Found]]

NOT_OF_ROWS = {
    "TABLE_MISSING",
    "TABLE_EMPTY",
    "QUOTE_OPEN",
    "NO_GOOD_ROW",
    "DECIMAL_POINT",
    "TARIFF_NOT_TOLD",
    "HEADER_MISSING",
    "HEADER_TWICE",
    "HEADER_UNKNOWN",
    "TARIFF_FAULT",
    "TARIFF_TWICE",
}
"""Rules about whole files, and of mappings of their own; tests of their own plant them."""


def meter_cell(code: str, column: str, text: Any) -> Plant:
    return lambda files, number: [("meters", files.meter(number, **{column: text}), column, code)]


def point_cell(code: str, column: str, text: Any, **cells: Any) -> Plant:
    return lambda files, n: [("service_points", files.point(n, **{column: text, **cells}), column, code)]


def home_cell(code: str, column: str, text: Any, **cells: Any) -> Plant:
    """A warning about a point: everything else of the home is right."""

    def plant(files: Files, number: int) -> list[Found]:
        files.home(number, **{column: text, **cells})
        named = "dt" if code in ("POINT_WITHOUT_NODE", "DT_FEEDER_DIFFER") else column
        named = "tariff" if code == "TARIFF_STARTS_LATER" else named
        return [("service_points", len(files.rows["service_points"]) + 1, named, code)]

    return plant


def place_for(files: Files, number: int, **meter: Any) -> None:
    files.meter(number, **meter)
    files.key(number)
    files.point(number)


def installation_cell(code: str, column: str, text: Any, meter: dict[str, Any] | None = None, **cells: Any) -> Plant:
    def plant(files: Files, number: int) -> list[Found]:
        place_for(files, number, **(meter or {}))
        return [("installations", files.installation(number, **{column: text, **cells}), column, code)]

    return plant


def key_cell(code: str, column: str, text: str) -> Plant:
    def plant(files: Files, number: int) -> list[Found]:
        files.meter(number)
        files.point(number)
        files.installation(number)
        return [("keys", files.key(number, **{column: text}), column, code)]

    return plant


def keys_without(code: str, column: str, **cells: str) -> Plant:
    """A row of keys that lacks the one in `column`."""
    none = {"encryption_key": "", "authentication_key": "", **cells}

    def plant(files: Files, number: int) -> list[Found]:
        files.meter(number)
        files.point(number)
        files.installation(number)
        return [("keys", files.key(number, **none), column, code)]

    return plant


def node_cell(code: str, column: str, text: Any, level: str = "DT") -> Plant:
    def plant(files: Files, number: int) -> list[Found]:
        cells = {"node": OTHER + number, "level": level, "parent": FEEDER, "name": "x", column: text}
        return [("network", files.add("network", **cells), column, code)]

    return plant


def raw_line(code: str, line: str, table: str = "accounts") -> Plant:
    return lambda files, number: [(table, files.add(table, **{RAW: line}), "", code)]


def row_twice(files: Files, number: int) -> list[Found]:
    files.home(number)
    return [("meters", files.meter(number), "system_title", "ROW_TWICE")]


def id_twice(files: Files, number: int) -> list[Found]:
    lines = [files.meter(number), files.meter(number, limit_wh=100)]
    return [("meters", line, "system_title", "ID_TWICE") for line in lines]


def title_maker(files: Files, number: int) -> list[Found]:
    own = f"010203{number:010X}"
    line = files.meter(number, system_title=own)
    files.key(number, system_title=own)
    files.point(number)
    files.installation(number, system_title=own)
    return [("meters", line, "system_title", "TITLE_MAKER")]


def node_cycle(files: Files, number: int) -> list[Found]:
    a, b = OTHER + number, 2 * OTHER + number
    lines = [files.add("network", node=x, level="FEEDER", parent=y) for x, y in ((a, b), (b, a))]
    return [("network", line, "parent", "NODE_CYCLE") for line in lines]


def serial_twice(files: Files, number: int) -> list[Found]:
    lines = [files.meter(n, serial=f"T{number}") for n in (number, OTHER + number)]
    return [("meters", line, "serial", "SERIAL_TWICE") for line in lines]


def meter_not_installed(files: Files, number: int) -> list[Found]:
    files.key(number)
    return [("meters", files.meter(number), "system_title", "METER_NOT_INSTALLED")]


def meter_without_key(files: Files, number: int) -> list[Found]:
    files.point(number)
    files.installation(number)
    return [("meters", files.meter(number), "system_title", "METER_WITHOUT_KEY")]


def key_of_unknown_meter(files: Files, number: int) -> list[Found]:
    return [("keys", files.key(number), "system_title", "KEY_OF_UNKNOWN_METER")]


def key_shared(files: Files, number: int) -> list[Found]:
    both = [key_cell("KEY_SHARED", "encryption_key", key(2 * number + 1))(files, n) for n in (number, OTHER + number)]
    return both[0] + both[1]


def keys_twice(files: Files, number: int) -> list[Found]:
    """Two rows of a meter that begin at the same moment; a third one that begins later is right."""
    files.home(number)
    dates = ("2026-02-01", "2026-02-01", "2026-03-01")
    lines = [
        files.key(number, valid_from=date, encryption_key=key(7_000_000 + 4 * number + place))
        for place, date in enumerate(dates)
    ]
    return [("keys", line, "system_title", "ID_TWICE") for line in lines[:2]]


def key_not_dated(files: Files, number: int) -> list[Found]:
    files.home(number)
    first, _ = (
        files.key(number, valid_from=date, broadcast_key=key(7_000_000 + 4 * number + place))
        for place, date in enumerate(("2026-02-01", "2026-03-01"))
    )
    return [("keys", first, "broadcast_key", "KEY_NOT_DATED")]


def point_overlap(files: Files, number: int) -> list[Found]:
    first = files.point(number, valid_to="2026-03-01")
    second = files.point(number, valid_from="2026-02-01")
    return [("service_points", first, "valid_to", "POINT_OVERLAP"),
            ("service_points", second, "valid_from", "POINT_OVERLAP")]  # fmt: skip


def point_gap(files: Files, number: int) -> list[Found]:
    files.home(number, valid_to="2026-02-01")
    return [("service_points", files.point(number, valid_from="2026-03-01"), "valid_from", "POINT_GAP")]


def point_without_meter(files: Files, number: int) -> list[Found]:
    return [("service_points", files.point(number), "service_point", "POINT_WITHOUT_METER")]


def meter_unknown(files: Files, number: int) -> list[Found]:
    files.point(number)
    return [("installations", files.installation(number), "system_title", "METER_UNKNOWN")]


def point_unknown(files: Files, number: int) -> list[Found]:
    files.meter(number)
    files.key(number)
    return [("installations", files.installation(number), "service_point", "POINT_UNKNOWN")]


def meter_overlap(files: Files, number: int) -> list[Found]:
    place_for(files, number)
    files.point(OTHER + number)
    first = files.installation(number, removed_at="2026-05-01")
    second = files.installation(number, service_point=FIRST_POINT + OTHER + number, installed_at="2026-04-01")
    return [("installations", first, "removed_at", "METER_OVERLAP"),
            ("installations", second, "installed_at", "METER_OVERLAP")]  # fmt: skip


def two_meters(files: Files, number: int, removed: str, installed: str) -> tuple[int, int]:
    place_for(files, number)
    files.meter(OTHER + number)
    files.key(OTHER + number)
    first = files.installation(number, removed_at=removed)
    second = files.installation(number, system_title=title(OTHER + number), installed_at=installed)
    return first, second


def installation_overlap(files: Files, number: int) -> list[Found]:
    first, second = two_meters(files, number, "2026-05-01", "2026-04-01")
    return [("installations", first, "removed_at", "INSTALLATION_OVERLAP"),
            ("installations", second, "installed_at", "INSTALLATION_OVERLAP")]  # fmt: skip


def installation_gap(files: Files, number: int) -> list[Found]:
    _, second = two_meters(files, number, "2026-04-01", "2026-05-01")
    return [("installations", second, "installed_at", "INSTALLATION_GAP")]


def refers_to_error(files: Files, number: int) -> list[Found]:
    line = files.meter(number, template=99)
    files.key(number)
    files.point(number)
    return [("meters", line, "template", "TEMPLATE_UNKNOWN"),
            ("installations", files.installation(number), "system_title", "REFERS_TO_ERROR")]  # fmt: skip


ENDED = {"removed_at": "2026-06-01"}

PLANTS: dict[str, tuple[Plant, ...]] = {
    "ROW_UNREADABLE": (raw_line("ROW_UNREADABLE", '"12"3'),),
    "ROW_WIDTH": (raw_line("ROW_WIDTH", "7,7,7"),),
    "ENCODING": (meter_cell("ENCODING", "serial", "A\udcff"),),
    "ROW_TWICE": (row_twice,),
    "ID_TWICE": (id_twice, keys_twice),
    "MISSING": (
        meter_cell("MISSING", "limit_wh", " "),
        point_cell("MISSING", "valid_from", ""),
        keys_without("MISSING", "encryption_key"),
        keys_without("MISSING", "encryption_key", broadcast_key="0123456789abcdef" * 2),
        keys_without(
            "MISSING",
            "authentication_key",
            broadcast_key="0123456789abcdef" * 2,
            suite2_encryption_key="0123456789abcdef" * 4,
        ),
    ),
    "NOT_A_NUMBER": (meter_cell("NOT_A_NUMBER", "limit_wh", "7.2 kWh"), point_cell("NOT_A_NUMBER", "dt", "DT-7")),
    "SHORTENED": (point_cell("SHORTENED", "service_point", "2.7E+10"),),
    "DECIMAL_COMMA": (
        meter_cell("DECIMAL_COMMA", "limit_wh", "7,2"),
        installation_cell("DECIMAL_COMMA", "factor", "1,5"),
    ),
    "NOT_WHOLE": (point_cell("NOT_WHOLE", "sanctioned_w", "2.5"),),
    "OUT_OF_RANGE": (
        meter_cell("OUT_OF_RANGE", "limit_wh", 0),
        point_cell("OUT_OF_RANGE", "sanctioned_w", 2**32),
        point_cell("OUT_OF_RANGE", "service_point", 2**64),
        point_cell("OUT_OF_RANGE", "sanctioned_w", -5),
        installation_cell("OUT_OF_RANGE", "opening_wh_imp", 10**9, {"template": 2}),
        installation_cell("OUT_OF_RANGE", "ct_ratio", "4000000000", pt_ratio="4000000000"),
    ),
    "NOT_A_DATE": (
        point_cell("NOT_A_DATE", "valid_from", "2026-02-30"),
        installation_cell("NOT_A_DATE", "removed_at", "x"),
    ),
    "DATE_FAR": (point_cell("DATE_FAR", "valid_from", "1826-01-01"), point_cell("DATE_FAR", "valid_to", "2206-01-01")),
    "CHOICE_UNKNOWN": (point_cell("CHOICE_UNKNOWN", "role", "GHOST"), node_cell("CHOICE_UNKNOWN", "level", "MOON")),
    "TITLE_FORM": (
        meter_cell("TITLE_FORM", "system_title", "KVN123"),
        meter_cell("TITLE_FORM", "system_title", "0" * 16),
    ),
    "TITLE_MAKER": (title_maker,),
    "NOT_ASCII": (meter_cell("NOT_ASCII", "serial", "Zähler 7"),),
    "TEXT_LONG": (node_cell("TEXT_LONG", "name", "n" * 41), meter_cell("TEXT_LONG", "serial", "s" * 33)),
    "TEXT_CONTROL": (node_cell("TEXT_CONTROL", "name", "a\x07b"),),
    "RATIO_FORM": (
        installation_cell("RATIO_FORM", "ct_ratio", "100/5/2"),
        installation_cell("RATIO_FORM", "factor", "ten"),
    ),
    "FACTOR_ZERO": (
        installation_cell("FACTOR_ZERO", "factor", "0"),
        installation_cell("FACTOR_ZERO", "pt_ratio", "100/0"),
    ),
    "TEMPLATE_UNKNOWN": (meter_cell("TEMPLATE_UNKNOWN", "template", 99),),
    "INTERVAL_OTHER": (meter_cell("INTERVAL_OTHER", "interval_secs", 600),),
    "KEY_FORM": (key_cell("KEY_FORM", "encryption_key", "x" * 32),),
    "KEY_LENGTH": (
        key_cell("KEY_LENGTH", "authentication_key", "ab" * 15),
        key_cell("KEY_LENGTH", "suite2_encryption_key", "ab" * 16),
    ),
    "PARENT_UNKNOWN": (node_cell("PARENT_UNKNOWN", "parent", 4_000_000_000),),
    "NODE_CYCLE": (node_cycle,),
    "LEVEL_ORDER": (node_cell("LEVEL_ORDER", "parent", DT), node_cell("LEVEL_ORDER", "parent", FEEDER, "SUBSTATION")),
    "PARENT_MISSING": (node_cell("PARENT_MISSING", "parent", ""),),
    "SERIAL_TWICE": (serial_twice,),
    "METER_NOT_INSTALLED": (meter_not_installed,),
    "METER_WITHOUT_KEY": (meter_without_key,),
    "KEY_OF_UNKNOWN_METER": (key_of_unknown_meter,),
    "KEY_SHARED": (key_shared,),
    "KEY_NOT_DATED": (key_not_dated,),
    "KEY_WEAK": (key_cell("KEY_WEAK", "encryption_key", "00" * 16),),
    "DATES_REVERSED": (
        point_cell("DATES_REVERSED", "valid_to", "2025-06-01"),
        installation_cell("DATES_REVERSED", "removed_at", "2026-01-01"),
    ),
    "POINT_OVERLAP": (point_overlap,),
    "POINT_GAP": (point_gap,),
    "ACCOUNT_MISSING": (point_cell("ACCOUNT_MISSING", "account", ""),),
    "ACCOUNT_UNKNOWN": (point_cell("ACCOUNT_UNKNOWN", "account", 4711),),
    "TARIFF_MISSING": (home_cell("TARIFF_MISSING", "tariff", ""),),
    "TARIFF_UNKNOWN": (point_cell("TARIFF_UNKNOWN", "tariff", 77),),
    "TARIFF_NOT_IN_FORCE": (
        point_cell("TARIFF_NOT_IN_FORCE", "tariff", 1, valid_from="2019-01-01", valid_to="2019-06-01"),
    ),
    "TARIFF_STARTS_LATER": (home_cell("TARIFF_STARTS_LATER", "valid_from", "2019-01-01"),),
    "NODE_UNKNOWN": (point_cell("NODE_UNKNOWN", "dt", 999), point_cell("NODE_UNKNOWN", "feeder", 999)),
    "NODE_LEVEL_OTHER": (point_cell("NODE_LEVEL_OTHER", "dt", FEEDER),),
    "NODE_MISSING": (
        point_cell("NODE_MISSING", "dt", "", role="DT_METER"),
        point_cell("NODE_MISSING", "feeder", "", role="FEEDER_METER"),
    ),
    "POINT_WITHOUT_NODE": (home_cell("POINT_WITHOUT_NODE", "dt", "", feeder=""),),
    "DT_FEEDER_DIFFER": (home_cell("DT_FEEDER_DIFFER", "feeder", OTHER_FEEDER),),
    "POINT_WITHOUT_METER": (point_without_meter,),
    "METER_UNKNOWN": (meter_unknown,),
    "POINT_UNKNOWN": (point_unknown,),
    "METER_OVERLAP": (meter_overlap,),
    "INSTALLATION_OVERLAP": (installation_overlap,),
    "INSTALLATION_GAP": (installation_gap,),
    "INSTALLATION_OUTSIDE_POINT": (installation_cell("INSTALLATION_OUTSIDE_POINT", "installed_at", "2025-12-01"),),
    "FACTOR_DIFFERS": (installation_cell("FACTOR_DIFFERS", "factor", 10, ct_ratio="100/5"),),
    "REGISTER_PARTIAL": (
        installation_cell("REGISTER_PARTIAL", "opening_wh_imp", "", opening_vah_imp=5),
        installation_cell("REGISTER_PARTIAL", "closing_wh_imp", "", closing_wh_exp=5, **ENDED),
    ),
    "CLOSING_WITHOUT_REMOVAL": (installation_cell("CLOSING_WITHOUT_REMOVAL", "closing_wh_imp", 5),),
    "REGISTER_BACKWARDS": (installation_cell("REGISTER_BACKWARDS", "closing_wh_imp", 5, opening_wh_imp=10, **ENDED),),
    "REGISTER_ROLLED": (
        installation_cell("REGISTER_ROLLED", "closing_wh_imp", 5, {"template": 2}, opening_wh_imp=10, **ENDED),
    ),
    "REFERS_TO_ERROR": (refers_to_error,),
}

assert set(PLANTS) | NOT_OF_ROWS == {rule.code for rule in RULES}, "a rule without a plant"


def plant(files: Files, how_many: int, first: int = 1000) -> set[Found]:
    """Plant dirty rows of all rules in turn, until that many are in the files; returns what must be found."""
    ways = [way for ways in PLANTS.values() for way in ways]
    expected: set[Found] = set()
    number = 0
    while len(expected) < how_many:
        expected.update(ways[number % len(ways)](files, first + number))
        number += 1
    return expected
