"""From the versions in force to the tables that kernels read."""

from __future__ import annotations

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.kernels_columns import COLUMN, form_of
from agents.decode.kernels_drift import Limits
from agents.decode.kernels_keys import FIRST_SPAN, SPAN
from agents.decode.kernels_open import DEVICE, Policy, enter_devices
from agents.decode.kernels_push import LINK, PUSH
from agents.decode.kernels_rows import Tables
from agents.decode.others import checked_keys
from pipeline import gcm
from pipeline.columns import Array
from pipeline.gcm_single import TAG_LENGTH
from pipeline.lookup import index_size
from pipeline.reference import KeyRing, References
from pipeline.templates import template_arrays


def policy_of(config: DecodeConfig) -> Policy:
    """Settings as kernels take them."""
    return Policy(
        plain=config.plain,
        unauthenticated=config.unauthenticated,
        strict=config.counter == "strict",
        zero_is_utc=config.zero_deviation_is_utc,
        offset=config.clock_offset_secs,
        limit=config.frame_limit,
        overlap=config.key_overlap_secs,
    )


def tables_of(references: References, config: DecodeConfig) -> Tables:
    """Everything that does not change until the next control record."""
    registry, keys = references.registry, references.keys
    checks = check_values(keys)
    spans = spans_of(keys, checks)
    links = np.zeros(len(registry.device), LINK)
    for name in ("device", "valid_from", "valid_to", "service_point", "template", "interval_secs"):
        links[name] = getattr(registry, name)
    templates = template_arrays()
    opens = templates.opens[np.minimum(links["template"], len(templates.opens) - 1)] == 1
    opens &= links["template"] < len(templates.opens)
    links["opens"] = np.where(opens, links["interval_secs"], 0)
    pushes, columns = np.zeros(templates.first.shape, PUSH), np.zeros(len(templates.target), COLUMN)
    for name in ("first", "width", "required"):
        pushes[name] = getattr(templates, name)
    pushes["verified"] = templates.verified[:, None]
    for name in ("target", "multiplier", "divisor", "factor"):
        columns[name] = getattr(templates, name)
    columns["form"] = [form_of(target) for target in templates.target.tolist()]
    return Tables(
        devices=_index(registry.device, keys, checks, spans),
        links=links,
        pairs=np.ascontiguousarray(np.hstack([keys.encryption, keys.authentication]), np.uint8),
        pushes=pushes,
        columns=columns,
        names=templates.names,
        spans=spans,
        others=checked_keys(keys.others),
        policy=policy_of(config),
        drift=Limits(config.clock_drift_secs, config.clock_drift_pushes, config.clock_drift_span_secs),
        opening=bool(opens.any()),
    )


def check_values(keys: KeyRing) -> Array:
    """Check value u32 (keys,) of each pair of keys: tells one key from another without showing it.

    The first four octets of the tag over nothing under title 0 and counter 0, which no frame carries.
    """
    count = len(keys.device)
    tags = np.zeros((count, TAG_LENGTH), np.uint8)
    nothing = np.zeros(count, np.int64)
    frames = gcm.Frames(
        np.arange(count), nothing.astype(np.uint64), nothing.astype(np.uint32), nothing, nothing,
        np.arange(count) * TAG_LENGTH,
    )  # fmt: skip
    pair = gcm.Keys(
        *(np.require(column, np.uint8, ["C", "W", "O"]) for column in (keys.encryption, keys.authentication))
    )
    context = gcm.new_context(encrypt=True)
    try:
        gcm.seal_batch(context, pair, frames, np.zeros(1, np.uint8), tags.reshape(-1))
    finally:
        gcm.free_context(context)
    return np.ascontiguousarray(tags[:, :4]).view("<u4").reshape(-1)


def spans_of(keys: KeyRing, checks: Array) -> Array:
    """SPAN of the keys of devices that have several."""
    several = np.zeros(len(keys.device), np.bool_)
    same = keys.device[1:] == keys.device[:-1]
    several[1:] |= same
    several[:-1] |= same
    rows = np.flatnonzero(several)
    spans = np.zeros(len(rows), SPAN)
    spans["device"], spans["since"], spans["row"] = keys.device[rows], keys.valid_from[rows], rows
    spans["check"] = checks[rows]
    return spans


def _index(link_device: Array, keys: KeyRing, check: Array, spans: Array) -> Array:
    devices = _distinct(np.concatenate([link_device, keys.device]).astype(np.uint64))
    index = np.zeros(index_size(len(devices)), DEVICE)
    key_row = _rows_of(keys.device, devices)
    # One more value for row -1, which is the last.
    checks = np.append(check, np.uint32(0))[key_row]
    first = _rows_of(spans["device"], devices)
    key_row = np.where(first >= 0, FIRST_SPAN - first, key_row)
    enter_devices(devices, _rows_of(link_device, devices), key_row, checks, index)
    return index


def _distinct(values: Array) -> Array:
    """Values in order, each once. np.unique asks a hash table first: of a million devices that took seconds."""
    values.sort()
    first = np.ones(len(values), np.bool_)
    first[1:] = values[1:] != values[:-1]
    distinct: Array = values[first]
    return distinct


def _rows_of(column: Array, devices: Array) -> Array:
    """First row i64 (n,) of each device in a sorted column, -1 where it is not there."""
    if not len(column):
        return np.full(len(devices), -1, np.int64)
    rows = np.searchsorted(column, devices)
    return np.where(column[np.minimum(rows, len(column) - 1)] == devices, rows, -1).astype(np.int64)
