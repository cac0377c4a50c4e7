"""The Faust shell: runs one chain of a topology over the partitions that Kafka gives this process.

settings       what can be set
app            Faust, as it is used here: delivery, sharing out, supervision; nothing else
engine_fence   overrides of what Faust gets wrong
shell          events to owners, checkpoints, rebalances, end
watchdog       asks the broker whether anything moves, and what the group has committed
ahead          versions in force, prepared while the process joins
owner          one source partition: restore, apply, copy
vault          its state topic: fenced transactions, reading to the end
outlet         outputs: one idempotent producer, acknowledgements counted
poison         frames at which a step fails, found by halves
deaths         records at which the process died, in a file that outlives it
killers        frames at which it dies
trial          the process in which they are found
fuse           stops the process when too many frames are rejected
phases         moments at which tests end the process
"""
