"""Options that say what a period was: one table, for `rate` and `explain`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

PERIOD, DEMAND, SOLAR, MONEY = "Period", "Load, demand and power factor", "Zones and export", "Money"


def _option(name: str, text: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel, metavar=metavar)


Name = Annotated[str, typer.Argument(help="Code of a shipped tariff, its beginning, or a file.", metavar="TARIFF")]
Units = Annotated[str, _option("--units", "Imported energy, kWh.", PERIOD, "KWH")]
Days = Annotated[
    int | None,
    typer.Option(help="Days of the period; left out: a whole cycle.", min=1, max=3660, rich_help_panel=PERIOD),
]
Date = Annotated[str | None, _option("--date", "First day, YYYY-MM-DD.", PERIOD, "DATE")]
LoadKw = Annotated[str | None, _option("--load-kw", "Sanctioned load, kW.", DEMAND, "KW")]
LoadKva = Annotated[str | None, _option("--load-kva", "Contract demand, kVA.", DEMAND, "KVA")]
Phases = Annotated[int | None, typer.Option(help="Phases of the connection.", min=1, max=3, rich_help_panel=DEMAND)]
MdKw = Annotated[str | None, _option("--md-kw", "Recorded demand, kW.", DEMAND, "KW")]
MdKva = Annotated[str | None, _option("--md-kva", "Recorded demand, kVA.", DEMAND, "KVA")]
MdWindowKw = Annotated[str | None, _option("--md-window-kw", "Demand within the tariff's window, kW.", DEMAND, "KW")]
MdWindowKva = Annotated[str | None, _option("--md-window-kva", "Demand within the window, kVA.", DEMAND, "KVA")]
History = Annotated[
    list[str] | None, _option("--history", "Billing demand of a month before, newest first; repeat.", DEMAND, "KVA")
]
Kvah = Annotated[str | None, _option("--kvah", "Apparent energy, kVAh.", DEMAND, "KVAH")]
KvarhLag = Annotated[str | None, _option("--kvarh-lag", "Reactive energy, lag, kVArh.", DEMAND, "KVARH")]
KvarhLead = Annotated[str | None, _option("--kvarh-lead", "Reactive energy, lead, kVArh.", DEMAND, "KVARH")]
Pf = Annotated[str | None, _option("--pf", "Average power factor, where it is not computed.", DEMAND, "PF")]
Zone = Annotated[list[str] | None, _option("--zone", "Imported kWh of a zone; repeat.", SOLAR, "ZONE=KWH")]
ZoneKvah = Annotated[list[str] | None, _option("--zone-kvah", "kVAh of a zone; repeat.", SOLAR, "ZONE=KVAH")]
Export = Annotated[str, _option("--export", "Exported energy, kWh.", SOLAR, "KWH")]
ZoneExport = Annotated[list[str] | None, _option("--zone-export", "Exported kWh of a zone; repeat.", SOLAR, "ZONE=KWH")]
Generation = Annotated[str, _option("--generation", "Whole generation, kWh: gross metering.", SOLAR, "KWH")]
Bank = Annotated[
    list[str] | None, _option("--bank", "kWh carried into the period, by zone or whole; repeat.", SOLAR, "[ZONE=]KWH")
]
Hours = Annotated[str | None, _option("--hours", "Hours of the period; left out: 24 a day.", DEMAND, "HOURS")]
Interruptions = Annotated[str, _option("--interruptions", "Hours without supply.", DEMAND, "HOURS")]
Flag = Annotated[
    list[str] | None, _option("--flag", "Mark of consumer or payment: prepaid, online, bpl; repeat.", MONEY, "MARK")
]
Adjust = Annotated[
    list[str] | None,
    _option("--adjust", "The month's value of an adjustment, or one for each slab; repeat.", MONEY, "CODE=VALUE[,..]"),
]
Arrears = Annotated[str, _option("--arrears", "Rupees in arrears.", MONEY, "RUPEES")]
ArrearsDays = Annotated[int, typer.Option(help="Days that they are late.", min=0, rich_help_panel=MONEY)]


@dataclass(frozen=True)
class Given:
    """What the command line said of a period; numbers are text until `cli.tariff.given` reads them."""

    units: Units = "0"
    days: Days = None
    date: Date = None
    load_kw: LoadKw = None
    load_kva: LoadKva = None
    phases: Phases = None
    md_kw: MdKw = None
    md_kva: MdKva = None
    md_window_kw: MdWindowKw = None
    md_window_kva: MdWindowKva = None
    history: History = None
    kvah: Kvah = None
    kvarh_lag: KvarhLag = None
    kvarh_lead: KvarhLead = None
    pf: Pf = None
    hours: Hours = None
    interruptions: Interruptions = "0"
    zone: Zone = None
    zone_kvah: ZoneKvah = None
    export: Export = "0"
    zone_export: ZoneExport = None
    generation: Generation = "0"
    bank: Bank = None
    flag: Flag = None
    adjust: Adjust = None
    arrears: Arrears = "0"
    arrears_days: ArrearsDays = 0


def with_period(*required: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Fill a command's parameter `given` from the options of `Given`; its other parameters keep their own."""

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        hints = get_type_hints(Given, include_extras=True)
        names = [field.name for field in fields(Given)]

        @functools.wraps(command)
        def filled(**values: Any) -> None:
            command(given=Given(**{name: values.pop(name) for name in names}), **values)

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [item.replace(kind=keyword) for name, item in own.parameters.items() if name != "given"]
        for field in fields(Given):
            default = inspect.Parameter.empty if field.name in required else field.default
            parameters.append(inspect.Parameter(field.name, keyword, annotation=hints[field.name], default=default))
        filled.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        filled.__annotations__ = {item.name: item.annotation for item in parameters}
        # Else the signature of the command itself would be looked up.
        del filled.__wrapped__
        return filled

    return decorated
