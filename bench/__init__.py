"""Measurements of the whole way, beside the naive one."""
