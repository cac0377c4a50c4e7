"""Names of numbers in DLMS/COSEM (Green Book, Blue Book) and of the event codes of IS 15959."""

from __future__ import annotations

APDU_NAMES = {
    0x01: "initiate-request", 0x05: "read-request", 0x06: "write-request", 0x08: "initiate-response",
    0x0C: "read-response", 0x0D: "write-response", 0x0E: "confirmed-service-error", 0x0F: "data-notification",
    0x18: "information-report", 0x21: "glo-initiate-request", 0x28: "glo-initiate-response", 0x60: "aarq",
    0x61: "aare", 0x62: "rlrq", 0x63: "rlre", 0xC0: "get-request", 0xC1: "set-request", 0xC2: "event-notification",
    0xC3: "action-request", 0xC4: "get-response", 0xC5: "set-response", 0xC7: "action-response",
    0xC8: "glo-get-request", 0xC9: "glo-set-request", 0xCA: "glo-event-notification", 0xCB: "glo-action-request",
    0xCC: "glo-get-response", 0xCD: "glo-set-response", 0xCE: "glo-confirmed-service-error",
    0xCF: "glo-action-response", 0xD0: "ded-get-request", 0xD1: "ded-set-request", 0xD2: "ded-event-notification",
    0xD3: "ded-action-request", 0xD4: "ded-get-response", 0xD5: "ded-set-response",
    0xD6: "ded-confirmed-service-error", 0xD7: "ded-action-response", 0xD8: "exception-response",
    0xD9: "access-request", 0xDA: "access-response", 0xDB: "general-glo-ciphering", 0xDC: "general-ded-ciphering",
    0xDD: "general-ciphering", 0xDF: "general-signing", 0xE0: "general-block-transfer", 0xE6: "gateway-request",
    0xE7: "gateway-response",
}  # fmt: skip

UNITS = {
    1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s", 8: "°", 9: "°C", 10: "currency", 11: "m", 12: "m/s",
    13: "m³", 14: "m³", 15: "m³/h", 16: "m³/h", 17: "m³/d", 18: "m³/d", 19: "l", 20: "kg", 21: "N", 22: "Nm",
    23: "Pa", 24: "bar", 25: "J", 26: "J/h", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A",
    34: "C", 35: "V", 36: "V/m", 37: "F", 38: "Ω", 39: "Ωm²/m", 40: "Wb", 41: "T", 42: "A/m", 43: "H", 44: "Hz",
    45: "1/Wh", 46: "1/varh", 47: "1/VAh", 48: "V²h", 49: "A²h", 50: "kg/s", 51: "S", 52: "K", 53: "1/V²h",
    54: "1/A²h", 55: "1/m³", 56: "%", 57: "Ah", 60: "Wh/m³", 61: "J/m³", 62: "mol%", 63: "g/m³", 64: "Pa s",
    65: "J/kg", 70: "dBm", 71: "dBµV", 72: "dB",
}  # fmt: skip
"""Unit codes of scaler_unit (Blue Book, class 3); 255 has no unit, 254 another one."""

ACCESS_RESULTS = {
    0: "success", 1: "hardware-fault", 2: "temporary-failure", 3: "read-write-denied", 4: "object-undefined",
    9: "object-class-inconsistent", 11: "object-unavailable", 12: "type-unmatched", 13: "scope-of-access-violated",
    14: "data-block-unavailable", 15: "long-get-aborted", 16: "no-long-get-in-progress", 17: "long-set-aborted",
    18: "no-long-set-in-progress", 19: "data-block-number-invalid", 250: "other-reason",
}  # fmt: skip
"""Data-access-result."""

ACTION_RESULTS = {
    0: "success", 1: "hardware-fault", 2: "temporary-failure", 3: "read-write-denied", 4: "object-undefined",
    9: "object-class-inconsistent", 11: "object-unavailable", 12: "type-unmatched", 13: "scope-of-access-violated",
    14: "data-block-unavailable", 15: "long-action-aborted", 16: "no-long-action-in-progress", 250: "other-reason",
}  # fmt: skip

STATE_ERRORS = {1: "service-not-allowed", 2: "service-unknown"}
SERVICE_ERRORS = {
    1: "operation-not-possible", 2: "service-not-supported", 3: "other-reason", 4: "pdu-too-long",
    5: "deciphering-error", 6: "invocation-counter-error",
}  # fmt: skip
"""Of an exception response."""

CONFIRMED_SERVICES = {1: "initiate-error", 5: "read", 6: "write"}
ERROR_KINDS = {
    0: "application-reference", 1: "hardware-resource", 2: "vde-state-error", 3: "service", 4: "definition",
    5: "access", 6: "initiate", 7: "load-data-set", 9: "task",
}  # fmt: skip
"""Of a confirmed service error."""

CONTEXTS = {1: "LN", 2: "SN", 3: "LN ciphered", 4: "SN ciphered"}
MECHANISMS = {
    0: "none", 1: "LLS", 2: "HLS", 3: "HLS MD5", 4: "HLS SHA-1", 5: "HLS GMAC", 6: "HLS SHA-256", 7: "HLS ECDSA",
}  # fmt: skip
ASSOCIATION_RESULTS = {0: "accepted", 1: "rejected-permanent", 2: "rejected-transient"}
DIAGNOSTICS = {
    0: "null", 1: "no-reason-given", 2: "application-context-name-not-supported",
    11: "authentication-mechanism-name-not-recognised", 12: "authentication-mechanism-name-required",
    13: "authentication-failure", 14: "authentication-required",
}  # fmt: skip
RELEASE_REASONS = {0: "normal", 1: "urgent or not-finished", 30: "user-defined"}


def _pairs(*names: tuple[int, str]) -> dict[int, str]:
    """An odd occurrence code and the restoration code behind it."""
    return {
        code + step: f"{name}, {word}" for code, name in names for step, word in enumerate(("occurred", "restored"))
    }


EVENT_CODES: dict[int, str] = {
    **_pairs(
        (1, "voltage missing, phase R"), (3, "voltage missing, phase Y"), (5, "voltage missing, phase B"),
        (7, "over-voltage"), (9, "low voltage"), (11, "voltage unbalance"), (51, "current reversed, phase R"),
        (53, "current reversed, phase Y"), (55, "current reversed, phase B"), (57, "CT open, phase R"),
        (59, "CT open, phase Y"), (61, "CT open, phase B"), (63, "current unbalance"), (65, "current bypass"),
        (67, "over-current"), (69, "earth loading"), (81, "current mismatch (maker's)"),
        (83, "high neutral current (maker's)"), (201, "magnetic influence"), (203, "neutral disturbance"),
        (205, "very low power factor"), (207, "single wire operation"), (215, "overload"),
    ),
    101: "power failure", 102: "power restored", 151: "clock set", 152: "demand integration period set",
    153: "profile capture period set", 154: "billing dates set", 155: "activity calendar set",
    157: "new firmware activated", 158: "load limit set", 159: "load limit function on", 160: "load limit function off",
    161: "LLS secret changed", 162: "HLS key changed, utility setting", 163: "HLS key changed, firmware",
    164: "global key changed", 165: "event status word filter changed", 166: "maximum demand reset",
    167: "metering mode changed", 169: "image activation scheduled", 178: "import or export configured",
    182: "relay timing set", 191: "kVAh of lag and lead", 192: "kVAh of lag only",
    209: "communication module removed", 210: "communication module back", 211: "changed to post-paid",
    212: "changed to pre-paid", 213: "metering forwarded only", 214: "metering import and export",
    251: "cover open", 253: "load switch weld", 301: "load switch disconnected", 302: "load switch connected",
}  # fmt: skip
"""Event codes of IS 15959 as makers' head-ends use them."""
