CREATE TABLE IF NOT EXISTS readiness
(
    `account` UInt64 COMMENT 'Account that is billed.',
    `service_point` UInt64 COMMENT 'Service point (installation); a positive id of the registry.',
    `cycle_start` DateTime('UTC') COMMENT '[s] Start of the cycle, epoch seconds UTC, included.',
    `cycle_end` DateTime('UTC') COMMENT '[s] End of the cycle, epoch seconds UTC, not included.',
    `revision` UInt64 COMMENT 'Order of the revisions of a key, from 1: the larger replaces the smaller.',
    `category` String COMMENT 'Category whose thresholds hold; `default` where none is told.',
    `group` String COMMENT 'Consumers of a group are billed together; empty: none.',
    `state` Enum8('READY' = 1, 'WAITING' = 2, 'BLOCKED' = 3) COMMENT 'Whether it can be.',
    `expected_at` Nullable(DateTime('UTC')) COMMENT '[s] When it is expected to be ready, epoch seconds UTC; null unless it is WAITING.',
    `reasons` Array(Tuple(code Enum8('CYCLE_OPEN' = 1, 'LATE_DATA' = 2, 'DAYS_NOT_SETTLED' = 3, 'DAYS_NOT_FINAL' = 4, 'NOT_CLOSED' = 5, 'GROUP_NOT_READY' = 6, 'NO_DETERMINANT' = 7, 'NO_TARIFF' = 8, 'ESTIMATED_SHARE' = 9, 'INTERVALS_MISSING' = 10, 'REGISTERS_MISSING' = 11, 'EXCEPTIONS_OPEN' = 12, 'EDITS_WAITING' = 13), found Int64, allowed Int64, blocks Bool)) COMMENT 'What keeps it from being billed; empty when it is READY.',
    `paise_at_stake` Int64 COMMENT '[paise] What the bill comes to as far as it is known; 0 when it is not.',
    `determinant_revision` Nullable(Int64) COMMENT 'Revision of the cycle\'s determinant that was judged; null when there is none.',
    `judged_at` DateTime('UTC') COMMENT '[s] Time of the log up to which it was judged, epoch seconds UTC.',
    `day` Date ALIAS toDate(cycle_start, '{timezone}') COMMENT 'local day',
    INDEX by_time cycle_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(cycle_start, '{timezone}')
ORDER BY (toDate(cycle_start, '{timezone}'), account, service_point, cycle_start, cycle_end, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a consumer, billing cycle and revision: whether it can be billed, and if not, why';

CREATE OR REPLACE VIEW readiness_latest AS
SELECT `account`, `service_point`, `cycle_start`, `cycle_end`, `revision`, `category`, `group`, `state`, `expected_at`, `reasons`, `paise_at_stake`, `determinant_revision`, `judged_at`, `day`
FROM readiness
ORDER BY day DESC, account DESC, service_point DESC, cycle_start DESC, cycle_end DESC, revision DESC
LIMIT 1 BY day, account, service_point, cycle_start, cycle_end
COMMENT 'the newest revision of each row of readiness';

CREATE TABLE IF NOT EXISTS payments
(
    `id` String COMMENT 'Chosen by who tells it, the same in each try to tell it; at most 200 characters.',
    `account` UInt64 COMMENT 'Account that it is for.',
    `kind` Enum8('PAYMENT' = 1, 'REVERSAL' = 2, 'CREDIT' = 3, 'DEBIT' = 4, 'ARREARS' = 5, 'OPEN' = 6, 'CLOSE' = 7) COMMENT 'What it is.',
    `amount` Int64 COMMENT '[paise] Never negative; 0 of CLOSE, and of REVERSAL, which takes back the whole.',
    `reverses` String COMMENT 'Of REVERSAL the id of what does not hold; empty otherwise.',
    `mode` String COMMENT 'How it was paid: cash, card, UPI, bank transfer, ...; empty: not known.',
    `reference` String COMMENT 'Number of the bank, gateway or receipt; empty: none.',
    `collected_at` DateTime('UTC') COMMENT '[s] When the consumer paid, epoch seconds UTC.',
    `booked_at` Nullable(DateTime('UTC')) COMMENT '[s] When it was credited to the utility, epoch seconds UTC; null: not.',
    `source` String COMMENT 'System or counter that tells it.',
    `day` Date ALIAS toDate(collected_at, '{timezone}') COMMENT 'local day'
)
ENGINE = ReplacingMergeTree
ORDER BY (account, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a payment, reversal or other change of what an account has or owes; copies of an id collapse';

CREATE TABLE IF NOT EXISTS ledger
(
    `account` UInt64 COMMENT 'Account.',
    `number` Int64 COMMENT 'Place in the account\'s ledger, from 1, without gaps.',
    `kind` Enum8('OPENED' = 1, 'RECHARGE' = 2, 'REVERSED' = 3, 'CREDIT' = 4, 'DEBIT' = 5, 'ARREARS' = 6, 'DEDUCTION' = 7, 'ADJUSTMENT' = 8, 'RECONCILED' = 9, 'UNRATED' = 10, 'WARNED' = 11, 'EMERGENCY' = 12, 'LOW' = 13, 'RESTORED' = 14, 'DISCONNECT' = 15, 'RECONNECT' = 16, 'CHECK' = 17, 'SWITCH_OPEN' = 18, 'SWITCH_CLOSED' = 19, 'COMMAND_FAILED' = 20, 'CLOSED' = 21) COMMENT 'What it is.',
    `paise` Int64 COMMENT '[paise] What is added to the balance; negative: taken from it; 0: nothing.',
    `balance_paise` Int64 COMMENT '[paise] Balance after it.',
    `arrears_paise` Int64 COMMENT '[paise] What is still owed from before, after it.',
    `amount` Int64 COMMENT '[paise] Of records of `payments` their amount, of RECONCILED the bill; 0 otherwise.',
    `arrears_part` Int64 COMMENT '[paise] Of a payment the part of it that arrears may take; 0 otherwise.',
    `reference` String COMMENT 'Id of the payment, or of the command; empty for days and months.',
    `reverses` String COMMENT 'Id of the payment that is taken back; empty otherwise.',
    `service_point` UInt64 COMMENT 'Service point of the day, month or command; 0 otherwise.',
    `device` String COMMENT 'Device of a command; empty otherwise.',
    `month_start` Nullable(DateTime('UTC')) COMMENT '[s] Begin of the month charged, epoch seconds UTC; null otherwise.',
    `day_start` Nullable(DateTime('UTC')) COMMENT '[s] Begin of the day; of OPENED and CLOSED since when; epoch seconds UTC; null otherwise.',
    `revision` Nullable(UInt64) COMMENT 'Revision of the day\'s or month\'s determinant; null otherwise.',
    `tariff` LowCardinality(Nullable(String)) COMMENT 'Tariff that the day was rated by; empty otherwise.',
    `wh` Int64 COMMENT '[Wh] Import of the day; 0 otherwise.',
    `wh_exp` Int64 COMMENT '[Wh] Export of the day; 0 otherwise.',
    `vah` Int64 COMMENT '[VAh] Apparent energy of the day; 0 otherwise.',
    `zones` Array(Tuple(zone String, wh Int64)) COMMENT 'wh by zone; empty otherwise.',
    `month_paise` Nullable(Int64) COMMENT '[paise] Charged for the month so far, after it; null otherwise.',
    `threshold` Nullable(Int64) COMMENT '[paise] Balance that the entry is about; null otherwise.',
    `expires` Nullable(DateTime('UTC')) COMMENT '[s] Of a command until when it may be begun, epoch seconds UTC; null otherwise.',
    `at` DateTime('UTC') COMMENT '[s] Time of the log when it was written, epoch seconds UTC.',
    `detail` String COMMENT 'What there is to say of it, for a person; may be empty.',
    `from_topic` String COMMENT 'Topic of the record that it comes from.',
    `from_partition` Int32 COMMENT 'Partition of that record.',
    `from_offset` Int64 COMMENT 'Offset of that record.',
    `day` Date ALIAS toDate(at, '{timezone}') COMMENT 'local day'
)
ENGINE = ReplacingMergeTree
ORDER BY (account, number)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row an entry of a prepaid account\'s ledger';

CREATE OR REPLACE VIEW balances AS
SELECT account, argMax(l.balance_paise, l.number) AS balance_paise, argMax(l.arrears_paise, l.number) AS arrears_paise,
    max(l.number) AS entries, argMax(toString(l.kind), l.number) AS last_kind, argMax(l.at, l.number) AS last_at,
    argMaxIf(toString(l.kind), l.number, l.kind IN ('OPENED', 'CLOSED')) = 'CLOSED' AS closed
FROM ledger AS l FINAL
GROUP BY account
COMMENT 'one row a prepaid account: how it stands after its last entry';

CREATE OR REPLACE VIEW ledger_months AS
SELECT account, service_point, toDate(l.month_start, '{timezone}') AS month,
    uniqExact(l.day_start) AS days,
    -sumIf(l.paise, l.kind IN ('DEDUCTION', 'ADJUSTMENT', 'UNRATED')) AS deducted_paise,
    -sumIf(l.paise, l.kind = 'RECONCILED') AS reconciled_paise, deducted_paise + reconciled_paise AS charged_paise,
    countIf(l.kind = 'RECONCILED' AND l.month_paise = l.amount) > 0 AS reconciled
FROM ledger AS l FINAL
WHERE l.kind IN ('DEDUCTION', 'ADJUSTMENT', 'UNRATED', 'RECONCILED')
GROUP BY account, service_point, month
COMMENT 'one row a prepaid account, service point and month: what was charged, and whether its bill has confirmed it';
