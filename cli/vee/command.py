"""`kvarn vee --input FILE`: what is wrong with interval data, and what is billed instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from agents.vee.estimate import Order
from agents.vee.estimate.order_file import ALL, read_order
from agents.vee.rulesets import Facts
from agents.vee.series.report import totals
from cli.output import Json, aside, console, emit
from cli.vee.known import Given, known
from cli.vee.limits import RuleSets
from cli.vee.run import run
from cli.vee.show import show
from cli.vee.source import Asked, Content, read
from cli.vee.write import Writer
from pipeline.errors import ConfigError


class Form(StrEnum):
    """Formats of `--format`."""

    AUTO = "auto"
    CSV = "csv"
    NEM12 = "nem12"
    ESPI = "espi"


class Unit(StrEnum):
    """Units of `--unit`."""

    KWH = "kWh"
    WH = "Wh"


class Stamps(StrEnum):
    """What `--stamps` says of stamps."""

    BEGIN = "begin"
    END = "end"


Input = Annotated[
    Path | None, typer.Option("--input", "-i", help="File of interval data, plain or .gz.", show_default=False)
]
Zone = Annotated[
    str | None,
    typer.Option(
        help="Zone of stamps without an offset and of local days; none: Asia/Kolkata, of NEM12 market time, of Green "
        "Button as the file says."
    ),
]
Secs = Annotated[
    int | None, typer.Option("--interval", min=60, max=86_400, help="Seconds of an interval; none: found out.")
]


def vee(
    context: typer.Context,
    input: Input = None,
    format: Annotated[Form, typer.Option(help="What the file is; auto: found out.")] = Form.AUTO,
    timezone: Zone = None,
    interval: Secs = None,
    unit: Annotated[Unit | None, typer.Option(help="Unit of CSV values whose columns say none; none: kWh.")] = None,
    stamps: Annotated[
        Stamps | None, typer.Option(help="Whether CSV stamps are begins or ends of intervals; none: by the name.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="Document with limits and rules (YAML).", dir_okay=False)] = None,
    utility: Annotated[str | None, typer.Option(help="Utility that rule sets of --rules may be for.")] = None,
    tariff_category: Annotated[str | None, typer.Option(help="Tariff category, for sets of --rules.")] = None,
    meter_model: Annotated[str | None, typer.Option(help="Meter model, for sets of --rules.")] = None,
    holidays: Annotated[str | None, typer.Option(help="Indian state whose holidays count as Sundays: KA.")] = None,
    calendar: Annotated[
        Path | None,
        typer.Option(help="Holidays of your own, added to or removed from the shipped ones (YAML).", dir_okay=False),
    ] = None,
    order: Annotated[
        Path | None,
        typer.Option(help="Order of methods, as kvarn vee scores --order writes it (YAML).", dir_okay=False),
    ] = None,
    order_class: Annotated[
        str, typer.Option(help="Class of service points whose order of --order is taken: CONSUMER/3/TO_5_KW.")
    ] = ALL,
    outages: Annotated[
        Path | None, typer.Option(help="Confirmed outages: CSV or JSON, docs/facts.md.", dir_okay=False)
    ] = None,
    temperatures: Annotated[
        Path | None,
        typer.Option(help="Temperatures of days or hours: CSV or JSON, docs/facts.md.", dir_okay=False),
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="Interval data of check meters: any format of --input.", dir_okay=False)
    ] = None,
    neighbours: Annotated[
        Path | None,
        typer.Option(help="Which meters of --input are whose neighbours: CSV or JSON, docs/facts.md.", dir_okay=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the final series to this file: CSV, or NEM12 where it ends so; .gz packs it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Validate interval data of a file, estimate what lacks, and report every change.

    Reads CSV (a row a reading or a day, several meters, several channels), NEM12 and Green Button, of any interval
    length that divides a day. Nothing is sent anywhere.
    """
    if context.invoked_subcommand is not None:
        return
    if input is None:
        raise ConfigError("INPUT_MISSING", where="--input", what="no file is named",
                          do="kvarn vee --input FILE; `kvarn vee --help` lists the other commands")  # fmt: skip
    asked = Asked(format.value, _zone(timezone), interval, unit and unit.value, stamps and stamps.value)
    facts = Facts(utility=utility, tariff_category=tariff_category, meter_model=meter_model)
    given = Given(outages, temperatures, check, neighbours)
    methods = read_order(order).order(order_class) if order else None
    said = _report(input, asked, RuleSets(rules, facts, calendar), holidays, given, output, methods)
    if as_json:
        emit(said)
    else:
        show(console(), said)


def _zone(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError("ZONE_UNKNOWN", where="--timezone", what=f"{name!r} is no zone of the tz database",
                          do="use a name as Asia/Kolkata or Europe/London") from error  # fmt: skip


def _report(
    path: Path,
    asked: Asked,
    rules: RuleSets,
    holidays: str | None,
    given: Given,
    output: Path | None,
    order: Order | None,
) -> dict[str, Any]:
    with Writer(output) as writer, _progress() as tell:
        content = read(path, asked, lambda count: tell(f"{path.name}: {count:,} read"))
        beside = known(given, asked, content)
        reports: list[dict[str, Any]] = []
        for done in run(content, asked.interval, rules, holidays, beside, order):
            tell(f"{done.series.id}: {len(done.series.grid):,} intervals, {len(reports) + 1} series judged")
            writer.write(done)
            reports += done.reports
        content.notes += beside.notes
    return {"file": _file(path, content), "series": reports, "totals": totals(reports)}


def _file(path: Path, content: Content) -> dict[str, Any]:
    return {
        "name": path.name, "format": content.format, "timezone": content.zone, "notes": content.notes,
        "fault_count": content.fault_count, "faults": content.faults, "rounded": content.rounded,
        "tails": content.tails,
    }  # fmt: skip


@contextmanager
def _progress() -> Iterator[Any]:
    """Tells how far it is on standard error, where a person looks on."""
    screen = aside()
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=screen, transient=True,
                  disable=not screen.is_terminal) as progress:  # fmt: skip
        task = progress.add_task("reading")
        yield lambda text: progress.update(task, description=text)
