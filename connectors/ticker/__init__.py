"""The ticker: writes the log's time into every `frames` partition."""
