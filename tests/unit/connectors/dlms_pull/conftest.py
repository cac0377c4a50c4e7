"""The pull connector's tests leave gurux-dlms as they found it."""

from tests.gurux_own import gurux_put_back

__all__ = ["gurux_put_back"]
