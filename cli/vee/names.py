"""What names of columns say: which hold meters, times, qualities and energy, and of which kind and unit."""

from __future__ import annotations

import re

NAMES_ID = re.compile(
    r"^(id|((smart |electricity )?(meter|device|nmi|mpan|mprn|msn|serial|service point|usage point|consumer|customer|"
    r"household|lclid|account|house|site|premises?|building|point|esiid|pod|ean|ca|rr|sc)"
    r"( ?(id|no|nr|number|serial|sr|sl|name|code))*)|.* id)[.]?$".replace(" ", "[ _.-]?").replace(
        "(.*[ _.-]?", "(.*[ _.-]"
    ),
    re.IGNORECASE,
)
NAMES_TIME = re.compile(
    r"time|date|stamp|datum|zeit|clock|day|start|begin|end|from|epoch|period|interval", re.IGNORECASE
)
NAMES_ARRIVAL = re.compile(r"receiv|creat|updat|captur|load|ingest|insert|import|bill", re.IGNORECASE)
NAMES_BLOCK = re.compile(r"hour|^hr|block|slot|period|interval|^hh$|^he$", re.IGNORECASE)
NAMES_REGISTER = re.compile(r"cumul|register|zählerstand", re.IGNORECASE)
CLOCK_CELL = re.compile(r"^\d{1,2}:\d{2}(:\d{2})?(\s*[ap]\.?m\.?)?(\s*(-|\u2013|to)\s*\d.*)?$", re.IGNORECASE)
NAMES_QUALITY = re.compile(r"^(quality|status|flag|quality[ _]?(flag|method))$", re.IGNORECASE)
NAMES_OTHER = re.compile(
    r"[(_](w|v|a)\)?$|^s[rl]?[ ._]*no|temp|price|cost|tariff|unnamed|phase|volt|current|amp(ere)?s?\b|power|factor|"
    r"freq|hertz|humid|weather|wind|irradi|week|month|season|holiday|remark|comment|(^|[^a-z])(lat|lon|latitude|longitude|"
    r"index|row|kw|kva|kvar|hz|pf|day|"
    r"year|hour|minute|block|slot|count|seq|unit|uom|md|demand)([^a-z]|$)", re.IGNORECASE,
)  # fmt: skip
CLOCK = re.compile(r"^\D{0,3}(\d{1,2})[:h.](\d{2})(:\d{2})?(\s*[-\u2013].*)?$")
PLACE = re.compile(r"^[A-Za-z_ ]{0,12}?(\d{1,4})$")
WIDE = (24, 48, 96, 144, 288, 1440)
"""Columns of intervals that a row of a day may have."""


def channel_of(label: str) -> str:
    """What a column of this name holds; import of active energy when it says nothing else."""
    name = label.lower()
    exported = re.search(r"exp|feed.?in|generat|solar|_out\b|sent", name) is not None
    if re.search(r"kvarh|varh|reactive", name):
        return "varh_q2" if exported else "varh_q1"
    if re.search(r"kvah|vah|apparent", name):
        return "vah_exp" if exported else "vah_imp"
    return "wh_exp" if exported else "wh_imp"


def power_of(label: str, unit: str | None) -> int | None:
    """Power of ten of the unit that a name ends with, or that was said; None: it is not known."""
    name = label.lower()
    for text, power in (("mwh", 6), ("kwh", 3), ("kvah", 3), ("kvarh", 3), ("wh", 0), ("varh", 0), ("vah", 0)):
        if text in name:
            return power
    return None if unit is None else 3 if unit == "kWh" else 0
