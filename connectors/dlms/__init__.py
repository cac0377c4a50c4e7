"""DLMS push listener: TCP and UDP, WRAPPER framing (IEC 62056-47)."""
