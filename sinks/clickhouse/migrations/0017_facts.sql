CREATE TABLE IF NOT EXISTS facts
(
    `id` String COMMENT 'Id of the fact with who says it; a later revision of it has the same.',
    `kind` Enum8('OUTAGE' = 1, 'TEMPERATURE' = 2, 'CHECK' = 3, 'NEIGHBOURS' = 4) COMMENT 'What is said.',
    `revision` UInt64 COMMENT 'Order of the revisions of a key: the larger replaces the smaller.',
    `service_point` UInt64 COMMENT 'Service point that it is about; 0: a node or a place.',
    `node` UInt32 COMMENT 'Network node of the registry that it is about; 0: a service point or a place.',
    `place` String COMMENT 'Place that it is about, a weather station for example; empty when none.',
    `from_time` DateTime('UTC') COMMENT '[s] Begin, epoch seconds UTC, included; 0: always.',
    `until_time` Nullable(DateTime('UTC')) COMMENT '[s] End, epoch seconds UTC, not included; null: it has not ended, or has no end.',
    `confirmed` Bool COMMENT 'OUTAGE: whether it is sure. One that is not changes no reading.',
    `temperature` Nullable(Int32) COMMENT 'TEMPERATURE: tenths of a degree Celsius; null: of another kind.',
    `channel` String COMMENT 'CHECK: energy channel, wh_imp for example; empty: of another kind.',
    `energy` Nullable(Int64) COMMENT '[Wh or VAh] CHECK: what was measured; null: of another kind.',
    `neighbours` Array(Tuple(service_point Int64)) COMMENT 'NEIGHBOURS: the neighbours; empty: of another kind.',
    `source` String COMMENT 'Where it comes from: an outage system, a weather service.',
    `who` String COMMENT 'Who handed it on.',
    `why` String COMMENT 'Why, in words; may be empty.',
    `said_at` DateTime('UTC') COMMENT '[s] When it was handed on, epoch seconds UTC.',
    `day` Date ALIAS toDate(from_time, '{timezone}') COMMENT 'local day'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (kind, service_point, node, place, id, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 16
COMMENT 'One row a fact from outside and revision: outages, temperatures, check meters, neighbours';

CREATE OR REPLACE VIEW facts_latest AS
SELECT `id`, `kind`, `revision`, `service_point`, `node`, `place`, `from_time`, `until_time`, `confirmed`, `temperature`, `channel`, `energy`, `neighbours`, `source`, `who`, `why`, `said_at`, `day`
FROM facts
ORDER BY kind DESC, service_point DESC, node DESC, place DESC, id DESC, revision DESC
LIMIT 1 BY kind, service_point, node, place, id
COMMENT 'the newest revision of each row of facts';
