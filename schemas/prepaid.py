"""The plain records of prepaid accounts: what is paid, and the entries of an account's ledger."""

from __future__ import annotations

from schemas.fields import Field, Record, array, enum, nullable, record

PAYMENT_KIND = (
    ("PAYMENT", "money that came in: a recharge of a prepaid account, a payment of a postpaid one"),
    ("REVERSAL", "a payment did not hold: bounced, charged back, entered by mistake; `reverses` names it"),
    ("CREDIT", "in favour of the account without money: a deposit or subsidy set against it"),
    ("DEBIT", "against the account: a fee, a correction"),
    ("ARREARS", "owed from before: a part of each recharge goes there until it is paid"),
    ("OPEN", "from now on the account is prepaid; `amount` is what it begins with"),
    ("CLOSE", "from now on nobody uses the account: a tenant has left, or it is postpaid again"),
)

PAYMENT = Record(
    "Payment",
    "Something that changes what an account has or owes, as vending, collection or billing systems tell it. Copies of "
    "an id are dropped, also when they come late or in another order.",
    (
        Field("id", "string", "Chosen by who tells it, the same in each try to tell it; at most 200 characters."),
        Field("account", "long", "Account that it is for."),
        Field("kind", enum("PaymentKind", "What it is.", PAYMENT_KIND), "What it is."),
        Field("amount", "long", "[paise] Never negative; 0 of CLOSE, and of REVERSAL, which takes back the whole."),
        Field("reverses", "string", "Of REVERSAL the id of what does not hold; empty otherwise."),
        Field("mode", "string", "How it was paid: cash, card, UPI, bank transfer, ...; empty: not known."),
        Field("reference", "string", "Number of the bank, gateway or receipt; empty: none."),
        Field("collected_at", "long", "[s] When the consumer paid, epoch seconds UTC."),
        Field("booked_at", nullable("long"), "[s] When it was credited to the utility, epoch seconds UTC; null: not."),
        Field("source", "string", "System or counter that tells it."),
    ),
)

LEDGER_KIND = (
    ("OPENED", "the account is prepaid from here on"),
    ("RECHARGE", "a payment, less what of it goes to arrears"),
    ("REVERSED", "a payment is taken back, or came after its reversal"),
    ("CREDIT", "a credit without money"),
    ("DEBIT", "a fee or correction"),
    ("ARREARS", "owed from before"),
    ("DEDUCTION", "the charge of a day"),
    ("ADJUSTMENT", "a day was settled again: the difference to what was deducted"),
    ("RECONCILED", "the month's bill less what was deducted for the month"),
    ("UNRATED", "a day that could not be rated; it is deducted with the next that can"),
    ("WARNED", "the balance is below a threshold"),
    ("EMERGENCY", "the emergency credit is used"),
    ("LOW", "the balance is below what keeps the supply: grace begins"),
    ("RESTORED", "the balance is enough again"),
    ("DISCONNECT", "a command to open the load switch"),
    ("RECONNECT", "a command to close the load switch"),
    ("CHECK", "a command to read the load switch, since nobody knows what became of the last one"),
    ("SWITCH_OPEN", "the meter says that the load switch is open"),
    ("SWITCH_CLOSED", "the meter says that the load switch is closed"),
    ("COMMAND_FAILED", "a command was not done; `detail` says why"),
    ("CLOSED", "the account ends; the balance is the final one"),
)

_ENERGY = record(
    "LedgerZone",
    "Energy in one time-of-day zone.",
    (
        Field("zone", "string", "Name of the zone in the tariff."),
        Field("wh", "long", "[Wh] Active energy, import, in this zone."),
    ),
)

LEDGER_ENTRY = Record(
    "LedgerEntry",
    "One entry of a prepaid account's ledger. The key is (account, number); an entry never changes, and the balance of "
    "the last one is the account's.",
    (
        Field("account", "long", "Account."),
        Field("number", "long", "Place in the account's ledger, from 1, without gaps."),
        Field("kind", enum("LedgerKind", "What it is.", LEDGER_KIND), "What it is."),
        Field("paise", "long", "[paise] What is added to the balance; negative: taken from it; 0: nothing."),
        Field("balance_paise", "long", "[paise] Balance after it."),
        Field("arrears_paise", "long", "[paise] What is still owed from before, after it."),
        Field("amount", "long", "[paise] Of records of `payments` their amount, of RECONCILED the bill; 0 otherwise."),
        Field("arrears_part", "long", "[paise] Of a payment the part of it that arrears may take; 0 otherwise."),
        Field("reference", "string", "Id of the payment, or of the command; empty for days and months."),
        Field("reverses", "string", "Id of the payment that is taken back; empty otherwise."),
        Field("service_point", "long", "Service point of the day, month or command; 0 otherwise."),
        Field("device", "string", "Device of a command; empty otherwise."),
        Field("month_start", nullable("long"), "[s] Begin of the month charged, epoch seconds UTC; null otherwise."),
        Field(
            "day_start",
            nullable("long"),
            "[s] Begin of the day; of OPENED and CLOSED since when; epoch seconds UTC; null otherwise.",
        ),
        Field("revision", nullable("long"), "Revision of the day's or month's determinant; null otherwise."),
        Field("tariff", "string", "Tariff that the day was rated by; empty otherwise."),
        Field("wh", "long", "[Wh] Import of the day; 0 otherwise."),
        Field("wh_exp", "long", "[Wh] Export of the day; 0 otherwise."),
        Field("vah", "long", "[VAh] Apparent energy of the day; 0 otherwise."),
        Field("zones", array(_ENERGY), "wh by zone; empty otherwise."),
        Field("month_paise", nullable("long"), "[paise] Charged for the month so far, after it; null otherwise."),
        Field("threshold", nullable("long"), "[paise] Balance that the entry is about; null otherwise."),
        Field(
            "expires",
            nullable("long"),
            "[s] Of a command until when it may be begun, epoch seconds UTC; null otherwise.",
        ),
        Field("at", "long", "[s] Time of the log when it was written, epoch seconds UTC."),
        Field("detail", "string", "What there is to say of it, for a person; may be empty."),
        Field("from_topic", "string", "Topic of the record that it comes from."),
        Field("from_partition", "int", "Partition of that record."),
        Field("from_offset", "long", "Offset of that record."),
    ),
)
