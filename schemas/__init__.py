"""Contracts of the topics: Avro schemas and their examples."""
