"""What the bulk kernel refuses, what it says of bills that it does not rate, and monthly values that land later."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.rating.bulk import tables as t
from agents.rating.bulk.bills import Months, codes_of, lines_of, rate_many
from agents.rating.bulk.compiled import compile_book
from agents.rating.bulk.encode import encoded, no_values, put_values, values_of
from agents.rating.bulk.quantities import COLUMNS, PLACES, QUANTITY, WIDTH, bit, new_quantities, records
from agents.rating.bulk.refused import refused
from agents.rating.engine.adjustments import parse_adjustments
from agents.rating.engine.catalogue import find, load, shipped
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from pipeline.errors import ConfigError

EXAMPLES = Path(__file__).parents[5] / "examples" / "tariffs"
DELHI = find("delhi-domestic-2019")


def tariff(*charges: dict[str, Any], **more: Any) -> Tariff:
    own = {"version": 2, "code": "x", "number": 1, "name": "x", "valid_from": "2026-01-01", "charges": charges}
    return Tariff.model_validate({**own, **more})


def test_nothing_that_is_shipped_or_an_example_is_refused() -> None:
    examples = [load(str(EXAMPLES / f"{name}.yaml")) for name in ("ht-industry", "rooftop")]
    assert {one.code: list(refused(one)) for one in (*shipped().values(), *examples) if list(refused(one))} == {}


def test_what_cannot_be_compiled_is_named_all_at_once() -> None:
    hours = [f"{hour:02d}:00-{hour + 2:02d}:00" for hour in range(0, 18, 2)] + ["18:00-24:00"]
    zones = {"zones": [{"code": f"Z{number}", "windows": [window]} for number, window in enumerate(hours)]}
    energy = {"code": "EC", "kind": "energy", "rate": 1}
    huge = {"code": "F", "kind": "fixed", "rate": 1, "least": Decimal("2e9")}
    by_slab = {"code": "FAC", "kind": "adjustment", "per": "slab", "of": ["EC"]}
    slabs = [{"to": number or None, "rate": 1} for number in (*range(1, 401), 0)]
    long = {"code": "L", "kind": "slabs", "slabs": slabs}
    with pytest.raises(ConfigError) as refusal:
        compile_book([tariff(energy, huge, by_slab, long, calendar=zones)])
    for part in ("x: more than 8 zones", "x: F (a number above", "x: FAC (by slab", "x: more than 400 lines"):
        assert part in str(refusal.value)


def test_columns_are_the_fields_of_a_record_and_each_says_what_it_is() -> None:
    assert QUANTITY.itemsize == 8 * WIDTH
    columns = new_quantities(2)
    columns[1, PLACES["load_w"]] = 7
    columns[1, PLACES["bank_wh"] + 3] = 9
    assert records(columns)["load_w"].tolist() == [0, 7]
    assert records(columns)["bank_wh"][1].tolist() == [0, 0, 0, 9, 0, 0, 0, 0, 0]
    assert all(column.doc for column in COLUMNS)


def test_a_bill_that_lacks_a_quantity_has_the_other_lines_and_names_the_charge() -> None:
    book = compile_book([DELHI])
    rated = rate_many(book, np.zeros(1, np.int32), encoded(book, [0], [Quantities(wh=100_000)]))
    assert rated.figures["status"].tolist() == [t.LACKING]
    assert int(rated.figures["missing"][0]) == 1 << [charge.code for charge in DELHI.charges].index("FIXED")
    assert lines_of(codes_of(book, 0), rated, 0)[0] == ("EC.1", 30_000)


def test_bills_without_a_tariff_and_with_faulty_or_too_large_quantities_have_no_lines() -> None:
    book = compile_book([DELHI])
    columns = encoded(book, [0] * 4, [Quantities(wh=100_000, load_w=3000)] * 4)
    found = records(columns)
    found["wh_imp"][1], found["wh_imp"][2], found["days"][3] = -1, 10**16, 0
    found["known"][3] |= bit("days")
    rated = rate_many(book, np.array([t.NONE, 0, 0, 0], np.int32), columns)
    assert rated.figures["status"].tolist() == [t.NO_TARIFF, t.INVALID, t.TOO_LARGE, t.INVALID]
    assert not rated.there.any()
    assert not rated.figures["total"].any()


def test_a_part_behind_a_faulty_one_is_not_rated_either() -> None:
    book = compile_book([DELHI])
    columns = encoded(book, [0] * 3, [Quantities(wh=100_000, load_w=3000)] * 3)
    records(columns)["wh_imp"][0], records(columns)["follows"][1] = -1, 1
    rated = rate_many(book, np.zeros(3, np.int32), columns)
    assert rated.figures["status"].tolist() == [t.INVALID, t.INVALID, t.RATED]


def test_the_longest_products_are_kept_whole() -> None:
    # 123.456 kW for 31 days at 9,999,999.99999 rupees: 128 bits.
    dear = tariff({"code": "F", "kind": "fixed", "per": "kw", "rate": "9999999.99999"})
    book = compile_book([dear])
    given = Quantities(wh=0, load_w=123_456, days=31)
    rated = rate_many(book, np.zeros(1, np.int32), encoded(book, [0], [given]))
    assert int(rated.figures["total"][0]) == rate(dear, given).total_paise > 10**11
    larger = Quantities(wh=0, load_w=10**12, days=31)
    rated = rate_many(book, np.zeros(1, np.int32), encoded(book, [0], [larger]))
    assert rated.figures["status"].tolist() == [t.TOO_LARGE]


def test_a_months_value_that_lands_later_adds_its_line_and_what_is_taken_of_it() -> None:
    document = parse_adjustments((EXAMPLES / "fppas.yaml").read_bytes(), "fppas.yaml")
    book = compile_book([DELHI])
    months = [datetime.date(2026, month, 1) for month in (5, 6, 7)]
    values, landed = values_of(book, [document], months)
    assert landed[:, 0].tolist() == [0, 1, 1]
    assert values[:, 0].tolist() == [0, 811_000, 425_000]
    given = [Quantities(wh=100_000, load_w=1000, begins=month) for month in months]
    columns = encoded(book, [0] * 3, given)
    rated = rate_many(book, np.zeros(3, np.int32), columns, Months(np.arange(3, dtype=np.int32), values, landed))
    place = [charge.code for charge in DELHI.charges].index("PPAC")
    assert rated.figures["pending"].tolist() == [1 << place, 0, 0]
    for row, value in enumerate(((), (Decimal("8.11"),), (Decimal("4.25"),))):
        bill = rate(DELHI, Quantities(wh=100_000, load_w=1000, adjustments={"PPAC": value}))
        assert rated.figures["total"][row] == bill.total_paise


def test_values_that_do_not_fit_are_refused() -> None:
    book = compile_book([DELHI])
    values, landed = no_values(book, 1)
    with pytest.raises(ConfigError, match="ADJUSTMENT_VALUES"):
        put_values(book, 0, {"PPAC": (Decimal(1), Decimal(2))}, values[0], landed[0])
    with pytest.raises(ConfigError, match="five decimal places"):
        put_values(book, 0, {"PPAC": (Decimal("0.000001"),)}, values[0], landed[0])
    with pytest.raises(ConfigError, match="BULK_ZONE"):
        encoded(book, [0], [Quantities(wh=5, zones_wh={"NOWHERE": 5})])
