"""Readings of registers in the form of the billing system: digits and decimals, wrapped as the register does."""

from __future__ import annotations

from sinks.sap_mdus.config import RegisterForm


def shown(wh: int, form: RegisterForm) -> str:
    """What a register of this form shows at `wh` (Wh or VAh, meter side), in kWh.

    Decimals beyond its own are cut off and not rounded, as a register does, so that remainders carry to the next
    reading; behind its digits it begins again at 0.
    """
    steps = wh // 10 ** (3 - form.decimals) % 10 ** (form.digits + form.decimals)
    whole, rest = divmod(steps, 10**form.decimals)
    return f"{whole}.{rest:0{form.decimals}}" if form.decimals else str(whole)


def kilo(wh: int) -> str:
    """Wh as kWh with three decimals; exact."""
    whole, rest = divmod(abs(wh), 1000)
    return f"{'-' if wh < 0 else ''}{whole}.{rest:03}"
