"""Zones of the topology file: one that is not there is a fault of the file, not of the process."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cli.components import components

PARTS = components()
ZONED = [
    pytest.param(model, field, id=f"{name}-{field}")
    for models in (PARTS.agents, PARTS.connectors, PARTS.sinks)
    for name, model in models.items()
    if model is not None
    for field in ("timezone", "zone")
    if field in model.model_fields
]


@pytest.mark.parametrize(("model", "field"), ZONED)
@pytest.mark.parametrize("name", ["Asia/Nowhere", "../etc/passwd", ""])
def test_a_zone_that_is_not_there_is_a_fault_of_the_file(model: Any, field: str, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({field: name})
    assert (field,) in {error["loc"] for error in caught.value.errors()}


def test_components_with_a_zone_are_found() -> None:
    assert len(ZONED) >= 10
