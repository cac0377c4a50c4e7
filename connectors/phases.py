"""Moments of a connector process, in the order of a cut's life."""

from __future__ import annotations

PHASES = (
    "push-taken",  # a cut is about to be made: its frames lie in memory only
    "connector-in-flush",  # some records of a cut are handed to the producer, others are not
    "connector-sent",  # all of a cut is handed on, nothing of it is known to be in Kafka
    "connector-acknowledged",  # Kafka has all of a cut, those who pushed it do not know
)
