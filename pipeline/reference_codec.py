"""Registry and keys <-> bytes of a version; the same contents give the same bytes, and so the same version name.

A version is larger than a Kafka message may be: `chunks` cuts it for the compacted topic `registry`, `join` puts it
together.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from pipeline.columns import Array, check_sections
from pipeline.errors import ContractError
from pipeline.reference import Registry, version_of

MAGIC = b"KVREG\x01"
LENGTH = struct.Struct("<Q")
CHUNK_BYTES = 900_000
"""Below the broker's default message limit of 1 MiB, with room for key and headers."""


def registry_to_bytes(registry: Registry) -> bytes:
    """Magic, then each column of Registry.COLUMNS in order: u64 length, bytes (little-endian, row-major)."""
    out = io.BytesIO()
    out.write(MAGIC)
    for column in Registry.COLUMNS:
        raw = np.ascontiguousarray(getattr(registry, column.name), column.dtype).tobytes()
        out.write(LENGTH.pack(len(raw)))
        out.write(raw)
    return out.getvalue()


def registry_from_bytes(raw: bytes) -> Registry:
    """The inverse; raises ContractError when the bytes are no registry."""
    if not raw.startswith(MAGIC):
        raise ContractError("NOT_A_REGISTRY", where="registry", what="unknown header", do="publish the registry again")
    arrays: dict[str, Array] = {}
    place = len(MAGIC)
    for column in Registry.COLUMNS:
        if place + LENGTH.size > len(raw):
            raise ContractError("REGISTRY_SHORT", where=column.name, what="bytes end early", do="publish it again")
        (size,) = LENGTH.unpack_from(raw, place)
        place += LENGTH.size
        # A copy that may be written to: kernels are compiled once for arrays that may, and once for those that may not.
        arrays[column.name] = column.view(memoryview(bytearray(memoryview(raw)[place : place + size])))
        place += size
    check_sections(Registry.COLUMNS, arrays)
    registry = Registry(**arrays)
    check_order(registry)
    return registry


def check_order(registry: Registry) -> None:
    """Raise ContractError unless links, points and nodes are sorted and ids are not 0."""
    for name, first, second in (
        ("links", registry.device, registry.valid_from),
        ("points", registry.point, registry.point_from),
        ("nodes", registry.node, registry.node),
    ):
        if not len(first):
            continue
        rising = (first[1:] > first[:-1]) | ((first[1:] == first[:-1]) & (second[1:] >= second[:-1]))
        if not rising.all() or first[0] == 0:
            raise ContractError(
                "REGISTRY_ORDER",
                where=name,
                what="rows are not sorted by id and start of validity, or an id is 0",
                do="sort the rows before publishing",
            )


def documents_to_bytes(documents: Mapping[str, bytes]) -> bytes:
    """Texts (tariffs, rules) by name, as one version: JSON with sorted keys."""
    return json.dumps({name: text.decode() for name, text in documents.items()}, sort_keys=True).encode()


def documents_from_bytes(raw: bytes) -> dict[str, bytes]:
    """The inverse."""
    return {name: text.encode() for name, text in json.loads(raw).items()}


def chunks(kind: str, raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) records of a version for the topic `registry`; the key names kind, version, place and number."""
    version = version_of(raw)
    number = max(1, -(-len(raw) // CHUNK_BYTES))
    for place in range(number):
        key = f"{kind}/{version}/{place}/{number}".encode()
        yield key, raw[place * CHUNK_BYTES : (place + 1) * CHUNK_BYTES]


def prefix_of(kind: str, version: str) -> bytes:
    """What the keys of a version's chunks begin with."""
    return f"{kind}/{version}/".encode()


def is_whole(keys: Collection[bytes]) -> bool:
    """Whether these keys, all of one version, are those of all its chunks."""
    return bool(keys) and len(keys) == int(next(iter(keys)).rsplit(b"/", 1)[1])


def join(kind: str, version: str, records: Mapping[bytes, bytes]) -> bytes | None:
    """The version's bytes, or None while a chunk is missing; raises ContractError when they do not fit the name."""
    parts: dict[int, bytes] = {}
    number = 0
    prefix = f"{kind}/{version}/"
    for key, value in records.items():
        text = key.decode()
        if text.startswith(prefix):
            place, number = (int(item) for item in text[len(prefix) :].split("/"))
            parts[place] = value
    if not number or len(parts) < number:
        return None
    raw = b"".join(parts[place] for place in range(number))
    if version_of(raw) != version:
        raise ContractError(
            "VERSION_OTHER", where=prefix, what="the bytes do not have this hash", do="publish the version again"
        )
    return raw
