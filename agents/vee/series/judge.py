"""Every rule on every channel of a series; what a rule needs and is not there is told instead of judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.series import kernels_interval as interval_rules
from agents.vee.series import kernels_periods as period_rules
from agents.vee.series import kernels_registers as register_rules
from agents.vee.series import kernels_runs as run_rules
from agents.vee.series.figures import least_repeats, month_figures, mostly, usual_peak, without_rollover
from agents.vee.series.model import Channel, Grid, Series
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.quality import Quality
from pipeline.rules import RULE_BIT

UNUSABLE = np.uint64(sum(1 << RULE_BIT[code] for code in ("V06", "V07", "V09", "V25")))
"""Bits of values that are no measure of a usual day."""
PHYSICAL = ("voltage_r", "voltage_y", "voltage_b", "current_r", "current_y", "current_b", "power_factor")
UNSIGNED = ("wh_imp", "wh_exp", "vah_imp", "vah_exp", "varh_q1", "varh_q2", "varh_q3", "varh_q4")

OF_FLEET = {"V31": "multiplier of meter and master data", "V35": "nodes of a network"}


@dataclass
class Judged:
    """What was found beside the words in the channels: zeros before use, highest interval of a usual day."""

    channel: Channel
    before_use: int = 0
    usual_peak: int = 0
    zero_stretches: int = 0
    months_known: Array = field(default_factory=lambda: np.empty(0, np.int64))


def judge(series: Series, thresholds: Thresholds, off: frozenset[str] = frozenset()) -> dict[str, Judged]:
    """Set the words of failed rules in the channels of a series. `off`: codes that are not judged.

    Raises nothing: a rule without what it needs is in `not_judged` of its channel, with what is missing.
    """
    found: dict[str, Judged] = {}
    for name, channel in series.channels.items():
        found[name] = _Judge(series, channel, thresholds).run()
        if off:
            mask = ~np.uint64(sum(1 << RULE_BIT[code] for code in off))
            for words in (channel.flags, channel.days, channel.months, channel.spans):
                words &= mask
            channel.not_judged.update(dict.fromkeys(sorted(off), "switched off by the rule set"))
        channel.not_judged = dict(sorted(channel.not_judged.items()))
    return found


class _Judge:
    """One channel."""

    def __init__(self, series: Series, channel: Channel, thresholds: Thresholds) -> None:
        self.series, self.channel, self.limits = series, channel, thresholds
        self.grid: Grid = series.grid
        self.there = channel.there
        self.usable = self.there.copy()
        self.judged = Judged(channel)
        none = np.zeros(len(self.grid), np.uint8)
        self.outage = none if series.beside.outage is None else series.beside.outage

    def run(self) -> Judged:
        if self.channel.name in PHYSICAL:
            self._physical()
            return self.judged
        self._intervals()
        self._beside()
        self._apparent_and_reactive()
        self._runs()
        self._registers()
        self._months()
        return self.judged

    def _lacks(self, code: str, what: str) -> None:
        self.channel.not_judged[code] = f"no {what}"

    def _intervals(self) -> None:
        channel, facts, limits = self.channel, self.series.facts, self.limits
        flags = channel.flags
        interval_rules.missing(self.there, np.ones(len(self.grid), np.uint8), flags)
        interval_rules.negative(channel.value, self.there, flags)
        limit = facts.limit_wh * limits.range_percent // 100
        limit = limit or facts.sanctioned_wh * limits.sanctioned_percent // 100
        if limit:
            interval_rules.beyond_limit(channel.value, self.there, limit, flags)
        else:
            self._lacks("V09", "limit of the meter or sanctioned load")
        doubt = (channel.quality == Quality.SUSPECT).astype(np.uint8)
        interval_rules.doubted(doubt, self.there, flags)
        if limits.change_percent:
            interval_rules.changed(channel.value, self.there, limits.change_percent, limits.change_floor_wh, flags)
        else:
            self._lacks("V21", "limit set")
        self.usable[(flags & UNUSABLE) > 0] = 0

    def _beside(self) -> None:
        beside, limits, flags, there = self.series.beside, self.limits, self.channel.flags, self.there
        value = self.channel.value
        if beside.device is not None and beside.registered is not None:
            interval_rules.other_device(beside.device, beside.registered, there, flags)
        else:
            self._lacks("V04", "devices")
        if beside.clock_offset is not None:
            interval_rules.clock_off(beside.clock_offset, there, limits.clock_tolerance_secs, flags)
        else:
            self._lacks("V05", "clock offsets")
        if beside.status is not None:
            interval_rules.status_set(beside.status, self.series.facts.status_faults, there, flags)
        else:
            self._lacks("V10", "meter status")
        if beside.testing is not None:
            interval_rules.tested(beside.testing, there, flags)
        elif limits.testing:
            interval_rules.tested(np.ones(len(there), np.uint8), there, flags)
        if beside.inactive is not None:
            interval_rules.inactive_use(value, there, beside.inactive, limits.inactive_tolerance_wh, flags)
        else:
            self._lacks("V24", "relay or account states")
        if beside.outage is not None:
            interval_rules.outage_use(value, there, beside.outage, flags)
        else:
            self._lacks("V26", "outages")
        if self.channel.name == beside.check_channel and beside.check is not None and beside.check_there is not None:
            both = there & beside.check_there
            interval_rules.check_differs(value, beside.check, both, limits.check_tolerance_permille, flags)
        else:
            self._lacks("V34", "check meter")
        if beside.final is not None and beside.final_rank is not None and beside.rank is not None:
            both = there & (beside.final_rank > 0)
            interval_rules.final_replaced(
                value, beside.rank, beside.final, beside.final_rank, both, limits.final_change_permille, flags
            )
        else:
            self._lacks("V36", "final values")

    def _apparent_and_reactive(self) -> None:
        channel, limits, channels = self.channel, self.limits, self.series.channels
        if channel.name != "wh_imp":
            if channel.name == "wh_exp":
                self._export()
            return
        vah, varh = channels.get("vah_imp"), channels.get("varh_q1")
        if vah is None:
            self._lacks("V16", "apparent energy")
        else:
            both = self.there & vah.there
            interval_rules.apparent_below_active(
                channel.value, vah.value, both, limits.apparent_tolerance_permille, channel.flags
            )
        factor = channels.get("power_factor")
        if factor is None or vah is None:
            self._lacks("V29", "power factor")
        else:
            every = self.there & vah.there & factor.there
            least = 1000 // max(1, limits.power_factor_tolerance_permille)
            interval_rules.power_factor_wrong(
                factor.value, channel.value, vah.value, every, least, limits.power_factor_tolerance_permille,
                channel.flags,
            )  # fmt: skip
        if varh is None:
            self._lacks("V15", "reactive energy")
        else:
            interval_rules.reactive_alone(
                channel.value, varh.value, self.there & varh.there, limits.reactive_intervals,
                limits.power_factor_least_percent, channel.flags,
            )  # fmt: skip
        siblings = [other for name, other in channels.items() if name != channel.name and name not in PHYSICAL]
        for other in siblings:
            interval_rules.sibling_missing(self.there, other.there, channel.flags)
        if not siblings:
            self._lacks("V33", "other channel")
        self._supply()

    def _supply(self) -> None:
        channels, facts = self.series.channels, self.series.facts
        voltage, current, export = (channels.get(name) for name in ("voltage_r", "current_r", "wh_exp"))
        # A current that flows out makes no import: without the export it says nothing.
        blind = export is None and facts.net is not False
        if voltage is None or current is None or not facts.nominal_mv or blind:
            return
        self.channel.not_judged.pop("V26", None)
        least = facts.nominal_mv * self.limits.supply_voltage_percent // 100
        known = self.there & voltage.there & current.there & (self.outage == 0)
        if export is not None:
            known &= export.there & (export.value == 0)
        interval_rules.supplied_without_use(
            self.channel.value, known, voltage.value, current.value, least, self.limits.supply_current_ma,
            self.channel.flags,
        )  # fmt: skip

    def _export(self) -> None:
        if self.series.facts.net is False:
            period_rules.exported(
                self.channel.value, self.there, self.grid.month_bounds, self.limits.export_month_wh, self.channel.flags
            )
        elif self.series.facts.net is None:
            self._lacks("V32", "master data of net meters")

    def _runs(self) -> None:
        channel, grid, limits = self.channel, self.grid, self.limits
        value, flags = channel.value, channel.flags
        if channel.name == "wh_imp":
            self.judged.before_use = run_rules.before_use(value, self.usable, flags)
        run_rules.repeated(value, self.usable, limits.stuck_intervals, limits.stuck_floor_wh, flags)
        pairs, equal = np.zeros(64, np.int64), np.zeros(64, np.int64)
        run_rules.neighbours_equal(value, self.usable, pairs, equal)
        least = least_repeats(pairs, equal, limits.stuck_chance_ppm, limits.stuck_intervals)
        run_rules.repeated_unlikely(value, self.usable, least, limits.stuck_small_floor_wh, flags)
        together = [other for other in self.series.channels.values() if other is not channel]
        if any(other.name.startswith(("voltage", "current")) for other in together):
            values = np.stack([value, *(other.value for other in together)])
            every = np.bitwise_and.reduce([self.usable, *(other.there for other in together)])
            run_rules.repeated_together(values, every, limits.stuck_together_intervals, flags)
        self.usable[(flags & UNUSABLE) > 0] = 0
        if grid.interval < DAY_SECS:
            if limits.spike_usual_percent:
                self.judged.usual_peak = usual_peak(value, self.usable, grid.day_bounds, limits)
            run_rules.spikes(
                value, self.usable, grid.day_bounds, limits.spike_ratio_percent, limits.spike_floor_wh,
                self.judged.usual_peak * limits.spike_usual_percent // 100, flags, channel.days,
            )  # fmt: skip
        else:
            self._lacks("V14", "intervals shorter than a day")
        self._zeros()

    def _zeros(self) -> None:
        channel, grid, limits = self.channel, self.grid, self.limits
        if channel.name != "wh_imp":
            return
        days = limits.zero_days_industry if self.series.facts.industry else limits.zero_days
        least = days * grid.per_day
        if grid.interval < DAY_SECS:
            least = min(least, limits.zero_hours * 3600 // grid.interval)
        known = self.there.copy()
        known[(channel.flags & run_rules.V11) > 0] = 0
        self.judged.zero_stretches = run_rules.zero_stretches(channel.value, known, self.outage, least, channel.flags)

    def _registers(self) -> None:
        channel, limits, beside = self.channel, self.limits, self.series.beside
        registers = channel.registers
        if registers is None or len(registers.at) < 2:
            for code in ("V08", "V12", "V13", "V20"):
                self._lacks(code, "registers")
            return
        count = len(registers.at)
        channel.spans = np.zeros(count - 1, np.uint64)
        channel.unexplained = np.zeros(count - 1, np.int64)
        at, reading, good = registers.at, without_rollover(self.series, channel, limits), registers.good.copy()
        good[:-1][(channel.spans & register_rules.V07) > 0] = 0
        register_rules.sum_check(
            channel.value, self.usable, at, reading, good,
            np.array([limits.register_tolerance_wh, limits.month_tolerance_wh], np.int64),
            np.array([limits.register_tolerance_permille, limits.month_tolerance_permille], np.int64),
            7 * self.grid.per_day, self.series.facts.limit_wh * limits.range_percent // 100, channel.spans,
            channel.unexplained,
        )  # fmt: skip
        if beside.zones is None:
            self._lacks("V13", "registers of tariff zones")
        else:
            register_rules.zone_check(reading, beside.zones, good, limits.zone_tolerance_wh, channel.spans)
            if beside.zone is not None:
                register_rules.zone_blocks(
                    channel.value, self.usable, beside.zone, at, beside.zones, good, limits.zone_tolerance_wh,
                    channel.spans,
                )  # fmt: skip
        if limits.register_change_percent:
            register_rules.register_changed(at, reading, good, limits.register_change_percent, channel.spans)
        else:
            self._lacks("V20", "limit set")
        for span in np.flatnonzero(channel.spans & register_rules.V12).tolist():
            channel.days[self._days_of(int(at[span]), int(at[span + 1]))] |= register_rules.V12

    def _days_of(self, first: int, after: int) -> slice:
        low, high = np.searchsorted(self.grid.day_bounds, (first, after - 1), side="right") - 1
        return slice(int(low), int(high) + 1)

    def _months(self) -> None:
        channel, grid, limits, facts = self.channel, self.grid, self.limits, self.series.facts
        use, days, peak = month_figures(grid, channel.value, self.usable)
        self.judged.months_known = days
        if channel.name == "wh_imp":
            period_rules.usage_unusual(use, days, limits.usage_high_percent, limits.usage_low_percent, channel.months)
            period_rules.audit_unusual(use, days, limits.audit_high_percent, limits.audit_low_percent, channel.months)
            if grid.interval < DAY_SECS:
                period_rules.peak_changed(peak, days, limits.peak_change_percent, channel.months)
                power = peak * (3600 * 100 // grid.interval) // 100
                period_rules.demand_unusual(
                    power, days, limits.demand_high_percent, limits.demand_low_percent, channel.months
                )
            if int((days > 0).sum()) < 2:
                for code in ("V17", "V18", "V19", "V22"):
                    self._lacks(code, "two whole months")
        demand = self.series.beside.demand
        if demand is None or grid.interval > 3600:
            self._lacks("V28", "maximum demand")
        else:
            known = (demand >= 0).astype(np.uint8)
            register_rules.demand_differs(
                channel.value, self.usable, grid.month_bounds, demand, known, 3600 // grid.interval,
                limits.demand_tolerance_permille, int(facts.demand_same), channel.months,
            )  # fmt: skip
        estimated = self.there & (channel.quality == Quality.ESTIMATED)
        period_rules.long_estimated(mostly(grid, estimated), limits.estimated_bills, channel.months)
        if facts.meter_ratio is None or facts.master_ratio is None:
            self._lacks("V31", OF_FLEET["V31"])
        else:
            word = np.zeros(1, np.uint64)
            ratios = (np.array([ratio], np.int64) for ratio in (facts.meter_ratio, facts.master_ratio))
            period_rules.multiplier_differs(*ratios, np.ones(1, np.uint8), word)
            channel.months |= word[0]
        self._lacks("V35", OF_FLEET["V35"])
        self._lacks("V27", "voltages")

    def _physical(self) -> None:
        nominal, limits = self.series.facts.nominal_mv, self.limits
        if not self.channel.name.startswith("voltage"):
            return
        if not nominal:
            self._lacks("V27", "nominal voltage")
            return
        wrong = np.zeros(len(self.grid), np.uint8)
        interval_rules.voltage_outside(
            self.channel.value, self.there, self.outage, nominal * (100 - limits.voltage_percent) // 100,
            nominal * (100 + limits.voltage_percent) // 100, nominal * limits.voltage_most_percent // 100,
            self.channel.flags, wrong,
        )  # fmt: skip
        self.channel.quality[wrong > 0] = Quality.SUSPECT
