"""A warehouse behind HTTP, as a process of its own: what tests and the fault bench take for a ClickHouse server."""
