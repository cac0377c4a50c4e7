"""Moments of a connector process, in the order of a cut's life; of a command's, and of a cold request's, where there
are such."""

from __future__ import annotations

PHASES = (
    "push-taken",  # a cut is about to be made: its frames lie in memory only
    "connector-in-flush",  # some records of a cut are handed to the producer, others are not
    "connector-sent",  # all of a cut is handed on, nothing of it is known to be in Kafka
    "connector-acknowledged",  # Kafka has all of a cut, those who pushed it do not know
)

COMMAND_PHASES = (
    "command-intended",  # its intent is in the journal, its request is not made
    "command-ended",  # it is known what became of it, and not in the journal
    "command-recorded",  # its result is in the journal, not on the topic of results
    "command-answered",  # its result is on the topic of results, the group's position is before it
)

COLD_PHASES = (
    "cold-judged",  # the answers to requests are known, none of them is written
    "cold-answered",  # they are in the log, the group's position is before their requests
)
