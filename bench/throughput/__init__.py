"""The case `throughput`: frames waiting in Kafka, drained through the real processes into chDB.

feed       the log: versions, frames and ticks
watch      how far all parts have come, and what they have used
drain      the processes, started and measured
machine    what it ran on
figures    what is reported: JSON, table, page
"""
