"""Orders of methods that follow scores, as a document: by class of service points, best method first at each length.

The document is what `kvarn vee scores --order` writes and `kvarn vee --order` reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from agents.vee.estimate.errors import LENGTH_NAMES, LENGTHS
from agents.vee.estimate.order import Order
from agents.vee.estimate.scorecard import Scorecard, Sums
from pipeline.codes import Method
from pipeline.errors import ConfigError

ALL = "all"
"""Name of the class that all service points are in."""

MOST_BYTES = 1 << 20


def card_of(rows: Iterable[Mapping[str, Any]], lane: str = "COLD") -> Scorecard:
    """The scorecard of rows of estimate_scores_latest in one lane: of each class by its name, and of ALL."""
    card = Scorecard()
    for row in rows:
        if row["lane"] != lane or int(row["gap_secs"]) not in LENGTHS:
            continue
        method, length = Method[row["method"]], LENGTHS.index(int(row["gap_secs"]))
        sums = Sums(*(int(row[name]) for name in ("gaps", "wrong_wh", "over_wh", "energy_wh", "spread_wh")))
        for name in (class_name(row), ALL):
            card.put((name, method, length), sums)
    return card


def class_name(row: Mapping[str, Any]) -> str:
    """Name of the class of a row: CONSUMER/3/TO_5_KW."""
    return f"{row['role']}/{row['tariff_number']}/{row['load_class']}"


class Place(BaseModel):
    """A method in an order, with the sums that it stands there for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    gaps: int = Field(ge=0)
    wrong_wh: int = Field(ge=0)
    over_wh: int
    energy_wh: int
    spread_wh: int = Field(0, ge=0)

    @property
    def sums(self) -> Sums:
        """As a scorecard has them."""
        return Sums(self.gaps, self.wrong_wh, self.over_wh, self.energy_wh, self.spread_wh)


class OrderFile(BaseModel):
    """The document: class -> length of gap -> methods, best first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(1, ge=1, le=1)
    most_bias_percent: float | None = Field(None, ge=0, le=100)
    orders: dict[str, dict[str, tuple[Place, ...]]]

    def order(self, name: str = ALL, base: Order | None = None) -> Order:
        """The order of a class, or of ALL where it has none of its own; methods that it does not name stay behind."""
        card = Scorecard()
        for own, lengths in self.orders.items():
            for gap, places in lengths.items():
                for place in places:
                    card.put((own, Method[place.method], LENGTH_NAMES.index(gap)), place.sums)
        return card.learned(name, ALL, base or Order(), share_of(self.most_bias_percent))


def orders_of(card: Scorecard, most_bias_percent: float | None = None) -> OrderFile:
    """What a scorecard says of the order of methods, of each class and length of gap."""
    orders: dict[str, dict[str, tuple[Place, ...]]] = {}
    for name in sorted({name for name, _, _ in card.sums}, key=lambda name: (name != ALL, name)):
        lengths = {}
        for number, gap in enumerate(LENGTH_NAMES):
            known = card.of(name, number)
            places = tuple(
                Place(
                    method=method.name, gaps=sums.gaps, wrong_wh=sums.wrong, over_wh=sums.over, energy_wh=sums.actual,
                    spread_wh=sums.spread,
                )
                for method in card.ranking(name, number, share_of(most_bias_percent))
                for sums in (known[method],)
            )  # fmt: skip
            if places:
                lengths[gap] = places
        if lengths:
            orders[name] = lengths
    return OrderFile(version=1, most_bias_percent=most_bias_percent, orders=orders)


def written(document: OrderFile) -> str:
    """The document as YAML."""
    yaml, out = YAML(typ="rt"), StringIO()
    yaml.width, yaml.default_flow_style = 200, None
    yaml.dump(document.model_dump(mode="json", exclude_none=True), out)
    return f"# Methods of estimation, best first, as the running scorecard ranks them.\n{out.getvalue()}"


def read_order(path: Path) -> OrderFile:
    """The document of a file; raises ConfigError."""
    try:
        raw = path.read_bytes()
        if len(raw) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} octets")
        document = OrderFile.model_validate(YAML(typ="safe").load(raw))
        for lengths in document.orders.values():
            _known(lengths, LENGTH_NAMES, "length of gap")
            _known((place.method for places in lengths.values() for place in places), Method.__members__, "method")
    except (OSError, ValueError, YAMLError) as error:
        raise ConfigError("ORDER_WRONG", where=str(path), what=str(error),
                          do="write it with kvarn vee scores --order") from error  # fmt: skip
    return document


def _known(names: Iterable[str], known: Iterable[str], kind: str) -> None:
    wrong = sorted(set(names) - set(known))
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: no such {kind}")


def share_of(percent: float | None) -> Fraction | None:
    """A share of so many percent."""
    return None if percent is None else Fraction(str(percent)) / 100
