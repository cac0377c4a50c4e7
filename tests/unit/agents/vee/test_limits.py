"""Rule sets compiled to rows and courses, by what the registry says of each link."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from agents.vee.config import VeeConfig
from agents.vee.kernels_limits import ESTIMATED, OFF, TOLD
from agents.vee.limits import LimitTables, compile_limits
from agents.vee.rules import in_force, rule_sets
from agents.vee.rulesets.read import day_number
from pipeline.reference import FOREVER, Registry
from tests.builders_vee import POINTS, registry
from tests.oracles.vee_oracle import Link

CONFIG = VeeConfig(utility="north", tariff_categories={4: "LT-IV"})


def a_registry(tariffs: list[int]) -> Registry:
    """A D1 meter a point, and its tariff."""
    found = registry([Link(1000 + point, point, 0, FOREVER) for point in POINTS[: len(tariffs)]])
    found.tariff[:] = tariffs
    return found


def tables_of(text: str, of: Registry, config: VeeConfig = CONFIG, **documents: bytes) -> LimitTables:
    named = {"rules/x.yaml": text.encode(), **{f"tariffs/{name}.yaml": raw for name, raw in documents.items()}}
    sets = rule_sets(named)
    return compile_limits(in_force(config, sets), sets, of, named)


def course(tables: LimitTables, link: int, name: str) -> list[tuple[int, int]]:
    """(first day, value) of a limit of a link."""
    number = int(tables.of_link[link])
    mine = tables.changes[tables.courses[number] : tables.courses[number + 1]]
    return [(int(day), int(tables.rows[name][row])) for day, row in mine.tolist()]


def of_day(tables: LimitTables, link: int, name: str, on: date) -> int:
    return [value for day, value in course(tables, link, name) if day <= day_number(on, 0)][-1]


def test_without_documents_all_links_have_the_topology_s_limits() -> None:
    tables = compile_limits(VeeConfig(spike_floor_wh=700), [], a_registry([0, 0]), {})
    assert (tables.of_link.tolist(), len(tables.rows), tables.courses.tolist()) == ([0, 0], 1, [0, 1])
    assert (tables.rows["spike_floor"][0], tables.rows["spike"][0]) == (700, ESTIMATED)


def test_what_holds_for_all_and_always_is_row_0() -> None:
    tables = tables_of("spike_floor_wh: 900", a_registry([0, 4]))
    assert (tables.of_link.tolist(), tables.rows["spike_floor"].tolist()) == ([0, 0], [900])


def test_a_set_holds_for_its_category_in_its_days() -> None:
    text = "sets: [{tariff_category: LT-IV, valid_from: 2026-07-01, valid_to: 2026-08-01, spike_ratio_percent: 900}]"
    tables = tables_of(text, a_registry([1, 4]))
    assert tables.of_link[0] == 0
    days = [date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 31), date(2026, 8, 1)]
    assert [of_day(tables, 1, "spike_percent", day) for day in days] == [180, 900, 900, 180]


def test_a_category_is_named_by_the_tariff_s_document_else_by_its_number() -> None:
    text = "sets: [{tariff_category: LT-I, spike_floor_wh: 1}, {tariff_category: '7', spike_floor_wh: 2}]"
    tables = tables_of(text, a_registry([12, 7, 3]), own=b"number: 12\ncategory: LT-I\n")
    assert [course(tables, link, "spike_floor")[-1][1] for link in range(3)] == [1, 2, 500]


def test_a_meter_model_is_named_by_its_template() -> None:
    tables = tables_of("sets: [{meter_model: D1 integer, linear_secs: 0}]", a_registry([0]))
    assert course(tables, 0, "linear_secs")[-1][1] == 0


def test_an_override_begins_in_the_midst_and_ends() -> None:
    text = f"""
overrides:
  - {{service_point: {POINTS[1]}, start: 2026-05-10, end: 2026-05-20, reason: welding, author: x, spike_floor_wh: 5000}}
"""
    tables = tables_of(text, a_registry([0, 0]))
    assert tables.of_link.tolist() == [0, 1]
    days = [date(2026, 5, 9), date(2026, 5, 10), date(2026, 5, 19), date(2026, 5, 20)]
    assert [of_day(tables, 1, "spike_floor", day) for day in days] == [500, 5000, 5000, 500]


def test_a_point_whose_tariff_moves_has_a_course_of_its_own() -> None:
    found = a_registry([1, 4])
    moved = day_number(date(2026, 5, 10), 0) * 86_400 - CONFIG.offset_secs
    first = int(np.flatnonzero(found.point == POINTS[0])[0])
    columns = {
        column.name: np.insert(getattr(found, column.name), first + 1, getattr(found, column.name)[first], axis=0)
        for column in Registry.COLUMNS
        if column.section == "point"
    }
    columns["tariff"][first + 1], columns["point_to"][first], columns["point_from"][first + 1] = 4, moved, moved
    found = replace(found, **columns)
    tables = tables_of("sets: [{tariff_category: LT-IV, spike_floor_wh: 1}]", found)
    days = [date(2026, 5, 9), date(2026, 5, 10)]
    link = int(np.flatnonzero(found.service_point == POINTS[0])[0])
    assert [of_day(tables, link, "spike_floor", day) for day in days] == [500, 1]


def test_off_shadow_and_severities_say_what_becomes_of_a_rule() -> None:
    text = """
rules: {V09: {severity: warning}, V14: shadow, V16: off, V25: on, V37: {severity: information}, V21: {run: shadow}}
"""
    tables = tables_of(text, a_registry([0]))
    row = tables.rows[tables.changes["row"][tables.courses[tables.of_link[0]]]]
    assert (row["held"], row["range_percent"], row["told_percent"]) == (1, 120, 0)
    assert (row["spike"], row["stuck"], row["changed"]) == (TOLD, ESTIMATED, TOLD)
    assert (row["doubted"], row["told_doubted"]) == (0, 4096)
    assert (row["off"], row["shadow"]) == (1 << 7, 1 << 4 | 1 << 16)
    assert tables.rows["stuck"][0] == OFF  # row 0 is the topology's: nobody asked for V25 there


def test_a_rule_set_of_another_utility_holds_for_nobody() -> None:
    tables = tables_of("utility: south\nspike_floor_wh: 1\nrules: {V14: off}", a_registry([0, 4]))
    assert tables.of_link.tolist() == [0, 0]
