"""gurux-dlms as it comes: the pull connector replaces its ciphering and its reading of values in its process, and tests
share one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXDLMS import GXDLMS

REPLACED = ((GXCiphering, "encrypt"), (GXCiphering, "decrypt"), (GXDLMS, "getValueFromData"))
"""See connectors.dlms_pull.sealing.install."""


@pytest.fixture(autouse=True)
def gurux_put_back() -> Iterator[None]:
    """After each test the library's own ways are in their places again."""
    own = [(holder, name, holder.__dict__[name]) for holder, name in REPLACED]
    yield
    for holder, name, function in own:
        setattr(holder, name, function)
