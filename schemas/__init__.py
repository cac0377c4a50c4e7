"""Contracts of the topics: Avro schemas, their ids and examples; `schemas.load.load_contracts` parses them."""
