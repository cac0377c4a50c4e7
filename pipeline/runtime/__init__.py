"""Runtimes: what runs the pure steps, and the only part of `pipeline` that may meet a broker."""
