ALTER TABLE readings MODIFY COLUMN `flag_names` Array(String) ALIAS arrayMap(bit -> ['clock_invalid', 'clock_doubtful', 'counter_late', 'template_unverified', 'off_grid', 'plain', 'bit 6', 'bit 7', 'bit 8', 'bit 9', 'head_end', 'head_end_estimated', 'head_end_suspect', 'head_end_edited', 'discarded', 'shadow'][bit + 1], bitPositionsToArray(flags)) COMMENT 'names of the bits of `flags`';

ALTER TABLE snapshots MODIFY COLUMN `flag_names` Array(String) ALIAS arrayMap(bit -> ['clock_invalid', 'clock_doubtful', 'counter_late', 'template_unverified', 'off_grid', 'plain', 'bit 6', 'bit 7', 'bit 8', 'bit 9', 'head_end', 'head_end_estimated', 'head_end_suspect', 'head_end_edited', 'discarded', 'shadow'][bit + 1], bitPositionsToArray(flags)) COMMENT 'names of the bits of `flags`';

ALTER TABLE days MODIFY COLUMN `register_notes` Array(String) ALIAS arrayMap(bit -> ['opening', 'closing', 'scaled', 'several days', 'exchanged', 'V14 told', 'V25 told', 'V21 told', 'outage'][bit + 1], bitPositionsToArray(registers)) COMMENT 'opening, closing: known at that end; scaled: substitutes were made to meet them; several days: over a longer span; exchanged: the meter was; V14 told: an interval fails the rule, and stayed as it is; outage: one fell into it';

ALTER TABLE days MODIFY COLUMN `registers` UInt16 COMMENT 'bits of what is known of the registers; `register_notes` spells them' CODEC(LZ4);

CREATE OR REPLACE VIEW days_latest AS
SELECT `service_point`, `day_start`, `day`, `revision`, `state`, `registers`, `register_notes`, `wh_imp_opening`, `vah_imp_opening`, `wh_exp_opening`, `vah_exp_opening`, `wh_imp_closing`, `vah_imp_closing`, `wh_exp_closing`, `vah_exp_closing`, `wh_imp_register`, `vah_imp_register`, `wh_exp_register`, `vah_exp_register`, `wh_imp_actual`, `vah_imp_actual`, `wh_exp_actual`, `vah_exp_actual`, `wh_imp_estimated`, `vah_imp_estimated`, `wh_exp_estimated`, `vah_exp_estimated`, `wh_imp_suspect`, `vah_imp_suspect`, `wh_exp_suspect`, `vah_exp_suspect`, `wh_imp_unexplained`, `vah_imp_unexplained`, `wh_exp_unexplained`, `vah_exp_unexplained`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `wh_imp_demand`, `vah_imp_demand`, `wh_imp_demand_start`, `vah_imp_demand_start`, `origin_topic`, `origin_partition`, `origin_offset`
FROM days
ORDER BY day DESC, service_point DESC, day_start DESC, revision DESC
LIMIT 1 BY day, service_point, day_start
COMMENT 'the newest revision of each row of days';
