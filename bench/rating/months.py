"""A month of consumers of five tariffs: their quantities as columns, and as the reference engine takes them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from agents.rating.bulk.bills import Months
from agents.rating.bulk.compiled import EPOCH, Book, compile_book
from agents.rating.bulk.encode import no_values, put_values
from agents.rating.bulk.quantities import bit, new_quantities, records
from agents.rating.engine.catalogue import find, load
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.splits import Part, split_by_days
from bench.rating.case import RatingCase
from pipeline.columns import Array

EXAMPLES = Path(__file__).parents[2] / "examples" / "tariffs"
DOMESTIC = ("msedcl-lt1b-2020", "delhi-domestic-2019", "kseb-lt1-2019")
ROOFTOP, INDUSTRY = 3, 4
"""Places of the tariffs of those with a plant, and of those with demand."""
BEGINS, DAYS = datetime.date(2026, 6, 1), 30
VALUES: Mapping[str, tuple[Decimal, ...]] = {"PPAC": (Decimal("8.11"),), "FAC": (Decimal("0.35"),)}
SHARES = {ROOFTOP: (0.45, 0.2, 0.35), INDUSTRY: (0.2, 0.4, 0.25, 0.15)}
"""Of a consumer's import by zone, in the order of the tariff's zones; what is left over is in no zone."""


def book_of() -> Book:
    """Three domestic tariffs, net metering, and industry by time of day and demand."""
    files = [load(str(EXAMPLES / f"{name}.yaml")) for name in ("rooftop", "ht-industry")]
    return compile_book([*(find(name) for name in DOMESTIC), *files])


@dataclass(frozen=True)
class Consumers:
    """Their month. All arrays i64 (consumers,), or (consumers, zones)."""

    case: RatingCase

    @cached_property
    def book(self) -> Book:
        """The five tariffs."""
        return book_of()

    @cached_property
    def tariff(self) -> Array:
        """Place in the book on the first day."""
        chance, count = np.random.default_rng((self.case.seed, 1)), self.case.consumers
        place = chance.integers(0, len(DOMESTIC), count)
        draw = chance.random(count)
        place[draw < self.case.net_metered] = ROOFTOP
        place[draw >= 1 - self.case.demand] = INDUSTRY
        return place

    @cached_property
    def changed_after(self) -> Array:
        """Days after which a domestic consumer has another tariff; 0: none."""
        chance, count = np.random.default_rng((self.case.seed, 2)), self.case.consumers
        domestic = self.tariff < len(DOMESTIC)
        share = self.case.changed / max(domestic.mean(), 1e-9)
        return np.where(domestic & (chance.random(count) < share), chance.integers(1, DAYS, count), 0)

    @cached_property
    def columns(self) -> dict[str, Array]:
        """Energies, demands and loads of the whole month."""
        chance, count = np.random.default_rng((self.case.seed, 3)), self.case.consumers
        industry = self.tariff == INDUSTRY
        wh = np.where(
            industry, chance.integers(10**7, 10**9, count), chance.gamma(2.0, 120_000, count).astype(np.int64)
        )
        load_w = np.where(industry, 0, chance.integers(1, 12, count) * 1000)
        load_va = np.where(industry, wh // 400, 0)
        zones = np.zeros((count, 4), np.int64)
        for place, shares in SHARES.items():
            zones[self.tariff == place, : len(shares)] = wh[self.tariff == place, None] * np.array(shares)
        exported = np.zeros_like(zones)
        plant = self.tariff == ROOFTOP
        exported[plant, 0] = wh[plant] * chance.random(int(plant.sum())) * 1.2
        bank = np.zeros((count, 9), np.int64)
        bank[plant, 2] = chance.integers(0, 40_000, int(plant.sum()))
        return {
            "wh_imp": wh, "load_w": load_w, "load_va": load_va, "zone_wh_imp": zones, "zone_wh_exp": exported,
            "wh_exp": exported.sum(axis=1), "bank_wh": bank,
            "vah_imp": np.where(industry, wh + wh * chance.integers(0, 150, count) // 1000, 0),
            "md_window_va": np.where(industry, load_va * chance.integers(500, 1200, count) // 1000, 0),
            "history": np.where(industry, load_va * chance.integers(400, 1300, count) // 1000, 0),
            "phases": np.where(chance.random(count) < 0.9, 1, 3),
        }  # fmt: skip

    def known(self, place: Array) -> Array:
        """The bits of what is known of consumers by these tariffs."""
        plain = bit("load_w") | bit("phases") | bit("begins") | bit("days")
        demand = bit("load_va") | bit("phases") | bit("begins") | bit("days") | bit("zones_wh") | bit("vah")
        demand |= bit("md_window_va") | bit("history")
        return np.where(place == INDUSTRY, demand, np.where(place == ROOFTOP, plain | bit("zones_wh"), plain))

    def rows(self) -> tuple[Array, Array]:
        """(tariff i32 (rows,), columns i64 (rows, WIDTH)): a row a consumer, two where the tariff changes."""
        twice = self.changed_after > 0
        first = np.arange(len(twice)) + np.concatenate(([0], np.cumsum(twice)[:-1]))
        columns = new_quantities(len(twice) + int(twice.sum()))
        found, tariff = records(columns), np.zeros(len(columns), np.int32)
        for name, values in self.columns.items():
            width = values.shape[1] if values.ndim > 1 else 0
            target = found[name][:, :width] if width else found[name]
            target[first] = values
            target[first[twice] + 1] = values[twice]
        tariff[first], tariff[first[twice] + 1] = self.tariff, self.other[twice]
        days, begins = np.full(len(columns), DAYS), np.full(len(columns), (BEGINS - EPOCH).days)
        after = self.changed_after[twice]
        before = self.columns["wh_imp"][twice] * after // DAYS
        found["wh_imp"][first[twice] + 1] -= before
        found["wh_imp"][first[twice]] = before
        days[first[twice]], days[first[twice] + 1] = after, DAYS - after
        begins[first[twice] + 1] += after
        found["days"], found["begin_day"], found["known"] = days, begins, self.known(tariff)
        found["follows"][first[twice] + 1] = 1
        return tariff, columns

    @property
    def other(self) -> Array:
        """The tariff after a change."""
        return (self.tariff + 1) % len(DOMESTIC)

    def months(self, rows: int) -> Months:
        """The month's values, which have landed."""
        values, landed = no_values(self.book, 1)
        for place in range(len(self.book.tariffs)):
            put_values(self.book, place, VALUES, values[0], landed[0])
        return Months(np.zeros(rows, np.int32), values, landed)

    def parts(self, consumer: int) -> list[Part]:
        """The month of a consumer for the reference engine, cut by the engine's own rule."""
        own = {name: values[consumer] for name, values in self.columns.items()}
        place = int(self.tariff[consumer])
        given, after = self._given(place, own), int(self.changed_after[consumer])
        if not after:
            return [Part(self.book.tariffs[place], given)]
        halves = split_by_days(given, [after, DAYS - after])
        return [Part(self.book.tariffs[where], half)
                for where, half in zip((place, int(self.other[consumer])), halves, strict=True)]  # fmt: skip

    def _given(self, place: int, own: dict[str, Any]) -> Quantities:
        zones = [zone.code for zone in self.book.tariffs[place].calendar.zones]
        zoned = place in (ROOFTOP, INDUSTRY)

        def by_zone(name: str) -> dict[str, int]:
            return {zone: int(own[name][number]) for number, zone in enumerate(zones)} if zoned else {}

        industry = place == INDUSTRY
        return Quantities(
            wh=int(own["wh_imp"]), days=DAYS, begins=BEGINS, phases=int(own["phases"]), adjustments=VALUES,
            load_w=None if industry else int(own["load_w"]), load_va=int(own["load_va"]) if industry else None,
            zones_wh=by_zone("zone_wh_imp"), zones_export_wh=by_zone("zone_wh_exp"), export_wh=int(own["wh_exp"]),
            bank_wh={zone: energy for zone, energy in by_zone("bank_wh").items() if energy},
            vah=int(own["vah_imp"]) if industry else None,
            md_window_va=int(own["md_window_va"]) if industry else None,
            demand_history=(int(own["history"]),) if industry else (),
        )  # fmt: skip
