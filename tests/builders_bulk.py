"""Any tariffs of format v2, and any quantities that they are rated by."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from agents.rating.engine.format.charges import AdjustmentCharge, SlabCharge
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import Quantities

FLAGS = ("prepaid", "bpl", "online")
ZONES = {"SOLAR": "09:00-17:00", "PEAK": "18:00-22:00", "REST": "22:00-09:00"}
QUANTITY = st.sampled_from(
    ["kwh", "kwh", "kvah", "kwh_import", "kwh_export", "kvarh_lag", "kvarh_lead", "kwh_generation"]
)
RATES = st.one_of(
    st.decimals(Decimal("-9"), Decimal("20"), places=2), st.decimals(Decimal("-0.5"), Decimal("999"), places=5)
)
PER_POINT = st.one_of(st.decimals(Decimal("-9"), Decimal("20"), places=2), st.decimals(Decimal("-0.5"), 90, places=5))
"""Two steps of a hundred points stay below the 23,058 per cent that a kernel holds; what does not is TOO_LARGE."""
PRICES = st.one_of(
    st.decimals(Decimal("0.01"), Decimal("20"), places=2), st.decimals(Decimal("0.00001"), 999, places=5)
)
SHARES = st.one_of(st.integers(1, 100).map(Decimal), st.decimals(Decimal("0.001"), 100, places=3))
PER = st.sampled_from(["connection", "kw", "kva", "hp"])


def _slabs(draw: st.DrawFn) -> list[dict[str, Any]]:
    bounds = sorted(draw(st.sets(st.integers(1, 900), max_size=3)))
    every = draw(st.integers(0, len(bounds) + 1))
    return [
        {"to": bound, "rate": draw(RATES), "all_units": place >= every} for place, bound in enumerate([*bounds, None])
    ]


def _banded(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"rate": draw(RATES)}
    bounds = sorted(draw(st.sets(st.decimals(Decimal("0.5"), 300, places=1), max_size=3)))
    by = draw(st.sampled_from(["load_kw", "load_kva", "load_hp", "kwh"]))
    return {"by": by, "bands": [{"to": bound, "rate": draw(RATES)} for bound in (*bounds, None)]}


def _when(draw: st.DrawFn) -> dict[str, Any]:
    def bounds() -> dict[str, Any]:
        key = draw(st.sampled_from(["above", "least", "upto", "below"]))
        return {key: draw(st.decimals(Decimal("0"), 400, places=1))}

    names = draw(st.sets(st.sampled_from(
        ["units", "load_kw", "load_kva", "phases", "flags", "without", "months", "since", "until"]), min_size=1,
        max_size=2))  # fmt: skip
    every: dict[str, Any] = {
        "units": bounds(), "load_kw": bounds(), "load_kva": bounds(), "phases": 1,
        "flags": [draw(st.sampled_from(FLAGS))],
        "without": [draw(st.sampled_from(FLAGS))], "months": draw(st.lists(st.integers(1, 12), min_size=1, max_size=6)),
        "since": "2026-03-10", "until": "2026-06-15",
    }  # fmt: skip
    return {name: every[name] for name in sorted(names)}


Above = list[dict[str, Any]]


def _charge(draw: st.DrawFn, above: Above, zones: Sequence[str], demand: bool) -> dict[str, Any]:
    """One charge, of a kind for which there is what it is taken of."""
    energies = [charge["code"] for charge in above if charge["kind"] in ("slabs", "energy")]
    loads = [charge["code"] for charge in above if charge["kind"] in ("fixed", "demand")]
    some = draw(st.lists(st.sampled_from([c["code"] for c in above]), min_size=1, max_size=3)) if above else []
    possible = ["slabs", "energy", "fixed", "export", "late", "adjustment"]
    possible += ["percent", "power_factor", "load_factor", "subsidy", "minimum"] if above else []
    possible += ["tod", "tod"] if zones else []
    possible += ["subsidy"] if energies else []
    possible += ["demand"] + (["excess_demand"] if loads else []) if demand else []
    kind = draw(st.sampled_from(possible))
    if kind in ("slabs", "energy", "tod", "subsidy", "export"):
        own = _of_energy(draw, kind, some, energies, zones)
    elif kind in ("power_factor", "load_factor"):
        own = _factor(draw, kind, some, above)
    else:
        own = _other(draw, kind, some, loads, above)
    when = _when(draw) if draw(st.integers(0, 3)) == 0 else None
    return {"code": f"C{len(above)}", "kind": kind, "when": when, **own}


def _of_energy(
    draw: st.DrawFn, kind: str, some: list[str], energies: list[str], zones: Sequence[str]
) -> dict[str, Any]:
    if kind == "slabs":
        return {"slabs": _slabs(draw), "scaled": draw(st.booleans()), "quantity": draw(QUANTITY)}
    if kind == "energy":
        return {**_banded(draw), "quantity": draw(QUANTITY)}
    if kind == "tod":
        of = draw(st.sampled_from(energies)) if energies else None
        chosen = draw(st.permutations(zones))[: draw(st.integers(1, len(zones)))]
        rates = [{"zone": z, ("percent" if of and draw(st.booleans()) else "delta"): draw(RATES)} for z in chosen]
        return {"quantity": draw(st.sampled_from(["kwh", "kwh", "kvah"])), "of": of, "zones": rates}
    if kind == "export":
        return {"quantity": draw(st.sampled_from(["kwh_export", "kwh_generation"])), "rate": draw(PRICES)}
    if not energies or draw(st.booleans()):
        return {"of": some, "percent": draw(SHARES)}
    return {
        "of": [draw(st.sampled_from(energies))],
        "percent": draw(SHARES),
        "above": draw(st.integers(0, 200)),
        "upto": draw(st.one_of(st.none(), st.integers(150, 900))),
    }


def _other(draw: st.DrawFn, kind: str, some: list[str], loads: list[str], above: Above) -> dict[str, Any]:
    if kind == "fixed":
        least = draw(st.one_of(st.none(), st.decimals(Decimal("0.1"), 5, places=1)))
        own = {"per": draw(PER), "round_up": draw(st.booleans()), "prorated": draw(st.booleans()), "least": least}
        return {**_banded(draw), **own}
    if kind == "demand":
        return _banded(draw)
    if kind == "excess_demand":
        own = {"of": draw(st.sampled_from(loads)), "factor": draw(st.decimals(Decimal("0.1"), 2, places=2))}
        basis = draw(st.sampled_from(["whole", "beyond"]))
        return {**own, "tolerance_percent": draw(st.integers(0, 20)), "basis": basis}
    if kind == "adjustment":
        slabs = [charge["code"] for charge in above if charge["kind"] == "slabs"]
        per = draw(st.sampled_from(["unit", *(["percent"] if above else []), *(["slab"] if slabs else [])]))
        return {"per": per, "of": {"unit": [], "percent": some, "slab": slabs[:1]}[per]}
    if kind == "late":
        return {"rate": draw(PRICES)}
    if kind == "minimum":
        return {"of": some, "rate": draw(PRICES), "per": draw(PER)}
    return {"of": some, "rate": draw(RATES)}


def _factor(draw: st.DrawFn, kind: str, some: list[str], above: Above) -> dict[str, Any]:
    one = Decimal(1) if kind == "power_factor" else Decimal(100)
    point = st.decimals(0, one, places=2)
    steps = [{"since": draw(point), "until": draw(point), "percent_per_point": draw(PER_POINT)}
             for _ in range(draw(st.integers(0, 2)))]  # fmt: skip
    ends = [sorted((draw(point), draw(point))) for _ in range(draw(st.integers(0 if steps else 1, 2)))]
    table = [{"least": least, "upto": upto, "percent": draw(RATES)} for least, upto in ends]
    cap_of = draw(st.one_of(st.just([]), st.just([above[0]["code"]])))
    return {"of": some, "steps": steps, "table": table, "whole_points": draw(st.booleans()), "cap_of": cap_of,
            "digits": draw(st.integers(0, 4)), "cap_percent": draw(st.one_of(st.none(), SHARES))}  # fmt: skip


@st.composite
def bulk_tariffs(draw: st.DrawFn, zoned: bool | None = None, number: int = 1) -> Tariff:
    """Any tariff of the format that the engine can rate."""
    zones = list(draw(st.permutations(sorted(ZONES)))) if (draw(st.booleans()) if zoned is None else zoned) else []
    windows = {**ZONES, "REST": ["22:00-09:00", "17:00-18:00"]}
    demand = {
        "unit": draw(st.sampled_from(["kw", "kva"])), "window": draw(st.sampled_from([None, "06:00-22:00"])),
        "contract_percent": draw(st.one_of(st.none(), SHARES)), "history_percent": draw(st.one_of(st.none(), SHARES)),
        "history_months": draw(st.integers(1, 12)), "history_capped": draw(st.booleans()),
        "rounding": draw(st.sampled_from(["none", "half_up", "up"])),
    } if draw(st.booleans()) else None  # fmt: skip
    charges: Above = []
    for _ in range(draw(st.integers(1, 7))):
        charges.append(_charge(draw, charges, zones, demand is not None))
    scheme = {
        "scheme": draw(st.sampled_from(["net_metering", "net_metering", "net_billing", "gross_metering"])),
        "spill_to": draw(st.lists(st.sampled_from(zones), max_size=2, unique=True)) if zones else [],
        "bank_as": draw(st.sampled_from([None, *zones])), "settlement_month": draw(st.sampled_from([None, 3, 4])),
        "settlement_rate": draw(PRICES),
    } if draw(st.booleans()) else None  # fmt: skip
    factor = {
        "demand": draw(st.sampled_from(["contract", "recorded"] if demand else ["contract"])),
        "interruptions_beyond_hours": draw(st.sampled_from([0, 60])), "none_above_contract": draw(st.booleans()),
        "digits": draw(st.integers(0, 3)),
    }  # fmt: skip
    return Tariff.model_validate({
        "version": 2, "code": f"t{number}", "number": number, "name": "t", "valid_from": datetime.date(2020, 1, 1),
        "step_wh": draw(st.sampled_from([1, 1000])), "cycle_months": draw(st.sampled_from([1, 1, 2])),
        "month_digits": draw(st.sampled_from([2, None, 0, 6])), "month_days": draw(st.sampled_from([30, 30, 31])),
        "load_power_factor": draw(st.sampled_from([None, Decimal("0.9"), Decimal("0.875")])),
        "calendar": {"zones": [{"code": z, "windows": w if isinstance(w := windows[z], list) else [w]} for z in zones]},
        "billing_demand": demand, "load_factor": factor, "net_metering": scheme, "charges": charges,
        "rounding": draw(st.sampled_from(["paisa", "rupee"])),
    })  # fmt: skip


ENERGY = st.one_of(
    st.integers(0, 900).map(lambda units: units * 1000), st.integers(0, 3_000_000), st.integers(0, 10**11)
)
POWER = st.one_of(st.integers(0, 20).map(lambda kilo: kilo * 1000), st.integers(0, 900_000))


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, values, st.none())


@st.composite
def bulk_quantities(draw: st.DrawFn, tariff: Tariff, days: int | None = None) -> Quantities:
    """Quantities of a bill by a tariff; some are not known."""
    zones = [zone.code for zone in tariff.calendar.zones]
    parts: dict[str, dict[str, int]] = {"wh": {}, "vah": {}, "export_wh": {}, "bank_wh": {}}
    for name, held in parts.items():
        if zones and draw(st.booleans()):
            held.update({zone: draw(ENERGY) for zone in zones})
        if name == "bank_wh":
            parts[name] = {zone: energy for zone, energy in held.items() if energy}
    ratio = st.fractions(min_value=Fraction(1, 4), max_value=3, max_denominator=60)
    return Quantities(
        wh=sum(parts["wh"].values()) + draw(ENERGY), days=days or draw(_maybe(st.integers(1, 70))),
        slab_months=draw(st.one_of(st.none(), st.none(), ratio)),
        fixed_months=draw(st.one_of(st.none(), st.none(), ratio)),
        begins=draw(_maybe(st.dates(datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)))),
        zones_wh=parts["wh"], vah=draw(_maybe(ENERGY)), zones_vah=parts["vah"],
        varh_lag=draw(_maybe(ENERGY)), varh_lead=draw(_maybe(ENERGY)),
        power_factor=draw(st.one_of(st.none(), st.fractions(Fraction(1, 2), 1, max_denominator=1000))),
        export_wh=sum(parts["export_wh"].values()) + draw(ENERGY), zones_export_wh=parts["export_wh"],
        generation_wh=draw(ENERGY), bank_wh=parts["bank_wh"], md_w=draw(_maybe(POWER)), md_va=draw(_maybe(POWER)),
        md_window_w=draw(_maybe(POWER)), md_window_va=draw(_maybe(POWER)),
        demand_history=tuple(draw(st.lists(POWER, max_size=3))),
        load_w=draw(_maybe(POWER)), load_va=draw(_maybe(POWER)),
        phases=draw(_maybe(st.sampled_from([1, 3]))),
        hours=draw(_maybe(st.fractions(1, 800, max_denominator=31))),
        interruption_hours=draw(st.fractions(0, 100, max_denominator=31)),
        flags=frozenset(draw(st.sets(st.sampled_from(FLAGS)))), adjustments=draw(_adjustments(tariff)),
        arrears_paise=draw(st.integers(-10_000, 10**9)), arrears_days=draw(st.integers(0, 90)),
    )  # fmt: skip


@st.composite
def _adjustments(draw: st.DrawFn, tariff: Tariff) -> dict[str, tuple[Decimal, ...]]:
    found = {}
    for charge in tariff.charges:
        if isinstance(charge, AdjustmentCharge) and draw(st.booleans()):
            of = tariff.charge(charge.of[0]) if charge.per == "slab" else None
            found[charge.code] = tuple(draw(RATES) for _ in range(len(of.slabs) if isinstance(of, SlabCharge) else 1))
    return found
