"""The tables of a registry import, once: files, columns, units; reader, checks, export and docs are made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.channels import ENERGY
from pipeline.codes import Level, Role
from pipeline.gcm_single import KEY_LENGTH
from pipeline.templates import TEMPLATES


class Kind(StrEnum):
    """What the cells of a column are, and so how they are read."""

    TITLE = "system title"
    ID = "number of an id"
    NUMBER = "number"
    TIME = "date and time"
    RATIO = "ratio"
    CHOICE = "one of a list"
    TEXT = "text"
    ASCII = "ASCII text"
    KEY = "key"
    DOCUMENT = "document"


@dataclass(frozen=True)
class Column:
    """One column: `most` is the largest number, or the most octets of a text; `choices` by text in lower case."""

    name: str
    kind: Kind
    doc: str
    required: bool = False
    unit: str = ""
    least: int = 0
    most: int = 0
    choices: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    """Code of a value outside of the choices or bounds, where it has one of its own."""


def key_octets(column: Column) -> int:
    """Octets of a key in this column."""
    return column.most or KEY_LENGTH


@dataclass(frozen=True)
class Table:
    """One table; `key` names the columns that a row is known by."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: bool = True
    secret: bool = False
    spans: bool = False
    """Rows have an end of validity, so two with the same key overlap, and are reported as that."""

    def column(self, name: str) -> Column:
        """The column called `name`."""
        return next(column for column in self.columns if column.name == name)


U16, U32, U64 = 2**16 - 1, 2**32 - 1, 2**64 - 1
ENCRYPTION, AUTHENTICATION, BROADCAST_ENCRYPTION = "encryption_key", "authentication_key", "broadcast_key"
KEYS_FROM = "valid_from"
LONG_ENCRYPTION, LONG_AUTHENTICATION = "suite2_encryption_key", "suite2_authentication_key"
MOST_REGISTER = 10**15
"""Wh: a petawatt-hour, far above any meter's register."""
INTERVALS = {"900": 900, "1800": 1800}
NAME_OCTETS, SERIAL_OCTETS, DOCUMENT_OCTETS = 40, 32, 1 << 20

ROLES = {role.name.lower(): int(role) for role in Role}
LEVELS = {level.name.lower(): int(level) for level in Level}
FLAGS = {"1": 1, "yes": 1, "true": 1, "y": 1, "t": 1, "0": 0, "no": 0, "false": 0, "n": 0, "f": 0}
MODELS = {
    **{template.name.lower(): template.number for template in TEMPLATES},
    **{str(template.number): template.number for template in TEMPLATES},
}
REGISTERS = tuple(channel.name for channel in ENERGY)
OPENING = tuple(f"opening_{name}" for name in REGISTERS)
CLOSING = tuple(f"closing_{name}" for name in REGISTERS)

_TITLE = Column("system_title", Kind.TITLE, "DLMS system title of the meter, 16 hexadecimal digits", True)


def _model(required: bool, when: str) -> tuple[Column, ...]:
    return (
        Column("template", Kind.CHOICE, f"decoder template of the model, by number or name{when}", required,
               choices=MODELS, fault="TEMPLATE_UNKNOWN"),
        Column("interval_secs", Kind.NUMBER, f"block capture period: 900 or 1800{when}", required, "s",
               choices=INTERVALS, most=U32, fault="INTERVAL_OTHER"),
        Column("limit_wh", Kind.NUMBER, "most that the meter can pass in one interval, at its own terminals: "
               f"phases x volts x largest current x hours (rule V09){when}", required, "Wh", 1, MOST_REGISTER),
    )  # fmt: skip


NETWORK = Table(
    "network",
    "Nodes of the network and what feeds them. The registry keeps the network as it is now; where a service point "
    "hangs is dated in `service_points`.",
    (
        Column("node", Kind.ID, "number of the node", True, least=1, most=U32),
        Column("level", Kind.CHOICE, "DT, FEEDER or SUBSTATION", True, choices=LEVELS),
        Column("parent", Kind.ID, "the node that feeds it; empty for the top", least=1, most=U32),
        Column("name", Kind.TEXT, f"its name, at most {NAME_OCTETS} octets of UTF-8", most=NAME_OCTETS),
    ),
    ("node",),
)

ACCOUNTS = Table(
    "accounts",
    "Accounts of consumers that may be billed. Only their numbers: names and addresses stay in the billing system.",
    (Column("account", Kind.ID, "number of the account", True, least=1, most=U64),),
    ("account",),
    needed=False,
)

TARIFFS = Table(
    "tariffs",
    "Tariff files, each a document of its own (the folder `tariffs/` beside the CSV files).",
    (
        Column("name", Kind.ASCII, "name of the file, ending in .yaml", True, most=64),
        Column("document", Kind.DOCUMENT, "the tariff in YAML", True, most=DOCUMENT_OCTETS),
    ),
    ("name",),
    needed=False,
)

METERS = Table(
    "meters",
    "Meters, installed or in store.",
    (
        _TITLE,
        Column("serial", Kind.ASCII, f"serial number by its maker, at most {SERIAL_OCTETS} characters; it is not kept",
               most=SERIAL_OCTETS),
        *_model(True, ""),
    ),
    ("system_title",),
)  # fmt: skip

SERVICE_POINTS = Table(
    "service_points",
    "What a service point is, from when to when. A new tariff or another transformer is a new row.",
    (
        Column("service_point", Kind.ID, "number of the service point", True, least=1, most=U64),
        Column("valid_from", Kind.TIME, "the row holds from", True),
        Column("valid_to", Kind.TIME, "and until; empty while it holds"),
        Column("account", Kind.ID, "account that is billed; empty for network meters", least=1, most=U64),
        Column("tariff", Kind.NUMBER, "number of the tariff; empty for none", least=1, most=U16),
        Column("role", Kind.CHOICE, "CONSUMER, DT_METER or FEEDER_METER", True, choices=ROLES),
        Column("net_meter", Kind.CHOICE, "yes where export is agreed; empty is no", choices=FLAGS),
        Column("sanctioned_w", Kind.NUMBER, "sanctioned load", unit="W", most=U32),
        Column("dt", Kind.ID, "distribution transformer; empty at higher voltage", least=1, most=U32),
        Column("feeder", Kind.ID, "11 kV feeder", least=1, most=U32),
    ),
    ("service_point", "valid_from"),
    spans=True,
)

INSTALLATIONS = Table(
    "installations",
    "Which meter measured which service point, from when to when, with which factor, and its registers when it came "
    "and went.",
    (
        _TITLE,
        Column("service_point", Kind.ID, "service point that it measures", True, least=1, most=U64),
        Column("installed_at", Kind.TIME, "installed at", True),
        Column("removed_at", Kind.TIME, "removed at; empty while it stands"),
        Column("factor", Kind.RATIO, "multiplying factor as one ratio, kept as written: 20 or 25/2; empty: CTR x PTR"),
        Column("ct_ratio", Kind.RATIO, "ratio of the current transformers, 100/5 or 20; empty: 1"),
        Column("pt_ratio", Kind.RATIO, "ratio of the potential transformers, 11000/110 or 100; empty: 1"),
        *(
            Column(f"{when}_{channel.name}", Kind.NUMBER, f"{channel.doc}: register when {said}, meter side",
                   unit=channel.unit, most=MOST_REGISTER)
            for when, said in (("opening", "installed"), ("closing", "removed")) for channel in ENERGY
        ),
        *_model(False, "; empty: as in `meters`"),
    ),
    ("system_title", "installed_at"),
    spans=True,
)  # fmt: skip

KEYS = Table(
    "keys",
    "Keys of the meters. They are sealed into the key store, and shown nowhere. A meter whose keys are exchanged has a "
    "row for each pair: the former ones stay for as long as it may send what it had queued under them.",
    (
        _TITLE,
        Column(
            KEYS_FROM,
            Kind.TIME,
            "the meter has these keys from then on; empty: from the beginning. Frames are tried with the keys of their "
            "time of receipt, near an exchange with those on its other side too",
        ),
        Column(
            ENCRYPTION,
            Kind.KEY,
            "global unicast encryption key of suites 0 and 1, 32 hexadecimal digits; empty: "
            "the meter has those of suite 2 alone",
        ),
        Column(AUTHENTICATION, Kind.KEY, "authentication key; empty: as the encryption key"),
        Column(LONG_ENCRYPTION, Kind.KEY, "encryption key of suite 2, 64 hexadecimal digits", most=2 * KEY_LENGTH),
        Column(
            LONG_AUTHENTICATION,
            Kind.KEY,
            "authentication key of suite 2; empty: as its encryption key",
            most=2 * KEY_LENGTH,
        ),
        Column(
            BROADCAST_ENCRYPTION,
            Kind.KEY,
            "global broadcast encryption key of suites 0 and 1; the authentication key is the same. Of this and of "
            "those of suite 2 the newest row that has any counts at all times",
        ),
    ),
    ("system_title", KEYS_FROM),
    needed=False,
    secret=True,
)

TABLES: tuple[Table, ...] = (NETWORK, ACCOUNTS, TARIFFS, METERS, SERVICE_POINTS, INSTALLATIONS, KEYS)
TABLE_BY_NAME = {table.name: table for table in TABLES}

UNITS: dict[str, dict[str, int]] = {
    "s": {"s": 1, "min": 60, "h": 3600},
    "W": {"W": 1, "kW": 1000, "MW": 1_000_000},
    "Wh": {"Wh": 1, "kWh": 1000, "MWh": 1_000_000},
    "VAh": {"VAh": 1, "kVAh": 1000, "MVAh": 1_000_000},
}
"""Unit of a column -> units that a file may have instead, and what one of them is."""
