"""The parts of a Data, told: tags, lengths, values."""

from __future__ import annotations

from agents.decode.single.octets import Section
from agents.decode.single.texts import told_value
from pipeline.axdr import BIT_STRING, COMPACT, CONTAINERS, DESCRIPTOR, STRINGS, TAG_NAMES, Datum


def note_datum(section: Section, datum: Datum) -> None:
    """Note in `section` what each octet of `datum` is."""
    pending = [datum] if section.kept else []
    while pending:
        found = pending.pop()
        name = TAG_NAMES[found.tag]
        if found.tag in CONTAINERS:
            head = found.value[0].start if found.value else found.end
            section.note(found.start, head, name, f"{len(found.value)} elements")
            pending.extend(found.value)
        elif found.tag in (BIT_STRING, COMPACT, DESCRIPTOR, *STRINGS):
            size = len(found.value[1] if found.tag in (BIT_STRING, COMPACT) else found.value)
            section.note(found.start, found.end - size, f"{name}, head")
            section.note(found.end - size, found.end, name, told_value(found))
        else:
            section.note(found.start, found.end, name, told_value(found))
