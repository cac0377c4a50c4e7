"""Decode: frames -> profile entries in columns, with events and rejects."""
