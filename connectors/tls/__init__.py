"""TLS and secret files of connectors."""
