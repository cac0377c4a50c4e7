"""Kafka, the schema registry and mosquitto as plain processes on this machine, without containers."""
