"""What tariff documents of an import say, as far as service points need it."""

from __future__ import annotations

import calendar
import io
from collections.abc import Callable, Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from agents.rating.config import RatingConfig
from agents.rating.tariff import Tariff, parse_in_force, shipped_in_force
from connectors.registry.check import TariffFaults
from pipeline.errors import ConfigError
from pipeline.localtime import OFFSETS


def tariff_reader(
    in_force: Mapping[str, bytes] | None,
) -> Callable[[Mapping[int, tuple[str, bytes]] | None], TariffFaults]:
    """A reader of an import's tariffs. in_force: documents that count where the import has none;
    None when they are not known.

    Shipped tariffs count where no document has their number.
    """
    published = [
        parse_in_force(text, name).rated
        for name, text in sorted((in_force or {}).items())
        if name.startswith("tariffs/") and name.endswith(".yaml")
    ]

    def read(documents: Mapping[int, tuple[str, bytes]] | None) -> TariffFaults:
        if documents is None:
            return TariffFaults(_begins(published), told=in_force is not None)
        faults: list[tuple[int, str, str]] = []
        broken: dict[int, str] = {}
        found: dict[tuple[int, object], tuple[str, Tariff]] = {}
        for row, (name, text) in sorted(documents.items(), key=lambda item: item[1][0]):
            try:
                tariff = _read(name, text)
            except ConfigError as error:
                faults.append((row, "TARIFF_FAULT", error.what))
                number = _number(text)
                if number is not None:
                    broken[number] = name
                continue
            first = found.setdefault((tariff.number, tariff.valid_from), (name, tariff))
            if first[1] is not tariff:
                faults.append((row, "TARIFF_TWICE", f"as in {first[0]}"))
        own = [tariff for _, tariff in found.values()]
        return TariffFaults(_begins(own), tuple(faults), {k: v for k, v in broken.items() if k not in _begins(own)})

    return read


def _read(name: str, text: bytes) -> Tariff:
    if not name.endswith(".yaml"):
        raise ConfigError("TARIFF_FAULT", where=name, what="the name does not end in .yaml", do="rename it")
    return parse_in_force(text, name).rated


def _begins(own: list[Tariff]) -> dict[int, int]:
    """Number -> first midnight at which one of its versions is in force."""
    numbers = {tariff.number for tariff in own}
    shipped = [shipped_in_force(name).rated for name in RatingConfig().tariffs]
    begins: dict[int, int] = {}
    for tariff in [*own, *(tariff for tariff in shipped if tariff.number not in numbers)]:
        midnight = calendar.timegm(tariff.valid_from.timetuple()) - OFFSETS[tariff.timezone]
        begins[tariff.number] = min(midnight, begins.get(tariff.number, midnight))
    return begins


def _number(text: bytes) -> int | None:
    """The number of a document that is no tariff, where it can be told."""
    try:
        data = YAML(typ="base", pure=True).load(io.BytesIO(text))
    except (YAMLError, UnicodeDecodeError):
        return None
    number = data.get("number") if isinstance(data, dict) else None
    return int(number) if isinstance(number, str) and number.isascii() and number.isdigit() else None
