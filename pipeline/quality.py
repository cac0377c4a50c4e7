"""Quality of a value, the first of the codes: rules name it, and `pipeline.codes` has it with the others."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    """Quality of one channel of one interval; a nibble in a quality word, channel 0 in the lowest nibble."""

    ABSENT = 0  # the meter does not measure or did not send this channel
    ACTUAL = 1  # as the meter sent it, all rules passed
    SUSPECT = 2  # as the meter sent it, a rule failed; not billed as it stands
    ESTIMATED = 3  # substituted; `method` says how
    MISSING = 4  # expected, not received, and not (yet) substituted
    MANUAL = 5  # edited by a person
    DERIVED = 6  # calculated from other channels
