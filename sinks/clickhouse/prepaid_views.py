"""Views of prepaid accounts: how each stands, and how a month's deductions compare with its bill."""

from __future__ import annotations

from sinks.clickhouse.hygiene_view import View

BALANCES = View(
    "balances",
    "one row a prepaid account: how it stands after its last entry",
    (
        ("account", "account"),
        ("balance_paise", "paise: what it has; negative: it owes that"),
        ("arrears_paise", "paise: owed from before it was prepaid"),
        ("entries", "entries of its ledger"),
        ("last_kind", "kind of the last entry"),
        ("last_at", "time of the log of the last entry, UTC"),
        ("closed", "1: the account has ended; the balance is the final one"),
    ),
    """
SELECT account, argMax(l.balance_paise, l.number) AS balance_paise, argMax(l.arrears_paise, l.number) AS arrears_paise,
    max(l.number) AS entries, argMax(toString(l.kind), l.number) AS last_kind, argMax(l.at, l.number) AS last_at,
    argMaxIf(toString(l.kind), l.number, l.kind IN ('OPENED', 'CLOSED')) = 'CLOSED' AS closed
FROM ledger AS l FINAL
GROUP BY account
""",
)

LEDGER_MONTHS = View(
    "ledger_months",
    "one row a prepaid account, service point and month: what was charged, and whether its bill has confirmed it",
    (
        ("account", "account"),
        ("service_point", "service point"),
        ("month", "first local day of the month"),
        ("days", "days that were deducted"),
        ("deducted_paise", "paise: sum of deductions and adjustments"),
        ("reconciled_paise", "paise: what the month's bill has added"),
        ("charged_paise", "paise: both; the bill's total once it is reconciled"),
        ("reconciled", "1: the month's bill has been taken over"),
    ),
    """
SELECT account, service_point, toDate(l.month_start, '{timezone}') AS month,
    uniqExact(l.day_start) AS days,
    -sumIf(l.paise, l.kind IN ('DEDUCTION', 'ADJUSTMENT', 'UNRATED')) AS deducted_paise,
    -sumIf(l.paise, l.kind = 'RECONCILED') AS reconciled_paise, deducted_paise + reconciled_paise AS charged_paise,
    countIf(l.kind = 'RECONCILED' AND l.month_paise = l.amount) > 0 AS reconciled
FROM ledger AS l FINAL
WHERE l.kind IN ('DEDUCTION', 'ADJUSTMENT', 'UNRATED', 'RECONCILED')
GROUP BY account, service_point, month
""",
)

PREPAID_VIEWS = (BALANCES, LEDGER_MONTHS)
