"""gurux-dlms as it comes: the pull connector replaces its ciphering in its process, and tests share one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gurux_dlms.GXCiphering import GXCiphering


@pytest.fixture(autouse=True)
def gurux_put_back() -> Iterator[None]:
    """After each test the library's own ciphering is in its place again."""
    own = {name: GXCiphering.__dict__[name] for name in ("encrypt", "decrypt")}
    yield
    for name, function in own.items():
        setattr(GXCiphering, name, function)
