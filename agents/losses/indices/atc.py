"""AT&C loss of a node and period: every row of the methodology's table, exact.

Source: CEA, methodology for AT&C losses (2016-17), rows A to L; Ministry of Power, July 2023. A row whose inputs are
not all known is unknown and says what it lacks; nothing is filled with zero, and a negative loss stays negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from agents.losses.indices.formulas import Formula
from agents.losses.indices.inputs import Inputs

Unit = Literal["Wh", "paise", "share", "percent"]
HUNDRED = 100


@dataclass(frozen=True)
class Row:
    """One row; `value` is None when it is unknown: `missing` names the inputs that lack, `why` any other cause."""

    row: str
    item: str
    unit: Unit
    value: Fraction | None
    missing: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Account:
    """All that follows from the inputs of a node and period."""

    formula: Formula
    rows: tuple[Row, ...]
    """A to L."""
    billing_efficiency: Row
    td_loss: Row
    """Transmission and distribution loss, per cent: what was not billed."""
    uncapped: Row
    """The collection efficiency before a cap."""
    subsidy_booked: int | None
    subsidy_received: int | None
    """What the formula counts, paise; with arrears where it counts them."""
    notes: tuple[str, ...]

    def __getitem__(self, letter: str) -> Row:
        """The row of a letter, A to L."""
        return self.rows["ABCDEFGHIJKL".index(letter)]

    @property
    def loss(self) -> Fraction | None:
        """AT&C loss, per cent."""
        return self["L"].value

    @property
    def missing(self) -> tuple[str, ...]:
        """Inputs without which some row is unknown."""
        return _once(name for row in self.rows for name in row.missing)


def account(inputs: Inputs, formula: Formula) -> Account:
    """The account of `inputs` by `formula`."""
    energy = _energy(inputs, formula)
    money = _money(inputs, formula)
    net, sold = energy[2], energy[3]
    revenue, adjusted, opening, closing = money
    uncapped = _uncapped(revenue, adjusted, opening, closing)
    efficiency = _capped(uncapped, formula)
    realised = _product("J", "units realised = D x I", sold, efficiency)
    unrealised = _difference("K", "units unrealised = C - J", net, realised)
    loss = _share("L", "AT&C loss = K / C x 100", "percent", unrealised, net, "net input energy (C)")
    billing = _share("BE", "billing efficiency = D / C", "share", sold, net, "net input energy (C)")
    unbilled = _difference("", "", net, sold)
    td_loss = _share("T&D", "T&D loss = (1 - D / C) x 100", "percent", unbilled, net, "net input energy (C)")
    return Account(
        formula=formula,
        rows=(*energy, *money, efficiency, realised, unrealised, loss),
        billing_efficiency=billing,
        td_loss=td_loss,
        uncapped=uncapped,
        subsidy_booked=inputs.subsidy_booked,
        subsidy_received=_received(inputs, formula),
        notes=_notes(loss, td_loss, uncapped, formula),
    )


def _energy(inputs: Inputs, formula: Formula) -> tuple[Row, Row, Row, Row]:
    wheeled_in = () if formula.include_wheeling else ("wheeled_in",)
    wheeled_out = () if formula.include_wheeling else ("wheeled_out",)
    less = ("auxiliary", "traded", *wheeled_in)
    bought = _sum("A", "input energy", "Wh", inputs, ("own_generation", "purchased"), less)
    lost = _sum("B", "transmission losses", "Wh", inputs, ("transmission_losses",))
    if inputs.net_input is None:
        net = _difference("C", "net input energy = A - B", bought, lost)
    else:
        net = _sum("C", "net input energy, as given", "Wh", inputs, ("net_input",), wheeled_in)
        bought, lost = _not_needed(bought), _not_needed(lost)
    return bought, lost, net, _sum("D", "energy sold", "Wh", inputs, ("sold",), wheeled_out)


def _not_needed(row: Row) -> Row:
    return row if row.value is not None else Row(row.row, row.item, row.unit, None, why="net input is given")


def _money(inputs: Inputs, formula: Formula) -> tuple[Row, Row, Row, Row]:
    arrears = ("subsidy_arrears",) if formula.subsidy_arrears else ()
    revenue = _sum("E", "revenue from sale of energy, subsidy booked", "paise", inputs, ("revenue",))
    received = ("revenue", "subsidy_received", *arrears)
    adjusted = _sum("F", "revenue, subsidy received", "paise", inputs, received, ("subsidy_booked",))
    opening = _sum("G", "opening debtors", "paise", inputs, ("opening_debtors",))
    closing = _sum("H", "closing debtors and written off", "paise", inputs, ("closing_debtors", "written_off"))
    return revenue, adjusted, opening, closing


def _received(inputs: Inputs, formula: Formula) -> int | None:
    if not formula.subsidy_arrears or inputs.subsidy_received is None:
        return inputs.subsidy_received
    return None if inputs.subsidy_arrears is None else inputs.subsidy_received + inputs.subsidy_arrears


def _uncapped(revenue: Row, adjusted: Row, opening: Row, closing: Row) -> Row:
    lacking = _once(name for row in (revenue, adjusted, opening, closing) for name in row.missing)
    collected = None
    if adjusted.value is not None and opening.value is not None and closing.value is not None:
        collected = adjusted.value + opening.value - closing.value
    whole = Row("", "", "paise", collected, lacking)
    return _share("I", "collection efficiency = (F + G - H) / E", "share", whole, revenue, "revenue (E)")


def _capped(uncapped: Row, formula: Formula) -> Row:
    if uncapped.value is None or formula.ce_cap is None:
        return uncapped
    return Row(uncapped.row, uncapped.item, uncapped.unit, min(uncapped.value, formula.ce_cap))


def _notes(loss: Row, td_loss: Row, uncapped: Row, formula: Formula) -> tuple[str, ...]:
    found = []
    if td_loss.value is not None and td_loss.value < 0:
        found.append("more sold than put in: look for a wrong link, multiplying factor, or bills of another period")
    elif loss.value is not None and loss.value < 0:
        found.append("the loss is negative: more was collected than the input is worth")
    if uncapped.value is not None and uncapped.value > 1:
        capped = ", and counts as 100 %" if formula.ce_cap is not None else ""
        found.append(f"the collection efficiency is above 100 %{capped}: arrears or advances came in")
    return tuple(found)


def _sum(row: str, item: str, unit: Unit, inputs: Inputs, plus: tuple[str, ...], minus: tuple[str, ...] = ()) -> Row:
    values = inputs.values()
    total, missing = 0, []
    for sign, names in ((1, plus), (-1, minus)):
        for name in names:
            value = values[name]
            if value is None:
                missing.append(name)
            else:
                total += sign * value
    return Row(row, item, unit, None if missing else Fraction(total), tuple(missing))


def _difference(row: str, item: str, one: Row, other: Row) -> Row:
    value = None if one.value is None or other.value is None else one.value - other.value
    return Row(row, item, one.unit, value, _once((*one.missing, *other.missing)), one.why or other.why)


def _product(row: str, item: str, one: Row, other: Row) -> Row:
    value = None if one.value is None or other.value is None else one.value * other.value
    return Row(row, item, one.unit, value, _once((*one.missing, *other.missing)), one.why or other.why)


def _share(row: str, item: str, unit: Unit, part: Row, whole: Row, name: str) -> Row:
    """A share of what is not more than zero says nothing, and is left unknown."""
    missing, why = _once((*part.missing, *whole.missing)), part.why or whole.why
    value = None
    if whole.value is not None and whole.value <= 0:
        why = f"{name} is not above zero"
    elif whole.value is not None and part.value is not None:
        value = part.value / whole.value * (HUNDRED if unit == "percent" else 1)
    return Row(row, item, unit, value, missing, why)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
