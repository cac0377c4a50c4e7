"""AT&C loss and reliability from the words of their definitions, by other means than the library.

The loss comes from the through-rate form: what was collected for a unit put in, over the average billing rate. The
indices come from customers taken one by one.
"""

from __future__ import annotations

from decimal import Decimal, localcontext


def through_rate_loss(
    *, generated: int, used: int, bought: int, traded: int, lost: int, wheeled: tuple[int, int], sold: int, billed: int,
    owed: int, received: int, debt: tuple[int, int, int], capped: bool,
) -> Decimal:  # fmt: skip
    """Per cent; wheeled: in, out; debt: opening, closing, written off. Needs input, sales and revenue above zero."""
    with localcontext() as context:
        context.prec = 80
        entered = Decimal(bought + generated - used - traded - lost - wheeled[0])
        delivered = Decimal(sold - wheeled[1])
        opening, closing, gone = debt
        # Paid in the period: what was billed to consumers, the subsidy that came, less what debts have grown by.
        collected = Decimal(billed - owed + received - (closing + gone - opening))
        if capped and collected > billed:
            collected = Decimal(billed)
        average_rate = Decimal(billed) / delivered
        return 100 - 100 * (collected / entered) / average_rate


def by_customer(
    outages: list[tuple[list[int], int]], customers: int, momentary_secs: int
) -> tuple[Decimal, Decimal, Decimal | None, Decimal]:
    """SAIFI, SAIDI, CAIDI in minutes, MAIFI, from (customers by number, seconds) of each outage that counts."""
    long, times, short = [0] * customers, [0] * customers, [0] * customers
    for who, secs in outages:
        for customer in who:
            if secs > momentary_secs:
                long[customer] += 1
                times[customer] += secs
            else:
                short[customer] += 1
    with localcontext() as context:
        context.prec = 80
        saifi, minutes = Decimal(sum(long)) / customers, Decimal(sum(times)) / 60 / customers
        return saifi, minutes, minutes / saifi if saifi else None, Decimal(sum(short)) / customers
