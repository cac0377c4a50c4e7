"""What the client says becomes an error by the reaction that it demands."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from pipeline.errors import ConfigError, Fatal, KvarnError, Transient
from sinks.clickhouse.client import errors_as_ours

REFUSED = (
    "Error HTTPConnectionPool(host='h', port=1): Max retries exceeded with url: /?database=kvarn&query_id=1 "
    "(Caused by NewConnectionError('Connection refused'))"
)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (OperationalError(REFUSED), Transient, "WAREHOUSE_AWAY"),
        (DatabaseError("HTTP driver received HTTP status 500, server response: oops"), Transient, "WAREHOUSE_AWAY"),
        (DatabaseError("HTTP driver received HTTP status 502"), Transient, "WAREHOUSE_AWAY"),
        (DatabaseError("HTTP driver received HTTP status 429"), Transient, "WAREHOUSE_AWAY"),
        (DatabaseError("HTTP driver received HTTP status 404"), ConfigError, "WAREHOUSE_REFUSED"),
        (DatabaseError("Code: 243. Cannot reserve 1.00 MiB (NOT_ENOUGH_SPACE)", code=243), Transient, "WAREHOUSE_FULL"),
        (DatabaseError("Code: 76. Cannot open file, errno: 28, strerror: x", code=76), Transient, "WAREHOUSE_FULL"),
        (DatabaseError("Code: 1001. std: No space left on device", code=1001), Transient, "WAREHOUSE_FULL"),
        (DatabaseError("Code: 252. Too many parts", code=252), Transient, "WAREHOUSE_BUSY"),
        (DatabaseError("Code: 60. Unknown table", code=60), ConfigError, "WAREHOUSE_REFUSED"),
        (DatabaseError("Code: 49. Logical error", code=49), Fatal, "WAREHOUSE_FAILED"),
        (ConnectionResetError("reset"), Transient, "WAREHOUSE_AWAY"),
    ],
)
def test_an_error_is_told_by_what_to_do_about_it(error: Exception, kind: type[KvarnError], code: str) -> None:
    with pytest.raises(kind) as found, errors_as_ours("here"):
        raise error
    assert found.value.code == code


def test_the_cause_is_named_without_the_settings_in_the_url() -> None:
    with pytest.raises(Transient) as found, errors_as_ours("here"):
        raise OperationalError(REFUSED)
    assert "Connection refused" in found.value.what
    assert "query_id" not in found.value.what
