"""`kvarn tariff`: list, lint, explain, rate."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from agents.rating.engine.adjustments import parse_adjustments
from agents.rating.engine.catalogue import FOLDER, load, shipped
from agents.rating.engine.documents import Fault
from agents.rating.engine.exact import rupees
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Bill
from agents.rating.engine.lint import lint as lint_file
from agents.rating.engine.quantities import WHOLE, Quantities
from agents.rating.engine.rate import rate as rate_period
from agents.rating.engine.sheet import read_sheet, to_yaml
from agents.rating.engine.splits import Part, rate_parts
from agents.rating.engine.words import bill_words, tariff_words
from cli.output import OK, USAGE, Json, aside, console, emit
from cli.tariff.changes import parts_of
from cli.tariff.given import check_names, landed, quantities
from cli.tariff.options import Given, Name, with_period
from cli.tariff.shadow import shadow
from cli.tariff.show import (
    adjustment_rows,
    bill_json,
    show_adjustments,
    show_bill,
    show_faults,
    show_tariffs,
    tariff_json,
)
from pipeline.errors import ConfigError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    help="Tariffs: what is shipped, what is wrong with a file, what a period costs. docs/tariffs.md says how.",
)

Files = Annotated[list[Path] | None, typer.Argument(help="Tariff files; left out: the shipped ones.", dir_okay=False)]
Strict = Annotated[bool, typer.Option("--strict", help="Fail when a charge lacks a quantity.")]
Documents = Annotated[
    list[Path] | None,
    typer.Option(
        "--adjustments", help="Document of monthly values; needs --date; repeat.", exists=True, dir_okay=False
    ),
]
Change = Annotated[
    list[str] | None,
    typer.Option(
        help="What changes after so many days: a tariff, `load-kw:5` or `load-kva:5`; repeat.", metavar="DAYS=WHAT"
    ),
]
LintStrict = Annotated[bool, typer.Option("--strict", help="Warnings fail too.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """The tariffs that come with the project."""
    tariffs = sorted(shipped().values(), key=lambda tariff: (tariff.utility, tariff.code))
    if as_json:
        emit([tariff_json(tariff) for tariff in tariffs])
    else:
        show_tariffs(console(), tariffs)


@app.command()
def lint(files: Files = None, strict: LintStrict = False, as_json: Json = False) -> None:
    """Every fault of tariff files, with line and hint. Ends with 2 when there is an error."""
    named = [str(file) for file in files or []] or [str(path) for path in sorted(FOLDER.glob("*.yaml"))]
    faults: list[Fault] = []
    for name in named:
        path = Path(name)
        if not path.is_file():
            raise ConfigError("TARIFF_FILE", where=name, what="there is no such file", do="name a tariff file")
        faults += lint_file(path.read_bytes(), name)[1]
    errors = sum(fault.level == "error" for fault in faults)
    if as_json:
        emit(
            {
                "files": named,
                "errors": errors,
                "warnings": len(faults) - errors,
                "findings": [fault.as_json() for fault in faults],
            }
        )
    else:
        show_faults(console(), named, faults)
    raise typer.Exit(USAGE if errors or (strict and faults) else OK)


@app.command()
@with_period("units")
def rate(
    tariff: Name, given: Given, documents: Documents = None, change: Change = None, strict: Strict = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """What a period costs, line by line, to the paisa.

    A charge that needs a quantity which is not given is left out and named; with --strict that is an error.
    """
    found = load(tariff)
    asked = quantities(given, landed(documents, found, given.date))
    check_names(found, asked)
    if change:
        _rate_parts(parts_of(found, asked, change), strict=strict, as_json=as_json)
        return
    bill = rate_period(found, asked, partial=not strict)
    notes = notes_on(found, bill, asked.begins) + unused(found, asked)
    if as_json:
        emit(bill_json(found, bill, notes))
    else:
        show_bill(console(), found, bill)
    _say(notes)


def _rate_parts(parts: list[Part], *, strict: bool, as_json: bool) -> None:
    """A period whose parts are rated each by itself."""
    split = rate_parts(parts, partial=not strict)
    notes = [notes_on(part.tariff, bill, part.given.begins) for part, bill in zip(parts, split.parts, strict=True)]
    if as_json:
        bills = zip(parts, split.parts, notes, strict=True)
        emit(
            {
                "parts": [
                    {"days": part.given.days, **bill_json(part.tariff, bill, said)} for part, bill, said in bills
                ],
                "energy_paise": sum(bill.energy_paise for bill in split.parts),
                "rounding_paise": split.rounding_paise,
                "total_paise": split.total_paise,
            }
        )
    else:
        for part, bill in zip(parts, split.parts, strict=True):
            show_bill(console(), part.tariff, bill)
        console().print(f"all parts: {rupees(split.total_paise)}", style="bold")
    _say(list(dict.fromkeys(note for said in notes for note in said)))


@app.command()
@with_period()
def explain(tariff: Name, given: Given, as_json: Json = False) -> None:
    """What a tariff does in words, and with --units how a bill comes about, line by line."""
    found = load(tariff)
    words = list(tariff_words(found))
    walk: list[str] = []
    notes: list[str] = []
    if given.units != "0":
        asked = quantities(given)
        check_names(found, asked)
        bill = rate_period(found, asked, partial=True)
        walk, notes = list(bill_words(bill)), notes_on(found, bill, asked.begins)
    if as_json:
        emit({"tariff": found.code, "words": words, "walk": walk, "notes": notes})
        return
    for sentence in (*words, *([""] if walk else []), *walk):
        console().print(sentence, markup=False)
    _say(notes)


@app.command("import")
def import_(
    sheet: Annotated[Path, typer.Argument(help="Sheet, saved as CSV.", exists=True, dir_okay=False)],
    to: Annotated[Path | None, typer.Option(help="File to write; left out: standard output.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """A spreadsheet as a tariff file. Every fault is named by row; nothing is written when there is one."""
    if sheet.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise ConfigError("SHEET_FORM", where=str(sheet), what="it is a workbook", do="save the sheet as CSV (UTF-8)")
    data, document = read_sheet(sheet.read_bytes(), str(sheet))
    if document.tariff is None:
        if as_json:
            emit({"findings": [fault.as_json() for fault in document.faults]})
        else:
            show_faults(console(), [str(sheet)], list(document.faults))
        raise typer.Exit(USAGE)
    text = to_yaml(data, sheet.name)
    if to is not None:
        to.write_bytes(text)
    if as_json:
        emit({"tariff": tariff_json(document.tariff), "file": str(to) if to else None, "yaml": text.decode()})
    elif to is None:
        typer.echo(text.decode(), nl=False)
    else:
        console().print(f"{document.tariff.code}: written to {to}", markup=False)


app.command()(shadow)


@app.command()
def adjustments(
    file: Annotated[Path, typer.Argument(help="Document of monthly values.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Monthly values of FAC or FPPAS, with what is computed from A, B, C, D, E, Z, DL and ABR."""
    document = parse_adjustments(file.read_bytes(), str(file))
    rows = adjustment_rows(document)
    if as_json:
        emit({"charge": document.charge, "tariffs": list(document.tariffs), "months": rows})
    else:
        show_adjustments(console(), document.charge, rows)


def notes_on(tariff: Tariff, bill: Bill, begins: datetime.date | None) -> list[str]:
    """What must be known beside the total."""
    notes = list(bill.notes)
    if tariff.status != "in_force":
        notes.append(f"{tariff.code} is {tariff.status.replace('_', ' ')}. {tariff.note}".strip())
    if begins is not None and not (tariff.valid_from <= begins <= (tariff.valid_to or begins)):
        notes.append(f"{tariff.code} is not in force on {begins}")
    notes += [f"{charge} is left out: {quantity} is not given" for charge, quantity in bill.missing]
    return notes


def unused(tariff: Tariff, asked: Quantities) -> list[str]:
    """Quantities that were given and that nothing in the tariff depends on."""
    counted = {getattr(charge, "quantity", None) for charge in tariff.charges}
    notes = []
    for option, given, name in (
        ("--export", asked.export_wh, "kwh_export"), ("--generation", asked.generation_wh, "kwh_generation"),
    ):  # fmt: skip
        if given and tariff.net_metering is None and name not in counted:
            notes.append(f"{option} is not used: {tariff.code} has neither net_metering nor a charge on it")
    zoned = sum(asked.zones_wh.values()) if WHOLE not in asked.zones_wh else 0
    if zoned and zoned < asked.wh:
        notes.append(f"--zone: {Decimal(asked.wh - zoned) / 1000} of the units are in no zone")
    return notes


def _say(notes: list[str]) -> None:
    for note in notes:
        aside().print(note, markup=False, style="yellow")
