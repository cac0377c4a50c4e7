"""V35: days of network nodes whose balance cannot be, or is worse than lines and transformers explain.

A day is judged once, when it is final, and where nearly all meters of the node have sent it: estimates of what did not
come would balance themselves. The exception stands at the meter that feeds the node.
"""

from __future__ import annotations

import numpy as np

from agents.exceptions.records import OPEN, Exceptions, exceptions_beside
from agents.losses.config import LossesConfig
from agents.losses.nodes import UNKNOWN, Nodes
from agents.losses.state import DAY
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.step import Origin

THOUSAND = 1000


def out_of_balance(rows: Array, config: LossesConfig) -> Array:
    """Mask of the balances BALANCE (n,) at which V35 fails: of days that enough is known of."""
    into, out, share = rows["input_wh"], rows["output_wh"], config.balance_coverage_permille
    known = (rows["row"] == DAY) & (rows["inputs_expected"] > 0) & (rows["expected"] > 0) & (into > 0)
    for came, due in (("actual", "expected"), ("inputs_actual", "inputs_expected")):
        known &= rows[came].astype(np.int64) * THOUSAND >= rows[due].astype(np.int64) * share
    lost = into - out
    too_much = -lost * THOUSAND > into * config.balance_tolerance_permille
    too_little = lost * THOUSAND > into * (config.technical_loss_permille + config.balance_tolerance_permille)
    failed: Array = known & (too_much | too_little)
    return failed


def exceptions_of_nodes(
    rows: Array, places: Array, nodes: Nodes, config: LossesConfig, tick_time: int, origin: Origin
) -> Exceptions:
    """Exceptions of final balances BALANCE (n,), at places i64 (n,) of `nodes`, in their order."""
    chosen = np.flatnonzero(out_of_balance(rows, config) & (places != UNKNOWN))
    chosen = chosen[nodes.meter[places[chosen]] != 0]
    rows, count = rows[chosen], len(chosen)
    lost = np.abs(rows["input_wh"] - rows["output_wh"])
    absent = np.maximum(rows["expected"] - rows["actual"] - rows["estimated"], 0)
    columns = {
        "service_point": nodes.meter[places[chosen]],
        "rule": np.full(count, "V35"),
        "start": rows["start"],
        "end": rows["start"] + DAY_SECS,
        "state": np.full(count, OPEN),
        "intervals_expected": rows["expected"],
        "intervals_actual": rows["actual"],
        "intervals_estimated": rows["estimated"],
        "intervals_missing": absent,
        "wh": lost,
        "found": rows["output_wh"],
        "expected": rows["input_wh"],
        "node": rows["node"],
    }
    return exceptions_beside(columns, config.paise_per_kwh, tick_time, origin, "losses")
