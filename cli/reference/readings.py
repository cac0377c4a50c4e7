"""The page of what head-ends may write: quantities, units, qualities."""

from __future__ import annotations

from cli.reference.markdown import code, page, table
from connectors.readings_in.qualities import CODES, MEANING, VOCABULARIES
from connectors.readings_in.quantities import KNOWN, units_of
from pipeline.channels import CHANNELS, SNAPSHOT

DOCS = {row.name: row.doc for row in CHANNELS} | {row.name: row.doc for row in SNAPSHOT}
TITLES = {
    "cim": "IEC 61968-9, ReadingQualityType: system.category.index",
    "mdff": "Meter Data File Format (NEM12): flag and method",
    "espi": "ESPI (Green Button)",
    "mscons": "MSCONS (EDI@Energy): qualifier of QTY",
    "words": "words",
}


def readings() -> str:
    """docs/reference/readings.md"""
    blocks = ", ".join(code(channel.name) for channel in CHANNELS)
    return page(
        "Readings of head-ends",
        "What readings that another head-end has decoded may hold, and what their qualities mean here. How they come "
        "in: docs/readings-in.md.",
        "## Quantities",
        f"`values` names one of these and its unit, for example `wh_imp kWh`. {blocks} may stand in every reading, the "
        "others in momentary ones. A column that is called as the quantity is known without being declared; so is one "
        "of an energy with a `k` before it (`kwh_imp`), in kilowatt-hours.",
        table(
            ("quantity", "units, the usual one first", "meaning"),
            ((code(name), ", ".join(units_of(name)), DOCS[name]) for name in KNOWN),
        ),
        "## Qualities",
        "A quality is one of five:",
        table(("quality", "what becomes of the value"), ((code(name), text) for name, text in MEANING.items())),
        "A text is looked up in `qualities` of the connector, then in these vocabularies in this order, without regard "
        "to case. Several codes stand side by side with `;`, `,` or `|`: the worst counts (suspect, missing, edited, "
        "estimated, actual). What stands behind ` #` is a remark (a reason, a status): it is kept and not looked up. "
        "No text is actual; one that is in no table makes the reading suspect, or is refused "
        "(`unknown_quality`).",
        *(
            part
            for vocabulary in VOCABULARIES
            for part in (
                f"### {TITLES[vocabulary]}",
                table(
                    ("codes", "quality"),
                    ((row.doc, code(row.means)) for row in CODES if row.vocabulary == vocabulary),
                ),
            )
        ),
    )
