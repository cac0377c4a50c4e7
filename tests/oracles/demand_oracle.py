"""Bills of the two example tariffs with demand, power factor, time of day and export, in Decimal rupees from formulas.

Numbers stand here as in the descriptions of examples/tariffs, not read from the files. A ratio is compared by cross
multiplication in integers, where the engine has fractions.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

D = Decimal


def paisa(amount: Decimal) -> Decimal:
    return amount.quantize(D("0.01"), ROUND_HALF_UP)


def half_up(value: Decimal, places: str) -> Decimal:
    return value.quantize(D(places), ROUND_HALF_UP)


def ratio(above: int, below: int, places: int) -> Decimal:
    """above / below half up, by integer division: 2 x above x 10^places + below, over 2 x below."""
    return D((2 * above * 10**places + below) // (2 * below)).scaleb(-places)


def power_factor_percent(factor: Decimal) -> Decimal:
    points = int(factor * 1000)
    if points >= 995:
        return D("-3.5")
    for least, percent in ((985, "-2.5"), (975, "-1.5"), (965, "-1"), (955, "-0.5")):
        if points >= least:
            return D(percent)
    if points >= 900:
        return D(0)
    return D(min((900 - points) // 10, 40))


def high_tension(
    kwh: int, kvah: int, contract: int, recorded: int, history: list[int], zones: dict[str, int], fac: str
) -> Decimal:
    """The bill of 30 days of examples/tariffs/ht-industry.yaml; whole kWh, kVAh and kVA, kvah above 0."""
    with localcontext() as context:
        context.prec = 60
        before = min(max(history[:11], default=0) * D("0.75"), D(contract))
        billed = half_up(max(D(recorded), contract * D("0.65"), before), "1")
        energy, demand = paisa(kwh * D("7.20")), paisa(billed * 454)
        over = recorded - contract
        excess = paisa(over * D(681)) if recorded * 100 > contract * 105 else D(0)
        wheeling, fuel = paisa(kwh * D("0.57")), paisa(kwh * D(fac))
        factor = ratio(kwh, kvah, 3)
        before_tax = energy + demand + excess + wheeling + fuel
        adjusted = paisa(before_tax * power_factor_percent(factor) / 100)
        load = D(0)
        usable = contract * factor * 720
        if over <= 0 and usable > 0:
            reached = half_up(kwh * 100 / usable, "0.01")
            percent = min(max(reached - 75, D(0)), D(10)) * D("0.75") + min(max(reached - 85, D(0)), D(15))
            load = -paisa(energy * min(percent, D(15)) / 100)
        tod = (
            paisa(zones.get("PEAK", 0) * D("1.44"))
            - paisa(zones.get("SOLAR", 0) * D("1.44"))
            - paisa(zones.get("NIGHT", 0) * D("0.25"))
        )
        missing = max(D(0), contract * D(300) - energy - demand)
        duty = paisa((before_tax + adjusted + load + tod) * D("0.075"))
        total = before_tax + adjusted + load + tod + missing + duty
        whole = abs(total).quantize(D(1), ROUND_HALF_UP)
        return whole if total >= 0 else -whole


def rooftop(
    imported: dict[str, int], exported: dict[str, int], bank: dict[str, int], kilowatt: int
) -> tuple[Decimal, int]:
    """Bill and bank (kWh) of a month of examples/tariffs/rooftop.yaml; whole kWh by zone."""
    owed = {
        zone: imported.get(zone, 0) - exported.get(zone, 0) - bank.get(zone, 0) for zone in ("SOLAR", "PEAK", "OFFPEAK")
    }
    spare = sum(-units for zone, units in owed.items() if units < 0)
    offpeak = max(owed["OFFPEAK"], 0)
    used = min(spare, offpeak)
    billed = {"SOLAR": max(owed["SOLAR"], 0), "PEAK": max(owed["PEAK"], 0), "OFFPEAK": offpeak - used}
    units = sum(billed.values())
    energy = min(units, 100) * D(4) + max(units - 100, 0) * D(7)
    total = energy + billed["PEAK"] - billed["SOLAR"] + 50 * kilowatt
    return total.quantize(D("0.01"), ROUND_DOWN), spare - used
