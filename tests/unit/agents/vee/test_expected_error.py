"""How far off the stream's estimates are expected to be, and the order in which it tries its methods."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from agents.vee.answers import gaps_of
from agents.vee.kernels_order import NOT_KNOWN
from agents.vee.output import READING
from pipeline.codes import Method, Quality
from pipeline.errors import ConfigError
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, Vee, blocks, register
from tests.oracles.settlement_oracle import Published
from tests.oracles.vee_oracle import DAY, Link, Row

POINT, METER = 7, Link(1007, 7, 0, FOREVER)
HOUR = 3600


def stream(text: str = "") -> Vee:
    """A meter, and the document that is in force."""
    return Vee([METER], documents={"estimates.yaml": text.encode()} if text else {})


def day_of(vee: Vee, lost: range, *, day: int = 0, registers: tuple[int, int] | None = None) -> None:
    """A day of half hours of 100 Wh but for the lost ones, and the tick that closes it."""
    begin = MIDNIGHT + day * DAY
    vee.tick(begin + DAY - 1, DAY - 1)
    if registers is not None:
        vee.arrive([register(0, begin, registers[0])])
    vee.arrive([row for at in range(48) if at not in lost for row in blocks(0, begin + 1800 * at, [100])])
    if registers is not None:
        vee.arrive([register(0, begin + DAY, registers[1])])
    vee.tick(begin + DAY)


def reading(vee: Vee, place: int, day: int = 0) -> Published:
    return vee.final[POINT, MIDNIGHT + day * DAY + 1800 * place]


def told(vee: Vee, place: int, day: int = 0) -> tuple[Method, int]:
    """Method and expected error."""
    found = reading(vee, place, day)
    return Method(found.method), found.expected


def test_what_is_no_estimate_has_none() -> None:
    vee = stream()
    day_of(vee, range(10, 12))
    assert told(vee, 9) == (Method.NONE, 0)
    assert told(vee, 10) == (Method.LINEAR, 494)


@pytest.mark.parametrize(("count", "expected"), [(4, 494), (5, 756), (24, 756), (25, 921)])
def test_it_is_the_shipped_figure_of_the_method_at_the_length_of_the_whole_gap(count: int, expected: int) -> None:
    vee = stream()
    day_of(vee, range(10, 10 + count), registers=(1000, 1000 + 100 * (48 - count) + 150 * count))
    assert {told(vee, place) for place in range(10, 10 + count)} == {(Method.SCALED, expected)}


def test_what_stays_as_it_was_published_first_keeps_what_was_told_then() -> None:
    vee = stream()
    day_of(vee, range(10, 35))
    wanted = [(Method.CARRIED, 560)] * 4 + [(Method.CARRIED, 756)] * 20 + [(Method.CARRIED, 921)]
    assert [told(vee, place) for place in range(10, 35)] == wanted


def test_a_gap_over_midnight_is_one_once_both_days_are_closed() -> None:
    vee = stream()
    day_of(vee, range(45, 48))
    day_of(vee, range(3), day=1)
    assert told(vee, 1, 1) == (Method.LIKE_DAY, 571)


def test_until_its_day_is_closed_a_gap_is_as_long_as_it_has_lasted() -> None:
    vee = stream()
    vee.tick(MIDNIGHT)
    vee.arrive(blocks(0, MIDNIGHT, [100]))
    vee.tick(MIDNIGHT + 7 * 1800)
    assert [told(vee, place) for place in range(1, 7)] == [(Method.CARRIED, 560)] * 4 + [(Method.CARRIED, 756)] * 2


def test_scaled_estimates_have_the_figure_of_what_was_scaled_unless_the_document_knows_better() -> None:
    said = "expected_error: {SCALED: {1 h: 300}}"
    for text, expected in (("", 494), (said, 300)):
        vee = stream(text)
        day_of(vee, range(10, 12), registers=(1000, 1000 + 4900))
        assert told(vee, 10) == (Method.SCALED, expected)
        assert reading(vee, 10).energy[0] == 150


def test_how_far_off_a_day_is_that_contradicted_its_registers_is_not_known() -> None:
    vee = stream()
    day_of(vee, range(0), registers=(1000, 1000 + 9600))
    assert told(vee, 10) == (Method.SCALED, NOT_KNOWN)


def test_of_a_head_end_s_estimate_nothing_is_known_unless_the_document_says_it() -> None:
    for text, expected in (("", NOT_KNOWN), ("expected_error: {HEAD_END: {1 h: 70}}", 70)):
        vee = stream(text)
        vee.tick(MIDNIGHT)
        vee.tick(MIDNIGHT + HOUR, HOUR)
        vee.arrive([Row(0, True, MIDNIGHT + 1800, (90, 90, 0, 0), "estimate")])
        assert told(vee, 0) == (Method.HEAD_END, expected)


def test_the_order_in_force_says_what_is_tried_first() -> None:
    text = "order: [{method: CARRIED, longest_secs: 3600}, LIKE_DAY, LINEAR, CARRIED]"
    vee = stream(text)
    day_of(vee, range(0))
    day_of(vee, range(10, 14), day=1)
    assert told(vee, 10, 1) == (Method.LIKE_DAY, 573)
    other = stream(text)
    day_of(other, range(10, 12))
    assert told(other, 10) == (Method.CARRIED, 560)


def test_a_like_day_needs_as_many_days_as_are_asked_for() -> None:
    for least, method in ((1, Method.LIKE_DAY), (2, Method.CARRIED)):
        vee = stream(f"order: [{{method: LIKE_DAY, least_days: {least}}}, CARRIED]")
        day_of(vee, range(0))
        day_of(vee, range(10, 20), day=1)
        assert told(vee, 12, 1)[0] is method


def test_what_no_method_of_the_order_applies_to_is_missing() -> None:
    vee = stream("order: [{method: CARRIED, longest_secs: 3600}]")
    day_of(vee, range(10, 20))
    assert reading(vee, 12).quality[0] == Quality.MISSING
    assert reading(vee, 12).expected == 0


CLASSES: Mapping[str, Any] = {
    "expected_error": {"LINEAR": {"1 h": 1}},
    "classes": [
        {"role": "FEEDER_METER", "expected_error": {"LINEAR": {"1 h": 2}}},
        {"role": "CONSUMER", "load_class": "TO_5_KW", "expected_error": {"LINEAR": {"1 h": 3}}},
        {"role": "CONSUMER", "tariffs": [0], "order": ["CARRIED"]},
    ],
}


def test_the_first_class_that_fits_a_service_point_is_its_own() -> None:
    text = _yaml(CLASSES)
    vee = stream(text)
    day_of(vee, range(10, 12))
    assert told(vee, 10) == (Method.CARRIED, 560)
    tables = vee.prepared.tables
    assert tables.order_of.tolist() == [3]
    assert [int(figures[Method.LINEAR, 0]) for figures in tables.expected] == [1, 2, 3, 1]


def test_a_document_with_an_error_stops_the_stage() -> None:
    with pytest.raises(ConfigError, match="ESTIMATES_FAULT") as raised:
        stream("order: [SCALED]")
    assert "SCALED" in str(raised.value)


def test_gaps_of_an_answer_are_its_estimated_intervals_in_a_row() -> None:
    readings = np.zeros(5, READING)
    readings["interval_start"], readings["interval_secs"] = [0, 1800, 3600, 7200, 9000], 1800
    readings["quality"] = [Quality.ESTIMATED, Quality.ESTIMATED, Quality.ACTUAL, Quality.ESTIMATED, Quality.ESTIMATED]
    assert gaps_of(readings) == [3600, 3600, 0, 3600, 3600]
    assert gaps_of(readings[:0]) == []


def _yaml(value: Mapping[str, Any]) -> str:
    out = StringIO()
    YAML(typ="safe", pure=True).dump(dict(value), out)
    return out.getvalue()
