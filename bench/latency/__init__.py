"""The cases `latency` and `latency-quiet`: seconds from a frame at the connector to its row visible in ClickHouse.

Frames go the whole way: over TCP and MQTT to the connectors' processes, Kafka, the workers, the sink into chDB. They
are offered on an even schedule, and a frame's clock starts when it is DUE, not when the generator gets round to it: a
generator or a connector that is held up makes later frames late, and that counts (there is no coordinated omission).
It stops when the sink's insert of the block with its row has returned, which is when chDB shows the rows.

Nobody polls the warehouse: chDB is embedded in the sink, and every look from outside would need a CPU of the two that
do the work. The sink says itself, in one line of its log a block (`block written`, debug), which records of which
topic can be read from now on. After the run, when nothing is hurried any more, all is put together: the topic of
frames says which frame lies in which record, the topics of readings and rejects which record was made of it, the
sink's log when that was written; and the warehouse itself must have each row. All times are of one machine's clock.

Every frame of the measured span counts, not a sample: one that became a reading with the row of its reading, one that
was refused (a hundredth is at fault) with its row in `rejects`; one without a row is late for ever.

schedule   when each frame is due
push       the generator: frames made a moment ahead, sent when they are due
setting    services, topology, processes; ticks while it is pushed
trace      what the topics say: frames, records made of them, and when
blocks     what the sink's log says: which records could be read, and when
join       all of it together: seconds of each frame, and of each hop on its way
figures    percentiles and what is reported
run        from begin to end
"""
