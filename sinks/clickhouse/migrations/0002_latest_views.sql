CREATE OR REPLACE VIEW readings_latest AS
SELECT `service_point`, `interval_start`, `day`, `interval_secs`, `revision`, `device`, `system_title`, `method`, `rules`, `failed_rules`, `flags`, `flag_names`, `quality`, `wh_imp`, `vah_imp`, `wh_exp`, `vah_exp`, `varh_q1`, `varh_q2`, `varh_q3`, `varh_q4`, `voltage_r`, `voltage_y`, `voltage_b`, `current_r`, `current_y`, `current_b`, `current_n`, `power_factor`, `wh_imp_quality`, `vah_imp_quality`, `wh_exp_quality`, `vah_exp_quality`, `varh_q1_quality`, `varh_q2_quality`, `varh_q3_quality`, `varh_q4_quality`, `voltage_r_quality`, `voltage_y_quality`, `voltage_b_quality`, `current_r_quality`, `current_y_quality`, `current_b_quality`, `current_n_quality`, `power_factor_quality`, `origin_topic`, `origin_partition`, `origin_offset`, `frame`, `counter`
FROM readings
ORDER BY day DESC, service_point DESC, interval_start DESC, revision DESC
LIMIT 1 BY day, service_point, interval_start
COMMENT 'the newest revision of each row of readings';

CREATE OR REPLACE VIEW days_latest AS
SELECT `service_point`, `day_start`, `day`, `revision`, `state`, `registers`, `register_notes`, `wh_imp_opening`, `vah_imp_opening`, `wh_exp_opening`, `vah_exp_opening`, `wh_imp_closing`, `vah_imp_closing`, `wh_exp_closing`, `vah_exp_closing`, `wh_imp_register`, `vah_imp_register`, `wh_exp_register`, `vah_exp_register`, `wh_imp_actual`, `vah_imp_actual`, `wh_exp_actual`, `vah_exp_actual`, `wh_imp_estimated`, `vah_imp_estimated`, `wh_exp_estimated`, `vah_exp_estimated`, `wh_imp_suspect`, `vah_imp_suspect`, `wh_exp_suspect`, `vah_exp_suspect`, `wh_imp_unexplained`, `vah_imp_unexplained`, `wh_exp_unexplained`, `vah_exp_unexplained`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `wh_imp_demand`, `vah_imp_demand`, `wh_imp_demand_start`, `vah_imp_demand_start`, `origin_topic`, `origin_partition`, `origin_offset`
FROM days
ORDER BY day DESC, service_point DESC, day_start DESC, revision DESC
LIMIT 1 BY day, service_point, day_start
COMMENT 'the newest revision of each row of days';

CREATE OR REPLACE VIEW determinants_latest AS
SELECT `account`, `service_point`, `period_start`, `period_end`, `kind`, `revision`, `supersedes`, `reason`, `state`, `meter_segments`, `wh_imp`, `vah_imp`, `wh_exp`, `vah_exp`, `delta_wh_imp`, `delta_vah_imp`, `delta_wh_exp`, `delta_vah_exp`, `estimated_wh`, `registers`, `zones`, `demand_w`, `demand_start`, `demand_va`, `demand_va_start`, `power_factor`, `intervals_expected`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `tariff`, `lines`, `total_paise`, `delta_paise`, `versions`, `lineage_from`, `lineage_to`, `source_topic_id`, `source_partition`, `source_offset`, `source_index`, `day`
FROM determinants
ORDER BY kind DESC, day DESC, account DESC, service_point DESC, period_start DESC, period_end DESC, revision DESC
LIMIT 1 BY kind, day, account, service_point, period_start, period_end
COMMENT 'the newest revision of each row of determinants';

CREATE OR REPLACE VIEW losses_latest AS
SELECT `node`, `name`, `level`, `span`, `start`, `secs`, `revision`, `supersedes`, `state`, `input_wh`, `output_wh`, `loss_wh`, `estimated_wh`, `coverage`, `expected`, `actual`, `estimated`, `inputs_expected`, `inputs_actual`, `tick_time`, `source_topic_id`, `source_partition`, `source_offset`, `source_index`, `day`
FROM losses
ORDER BY span DESC, day DESC, node DESC, start DESC, revision DESC
LIMIT 1 BY span, day, node, start
COMMENT 'the newest revision of each row of losses';

CREATE OR REPLACE VIEW nodes_latest AS
SELECT `node`, `level`, `parent`, `name`, `registry`, `version`
FROM nodes FINAL
WHERE registry = (SELECT max(registry) FROM nodes)
COMMENT 'the rows of nodes that the newest version of the registry has';

CREATE OR REPLACE VIEW devices_latest AS
SELECT `device`, `system_title`, `service_point`, `valid_from`, `valid_to`, `template`, `factor_numerator`, `factor_denominator`, `interval_secs`, `registry`, `version`
FROM devices FINAL
WHERE registry = (SELECT max(registry) FROM devices)
COMMENT 'the rows of devices that the newest version of the registry has';

CREATE OR REPLACE VIEW service_points_latest AS
SELECT `service_point`, `valid_from`, `valid_to`, `account`, `tariff`, `role`, `net_meter`, `sanctioned_w`, `dt`, `feeder`, `registry`, `version`
FROM service_points FINAL
WHERE registry = (SELECT max(registry) FROM service_points)
COMMENT 'the rows of service_points that the newest version of the registry has';
