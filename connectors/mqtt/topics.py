"""Topic templates: which topics are subscribed to, what their messages are, and which part names the meter.

A template is a topic filter of MQTT (5.0, section 4.7) in which a level may be a name in braces:
`{gateway}/{meter}/data` is the filter `+/+/data`. `{device}` or `{meter}` names the meter. Without one of them a level
of 16 hexadecimal digits does, wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.payloads.config import Form
from connectors.payloads.envelopes import Fields
from connectors.payloads.naming import Naming
from connectors.payloads.reader import Reader

METER = ("device", "meter")
"""Names of the part that names the meter; of others the connector knows nothing."""
MOST_KEPT = 200_000
"""Topics whose meter is kept; then all are looked up anew."""

TITLE = re.compile(r"(?:^|/)([0-9A-Fa-f]{16})(?:/|$)")
_PART = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def device_of_topic(topic: str) -> int:
    """The device that a topic names by its system title (16 hexadecimal digits as a level), or 0."""
    found = TITLE.search(topic)
    return int(found.group(1), 16) if found else 0


@dataclass(frozen=True)
class Template:
    """`filter` is what the broker is asked for; `parts`: places of named levels; `meter`: that of the meter, or -1."""

    text: str
    filter: str
    parts: tuple[int, ...]
    meter: int

    @property
    def levels(self) -> list[str]:
        """Of the filter."""
        return self.filter.split("/")

    def fits(self, topic: Sequence[str]) -> bool:
        """Whether a topic of these levels is of this template."""
        levels = self.levels
        if levels[-1] == "#":
            # It stands for its parent too.
            levels.pop()
            topic = topic[: len(levels)]
        return len(topic) == len(levels) and all(a in ("+", b) for a, b in zip(levels, topic, strict=True))

    def names(self, topic: Sequence[str]) -> tuple[str, ...]:
        """Names that the meter may have: with those of the parts before it (gateway/meter), then its own."""
        own = topic[self.meter]
        whole = "/".join(topic[place] for place in self.parts if place <= self.meter)
        return (own,) if whole == own else (whole, own)


def parse(text: str) -> Template:
    """Raises ValueError saying what is wrong with a template."""
    levels, parts, found = text.split("/"), [], []
    if not text or "\0" in text or len(text.encode()) > 65_535:
        raise ValueError("a topic has 1 to 65535 octets, and no zero among them")
    if levels[0] == "$share":
        raise ValueError(f"{text}: name the topic alone; `group` makes a shared subscription of it")
    for place, level in enumerate(levels):
        part = _PART.fullmatch(level)
        if part is not None:
            parts.append(place)
            found.append(part.group(1))
            levels[place] = "+"
        elif "{" in level or "}" in level:
            raise ValueError(f"{text}: {level!r}: a name in braces is a level of its own, as {{meter}}")
        elif (level != "+" and "+" in level) or ("#" in level and (level != "#" or place + 1 < len(levels))):
            raise ValueError(f"{text}: {level!r}: + is a level of its own, # the last one")
    if len(set(found)) < len(found):
        raise ValueError(f"{text}: a name stands there twice")
    meter = [place for place, name in zip(parts, found, strict=True) if name in METER]
    if len(meter) > 1:
        raise ValueError(f"{text}: {{device}} or {{meter}} names the meter, not both")
    return Template(text, "/".join(levels), tuple(parts), meter[0] if meter else -1)


def overlap(one: Template, other: Template) -> bool:
    """Whether a topic can be of both: its messages would come twice."""
    a, b = one.levels, other.levels
    for place in range(max(len(a), len(b))):
        left, right = a[place : place + 1], b[place : place + 1]
        if left == ["#"] or right == ["#"]:  # `a/#` is also `a`
            return True
        if not left or not right:
            return False
        if left != right and "+" not in (left[0], right[0]):
            return False
    return True


@dataclass
class Topics:
    """Templates with the form of their messages; what a topic says of its messages is kept."""

    templates: Sequence[tuple[Template, Form]]
    fields: Fields
    naming: Naming
    _known: dict[str, tuple[int, Reader]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._readers = [Reader(form, self.fields, self.naming) for _, form in self.templates]

    def of(self, topic: str) -> tuple[int, Reader]:
        """The device that a topic names (0: none), and the reader of its messages."""
        found = self._known.get(topic)
        if found is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            found = self._known[topic] = self._look(topic)
        return found

    def _look(self, topic: str) -> tuple[int, Reader]:
        levels = topic.split("/")
        for (template, _), reader in zip(self.templates, self._readers, strict=True):
            if template.fits(levels):
                if template.meter < 0:
                    return device_of_topic(topic), reader
                return self.naming.device(*template.names(levels)), reader
        # Of an earlier subscription of this session, which the broker still has.
        return device_of_topic(topic), self._readers[0]
