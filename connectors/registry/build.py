"""Checked rows -> a version of the registry, the keys, and the tariff documents. Rows in error are left out.

The order of rows in the files does not matter: rows are sorted by id and beginning, and no two have both the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from connectors.registry.check_installations import factors, known, templates
from connectors.registry.check_meters import since_of
from connectors.registry.read import Rows
from connectors.registry.spans import book_of, ends_of
from connectors.registry.tables import (
    AUTHENTICATION,
    BROADCAST_ENCRYPTION,
    CLOSING,
    ENCRYPTION,
    LONG_AUTHENTICATION,
    LONG_ENCRYPTION,
    OPENING,
)
from pipeline.columns import Array
from pipeline.keystore import key_ring
from pipeline.reference import BROADCAST, OTHER_KEY, UNICAST, KeyRing, Registry

OPENING_KNOWN, CLOSING_KNOWN = 1, 2


def build_registry(tables: Mapping[str, Rows]) -> Registry:
    """The registry of all rows that are not in error."""
    columns = {**_links(tables), **_points(tables["service_points"]), **_nodes(tables["network"])}
    return Registry(**{
        column.name: np.ascontiguousarray(columns[column.name].astype(column.dtype)) for column in Registry.COLUMNS
    })  # fmt: skip


def build_keys(keys: Rows) -> KeyRing:
    """Keys of all rows that are not in error; without an authentication key it is the encryption key.

    Of keys for suite 2 and broadcast those of a meter's newest row that has some.
    """
    since = since_of(keys)
    dated = _with(keys, ENCRYPTION)
    long, broadcast = (_newest(keys, since, _with(keys, name)) for name in (LONG_ENCRYPTION, BROADCAST_ENCRYPTION))
    others = [
        _others(UNICAST, *_pairs(keys, long, LONG_ENCRYPTION, LONG_AUTHENTICATION, LONG_ENCRYPTION)),
        _others(BROADCAST, *_pairs(keys, broadcast, BROADCAST_ENCRYPTION, AUTHENTICATION, ENCRYPTION)),
    ]
    usual = _pairs(keys, dated, ENCRYPTION, AUTHENTICATION, ENCRYPTION)
    return key_ring(*usual, np.concatenate(others), since[dated])


def _with(keys: Rows, encryption: str) -> Array:
    """Rows that are not in error and have this key."""
    return np.flatnonzero(~keys.bad & keys.given[encryption])


def _newest(keys: Rows, since: Array, at: Array) -> Array:
    """Of the rows `at` i64 (n,) the newest of each meter."""
    order = at[np.lexsort((since[at], keys["system_title"][at]))]
    last = np.ones(len(order), bool)
    last[:-1] = keys["system_title"][order[1:]] != keys["system_title"][order[:-1]]
    newest: Array = order[last]
    return newest


def _pairs(keys: Rows, at: Array, encryption: str, authentication: str, instead: str) -> tuple[Array, Array, Array]:
    """(device, encryption key, authentication key or what stands for it) of the rows `at` i64 (n,)."""
    own = keys.given[authentication][at][:, None]
    return keys["system_title"][at], keys[encryption][at], np.where(own, keys[authentication][at], keys[instead][at])


def _others(key_set: int, device: Array, encryption: Array, authentication: Array) -> Array:
    """The same as OTHER_KEY."""
    rows, length = np.zeros(len(device), OTHER_KEY), encryption.shape[1]
    rows["device"], rows["key_set"], rows["length"] = device, key_set, length
    rows["encryption"][:, :length], rows["authentication"][:, :length] = encryption, authentication
    return rows


def build_tariffs(tariffs: Rows) -> dict[str, bytes]:
    """Documents by name, as the rating stage looks for them."""
    at = np.flatnonzero(~tariffs.bad).tolist()
    return {f"tariffs/{tariffs['name'][row].decode()}": tariffs["document"][row] for row in at}


def _links(tables: Mapping[str, Rows]) -> dict[str, Array]:
    rows, meters = tables["installations"], tables["meters"]
    titles = book_of(meters, "system_title")
    above, below = factors(rows)
    order = _order(rows, "system_title", "installed_at")
    meter = titles.row(rows["system_title"][order])

    def of_model(name: str) -> Array:
        return np.where(rows.given[name][order], rows[name][order], meters[name][meter])

    opens, closes = known(rows, OPENING)[order], known(rows, CLOSING)[order]
    return {
        "device": rows["system_title"][order],
        "service_point": rows["service_point"][order],
        "valid_from": rows["installed_at"][order],
        "valid_to": ends_of(rows, "removed_at")[order],
        "template": templates(rows, meters, titles)[order],
        "factor_numerator": above[order],
        "factor_denominator": below[order],
        "interval_secs": of_model("interval_secs"),
        "limit_wh": of_model("limit_wh"),
        "exchange": np.where(opens, OPENING_KNOWN, 0) | np.where(closes, CLOSING_KNOWN, 0),
        "opening": _registers(rows, OPENING, order, opens),
        "closing": _registers(rows, CLOSING, order, closes),
    }


def _registers(rows: Rows, columns: tuple[str, ...], order: Array, there: Array) -> Array:
    return np.stack([np.where(there, rows[name][order], 0) for name in columns], axis=1)


def _points(rows: Rows) -> dict[str, Array]:
    order = _order(rows, "service_point", "valid_from")
    same = ("account", "tariff", "role", "net_meter", "sanctioned_w", "dt", "feeder")
    return {
        "point": rows["service_point"][order],
        "point_from": rows["valid_from"][order],
        "point_to": ends_of(rows, "valid_to")[order],
        **{name: rows[name][order] for name in same},
    }


def _nodes(rows: Rows) -> dict[str, Array]:
    order = _order(rows, "node")
    return {
        "node": rows["node"][order],
        "node_level": rows["level"][order],
        "node_parent": rows["parent"][order],
        "node_name": rows["name"][order],
    }


def _order(rows: Rows, *names: str) -> Array:
    """Rows that are not in error, sorted by these columns, the first one first."""
    at = np.flatnonzero(~rows.bad)
    return at[np.lexsort([rows[name][at] for name in reversed(names)])]
