ALTER TABLE exceptions ADD COLUMN IF NOT EXISTS `stage` LowCardinality(String) COMMENT 'Stage that found it: exceptions (days), usage (months). Two records of the same stage, topic id, partition, offset and index are copies.' AFTER paise_at_stake;
ALTER TABLE exceptions MODIFY COLUMN `wh_at_stake` Int64 COMMENT '[Wh] Import of the last day that is estimated, suspect or unexplained; of V17 and V19 how far the use of the last month is from what was expected, of V20 that of the last day.';

CREATE OR REPLACE VIEW exceptions_latest AS
SELECT `service_point`, `rule`, `severity`, `period_start`, `period_end`, `revision`, `state`, `intervals_expected`, `intervals_actual`, `intervals_estimated`, `intervals_missing`, `intervals_suspect`, `wh_at_stake`, `paise_at_stake`, `stage`, `tick_time`, `source_topic_id`, `source_partition`, `source_offset`, `source_index`, `day`
FROM exceptions
ORDER BY day DESC, service_point DESC, rule DESC, period_start DESC, revision DESC
LIMIT 1 BY day, service_point, rule, period_start
COMMENT 'the newest revision of each row of exceptions';

CREATE OR REPLACE VIEW exceptions_by_rule AS
SELECT toStartOfMonth(day) AS month, if(stage = '', 'exceptions', toString(stage)) AS stage, rule, severity, state,
    count() AS exceptions, uniqExact(service_point) AS service_points, sum(wh_at_stake) / 1000 AS kwh,
    sum(paise_at_stake) / 100 AS rupees
FROM exceptions_latest
GROUP BY month, stage, rule, severity, state
COMMENT 'one row a month, rule and state: how much somebody should look at';
