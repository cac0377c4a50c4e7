CREATE TABLE IF NOT EXISTS readings
(
    `service_point` UInt64 COMMENT 'service point' CODEC(DoubleDelta, LZ4),
    `interval_start` DateTime('UTC') COMMENT 'start of the interval, UTC' CODEC(DoubleDelta, LZ4),
    `day` Date ALIAS toDate(interval_start, '{timezone}') COMMENT 'local day',
    `interval_secs` UInt32 COMMENT 's: length of the interval' CODEC(DoubleDelta, LZ4),
    `revision` UInt64 COMMENT 'order: larger replaces smaller for the same interval' CODEC(T64, LZ4),
    `device` UInt64 COMMENT 'device that measured it; 0 for a substitute without one' CODEC(LZ4),
    `system_title` String ALIAS leftPad(hex(device), 16, '0') COMMENT '`device` as its DLMS system title, 16 hexadecimal digits',
    `method` Enum8('NONE' = 0, 'LINEAR' = 3, 'LIKE_DAY' = 4, 'SCALED' = 6, 'FLAT' = 8, 'CARRIED' = 9, 'ROUNDING' = 10) COMMENT 'how a substituted value was made' CODEC(LZ4),
    `rules` UInt32 COMMENT 'bits of the validation rules that failed; `failed_rules` spells them' CODEC(LZ4),
    `failed_rules` Array(String) ALIAS arrayMap(bit -> ['V01', 'V02', 'V07', 'V09', 'V14', 'V12', 'V03', 'V16', 'V06', 'V32'][bit + 1], bitPositionsToArray(rules)) COMMENT 'codes of the rules in `rules`',
    `flags` UInt16 COMMENT 'bits of what decode noticed; `flag_names` spells them' CODEC(LZ4),
    `flag_names` Array(String) ALIAS arrayMap(bit -> ['clock_invalid', 'clock_doubtful', 'counter_late', 'template_unverified', 'off_grid', 'plain'][bit + 1], bitPositionsToArray(flags)) COMMENT 'names of the bits of `flags`',
    `quality` UInt64 COMMENT 'quality of channel n in bits 4n to 4n + 3; `<channel>_quality` spells it' CODEC(LZ4),
    `wh_imp` Int64 COMMENT 'Wh: active energy, import; OBIS 1.0.1.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `vah_imp` Int64 COMMENT 'VAh: apparent energy while importing; OBIS 1.0.9.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `wh_exp` Int64 COMMENT 'Wh: active energy, export; OBIS 1.0.2.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `vah_exp` Int64 COMMENT 'VAh: apparent energy while exporting; OBIS 1.0.10.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `varh_q1` Int64 COMMENT 'varh: reactive energy, quadrant 1; OBIS 1.0.5.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `varh_q2` Int64 COMMENT 'varh: reactive energy, quadrant 2; OBIS 1.0.6.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `varh_q3` Int64 COMMENT 'varh: reactive energy, quadrant 3; OBIS 1.0.7.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `varh_q4` Int64 COMMENT 'varh: reactive energy, quadrant 4; OBIS 1.0.8.29.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `voltage_r` Int32 COMMENT 'mV: mean voltage, phase R or single phase; OBIS 1.0.12.27.0.255, 1.0.32.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `voltage_y` Int32 COMMENT 'mV: mean voltage, phase Y; OBIS 1.0.52.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `voltage_b` Int32 COMMENT 'mV: mean voltage, phase B; OBIS 1.0.72.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `current_r` Int32 COMMENT 'mA: mean current, phase R or single phase; OBIS 1.0.11.27.0.255, 1.0.31.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `current_y` Int32 COMMENT 'mA: mean current, phase Y; OBIS 1.0.51.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `current_b` Int32 COMMENT 'mA: mean current, phase B; OBIS 1.0.71.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `current_n` Int32 COMMENT 'mA: mean current, neutral; OBIS 1.0.91.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `power_factor` Int32 COMMENT '1/1000: mean power factor, signed; OBIS 1.0.13.27.0.255; 0 where the quality is ABSENT' CODEC(T64, LZ4),
    `wh_imp_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 0), 15)) COMMENT 'quality of wh_imp',
    `vah_imp_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 4), 15)) COMMENT 'quality of vah_imp',
    `wh_exp_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 8), 15)) COMMENT 'quality of wh_exp',
    `vah_exp_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 12), 15)) COMMENT 'quality of vah_exp',
    `varh_q1_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 16), 15)) COMMENT 'quality of varh_q1',
    `varh_q2_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 20), 15)) COMMENT 'quality of varh_q2',
    `varh_q3_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 24), 15)) COMMENT 'quality of varh_q3',
    `varh_q4_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 28), 15)) COMMENT 'quality of varh_q4',
    `voltage_r_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 32), 15)) COMMENT 'quality of voltage_r',
    `voltage_y_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 36), 15)) COMMENT 'quality of voltage_y',
    `voltage_b_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 40), 15)) COMMENT 'quality of voltage_b',
    `current_r_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 44), 15)) COMMENT 'quality of current_r',
    `current_y_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 48), 15)) COMMENT 'quality of current_y',
    `current_b_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 52), 15)) COMMENT 'quality of current_b',
    `current_n_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 56), 15)) COMMENT 'quality of current_n',
    `power_factor_quality` Enum8('ABSENT' = 0, 'ACTUAL' = 1, 'SUSPECT' = 2, 'ESTIMATED' = 3, 'MISSING' = 4, 'MANUAL' = 5, 'DERIVED' = 6) ALIAS toInt8(bitAnd(bitShiftRight(quality, 60), 15)) COMMENT 'quality of power_factor',
    `origin_topic` LowCardinality(String) COMMENT 'id of the frames topic that the row comes from' CODEC(LZ4),
    `origin_partition` UInt16 COMMENT 'partition of that topic' CODEC(LZ4),
    `origin_offset` UInt64 COMMENT 'offset of the record in that partition' CODEC(DoubleDelta, LZ4),
    `frame` Int32 COMMENT 'frame within that record; -1: made by a tick' CODEC(T64, LZ4),
    `counter` UInt32 COMMENT 'invocation counter of that frame; 0 when none' CODEC(Delta, LZ4),
    INDEX by_time interval_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(interval_start, '{timezone}')
ORDER BY (toDate(interval_start, '{timezone}'), service_point, interval_start, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row a service point, interval and revision: all channels, in billed energy (times the multiplying factor)';

CREATE TABLE IF NOT EXISTS days
(
    `service_point` UInt64 COMMENT 'service point' CODEC(DoubleDelta, LZ4),
    `day_start` DateTime('UTC') COMMENT 'local midnight that the day begins at, UTC' CODEC(DoubleDelta, LZ4),
    `day` Date ALIAS toDate(day_start, '{timezone}') COMMENT 'local day',
    `revision` UInt64 COMMENT 'order: larger replaces smaller for the same day' CODEC(T64, LZ4),
    `state` Enum8('PROVISIONAL' = 0, 'FINAL' = 1) COMMENT 'whether it can still change' CODEC(LZ4),
    `registers` UInt8 COMMENT 'bits of what is known of the registers; `register_notes` spells them' CODEC(LZ4),
    `register_notes` Array(String) ALIAS arrayMap(bit -> ['opening', 'closing', 'scaled', 'several days', 'exchanged'][bit + 1], bitPositionsToArray(registers)) COMMENT 'opening, closing: known at that end; scaled: substitutes were made to meet them; several days: over a longer span; exchanged: the meter was',
    `wh_imp_opening` Int64 COMMENT 'Wh: register at the start, meter side' CODEC(T64, LZ4),
    `vah_imp_opening` Int64 COMMENT 'VAh: register at the start, meter side' CODEC(T64, LZ4),
    `wh_exp_opening` Int64 COMMENT 'Wh: register at the start, meter side' CODEC(T64, LZ4),
    `vah_exp_opening` Int64 COMMENT 'VAh: register at the start, meter side' CODEC(T64, LZ4),
    `wh_imp_closing` Int64 COMMENT 'Wh: register at the end, meter side' CODEC(T64, LZ4),
    `vah_imp_closing` Int64 COMMENT 'VAh: register at the end, meter side' CODEC(T64, LZ4),
    `wh_exp_closing` Int64 COMMENT 'Wh: register at the end, meter side' CODEC(T64, LZ4),
    `vah_exp_closing` Int64 COMMENT 'VAh: register at the end, meter side' CODEC(T64, LZ4),
    `wh_imp_register` Int64 COMMENT 'Wh: register difference times the multiplying factor; 0 unless both are known' CODEC(T64, LZ4),
    `vah_imp_register` Int64 COMMENT 'VAh: register difference times the multiplying factor; 0 unless both are known' CODEC(T64, LZ4),
    `wh_exp_register` Int64 COMMENT 'Wh: register difference times the multiplying factor; 0 unless both are known' CODEC(T64, LZ4),
    `vah_exp_register` Int64 COMMENT 'VAh: register difference times the multiplying factor; 0 unless both are known' CODEC(T64, LZ4),
    `wh_imp_actual` Int64 COMMENT 'Wh: sum of actual intervals' CODEC(T64, LZ4),
    `vah_imp_actual` Int64 COMMENT 'VAh: sum of actual intervals' CODEC(T64, LZ4),
    `wh_exp_actual` Int64 COMMENT 'Wh: sum of actual intervals' CODEC(T64, LZ4),
    `vah_exp_actual` Int64 COMMENT 'VAh: sum of actual intervals' CODEC(T64, LZ4),
    `wh_imp_estimated` Int64 COMMENT 'Wh: sum of estimated intervals' CODEC(T64, LZ4),
    `vah_imp_estimated` Int64 COMMENT 'VAh: sum of estimated intervals' CODEC(T64, LZ4),
    `wh_exp_estimated` Int64 COMMENT 'Wh: sum of estimated intervals' CODEC(T64, LZ4),
    `vah_exp_estimated` Int64 COMMENT 'VAh: sum of estimated intervals' CODEC(T64, LZ4),
    `wh_imp_suspect` Int64 COMMENT 'Wh: what the meter sent in suspect intervals; not in the sums' CODEC(T64, LZ4),
    `vah_imp_suspect` Int64 COMMENT 'VAh: what the meter sent in suspect intervals; not in the sums' CODEC(T64, LZ4),
    `wh_exp_suspect` Int64 COMMENT 'Wh: what the meter sent in suspect intervals; not in the sums' CODEC(T64, LZ4),
    `vah_exp_suspect` Int64 COMMENT 'VAh: what the meter sent in suspect intervals; not in the sums' CODEC(T64, LZ4),
    `wh_imp_unexplained` Int64 COMMENT 'Wh: register energy less actual less estimated; 0 unless both registers are known' CODEC(T64, LZ4),
    `vah_imp_unexplained` Int64 COMMENT 'VAh: register energy less actual less estimated; 0 unless both registers are known' CODEC(T64, LZ4),
    `wh_exp_unexplained` Int64 COMMENT 'Wh: register energy less actual less estimated; 0 unless both registers are known' CODEC(T64, LZ4),
    `vah_exp_unexplained` Int64 COMMENT 'VAh: register energy less actual less estimated; 0 unless both registers are known' CODEC(T64, LZ4),
    `intervals_actual` UInt16 COMMENT 'intervals that are actual' CODEC(LZ4),
    `intervals_estimated` UInt16 COMMENT 'intervals that are estimated' CODEC(LZ4),
    `intervals_missing` UInt16 COMMENT 'intervals that are missing' CODEC(LZ4),
    `intervals_suspect` UInt16 COMMENT 'intervals that are suspect' CODEC(LZ4),
    `wh_imp_demand` Int64 COMMENT 'Wh: largest actual interval' CODEC(T64, LZ4),
    `vah_imp_demand` Int64 COMMENT 'VAh: largest actual interval' CODEC(T64, LZ4),
    `wh_imp_demand_start` DateTime('UTC') COMMENT 'when that interval began, UTC' CODEC(DoubleDelta, LZ4),
    `vah_imp_demand_start` DateTime('UTC') COMMENT 'when that interval began, UTC' CODEC(DoubleDelta, LZ4),
    `origin_topic` LowCardinality(String) COMMENT 'id of the frames topic that the row comes from' CODEC(LZ4),
    `origin_partition` UInt16 COMMENT 'partition of that topic' CODEC(LZ4),
    `origin_offset` UInt64 COMMENT 'offset of the record in that partition' CODEC(DoubleDelta, LZ4),
    INDEX by_time day_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(day_start, '{timezone}')
ORDER BY (toDate(day_start, '{timezone}'), service_point, day_start, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row a service point, local day and revision: the day\'s intervals against its registers';

CREATE TABLE IF NOT EXISTS snapshots
(
    `service_point` UInt64 COMMENT 'service point' CODEC(DoubleDelta, LZ4),
    `time` DateTime('UTC') COMMENT 'the meter\'s own clock, UTC' CODEC(DoubleDelta, LZ4),
    `day` Date ALIAS toDate(time, '{timezone}') COMMENT 'local day',
    `kind` Enum8('BLOCK' = 1, 'DAILY' = 2, 'INSTANT' = 3, 'ALERT' = 4) COMMENT 'which push it came in' CODEC(LZ4),
    `revision` UInt64 COMMENT 'place in the log, as for readings' CODEC(T64, LZ4),
    `device` UInt64 COMMENT 'device that sent it' CODEC(LZ4),
    `system_title` String ALIAS leftPad(hex(device), 16, '0') COMMENT '`device` as its DLMS system title, 16 hexadecimal digits',
    `flags` UInt16 COMMENT 'bits of what decode noticed; `flag_names` spells them' CODEC(LZ4),
    `flag_names` Array(String) ALIAS arrayMap(bit -> ['clock_invalid', 'clock_doubtful', 'counter_late', 'template_unverified', 'off_grid', 'plain'][bit + 1], bitPositionsToArray(flags)) COMMENT 'names of the bits of `flags`',
    `wh_imp_register` Nullable(Int64) COMMENT 'Wh: register, meter side; OBIS 1.0.1.8.0.255; null: not sent' CODEC(T64, LZ4),
    `vah_imp_register` Nullable(Int64) COMMENT 'VAh: register, meter side; OBIS 1.0.9.8.0.255; null: not sent' CODEC(T64, LZ4),
    `wh_exp_register` Nullable(Int64) COMMENT 'Wh: register, meter side; OBIS 1.0.2.8.0.255; null: not sent' CODEC(T64, LZ4),
    `vah_exp_register` Nullable(Int64) COMMENT 'VAh: register, meter side; OBIS 1.0.10.8.0.255; null: not sent' CODEC(T64, LZ4),
    `voltage_r` Nullable(Int32) COMMENT 'mV: mean voltage, phase R or single phase; null: not sent' CODEC(T64, LZ4),
    `voltage_y` Nullable(Int32) COMMENT 'mV: mean voltage, phase Y; null: not sent' CODEC(T64, LZ4),
    `voltage_b` Nullable(Int32) COMMENT 'mV: mean voltage, phase B; null: not sent' CODEC(T64, LZ4),
    `current_r` Nullable(Int32) COMMENT 'mA: mean current, phase R or single phase; null: not sent' CODEC(T64, LZ4),
    `current_y` Nullable(Int32) COMMENT 'mA: mean current, phase Y; null: not sent' CODEC(T64, LZ4),
    `current_b` Nullable(Int32) COMMENT 'mA: mean current, phase B; null: not sent' CODEC(T64, LZ4),
    `current_n` Nullable(Int32) COMMENT 'mA: mean current, neutral; null: not sent' CODEC(T64, LZ4),
    `power_factor` Nullable(Int32) COMMENT '1/1000: mean power factor, signed; null: not sent' CODEC(T64, LZ4),
    `frequency` Nullable(Int64) COMMENT 'mHz: supply frequency; OBIS 1.0.14.7.0.255; null: not sent' CODEC(T64, LZ4),
    `active_power` Nullable(Int64) COMMENT 'W: active power, import; OBIS 1.0.1.7.0.255; null: not sent' CODEC(T64, LZ4),
    `apparent_power` Nullable(Int64) COMMENT 'VA: apparent power; OBIS 1.0.9.7.0.255; null: not sent' CODEC(T64, LZ4),
    `reactive_power` Nullable(Int64) COMMENT 'var: reactive power; OBIS 1.0.3.7.0.255; null: not sent' CODEC(T64, LZ4),
    `power_factor_r` Nullable(Int64) COMMENT '1/1000: power factor, phase R; OBIS 1.0.33.7.0.255; null: not sent' CODEC(T64, LZ4),
    `power_factor_y` Nullable(Int64) COMMENT '1/1000: power factor, phase Y; OBIS 1.0.53.7.0.255; null: not sent' CODEC(T64, LZ4),
    `power_factor_b` Nullable(Int64) COMMENT '1/1000: power factor, phase B; OBIS 1.0.73.7.0.255; null: not sent' CODEC(T64, LZ4),
    `demand_w` Nullable(Int64) COMMENT 'W: maximum demand, active, since the last reset; OBIS 1.0.1.6.0.255; null: not sent' CODEC(T64, LZ4),
    `demand_w_time` Nullable(DateTime('UTC')) COMMENT 's: when that demand occurred, epoch seconds UTC; OBIS 1.0.1.6.0.255; null: not sent' CODEC(Delta, LZ4),
    `demand_va` Nullable(Int64) COMMENT 'VA: maximum demand, apparent, since the last reset; OBIS 1.0.9.6.0.255; null: not sent' CODEC(T64, LZ4),
    `demand_va_time` Nullable(DateTime('UTC')) COMMENT 's: when that demand occurred, epoch seconds UTC; OBIS 1.0.9.6.0.255; null: not sent' CODEC(Delta, LZ4),
    `power_on_minutes` Nullable(Int64) COMMENT 'min: cumulative minutes with supply; OBIS 0.0.94.91.14.255; null: not sent' CODEC(T64, LZ4),
    `power_off_minutes` Nullable(Int64) COMMENT 'min: cumulative minutes without supply; OBIS 0.0.94.91.8.255; null: not sent' CODEC(T64, LZ4),
    `power_failures` Nullable(Int64) COMMENT '1: number of power failures; OBIS 0.0.96.7.0.255; null: not sent' CODEC(T64, LZ4),
    `tamper_count` Nullable(Int64) COMMENT '1: cumulative tamper count; OBIS 0.0.94.91.0.255; null: not sent' CODEC(T64, LZ4),
    `billing_count` Nullable(Int64) COMMENT '1: cumulative billing count; OBIS 0.0.0.1.0.255; null: not sent' CODEC(T64, LZ4),
    `programming_count` Nullable(Int64) COMMENT '1: cumulative programming count; OBIS 0.0.96.2.0.255; null: not sent' CODEC(T64, LZ4),
    `load_switch` Nullable(Int64) COMMENT '1: load switch: 1 closed, 0 open; OBIS 0.0.96.3.10.255; null: not sent' CODEC(T64, LZ4),
    `load_limit` Nullable(Int64) COMMENT 'W: load limit in force; OBIS 0.0.17.0.0.255; null: not sent' CODEC(T64, LZ4),
    `billing_time` Nullable(DateTime('UTC')) COMMENT 's: last billing date, epoch seconds UTC; OBIS 0.0.0.1.2.255; null: not sent' CODEC(Delta, LZ4),
    `esw_high` Nullable(UInt64) COMMENT 'bits: event status word, bits 0-63 (bit 0 is the highest); OBIS 0.0.94.91.18.255; null: not sent' CODEC(LZ4),
    `esw_low` Nullable(UInt64) COMMENT 'bits: event status word, bits 64-127; OBIS 0.0.94.91.18.255; null: not sent' CODEC(LZ4),
    `esw_bits` Array(UInt8) ALIAS arraySort(arrayConcat(arrayMap(bit -> 63 - bit, bitPositionsToArray(ifNull(esw_high, 0))), arrayMap(bit -> 127 - bit, bitPositionsToArray(ifNull(esw_low, 0))))) COMMENT 'bits set in the event status word, 0 the highest of its first octet',
    `origin_topic` LowCardinality(String) COMMENT 'id of the frames topic that the row comes from' CODEC(LZ4),
    `origin_partition` UInt16 COMMENT 'partition of that topic' CODEC(LZ4),
    `origin_offset` UInt64 COMMENT 'offset of the record in that partition' CODEC(DoubleDelta, LZ4),
    INDEX by_time time TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(time, '{timezone}')
ORDER BY (toDate(time, '{timezone}'), service_point, time, kind, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row a push other than a block: registers and instantaneous quantities as the meter sent them, meter side';

CREATE TABLE IF NOT EXISTS events
(
    `service_point` UInt64 COMMENT 'Service point at the time of the event; a positive id of the registry.',
    `device` String COMMENT 'Device that reported it: DLMS system title as 16 hexadecimal digits, upper case.',
    `time` DateTime('UTC') COMMENT '[s] The meter\'s own clock, epoch seconds UTC.',
    `received_at` DateTime('UTC') COMMENT '[s] When the connector had the frame, epoch seconds UTC.',
    `source` Enum8('ESW' = 1, 'LOG' = 2, 'PIPELINE' = 3) COMMENT 'Where it was read.',
    `edge` Enum8('OCCURRED' = 1, 'RESTORED' = 2) COMMENT 'Begin or end of the condition.',
    `name` LowCardinality(String) COMMENT 'What happened, in words: magnetic influence, last gasp, ...',
    `bit` Nullable(Int32) COMMENT 'Bit of the event status word, 0 the highest of its first octet; null for others.',
    `code` Nullable(Int32) COMMENT 'Event code of IS 15959; null when the bit has none.',
    `flags` UInt16 COMMENT 'Bits of pipeline.codes.Flag: 1 clock_invalid, 2 clock_doubtful, 4 counter_late, 8 template_unverified, 16 off_grid, 32 plain.',
    `frame` Int32 COMMENT 'Frame within the source record, from 0; -1 when it came from none.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(time, '{timezone}') COMMENT 'local day',
    INDEX by_time time TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time, '{timezone}')
ORDER BY (toDate(time, '{timezone}'), service_point, time, source_topic_id, source_partition, source_offset, source_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Events of meters: edges of the event status word, entries of event logs, findings of the pipeline';

CREATE TABLE IF NOT EXISTS determinants
(
    `account` UInt64 COMMENT 'Account that is billed; 0 when the service point has none.',
    `service_point` UInt64 COMMENT 'Service point (installation); a positive id of the registry.',
    `period_start` DateTime('UTC') COMMENT '[s] Start of the period, epoch seconds UTC, included.',
    `period_end` DateTime('UTC') COMMENT '[s] End of the period, epoch seconds UTC, not included.',
    `kind` Enum8('DAY' = 1, 'MONTH' = 2) COMMENT 'What the period is.',
    `revision` UInt64 COMMENT 'Order of the revisions of a bill key: the larger replaces the smaller.',
    `supersedes` Nullable(UInt64) COMMENT 'Revision that this one replaces; null for the first.',
    `reason` Enum8('FIRST' = 1, 'LATE_DATA' = 2, 'RE_ESTIMATED' = 3, 'FINALISED' = 4, 'EDITED' = 5, 'REGISTRY' = 6, 'TARIFF' = 7, 'RUNNING' = 8) COMMENT 'Why it was made.',
    `state` Enum8('PROVISIONAL' = 1, 'FINAL' = 2) COMMENT 'Provisional or final.',
    `meter_segments` Int32 COMMENT 'Number of devices that measured the period; above 1 after a meter exchange.',
    `wh_imp` Int64 COMMENT '[Wh] Active energy, import, times the multiplying factor.',
    `vah_imp` Int64 COMMENT '[VAh] Apparent energy while importing, times the multiplying factor.',
    `wh_exp` Int64 COMMENT '[Wh] Active energy, export, times the multiplying factor.',
    `vah_exp` Int64 COMMENT '[VAh] Apparent energy while exporting, times the multiplying factor.',
    `delta_wh_imp` Int64 COMMENT '[Wh] wh_imp less that of the superseded revision; the whole for the first.',
    `delta_vah_imp` Int64 COMMENT '[VAh] vah_imp less that of the superseded revision; the whole for the first.',
    `delta_wh_exp` Int64 COMMENT '[Wh] wh_exp less that of the superseded revision; the whole for the first.',
    `delta_vah_exp` Int64 COMMENT '[VAh] vah_exp less that of the superseded revision; the whole for the first.',
    `estimated_wh` Int64 COMMENT '[Wh] The part of wh_imp that stands in estimated intervals.',
    `registers` Array(Tuple(channel Enum8('wh_imp' = 1, 'vah_imp' = 2, 'wh_exp' = 3, 'vah_exp' = 4), opening Nullable(Int64), closing Nullable(Int64), source Enum8('REGISTERS' = 1, 'INTERVALS' = 2))) COMMENT 'Registers and source of each energy above, in the order of the channels.',
    `zones` Array(Tuple(zone String, wh Int64)) COMMENT 'wh_imp by time-of-day zone, in the tariff\'s order; empty without zones.',
    `demand_w` Nullable(Int64) COMMENT '[W] Largest mean power of an actual interval; null without one.',
    `demand_start` Nullable(DateTime('UTC')) COMMENT '[s] Start of that interval, epoch seconds UTC; null without one.',
    `demand_va` Nullable(Int64) COMMENT '[VA] The same for apparent power; null without one.',
    `demand_va_start` Nullable(DateTime('UTC')) COMMENT '[s] Start of that interval, epoch seconds UTC; null without one.',
    `power_factor` Nullable(Int32) COMMENT '[1/1000] wh_imp / vah_imp, rounded half up; null when vah_imp is 0 or not measured.',
    `intervals_expected` Int32 COMMENT 'Intervals that the period has.',
    `intervals_actual` Int32 COMMENT 'Of these, as the meter sent them.',
    `intervals_estimated` Int32 COMMENT 'Of these, substituted.',
    `intervals_missing` Int32 COMMENT 'Of these, neither received nor substituted.',
    `intervals_suspect` Int32 COMMENT 'Of these, received but failing a rule, and not in the sums.',
    `tariff` LowCardinality(Nullable(String)) COMMENT 'Code of the tariff; null when the service point has none.',
    `lines` Array(Tuple(code String, base Int64, base_unit String, rate String, paise Int64)) COMMENT 'The bill in the tariff\'s order; empty when it was not rated.',
    `total_paise` Nullable(Int64) COMMENT '[paise] Sum of the lines; null when it was not rated.',
    `delta_paise` Nullable(Int64) COMMENT '[paise] total_paise less that of the superseded revision (the whole for the first); null when it was not rated.',
    `versions` Map(String, String) COMMENT 'Versions in force when it was made: kind (registry, documents) to SHA-256, hex.',
    `lineage_from` Int64 COMMENT 'First offset of (source_topic_id, source_partition) whose readings are in it.',
    `lineage_to` Int64 COMMENT 'Last such offset.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(period_start, '{timezone}') COMMENT 'local day',
    INDEX by_time period_start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(period_start, '{timezone}')
ORDER BY (kind, toDate(period_start, '{timezone}'), account, service_point, period_start, period_end, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row a bill key and revision: everything a bill is made from';

CREATE TABLE IF NOT EXISTS losses
(
    `node` UInt32 COMMENT 'Network node; a positive id of the registry.',
    `name` LowCardinality(String) COMMENT 'Name of the node; its id in decimal when it has none.',
    `level` Enum8('DT' = 1, 'FEEDER' = 2, 'SUBSTATION' = 3) COMMENT 'Level of the node in the network.',
    `span` Enum8('INTERVAL' = 1, 'DAY' = 2) COMMENT 'What the balance covers.',
    `start` DateTime('UTC') COMMENT '[s] Start of the balance, epoch seconds UTC, included.',
    `secs` Int64 COMMENT '[s] Length of the balance.',
    `revision` UInt64 COMMENT 'Order of the revisions of a key: the larger replaces the smaller.',
    `supersedes` Nullable(UInt64) COMMENT 'Revision that this one replaces; null for the first.',
    `state` Enum8('PROVISIONAL' = 1, 'FINAL' = 2) COMMENT 'Provisional or final.',
    `input_wh` Int64 COMMENT '[Wh] Import less export at the meters that feed the node.',
    `output_wh` Int64 COMMENT '[Wh] Import less export at what the node feeds.',
    `loss_wh` Int64 COMMENT '[Wh] input_wh - output_wh; negative when the network data or a factor is wrong.',
    `estimated_wh` Int64 COMMENT '[Wh] The part of output_wh that is estimated.',
    `coverage` Int32 COMMENT '[1/1000] actual / expected, rounded down; 0 when nothing is expected.',
    `expected` Int32 COMMENT 'Intervals of service points fed by the node that the balance should have.',
    `actual` Int32 COMMENT 'Of these with an actual reading.',
    `estimated` Int32 COMMENT 'Of these with an estimated reading.',
    `inputs_expected` Int32 COMMENT 'Intervals of the node\'s input meters that the balance should have.',
    `inputs_actual` Int32 COMMENT 'Of these with an actual reading.',
    `tick_time` DateTime('UTC') COMMENT '[s] Time of the log that closed it: the smallest tick over all sources, epoch seconds UTC.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `day` Date ALIAS toDate(start, '{timezone}') COMMENT 'local day',
    INDEX by_time start TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(start, '{timezone}')
ORDER BY (span, toDate(start, '{timezone}'), node, start, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row a network node, span and revision: what went in, what came out';

CREATE TABLE IF NOT EXISTS rejects
(
    `stage` LowCardinality(String) COMMENT 'Stage that refused it: connector, decode, vee, ...',
    `code` Enum8('DEVICE_UNKNOWN' = 1, 'FRAME_UNREADABLE' = 2, 'WRAPPER_VERSION' = 3, 'FRAME_TOO_LONG' = 4, 'FRAME_TRUNCATED' = 5, 'APDU_UNKNOWN' = 6, 'SECURITY_UNSUPPORTED' = 7, 'KEY_UNKNOWN' = 8, 'DECRYPT_FAILED' = 9, 'COUNTER_REPLAYED' = 10, 'COUNTER_TOO_OLD' = 11, 'COUNTER_DUPLICATE' = 12, 'DATA_MALFORMED' = 13, 'TEMPLATE_UNKNOWN' = 14, 'CLOCK_UNUSABLE' = 15, 'NOT_LINKED' = 16, 'TOO_OLD' = 17, 'IN_FUTURE' = 18, 'OFF_GRID' = 19, 'DUPLICATE_INTERVAL' = 20, 'POISON' = 21) COMMENT 'Why it was refused; docs/reference/rejects.md says what to do next.',
    `parked` Bool COMMENT 'True: it is kept to be offered again; false: it is a dead letter.',
    `topic` LowCardinality(String) COMMENT 'Topic or endpoint that the bytes were read from.',
    `partition` Int32 COMMENT 'Partition they were read from; -1 when it was no topic.',
    `offset` Int64 COMMENT 'Offset they were read from; -1 when it was no topic.',
    `frame` Int32 COMMENT 'Frame within that record, from 0; -1 when the code is not about a single frame.',
    `service_point` UInt64 COMMENT 'Service point; 0 when not known.',
    `device` String COMMENT 'Device: DLMS system title as 16 hexadecimal digits, upper case; empty when not known.',
    `received_at` DateTime('UTC') COMMENT '[s] When the connector had the frame, epoch seconds UTC.',
    `time` Nullable(DateTime('UTC')) COMMENT '[s] Stamp of the row that was refused, epoch seconds UTC; null when the whole frame was.',
    `detail` String COMMENT 'What was found, for a person; no keys, no plain text of encrypted frames.',
    `raw` String COMMENT 'The frame as it came; cut at 64 KiB; empty when a stage behind decode refused a row.',
    `source_topic_id` LowCardinality(String) COMMENT 'Id of the log that this record was made from; empty when it came from no log.',
    `source_partition` Int32 COMMENT 'Partition of that log; -1 when none.',
    `source_offset` Int64 COMMENT 'Offset of the record in that log which gave rise to this one; -1 when none.',
    `source_index` Int32 COMMENT 'Place among the records that this offset gave rise to in the same output, from 0. Two records with the same topic id, partition, offset and index are copies.',
    `log_partition` Int32 COMMENT 'partition of the rejects topic, for a record from no log; -1 for others' CODEC(LZ4),
    `log_offset` Int64 COMMENT 'offset in that partition; -1 for others' CODEC(LZ4),
    `day` Date ALIAS toDate(received_at, '{timezone}') COMMENT 'local day',
    INDEX by_time received_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at, '{timezone}')
ORDER BY (toDate(received_at, '{timezone}'), code, stage, source_topic_id, source_partition, source_offset, source_index, log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Frames, and rows of frames, that were not used: why, from where, and the bytes';

CREATE TABLE IF NOT EXISTS nodes
(
    `node` UInt32 COMMENT 'id: network node; never 0' CODEC(DoubleDelta, LZ4),
    `level` Enum8('DT' = 1, 'FEEDER' = 2, 'SUBSTATION' = 3) COMMENT 'code: pipeline.codes.Level' CODEC(LZ4),
    `parent` UInt32 COMMENT 'id: the node that feeds it; 0 for the top' CODEC(T64, LZ4),
    `name` String COMMENT 'text: its name, UTF-8, filled up with zero bytes' CODEC(LZ4),
    `registry` UInt64 COMMENT 'grows with each version that is written' CODEC(LZ4),
    `version` LowCardinality(String) COMMENT 'SHA-256 of the version, hex' CODEC(LZ4)
)
ENGINE = ReplacingMergeTree(registry)
ORDER BY (node)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Nodes of the network and what feeds them';

CREATE TABLE IF NOT EXISTS devices
(
    `device` UInt64 COMMENT 'id: DLMS system title as a big-endian number' CODEC(LZ4),
    `system_title` String ALIAS leftPad(hex(device), 16, '0') COMMENT '`device` as its DLMS system title, 16 hexadecimal digits',
    `service_point` UInt64 COMMENT 'id: service point the device measures; never 0' CODEC(T64, LZ4),
    `valid_from` DateTime('UTC') COMMENT 's: installed at, epoch seconds UTC' CODEC(DoubleDelta, LZ4),
    `valid_to` DateTime('UTC') COMMENT 's: removed at; 2^62 when it still stands' CODEC(DoubleDelta, LZ4),
    `template` UInt16 COMMENT 'code: decoder template of the meter model (pipeline.templates)' CODEC(LZ4),
    `factor_numerator` UInt32 COMMENT '1: multiplying factor CTR x PTR, numerator' CODEC(LZ4),
    `factor_denominator` UInt32 COMMENT '1: multiplying factor, denominator' CODEC(LZ4),
    `interval_secs` UInt32 COMMENT 's: block capture period: 900 or 1800' CODEC(LZ4),
    `registry` UInt64 COMMENT 'grows with each version that is written' CODEC(LZ4),
    `version` LowCardinality(String) COMMENT 'SHA-256 of the version, hex' CODEC(LZ4)
)
ENGINE = ReplacingMergeTree(registry)
ORDER BY (device, valid_from)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Which device measured which service point, from when to when';

CREATE TABLE IF NOT EXISTS service_points
(
    `service_point` UInt64 COMMENT 'id: service point; never 0' CODEC(DoubleDelta, LZ4),
    `valid_from` DateTime('UTC') COMMENT 's: this row holds from, epoch seconds UTC' CODEC(DoubleDelta, LZ4),
    `valid_to` DateTime('UTC') COMMENT 's: and until; 2^62 when it still holds' CODEC(DoubleDelta, LZ4),
    `account` UInt64 COMMENT 'id: account that is billed; 0 for network meters' CODEC(T64, LZ4),
    `tariff` UInt16 COMMENT 'code: tariff number (agents.rating.tariff); 0 for none' CODEC(LZ4),
    `role` Enum8('CONSUMER' = 1, 'DT_METER' = 2, 'FEEDER_METER' = 3) COMMENT 'code: pipeline.codes.Role' CODEC(LZ4),
    `net_meter` Bool COMMENT 'flag: 1: export is agreed' CODEC(LZ4),
    `sanctioned_w` UInt32 COMMENT 'W: sanctioned load' CODEC(T64, LZ4),
    `dt` UInt32 COMMENT 'id: distribution transformer; 0 for none' CODEC(T64, LZ4),
    `feeder` UInt32 COMMENT 'id: 11 kV feeder; 0 for none' CODEC(T64, LZ4),
    `registry` UInt64 COMMENT 'grows with each version that is written' CODEC(LZ4),
    `version` LowCardinality(String) COMMENT 'SHA-256 of the version, hex' CODEC(LZ4)
)
ENGINE = ReplacingMergeTree(registry)
ORDER BY (service_point, valid_from)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What a service point is, from when to when: account, tariff, place in the network';
