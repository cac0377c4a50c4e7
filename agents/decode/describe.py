"""Frames -> what they say, for people: OBIS code -> value and unit. The library behind `kvarn decode`.

What it reads, and by which tables: docs/decoding.md. The work is done in `agents.decode.single`.
"""

from __future__ import annotations

from agents.decode.single.ciphering import Keys, no_keys
from agents.decode.single.describe import Describer, Options, describe_frames, describe_with
from agents.decode.single.described import Described

__all__ = ["Described", "Describer", "Keys", "Options", "describe_frames", "describe_with", "no_keys"]
