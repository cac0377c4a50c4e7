"""The order of the stream's methods and their expected errors, as arrays for kernels: a row a class, a class a link.

What is said in the document `estimates.yaml` that a control record has put in force, else the order and figures that
are shipped. Documents and registry in, arrays out, so all partitions and every replay have the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agents.vee.estimate.document import ClassKeys, Document, ExpectedError, StepKeys, load
from agents.vee.estimate.errors import LENGTH_NAMES, SHIPPED
from agents.vee.kernels_order import LEAST, LONGEST, METHOD, OWN, SHORTEST, STEP, STEPS
from pipeline.codes import NOT_KNOWN, Method, Role
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.reference import Registry
from schemas.estimate_score import LOAD_BOUNDS_W, LoadClass

NAME = "estimates.yaml"
"""Of the document."""

METHODS = max(Method) + 1
FOREVER = 2**62

DEFAULT = (
    StepKeys(method=Method.LINEAR.name),
    StepKeys(method=Method.LIKE_DAY.name),
    StepKeys(method=Method.CARRIED.name),
)
"""The order without a document; a line is for gaps up to `linear_secs`."""


class StreamTables(NamedTuple):
    """orders i64 (c, STEPS, STEP): see `kernels_order`. expected u2 (c, METHODS, lengths of gap): thousandths or
    NOT_KNOWN. order_of u2 (links,): the class of each link; class 0 is that of service points of which nothing is said.
    """

    orders: Array
    expected: Array
    order_of: Array


def document_in_force(documents: Mapping[str, bytes]) -> Document:
    """The one among `documents`, or an empty one; raises ConfigError naming every error in it."""
    if NAME not in documents:
        return Document()
    try:
        text = documents[NAME].decode()
    except UnicodeDecodeError as error:
        raise ConfigError("ESTIMATES_FAULT", where=NAME, what=str(error), do="write it as UTF-8 text") from error
    return load(text, NAME)


def stream_tables(document: Document, registry: Registry) -> StreamTables:
    """The tables of the links of a registry."""
    order_of = np.zeros(len(registry.service_point), np.uint16)
    if not document.classes:
        return StreamTables(orders_of(document), expected_errors_of(document), order_of)
    rows = rows_of_points(document, registry.role, registry.tariff, registry.sanctioned_w)
    # The newest row of a service point says what it is.
    order = np.lexsort((registry.point_from, registry.point))
    points = registry.point[order]
    place = np.searchsorted(points, registry.service_point, "right") - 1
    known = place >= 0
    known[known] = points[place[known]] == registry.service_point[known]
    order_of[known] = rows[order[place[known]]]
    return StreamTables(orders_of(document), expected_errors_of(document), order_of)


def rows_of_points(document: Document, role: Array, tariff: Array, sanctioned_w: Array) -> Array:
    """Class u2 (n,) of service points by role, tariff and sanctioned load; the first that fits, 0 for none."""
    found = np.zeros(len(role), np.uint16)
    bands = np.searchsorted(np.array(LOAD_BOUNDS_W), sanctioned_w.astype(np.int64), side="left")
    return _first_that_fits(document.classes, role, tariff, bands, found)


def rows_of_classes(document: Document, role: Array, tariff: Array, load_class: Array) -> Array:
    """The same of service points whose band of load is known; each i64 (n,), roles as in pipeline.codes.Role."""
    return _first_that_fits(document.classes, role, tariff, load_class, np.zeros(len(role), np.uint16))


def _first_that_fits(
    classes: Sequence[ClassKeys], role: Array, tariff: Array, load_class: Array, found: Array
) -> Array:
    for number in range(len(classes), 0, -1):
        one = classes[number - 1]
        fits = np.ones(len(found), bool)
        if one.role is not None:
            fits &= role == Role[one.role].value
        if one.tariffs is not None:
            fits &= np.isin(tariff, one.tariffs)
        if one.load_class is not None:
            fits &= load_class == LoadClass[one.load_class].value
        found[fits] = number
    return found


def orders_of(document: Document) -> Array:
    """i64 (classes + 1, STEPS, STEP)."""
    orders = np.zeros((len(document.classes) + 1, STEPS, STEP), np.int64)
    common = document.order or DEFAULT
    for number, steps in enumerate((common, *(one.order or common for one in document.classes))):
        for place, step in enumerate(steps):
            method = Method[step.method]
            row = orders[number, place]
            row[METHOD], row[SHORTEST], row[LEAST] = method, step.shortest_secs, step.least_days
            row[LONGEST] = step.longest_secs or (OWN if method is Method.LINEAR else FOREVER)
    return orders


def whole_orders(document: Document, linear_secs: int) -> Array:
    """`orders_of` with a longest gap in each step."""
    orders = orders_of(document)
    longest = orders[..., LONGEST]
    longest[longest == OWN] = linear_secs
    return orders


def alone(methods: Sequence[Method]) -> Array:
    """i64 (methods, STEPS, STEP): orders of one method each, without conditions."""
    orders = np.zeros((len(methods), STEPS, STEP), np.int64)
    orders[:, 0, METHOD], orders[:, 0, LONGEST] = methods, FOREVER
    return orders


def expected_errors_of(document: Document) -> Array:
    """u2 (classes + 1, METHODS, lengths)."""
    common = np.full((METHODS, len(LENGTH_NAMES)), NOT_KNOWN, np.uint16)
    for method, expected in SHIPPED.items():
        common[method] = [one.wape for one in expected]
    _say(common, document.expected_error)
    expected_errors = np.repeat(common[None], len(document.classes) + 1, axis=0)
    for number, one in enumerate(document.classes, start=1):
        _say(expected_errors[number], one.expected_error)
    return expected_errors


def _say(table: Array, said: Mapping[str, ExpectedError]) -> None:
    for name, lengths in said.items():
        for gap, permille in lengths.items():
            table[Method[name], LENGTH_NAMES.index(gap)] = permille
