"""`kvarn tariff shadow`: stored months by another tariff, and who pays more or less."""

from __future__ import annotations

import csv
import datetime
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from agents.rating.engine.catalogue import load
from agents.rating.engine.exact import rupees
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.shadow import CLASSES, Group, Rerated, StoredMonth, bucket_names, grouped, rerate
from cli.output import Json, aside, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn
from cli.tariff.given import read_documents
from cli.tariff.options import Name
from cli.tariff.stored import months_between, of_tariffs, stored_months
from pipeline.errors import ConfigError
from pipeline.localtime import OFFSETS
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_reader

QUERY_SECS, QUERY_ROWS = 600.0, 10_000_000
MONTH = ["%Y-%m"]

Of = Annotated[list[str] | None, typer.Option(help="Codes of tariffs whose consumers are rated. [all]")]
By = Annotated[str, typer.Option(help=f"Classes of consumers: {', '.join(CLASSES)}.")]
Against = Annotated[
    str | None, typer.Option(help="Compare with this tariff, rated anew. [what was billed]", metavar="TARIFF")
]
Documents = Annotated[
    list[Path] | None,
    typer.Option("--adjustments", help="Document of monthly values; repeat.", exists=True, dir_okay=False),
]
Deltas = Annotated[
    Path | None, typer.Option("--deltas", help="File of one row a bill: before, after, delta.", dir_okay=False)
]


def shadow(
    tariff: Name,
    since: Annotated[datetime.datetime, typer.Option("--from", formats=MONTH, help="First billing month.")],
    until: Annotated[
        datetime.datetime | None, typer.Option("--to", formats=MONTH, help="Last billing month. [the first]")
    ] = None,
    of: Of = None,
    by: By = "tariff",
    against: Against = None,
    adjustments: Documents = None,
    deltas: Deltas = None,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    as_json: Json = False,
) -> None:
    """Rate stored months with another tariff and show how the bills would differ; nothing is changed.

    For a new tariff before it is put in force, and for an order that sets one aside months later: then the file of
    --deltas has what each bill is due. Months are those of determinants; zones, windows and export are summed anew
    from the stored readings by the other tariff's calendar.

    Examples:

        kvarn tariff shadow mine-2027.yaml --from 2026-10 --by load

        kvarn tariff shadow msedcl-lt1b-2020 --from 2026-07 --to 2026-09 --of msedcl-lt1b-2025 --deltas due.csv
    """
    if by not in CLASSES:
        raise ConfigError("SHADOW_BY", where="--by", what=f"{by!r} is no class", do=f"use one of {', '.join(CLASSES)}")
    candidate, live = load(tariff), None if against is None else load(against)
    documents = read_documents(adjustments)
    config = ClickHouseConfig(dsn=dsn, database=database, query_secs=QUERY_SECS, query_rows=QUERY_ROWS)
    reader = open_reader(config)
    try:
        first, last = _span(since, until or since, candidate)
        months = months_between(reader, first, last)
        which = of_tariffs(of or [])
        with Progress(console=aside(), transient=True) as progress:
            task = progress.add_task("months", total=len(months))

            def stored() -> Iterator[StoredMonth]:
                for start in months:
                    yield from stored_months(reader, start, candidate, which)
                    progress.advance(task)

            found = list(rerate(stored(), candidate, live, documents))
    finally:
        reader.close()
    if not found:
        raise ConfigError(
            "NOTHING_BILLED", where="--of, --from", what="no bill of these tariffs is stored there",
            do="name another tariff or month, or give --against for months that were not rated",
        )  # fmt: skip
    if deltas is not None:
        _write(deltas, found)
    groups = grouped(found, by)
    if as_json:
        emit(_as_json(candidate, found, groups, by))
    else:
        _show(candidate, found, groups, by)


def _span(since: datetime.datetime, until: datetime.datetime, tariff: Tariff) -> tuple[int, int]:
    """Epoch seconds of the first month's begin and the last month's end, in the tariff's zone."""
    after = (until.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
    offset = OFFSETS[tariff.timezone]
    first, last = (int(day.replace(tzinfo=datetime.UTC).timestamp()) - offset for day in (since, after))
    if last <= first:
        raise ConfigError("SHADOW_SPAN", where="--to", what="it lies before --from", do="give the later month as --to")
    return first, last


def _write(path: Path, found: list[Rerated]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["account", "service_point", "period_start", "state", "tariff", "before_paise", "after_paise",
                       "delta_paise"])  # fmt: skip
        for one in found:
            month = one.month
            begins = month.given.begins
            rows.writerow([month.account, month.service_point, begins.isoformat() if begins else "", month.state,
                           month.tariff, one.before, one.after, one.delta])  # fmt: skip


def lacking(found: list[Rerated]) -> dict[str, int]:
    """Charges that could not be rated -> bills in which they are left out."""
    counts = Counter(f"{charge} ({quantity})" for one in found for charge, quantity in one.lacks)
    return dict(sorted(counts.items()))


def _as_json(candidate: Tariff, found: list[Rerated], groups: dict[str, Group], by: str) -> dict[str, Any]:
    return {
        "tariff": candidate.code, "bills": len(found), "provisional": sum(one.month.state != "FINAL" for one in found),
        "before_paise": sum(one.before for one in found), "after_paise": sum(one.after for one in found),
        "delta_paise": sum(one.delta for one in found), "left_out": lacking(found), "by": by,
        "buckets": list(bucket_names()),
        "groups": {
            name: {"bills": group.months, "before_paise": group.before, "after_paise": group.after,
                   "more": group.more, "less": group.less, "histogram": group.buckets,
                   "delta_paise": {f"p{percent}": group.quantile(percent) for percent in (5, 50, 95)}}
            for name, group in groups.items()
        },
    }  # fmt: skip


def _show(candidate: Tariff, found: list[Rerated], groups: dict[str, Group], by: str) -> None:
    out = console()
    before, after = sum(one.before for one in found), sum(one.after for one in found)
    provisional = sum(one.month.state != "FINAL" for one in found)
    out.print(f"{candidate.code}: {len(found):,} bills, {rupees(before)} before, {rupees(after)} after, "
              f"{rupees(after - before)} more" + (f"; {provisional:,} are provisional" if provisional else ""),
              markup=False)  # fmt: skip
    sums = Table(by, "bills", "before", "after", "difference", "more", "less")
    spread = Table(f"bills by difference, {by}", *groups)
    for name, group in groups.items():
        figures = (group.before, group.after, group.after - group.before)
        sums.add_row(name, f"{group.months:,}", *(rupees(one) for one in figures), f"{group.more:,}", f"{group.less:,}")
    for place, name in enumerate(bucket_names()):
        if any(group.buckets[place] for group in groups.values()):
            spread.add_row(name, *(f"{group.buckets[place]:,}" for group in groups.values()))
    spread.add_section()
    for percent, name in ((5, "5 % of bills up to"), (50, "half of them up to"), (95, "95 % up to")):
        spread.add_row(name, *(rupees(group.quantile(percent)) for group in groups.values()))
    out.print(sums)
    out.print(spread)
    for what, count in lacking(found).items():
        aside().print(f"{what} is not known in {count:,} bills and left out there", style="yellow")
