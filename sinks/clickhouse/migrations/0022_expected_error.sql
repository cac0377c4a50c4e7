ALTER TABLE readings ADD COLUMN IF NOT EXISTS `expected_error` UInt16 COMMENT '1/1000: how far off an estimate of wh_imp is expected to be; 0: it is none; 65535: not known' CODEC(LZ4) AFTER quality;

CREATE OR REPLACE VIEW readings_latest AS
SELECT `service_point`, `interval_start`, `day`, `interval_secs`, `revision`, `device`, `system_title`, `method`, `rules`, `failed_rules`, `flags`, `flag_names`, `quality`, `expected_error`, `wh_imp`, `vah_imp`, `wh_exp`, `vah_exp`, `varh_q1`, `varh_q2`, `varh_q3`, `varh_q4`, `voltage_r`, `voltage_y`, `voltage_b`, `current_r`, `current_y`, `current_b`, `current_n`, `power_factor`, `wh_imp_quality`, `vah_imp_quality`, `wh_exp_quality`, `vah_exp_quality`, `varh_q1_quality`, `varh_q2_quality`, `varh_q3_quality`, `varh_q4_quality`, `voltage_r_quality`, `voltage_y_quality`, `voltage_b_quality`, `current_r_quality`, `current_y_quality`, `current_b_quality`, `current_n_quality`, `power_factor_quality`, `origin_topic`, `origin_partition`, `origin_offset`, `frame`, `counter`
FROM readings
ORDER BY day DESC, service_point DESC, interval_start DESC, revision DESC
LIMIT 1 BY day, service_point, interval_start
COMMENT 'the newest revision of each row of readings';
