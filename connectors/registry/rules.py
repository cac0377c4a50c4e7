"""Rules of a registry import, once: the report's codes, and the page docs/reference/registry.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to its row."""

    ERROR = "error"  # the row cannot be applied
    WARNING = "warning"  # the row can be applied, and somebody should look at it
    CONSEQUENCE = "consequence"  # the row is right, but refers to a row in error and cannot be applied without it


@dataclass(frozen=True)
class Rule:
    """One rule; `whole` ones concern a table as a whole, which cannot be applied with rows left out either."""

    code: str
    severity: Severity
    tables: str
    what: str
    do: str
    whole: bool = False


_E, _W = Severity.ERROR, Severity.WARNING

RULES: tuple[Rule, ...] = (
    # The file
    Rule("TABLE_MISSING", _E, "all", "there is no such file or query", "add it, or name it in the mapping", True),
    Rule("TABLE_EMPTY", _E, "all", "there is a header and no row",
         "look whether the file was written whole; leave a table out that is not needed", True),
    Rule("NO_GOOD_ROW", _E, "all", "every row is in error, and without them the table would be empty",
         "correct the rows; leave a table out that is not needed", True),
    Rule("HEADER_MISSING", _E, "all", "a needed column is not in the header", "add or map the column", True),
    Rule("HEADER_TWICE", _E, "all", "two columns of the header are the same", "rename or remove one", True),
    Rule("HEADER_UNKNOWN", _W, "all", "a column of the header is not known and is not read", "map or remove it"),
    Rule("ROW_UNREADABLE", _E, "all", "the line is no CSV: a quote stands where none may, or is not closed",
         "double quotes within a text, close those around it"),
    Rule("QUOTE_OPEN", _E, "all", "a quote that is not closed takes the lines below into the row",
         "close the quote, or remove it", True),
    Rule("ROW_WIDTH", _E, "all", "the row has more or fewer cells than the header",
         "quote cells that hold the delimiter"),
    Rule("ENCODING", _E, "all", "octets of the cell are no characters of the encoding",
         "save the file as UTF-8, or declare its encoding"),
    Rule("ROW_TWICE", _E, "all", "the same row stands in an earlier line", "remove one of them"),
    Rule("ID_TWICE", _E, "network, accounts, tariffs, meters, keys", "the id has several rows that differ; of keys: "
         "that begin at the same time", "keep the right one"),
    # Cells
    Rule("MISSING", _E, "all", "the cell is empty and must not be", "fill it in"),
    Rule("NOT_A_NUMBER", _E, "all", "the cell is no number", "write digits, with a point for decimals"),
    Rule("SHORTENED", _E, "all", "a number in scientific form, as spreadsheets shorten long ids",
         "export the column as text"),
    Rule("DECIMAL_COMMA", _E, "all", "a comma within the number", "write a point, or declare `decimal: ','`"),
    Rule("DECIMAL_POINT", _E, "all", "a point within the number, and the mapping declares a decimal comma",
         "write a comma for decimals and nothing between thousands, or declare `decimal: '.'`"),
    Rule("NOT_WHOLE", _E, "all", "not a whole number of the registry's unit", "check the value and its declared unit"),
    Rule("OUT_OF_RANGE", _E, "all", "the number is below or above what the registry can hold", "correct the number"),
    Rule("NOT_A_DATE", _E, "service_points, installations, keys", "no date, or none in the declared form",
         "write YYYY-MM-DD HH:MM:SS, or declare the form"),
    Rule("DATE_FAR", _E, "service_points, installations, keys", "the date lies before or after what the mapping allows",
         "correct the year, or the bounds `earliest` and `latest`"),
    Rule("CHOICE_UNKNOWN", _E, "network, service_points", "none of the words that the column may have",
         "use one of them, or map your own"),
    Rule("TITLE_FORM", _E, "meters, installations, keys", "no system title: not 16 hexadecimal digits, or all zeros",
         "copy it from the meter's object 0.0.43.0.x.255 or its nameplate"),
    Rule("TITLE_MAKER", _W, "meters", "the first three octets are no capital letters of a maker",
         "check whether the title was typed right"),
    Rule("NOT_ASCII", _E, "meters, tariffs", "a character beyond printable ASCII", "type the text again"),
    Rule("TEXT_LONG", _E, "network, meters, tariffs", "the text is too long", "shorten it"),
    Rule("TEXT_CONTROL", _E, "network", "a control character in the text", "remove it"),
    Rule("RATIO_FORM", _E, "installations", "no ratio of two numbers", "write 100/5, 20 or 12.5"),
    Rule("FACTOR_ZERO", _E, "installations", "a part of the ratio is 0", "read the ratio from the transformers"),
    Rule("TEMPLATE_UNKNOWN", _E, "meters, installations", "no decoder template has this number or name",
         "use one of docs/reference/registry.md, or map the model's name"),
    Rule("INTERVAL_OTHER", _E, "meters, installations", "the capture period is neither 900 nor 1800 s",
         "check the value and its declared unit"),
    Rule("KEY_FORM", _E, "keys", "characters that are no hexadecimal digits", "write the key in hexadecimal"),
    Rule("KEY_LENGTH", _E, "keys", "not 32 digits, or 64 of suite 2", "give the key whole"),
    # Network
    Rule("PARENT_UNKNOWN", _E, "network", "there is no such node", "add the parent, or correct its number"),
    Rule("NODE_CYCLE", _E, "network", "the node feeds itself, directly or by others", "correct one of the parents"),
    Rule("LEVEL_ORDER", _E, "network", "the parent is not of a higher level", "correct the level or the parent"),
    Rule("PARENT_MISSING", _W, "network", "a transformer or feeder that nothing feeds", "name its parent"),
    # Tariffs
    Rule("TARIFF_FAULT", _E, "tariffs", "the document is no tariff", "correct what the message names"),
    Rule("TARIFF_TWICE", _E, "tariffs", "two documents have the same number and first day",
         "give one another number or another start"),
    # Meters and keys
    Rule("SERIAL_TWICE", _E, "meters", "another meter of the maker has the same serial number", "correct one of them"),
    Rule("METER_NOT_INSTALLED", _W, "meters", "the meter was never installed; the registry does not keep it",
         "nothing, when it lies in store"),
    Rule("METER_WITHOUT_KEY", _W, "meters", "keys are given, but none for this meter: its sealed frames wait",
         "ask its maker for the key file"),
    Rule("KEY_OF_UNKNOWN_METER", _W, "keys", "the meter of this key is not in `meters`",
         "nothing, when it is still to come"),
    Rule("KEY_SHARED", _W, "keys", "several meters have the same encryption key",
         "change the keys of those meters: one that is read opens all"),
    Rule("KEY_NOT_DATED", _W, "keys", "a later row of the meter has other keys of suite 2 or of broadcast, and those "
         "count at all times", "remove those of the older row"),
    Rule("KEY_WEAK", _W, "keys", "all octets of the key are the same", "change the key of the meter"),
    # Service points
    Rule("DATES_REVERSED", _E, "service_points, installations", "it ends before or when it begins",
         "correct one of the dates"),
    Rule("POINT_OVERLAP", _E, "service_points", "two rows of the service point hold at the same time",
         "end one where the other begins"),
    Rule("POINT_GAP", _W, "service_points", "between this row and the one before none holds",
         "nothing, when the connection was closed meanwhile"),
    Rule("ACCOUNT_MISSING", _E, "service_points", "a consumer without an account", "name the account"),
    Rule("ACCOUNT_UNKNOWN", _E, "service_points", "the account is not in `accounts`", "add or correct the account"),
    Rule("TARIFF_MISSING", _W, "service_points", "a consumer without a tariff is not billed", "name the tariff"),
    Rule("TARIFF_UNKNOWN", _E, "service_points", "no tariff has this number", "add the tariff, or correct the number"),
    Rule("TARIFF_NOT_TOLD", _W, "service_points", "no shipped tariff is it then; the import has no tariffs, and those "
         "in force are not known here", "`diff` and `apply` with Kafka know them"),
    Rule("TARIFF_NOT_IN_FORCE", _E, "service_points", "the row ends before the tariff comes into force",
         "name the tariff that was in force, or add its version"),
    Rule("TARIFF_STARTS_LATER", _W, "service_points", "the row begins before the tariff comes into force",
         "add the version that was in force then, or begin the row later"),
    Rule("NODE_UNKNOWN", _E, "service_points", "there is no such node in `network`", "add the node, or correct it"),
    Rule("NODE_LEVEL_OTHER", _E, "service_points", "the node is not of the level that the column is for",
         "name a DT in `dt`, a feeder in `feeder`"),
    Rule("NODE_MISSING", _E, "service_points", "a network meter without the node that it measures",
         "fill in `dt` for a DT_METER, `feeder` for a FEEDER_METER"),
    Rule("POINT_WITHOUT_NODE", _W, "service_points", "no transformer or feeder is named for a consumer: its energy is "
         "missing in the losses", "name its transformer or feeder"),
    Rule("DT_FEEDER_DIFFER", _W, "service_points", "the transformer hangs on another feeder in `network`",
         "correct one of them; nothing for a row of the past"),
    Rule("POINT_WITHOUT_METER", _W, "service_points", "no meter was ever installed here",
         "add the installation, when there is one"),
    # Installations
    Rule("METER_UNKNOWN", _E, "installations", "the meter is not in `meters`", "add the meter, or correct the title"),
    Rule("POINT_UNKNOWN", _E, "installations", "the service point is not in `service_points`",
         "add the point, or correct its number"),
    Rule("METER_OVERLAP", _E, "installations", "the meter stands at two places at the same time",
         "end one installation before the other begins"),
    Rule("INSTALLATION_OVERLAP", _E, "installations", "two meters measure the service point at the same time",
         "end one installation where the other begins"),
    Rule("INSTALLATION_GAP", _W, "installations", "the service point had no meter before this one, for a time",
         "nothing, when it was really without one"),
    Rule("INSTALLATION_OUTSIDE_POINT", _W, "installations", "the meter stands outside of the service point's rows",
         "correct the validity of one of them"),
    Rule("FACTOR_DIFFERS", _E, "installations", "`factor` is not `ct_ratio` x `pt_ratio`", "correct one of them"),
    Rule("REGISTER_PARTIAL", _E, "installations", "registers are given, but not the one of active import",
         "fill in `..._wh_imp`"),
    Rule("CLOSING_WITHOUT_REMOVAL", _E, "installations", "closing registers of a meter that still stands",
         "fill in `removed_at`, or remove the registers"),
    Rule("REGISTER_BACKWARDS", _E, "installations", "the closing register lies below the opening one",
         "check whether they are exchanged"),
    Rule("REGISTER_ROLLED", _W, "installations", "the closing register lies below the opening one of a meter whose "
         "registers start again", "check that the meter really rolled over"),
    # References
    Rule("REFERS_TO_ERROR", Severity.CONSEQUENCE, "all", "the row refers to a row that is in error",
         "correct that row; this one needs nothing"),
)  # fmt: skip

NO_ROW = ("ROW_UNREADABLE", "ROW_WIDTH")
"""Codes of lines that could not be cut into cells: they are in no table, and so are left out."""

RULE_BY_CODE = {rule.code: rule for rule in RULES}
