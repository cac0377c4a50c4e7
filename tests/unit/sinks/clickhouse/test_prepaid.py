"""The ledger in the warehouse: balances and months are those of its entries, and copies count once."""

from __future__ import annotations

from typing import Any

from sinks.clickhouse.prepaid_views import PREPAID_VIEWS
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_prepaid import ACCOUNT, DAY, JANUARY, LENGTH, POINT, books, day, month, payment, tell
from tests.builders_readings import plain_record


def rows(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def test_the_views_have_the_columns_that_are_documented(warehouse: ClickHouseSink) -> None:
    for view in PREPAID_VIEWS:
        found = [row[0] for row in rows(warehouse, f"DESCRIBE TABLE {view.name}")]
        assert found == [name for name, _ in view.columns], view.name


def test_balances_and_months_are_those_of_the_ledger(warehouse: ClickHouseSink) -> None:
    book = books()
    settled = [day(number, 5_000) for number in range(LENGTH)]
    told = [payment("open", "OPEN", 200_000), payment("owed", "ARREARS", 9_000), *settled, day(3, 8_000, revision=2)]
    entries = tell(book, [*told, month(77_777), {"tick": JANUARY + 40 * DAY}, payment("p", amount=10_000)])
    entries += tell(book, [payment("o", "OPEN", 5, account=901), payment("c", "CLOSE", account=901)])
    for place, entry in enumerate([*entries, *entries[:3]]):
        warehouse.accept(plain_record("LedgerEntry", place, **entry))
    for place, record in enumerate([payment("p", amount=10_000), payment("p", amount=10_000), payment("q")]):
        warehouse.accept(plain_record("Payment", place, **record))
    warehouse.flush()
    account = book.accounts[ACCOUNT]
    columns = "account, balance_paise, arrears_paise, entries, closed"
    assert rows(warehouse, f"SELECT {columns} FROM balances ORDER BY account") == [
        (ACCOUNT, account.balance, 9_000 - 2_500, account.number, 0),
        (901, 5, 0, 2, 1),  # opened, and closed before a tick could warn
    ]
    columns = "service_point, toString(month), days, charged_paise, reconciled"
    assert rows(warehouse, f"SELECT {columns} FROM ledger_months") == [(POINT, "2026-01-01", LENGTH, 77_777, 1)]
    assert rows(warehouse, "SELECT count() FROM payments FINAL") == [(2,)]
