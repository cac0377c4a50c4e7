"""State of decode, by device, in the page of the service point that it sends for.

A device that moves to another service point starts anew there: its partition may be another. That opens no way for a
replay, because the stamp in a frame decides for which of the two it is good.

Frames that are offered again, and those under a key for suite 2 or broadcast, have rows of their own: their device with
a bit that no system title has (`agents.decode.late`, `agents.decode.others`).
"""

from __future__ import annotations

import numpy as np

from pipeline.state import Layout, Table

WINDOW = 256
"""Invocation counters that are remembered behind the newest."""

COUNTERS = Table("counters", np.dtype([("newest", "<u4"), ("check", "<u4")]))
"""`newest` counter, and key `check` value (another one starts a new window)."""

TOGETHER = 8
PRINTS = Table("prints", np.dtype("<u8"), slices=WINDOW // TOGETHER)
"""One octet for each counter modulo WINDOW: of the tag of its frame, which tells the same frame again from another one
with its counter; 0 where the counter has not come. Without that of `newest` the device has sent nothing under this key.

Those of TOGETHER counters are one cell, because each cell has a bit that says whether it changed: of octets alone the
bits took 32 octets a device. Kernels see them as u8 (WINDOW / TOGETHER, slots, TOGETHER).
"""

WORDS = Table("words", np.dtype([("high", "<u8"), ("low", "<u8"), ("time", "<i8")]))
"""The event status word in force and its stamp; time 0: none came yet."""

DRIFTS = Table("drifts", np.dtype([("since", "<u4"), ("most", "<i2"), ("count", "<u1"), ("said", "<u1")]))
"""What the device's own clock was measured to be: see `kernels_drift`.

Of the running span of pushes its first arrival (epoch seconds), the `most` that the clock was ahead of an arrival (s),
and their `count`; `said`: the event that is in force. Only pushes with the clock of their sending change it.
"""

LAYOUT = Layout("decode", 3, (COUNTERS, PRINTS, WORDS, DRIFTS))
