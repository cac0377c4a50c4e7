ALTER TABLE exceptions ADD COLUMN IF NOT EXISTS `found` Nullable(Int64) COMMENT 'What was judged: V24 Wh that were used, V36 Wh of the day now, V35 Wh that flowed out, V13 Wh of the zones, V31 thousandths of the ratio in the meter, V28 W of the meter\'s maximum demand; null for other rules.' AFTER stage;

ALTER TABLE exceptions ADD COLUMN IF NOT EXISTS `expected` Nullable(Int64) COMMENT 'What it was compared with: V24 Wh that are let pass, V36 Wh of the day when it was final, V35 Wh that flowed in, V13 Wh of the total register, V31 thousandths of the registry\'s ratio, V28 W of the largest interval; null for other rules.' AFTER found;

ALTER TABLE exceptions ADD COLUMN IF NOT EXISTS `node` UInt32 COMMENT 'Network node, of which `service_point` is the meter (V35); 0 for what is found at a service point.' AFTER expected;

ALTER TABLE exceptions MODIFY COLUMN `wh_at_stake` Int64 COMMENT '[Wh] Import of the last day that is estimated, suspect or unexplained; of V17 and V19 how far the use of the last month is from what was expected, of V20 that of the last day; of V24 what was used, of V36 how far the day\'s energy has changed, of V35 what was lost, or was there too much.';

ALTER TABLE exceptions MODIFY COLUMN `stage` LowCardinality(String) COMMENT 'Stage that found it: exceptions (days), usage (months), losses (nodes), decode (what meters say of themselves). Two records of the same stage, topic id, partition, offset and index are copies.';

ALTER TABLE days MODIFY COLUMN `register_notes` Array(String) ALIAS arrayMap(bit -> ['opening', 'closing', 'scaled', 'several days', 'exchanged', 'V14 told', 'V25 told', 'V21 told', 'outage', 'V26', 'V26 shadow'][bit + 1], bitPositionsToArray(registers)) COMMENT 'opening, closing: known at that end; scaled: substitutes were made to meet them; several days: over a longer span; exchanged: the meter was; V14 told: an interval fails the rule, and stayed as it is; outage: one fell into it; V26: energy came in it';

CREATE OR REPLACE VIEW exceptions_latest AS
SELECT `service_point`, `rule`, `severity`, `period_start`, `period_end`, `revision`, `state`, `intervals_expected`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `wh_at_stake`, `paise_at_stake`, `stage`, `found`, `expected`, `node`, `tick_time`, `source_topic_id`, `source_partition`, `source_offset`, `source_index`, `day`
FROM exceptions
ORDER BY day DESC, service_point DESC, rule DESC, period_start DESC, revision DESC
LIMIT 1 BY day, service_point, rule, period_start
COMMENT 'the newest revision of each row of exceptions';

CREATE OR REPLACE VIEW days_latest AS
SELECT `service_point`, `day_start`, `day`, `revision`, `state`, `registers`, `register_notes`, `wh_imp_opening`, `vah_imp_opening`, `wh_exp_opening`, `vah_exp_opening`, `wh_imp_closing`, `vah_imp_closing`, `wh_exp_closing`, `vah_exp_closing`, `wh_imp_register`, `vah_imp_register`, `wh_exp_register`, `vah_exp_register`, `wh_imp_actual`, `vah_imp_actual`, `wh_exp_actual`, `vah_exp_actual`, `wh_imp_estimated`, `vah_imp_estimated`, `wh_exp_estimated`, `vah_exp_estimated`, `wh_imp_suspect`, `vah_imp_suspect`, `wh_exp_suspect`, `vah_exp_suspect`, `wh_imp_unexplained`, `vah_imp_unexplained`, `wh_exp_unexplained`, `vah_exp_unexplained`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `wh_imp_demand`, `vah_imp_demand`, `wh_imp_demand_start`, `vah_imp_demand_start`, `origin_topic`, `origin_partition`, `origin_offset`
FROM days
ORDER BY day DESC, service_point DESC, day_start DESC, revision DESC
LIMIT 1 BY day, service_point, day_start
COMMENT 'the newest revision of each row of days';
