"""Fixed and demand charges, excess demand, power factor and load factor."""

from __future__ import annotations

import math
from fractions import Fraction

from agents.rating.engine.exact import PAISE, WH, exact_text, half_away, rounded, square_root
from agents.rating.engine.format.charges import (
    Banded,
    DemandCharge,
    ExcessDemandCharge,
    FactorCharge,
    FixedCharge,
    Per,
)
from agents.rating.engine.lines import Part
from agents.rating.engine.quantities import Missing
from agents.rating.engine.work import Work

NAMES = {"connection": "months", "kw": "kW-months", "kva": "kVA-months", "hp": "HP-months"}


def fixed(work: Work, charge: FixedCharge) -> list[Part]:
    """Load x months x rate; the load is 1 where the charge is by connection."""
    load = work.load(charge.per)
    if charge.round_up:
        load = Fraction(math.ceil(load))
    if charge.least is not None:
        load = max(load, Fraction(charge.least))
    months = work.fixed_months if charge.prorated else Fraction(work.tariff.cycle_months)
    rate = work.rate(charge)
    return [Part("", load * months, NAMES[charge.per], exact_text(rate), load * months * rate)]


def billing_demand(work: Work) -> Fraction:
    """The largest of recorded demand, a share of contract demand, and a share of earlier demand; kW or kVA."""
    if work.billing_demand is not None:
        return work.billing_demand
    rule = work.tariff.billing_demand
    assert rule is not None  # the tariff's own check
    contract = work.load(rule.unit)
    candidates = [recorded_demand(work)]
    if rule.contract_percent is not None:
        candidates.append(contract * Fraction(rule.contract_percent) / 100)
    history = work.given.demand_history[: rule.history_months]
    if rule.history_percent is not None and history:
        share = Fraction(max(history), 1000) * Fraction(rule.history_percent) / 100
        candidates.append(min(share, contract) if rule.history_capped else share)
    found = max(candidates)
    if rule.rounding == "half_up":
        found = Fraction(half_away(found))
    elif rule.rounding == "up":
        found = Fraction(math.ceil(found))
    work.billing_demand = found
    return found


def recorded_demand(work: Work) -> Fraction:
    """Recorded demand in the tariff's window and unit; raises Missing."""
    rule = work.tariff.billing_demand
    assert rule is not None
    given = work.given
    found = {
        ("kw", False): given.md_w, ("kva", False): given.md_va,
        ("kw", True): given.md_window_w, ("kva", True): given.md_window_va,
    }[rule.unit, rule.window is not None]  # fmt: skip
    if found is None:
        raise Missing(f"md_{'window_' if rule.window else ''}{rule.unit}")
    return Fraction(found, 1000)


def demand(work: Work, charge: DemandCharge) -> list[Part]:
    """Billing demand x months x rate."""
    rule = work.tariff.billing_demand
    assert rule is not None
    base, rate = billing_demand(work) * work.fixed_months, work.rate(charge)
    return [Part("", base, NAMES[rule.unit], exact_text(rate), base * rate)]


def excess_demand(work: Work, charge: ExcessDemandCharge) -> list[Part]:
    """(Recorded demand - contract demand) x months x rate x factor, when it is beyond the tolerance."""
    rule = work.tariff.billing_demand
    assert rule is not None
    unit: Per = rule.unit
    recorded, contract = recorded_demand(work), work.load(unit)
    allowed = contract * (1 + Fraction(charge.tolerance_percent) / 100)
    if recorded <= allowed:
        return []
    above = work.tariff.charge(charge.of)
    assert isinstance(above, Banded)
    rate = work.rate(above) * Fraction(charge.factor)
    base = (recorded - (allowed if charge.basis == "beyond" else contract)) * work.fixed_months
    return [Part("", base, NAMES[unit], exact_text(rate), base * rate)]


def factor(work: Work, charge: FactorCharge) -> list[Part]:
    """A percentage of charges by power factor or load factor."""
    if charge.kind == "power_factor":
        value, point = power_factor(work, charge.digits), Fraction(1, 100)
    else:
        if work.tariff.load_factor.none_above_contract and _above_contract(work):
            return []
        value, point = load_factor(work), Fraction(1)
    percent = factor_percent(charge, value, point)
    base = Fraction(work.paise_of(charge.of))
    amount = base * percent / 100 / PAISE
    text = f"{exact_text(percent)} %"
    if charge.cap_percent is not None:
        most = Fraction(work.paise_of(charge.cap_of or charge.of)) * Fraction(charge.cap_percent) / 100 / PAISE
        if -amount > most:
            amount, text = -most, f"{text}, capped at {exact_text(Fraction(charge.cap_percent))} %"
    return [Part("", base, "paise", text, amount)] if percent else []


def factor_percent(charge: FactorCharge, value: Fraction, point: Fraction) -> Fraction:
    """The percentage of a factor: the row it is in, and each step as far as it reaches."""
    total = Fraction(0)
    for row in charge.table:
        if row.least <= value <= row.upto:
            total += Fraction(row.percent)
            break
    for step in charge.steps:
        since, until = Fraction(step.since), Fraction(step.until)
        reached = min(max(value, since), until) if until > since else max(min(value, since), until)
        points = abs(reached - since) / point
        total += Fraction(step.percent_per_point) * (math.floor(points) if charge.whole_points else points)
    return total


def power_factor(work: Work, digits: int) -> Fraction:
    """Average power factor: as read, kWh / kVAh, or cos(atan(kVArh / kWh)) with the larger of lag and lead."""
    given = work.given
    if given.power_factor is not None:
        found = rounded(given.power_factor, digits)
    elif given.vah:
        found = rounded(Fraction(given.wh, given.vah), digits)
    elif given.varh_lag is not None or given.varh_lead is not None:
        reactive = max(given.varh_lag or 0, given.varh_lead or 0)
        whole = given.wh**2 + reactive**2
        found = square_root(Fraction(given.wh**2, whole), digits) if whole else Fraction(1)
    else:
        raise Missing("kvah or pf")
    work.power_factor = found
    return found


def load_factor(work: Work) -> Fraction:
    """Units / (demand x power factor x hours) in per cent; hours without supply beyond a limit are taken off."""
    rule = work.tariff.load_factor
    given = work.given
    hours = given.hours
    if hours is None:
        if given.days is None:
            raise Missing("days or hours")
        hours = Fraction(given.days * 24)
    hours -= max(Fraction(0), given.interruption_hours - Fraction(rule.interruptions_beyond_hours))
    assert work.tariff.billing_demand is not None or rule.demand == "contract"
    base = work.load("kva") if rule.demand == "contract" else recorded_demand(work)
    unit = work.tariff.billing_demand.unit if work.tariff.billing_demand is not None else "kva"
    in_kva = rule.demand == "contract" or unit == "kva"
    usable = base * (power_factor(work, 3) if in_kva else 1) * hours
    found = rounded(Fraction(work.given.wh, WH) * 100 / usable, rule.digits) if usable > 0 else Fraction(0)
    work.load_factor = found
    return found


def _above_contract(work: Work) -> bool:
    rule = work.tariff.billing_demand
    return rule is not None and recorded_demand(work) > work.load(rule.unit)
