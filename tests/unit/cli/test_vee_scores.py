"""`kvarn vee scores`, and the order of methods that follows from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.vee.estimate.document_file import document_text
from agents.vee.estimate.errors import expected_of
from agents.vee.estimate.order import Order
from agents.vee.estimate.order_file import ALL, OrderFile, card_of, orders_of, read_order, written
from cli.vee.app import app
from pipeline.codes import Method
from pipeline.errors import ConfigError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import MIDNIGHT, plain_record

HOUR, DAY = 3600, 86400
SHOPS, HOMES = "CONSUMER/2/TO_20_KW", "CONSUMER/1/TO_5_KW"


def row(name: str, method: str, gap: int, wrong: int, *, gaps: int = 500, over: int = 0, lane: str = "COLD") -> Any:
    role, tariff, load = name.split("/")
    return {
        "role": role, "tariff_number": int(tariff), "load_class": load, "lane": lane, "method": method, "gap_secs": gap,
        "gaps": gaps, "energy_wh": 1_000_000, "wrong_wh": wrong, "over_wh": over, "spread_wh": 2 * wrong,
    }  # fmt: skip


ROWS = [
    row(HOMES, "BRIDGE", HOUR, 300_000, over=-200_000), row(HOMES, "LINEAR", HOUR, 400_000),
    row(HOMES, "WEIGHTED_DAYS", DAY, 450_000), row(HOMES, "BRIDGE", DAY, 350_000),
    row(SHOPS, "BRIDGE", HOUR, 190_000), row(SHOPS, "LINEAR", HOUR, 100_000),
    row(SHOPS, "LIKE_DAY", DAY, 90_000, gaps=20), row(HOMES, "LIKE_DAY", HOUR, 1, lane="HOT"),
]  # fmt: skip


def tried(order: Order, seconds: int) -> list[Method]:
    """Methods in the order in which they are tried in a gap, without those that say what was used."""
    known = (Method.AGREED, Method.OUTAGE, Method.CHECK_METER)
    return [step.method for step in order.steps if step.fits(seconds) and step.method not in known]


def test_the_order_of_a_class_follows_its_scores() -> None:
    document = orders_of(card_of(ROWS))
    assert tried(document.order(HOMES), HOUR)[:2] == [Method.BRIDGE, Method.LINEAR]
    assert tried(document.order(HOMES), DAY)[:2] == [Method.BRIDGE, Method.WEIGHTED_DAYS]
    assert tried(document.order(SHOPS), HOUR)[:2] == [Method.LINEAR, Method.BRIDGE]
    assert tried(document.order(), HOUR)[0] is Method.BRIDGE, "490 of 2,000 kWh, LINEAR 500"
    assert expected_of(document.order(SHOPS).errors, Method.LINEAR, HOUR) == (100, 500)


def test_few_gaps_and_unknown_classes_lend_the_order_of_all() -> None:
    document = orders_of(card_of(ROWS))
    assert tried(document.order(SHOPS), DAY)[0] is tried(document.order(), DAY)[0]
    assert document.order("nobody").steps == document.order().steps


def test_a_method_whose_sum_is_far_off_is_left_out_where_that_is_asked_for() -> None:
    document = orders_of(card_of(ROWS), 5)
    assert tried(document.order(HOMES), HOUR)[0] is Method.LINEAR
    assert document.most_bias_percent == 5


def test_a_file_gives_the_same_orders(tmp_path: Path) -> None:
    document = orders_of(card_of(ROWS), 10)
    path = tmp_path / "order.yaml"
    path.write_text(written(document), encoding="utf-8")
    assert read_order(path) == document
    assert next(iter(document.orders)) == ALL


GUESS = "orders: {all: {1 h: [{method: GUESS, gaps: 1, wrong_wh: 1, over_wh: 1, energy_wh: 1}]}}"


@pytest.mark.parametrize("text", ["orders: {all: {1 week: []}}", GUESS, "- 1", "{"])
def test_a_wrong_file_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "order.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="ORDER_WRONG"):
        read_order(path)


def test_a_file_of_readings_is_estimated_in_that_order(tmp_path: Path) -> None:
    """Ten days of the same shape, of which the ninth lacks two hours: by BRIDGE as the file says, with its error."""
    lines = ["time,kWh"] + [
        f"2026-01-{day:02d} {hour:02d}:00,{1 + hour % 5}.{day % 3}"
        for day in range(1, 11)
        for hour in range(24)
        if (day, hour) not in ((9, 10), (9, 11))
    ]
    data, order = tmp_path / "data.csv", tmp_path / "order.yaml"
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    order.write_text(written(orders_of(card_of(ROWS))), encoding="utf-8")

    def methods(*options: str) -> set[tuple[str, float]]:
        result = CliRunner().invoke(app, ["--input", str(data), "--stamps", "begin", "--json", *options])
        assert result.exit_code == 0, result.output
        changed = json.loads(result.stdout)["series"][0]["changed"]
        return {(one["method"], one["expected_error"]) for one in changed}

    assert {method for method, _ in methods()} == {"LINEAR"}
    assert {method for method, _ in methods("--order", str(order))} == {"BRIDGE"}
    assert methods("--order", str(order), "--order-class", SHOPS) != methods("--order", str(order))


def test_the_command_asks_the_warehouse(tmp_path: Path) -> None:
    dsn = f"chdb://{tmp_path}/warehouse"
    sink = ClickHouseSink(ClickHouseConfig(dsn=dsn))
    sink.open()
    for offset, one in enumerate(ROWS):
        values = {name: value for name, value in one.items() if name not in ("wape_permille", "bias_permille")}
        sink.accept(plain_record("EstimateScore", offset, day_start=MIDNIGHT, revision=offset << 20, **values))
    sink.flush()
    sink.close()

    def asked(*options: str) -> str:
        result = CliRunner().invoke(app, ["scores", "--dsn", dsn, *options])
        assert result.exit_code == 0, result.output
        return result.stdout

    found = json.loads(asked("--json"))["scores"]
    assert len(found) == len(ROWS)
    assert {row["wape_permille"] for row in found} >= {300, 400, 90}
    path = tmp_path / "order.yaml"
    path.write_text(asked("--order"), encoding="utf-8")
    assert isinstance(read_order(path), OrderFile)
    assert read_order(path).order(SHOPS) == orders_of(card_of(ROWS)).order(SHOPS)
    mine = tmp_path / "estimates.yaml"
    assert "an order for all" in asked("--document", str(mine))
    assert mine.read_text(encoding="utf-8") == document_text(card_of(ROWS, "HOT"))
    checked = CliRunner().invoke(app, ["lint", "--estimates", str(mine), "--strict"])
    assert checked.exit_code == 0, checked.output
    assert "30.0%" in asked("--by-class")
    assert "BRIDGE" in asked()
