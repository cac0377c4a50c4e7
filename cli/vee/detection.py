"""`kvarn vee detection`: placeholder."""

from __future__ import annotations


def detection() -> None:
    """x"""
