"""What the running scorecard says of the stream, as the document `estimates.yaml`: `kvarn vee scores --document`.

At each length of gap the methods stand in the order of their WAPE, and behind them the order that is shipped, for what
none of them applies to. A class has its own order and figures where it has enough gaps of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import StringIO
from itertools import groupby
from typing import Any

from ruamel.yaml import YAML

from agents.vee.estimate.document import ROLES, TRIED, StepKeys, covers
from agents.vee.estimate.errors import BOUNDS, LENGTH_NAMES, LENGTHS, MOST
from agents.vee.estimate.order_file import ALL, share_of
from agents.vee.estimate.scorecard import ENOUGH, Scorecard
from agents.vee.estimate.stream import DEFAULT
from pipeline.codes import Method


def document_text(card: Scorecard, most_bias_percent: float | None = None) -> str:
    """The document as YAML.

    card: of classes by name (`order_file.card_of`) and of ALL, in the lane HOT. most_bias_percent: methods whose sum is
    further off are not ranked.
    """
    whole = _said(card, ALL, most_bias_percent)
    document: dict[str, Any] = {"order": whole["order"], "expected_error": whole["expected_error"], "classes": []}
    for name in sorted({name for name, _, _ in card.sums} - {ALL}):
        role, tariff, load_class = name.split("/")
        said = _said(card, name, most_bias_percent)
        own = {"order": said["order"]} if said["order"] != whole["order"] else {}
        own |= {"expected_error": said["expected_error"]} if said["expected_error"] else {}
        if role in ROLES and own:
            document["classes"].append({"role": role, "tariffs": [int(tariff)], "load_class": load_class, **own})
    yaml, out = YAML(typ="rt"), StringIO()
    yaml.width, yaml.default_flow_style = 200, None
    yaml.dump({name: value for name, value in document.items() if value}, out)
    return f"# Order of the stream's methods and their expected errors, by the running scorecard.\n{out.getvalue()}"


def _said(card: Scorecard, name: str, most_bias_percent: float | None) -> dict[str, Any]:
    return {
        "order": [step.model_dump(exclude_defaults=True) for step in order_of(card, name, most_bias_percent)],
        "expected_error": dict(_errors(card, name)),
    }


def order_of(card: Scorecard, name: str, most_bias_percent: float | None = None) -> list[StepKeys]:
    """Steps of a class: at each length of gap the methods by their WAPE, then those of the shipped order."""
    tried = Scorecard()
    for key, sums in card.sums.items():
        if key[1].name in TRIED:
            tried.put(key, sums)
    most_bias = share_of(most_bias_percent)
    ranked = [_ranked(tried, name, length, most_bias) for length in range(len(LENGTHS))]
    steps: list[StepKeys] = []
    for methods, group in groupby(range(len(LENGTHS)), key=lambda length: ranked[length]):
        lengths = list(group)
        steps += [_step(method, lengths[0], lengths[-1]) for method in methods]
    for step in DEFAULT:
        if not any(covers(before, step) for before in steps):
            steps.append(step)
    return steps


def _ranked(card: Scorecard, name: str, length: int, most_bias: Fraction | None) -> Sequence[Method]:
    if name == ALL:
        return card.ranking(ALL, length, most_bias)
    return card.choice(name, ALL, length, most_bias)


def _step(method: Method, first: int, last: int) -> StepKeys:
    """A method at lengths of gap from one to another; a line without a bound of its own is for short gaps alone."""
    longest = BOUNDS[last] if last < len(BOUNDS) else None
    if longest is None and method is Method.LINEAR:
        longest = LENGTHS[-1]
    shortest = BOUNDS[first - 1] + 1 if first else 0
    return StepKeys(method=method.name, shortest_secs=shortest, longest_secs=longest)


def _errors(card: Scorecard, name: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Method -> length -> thousandths, of what has been tried often enough."""
    for method in sorted({method for own, method, _ in card.sums if own == name}):
        figures = {}
        for length, gap in enumerate(LENGTH_NAMES):
            sums = card.of(name, length).get(method)
            if sums is not None and sums.gaps >= ENOUGH and sums.actual > 0:
                figures[gap] = min(MOST, (2000 * sums.wrong + sums.actual) // (2 * sums.actual))
        if figures:
            yield method.name, figures
