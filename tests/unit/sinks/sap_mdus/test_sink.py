"""The SAP sink against a receiver that refuses: readings, corrections, orders, crashes, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.sap_receiver import Receiver, receiving
from cli.main import main
from pipeline.errors import ConfigError, Fatal, Transient
from pipeline.reference import FOREVER, Registry
from schemas.mdus import xml
from schemas.mdus.check import Checker
from schemas.mdus.names import EVENTS, SERIES
from schemas.mdus.xml import body_of, name_of, parsed, text_at
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.sink import MOST_IN_A_ROW, SapMdusSink
from tests.builders_readings import MIDNIGHT, plain_record, readings_record
from tests.unit.connectors.test_gather import registry
from tests.unit.sinks.sap_mdus.builders import (
    DAY,
    DEVICE,
    MONTH_END,
    Time,
    brought,
    determinant,
    devices,
    gathered,
    order,
    sink_of,
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def refused(sink: SapMdusSink) -> list[tuple[str, str]]:
    """(code, order) of refused messages, in their order."""
    rows = sink.journal.db.execute("SELECT code, order_id FROM messages WHERE state = 'REFUSED' ORDER BY number")
    return [(code, id) for code, id in rows]


def cases(sink: SapMdusSink) -> list[tuple[str, str, str]]:
    return list(sink.journal.db.execute("SELECT order_id, billed, now FROM cases ORDER BY order_id, revision"))


def test_a_reading_goes_out_with_digits_decimals_codes_and_local_time(receiver: Receiver, tmp_path: Path) -> None:
    registers = {"wh_imp": {"obis": "1-0:1.8.0", "digits": 3, "decimals": 1}}
    sink = sink_of(receiver, tmp_path, registers=registers, factor=(200, 1))
    brought(sink, determinant(0, closing=1_234_567, energy=46_913_400))
    (taken,) = receiver.taken.values()
    document = taken.find("MeterReadingDocument")
    # 1,234.567 kWh on a register of three digits and one decimal; the factor 200 is SAP's to apply.
    assert text_at(document, "Result/MeterReadingResultValue") == "234.5"
    assert text_at(document, "Result/MeterReadingDate") == "2026-02-01"
    assert text_at(document, "Result/ActualMeterReadingTime") == "00:00:00"
    assert text_at(document, "Result/MeterReadingTypeCode") == "01"
    assert text_at(document, "MeterReadingReasonCode") == "01"
    task = document.find("UtilitiesMeasurementTask")
    assert text_at(task, "UtilitiesDevice/UtilitiesDeviceID") == f"{DEVICE + 1:016X}"
    assert text_at(task, "UtilitiesObjectIdentificationSystemCodeText") == "1-0:1.8.0"
    sink.close()


def test_a_reading_that_lacks_is_estimated_from_the_opening_one_and_the_energy(
    receiver: Receiver, tmp_path: Path
) -> None:
    sink = sink_of(receiver, tmp_path, factor=(3, 2))
    brought(
        sink,
        determinant(0, 1, None, opening=1_000_000, energy=3_000),
        determinant(1, 2, None, opening=None),
        determinant(2, 3, None, opening=1_000_000, energy=3_000, meter_segments=2),
    )
    (taken,) = receiver.taken.values()
    # 3,000 Wh at a factor of 1.5 are 2,000 Wh of the register.
    assert text_at(taken, "MeterReadingDocument/Result/MeterReadingResultValue") == "1002.000"
    assert text_at(taken, "MeterReadingDocument/Result/MeterReadingTypeCode") == "03"
    assert [code for code, _ in refused(sink)] == ["NO_READING", "NO_READING"]
    sink.close()


def test_provisional_determinants_and_those_of_days_stay_here_unless_asked_for(
    receiver: Receiver, tmp_path: Path
) -> None:
    records = [determinant(0, 1, state="PROVISIONAL"), determinant(1, 2), determinant(2, 3, account=5)]
    sink = sink_of(receiver, tmp_path / "a")
    brought(sink, *records)
    assert len(receiver.taken) == 2
    sink.close()
    sink = sink_of(receiver, tmp_path / "b", provisional=True, kinds=["DAY"])
    brought(sink, *records)
    assert len(receiver.taken) == 2
    sink.close()


def test_the_same_input_gives_the_same_octets(tmp_path: Path) -> None:
    bodies = []
    for name in "ab":
        with receiving() as receiver:
            sink = sink_of(receiver, tmp_path / name)
            brought(sink, determinant(0), determinant(1, 2), readings_record(0), plain_record("Event", 4))
            bodies.append(receiver.requests)
            sink.close()
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) == 3


def test_intervals_and_events_fit_their_schemas(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path)
    brought(sink, readings_record(0, 3), plain_record("Event", 4, device="4B564E0000000001", code=101, time=MIDNIGHT))
    checker = Checker()
    roots = {name_of(body_of(parsed(octets))) for octets in receiver.requests}
    assert roots == {SERIES.root, EVENTS.root}
    assert [checker.fault(body_of(parsed(octets))) for octets in receiver.requests] == ["", ""]
    (event,) = [one for one in receiver.taken.values() if name_of(one) == EVENTS.message]
    assert text_at(event, "UtilitiesSmartMeterEvent/UtilitiesSmartMeterEventTypeCode") == "101"
    sink.close()


# ---------------------------------------------------------------------------------------------- the document's state


def test_an_entered_reading_is_corrected_and_the_correction_names_what_it_corrects(
    receiver: Receiver, tmp_path: Path
) -> None:
    sink = sink_of(receiver, tmp_path)
    brought(sink, determinant(0))
    brought(sink, determinant(1, closing=1_300_000))
    brought(sink, determinant(2, closing=1_300_000))
    first, second = receiver.taken
    assert text_at(receiver.taken[second], "MessageHeader/ReferenceUUID") == first
    assert receiver.values() == ["1234.567", "1300.000"]
    counts = sink.journal.counts()
    assert (counts["orders_entered"], counts["cases"]) == (1, 0)
    sink.close()


def test_of_two_revisions_that_come_together_only_the_newer_goes_out(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path)
    brought(sink, determinant(0), determinant(1, closing=1_300_000), determinant(2, closing=9, revision=-5))
    assert receiver.values() == ["1300.000"]
    sink.close()


def test_an_ordered_reading_waits_for_its_order_and_bears_its_id(receiver: Receiver, tmp_path: Path) -> None:
    receiver.orders = {"1001": "OPEN"}
    sink = sink_of(receiver, tmp_path, orders="required")
    brought(sink, determinant(0), determinant(1, 2))
    assert not receiver.requests
    brought(sink, order(0))
    (taken,) = receiver.taken.values()
    assert text_at(taken, "MeterReadingDocument/ID") == "1001"
    assert receiver.orders == {"1001": "ENTERED"}
    # A move-in asks for what the meter showed at the begin.
    receiver.orders["7"] = "OPEN"
    brought(sink, order(1, "7", 2, reason="06", time=MIDNIGHT))
    assert receiver.values() == ["1234.567", "1000.000"]
    sink.close()


def test_a_cancelled_order_gets_no_reading(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path, orders="required")
    brought(sink, order(0), order(1, event="CANCELLED"))
    brought(sink, determinant(0))
    assert not receiver.requests
    assert sink.journal.counts()["orders_cancelled"] == 1
    sink.close()


def test_a_billed_reading_that_changes_is_a_case_and_not_a_message(receiver: Receiver, tmp_path: Path) -> None:
    receiver.orders = {"1001": "OPEN"}
    sink = sink_of(receiver, tmp_path, orders="required")
    brought(sink, order(0), determinant(0))
    brought(sink, order(1, event="BILLED"))
    brought(sink, determinant(1, closing=1_300_000))
    assert receiver.values() == ["1234.567"]
    assert cases(sink) == [("1001", "1234.567 01", "1300.000 01")]
    sink.close()


def test_a_late_correction_that_is_refused_becomes_a_case_too(receiver: Receiver, tmp_path: Path) -> None:
    receiver.orders = {"1001": "OPEN"}
    sink = sink_of(receiver, tmp_path, orders="required")
    brought(sink, order(0), determinant(0))
    receiver.orders["1001"] = "BILLED"
    brought(sink, determinant(1, closing=1_300_000))
    assert refused(sink) == [("BILLED", "1001")]
    assert cases(sink) == [("1001", "1234.567 01", "1300.000 01")]
    brought(sink, determinant(2, closing=1_400_000))
    assert len(cases(sink)) == 2
    sink.close()


# ---------------------------------------------------------------------------------------------- refusals and crashes


def test_what_comes_before_its_order_is_sent_again_under_its_uuid(receiver: Receiver, tmp_path: Path) -> None:
    receiver.orders, clock = {"1002": "OPEN"}, Time()
    sink = sink_of(receiver, tmp_path, clock=clock, orders="required")
    brought(sink, order(0), order(1, "1002", 2))
    brought(sink, determinant(0))
    receiver.orders["1001"] = "OPEN"
    # It holds up no other.
    brought(sink, determinant(1, 2, closing=2_000_000))
    assert receiver.values() == ["2000.000"]
    clock.now += 60
    sink.rest()
    assert receiver.requests[0] == receiver.requests[2]
    assert receiver.values() == ["2000.000", "1234.567"]
    sink.close()


def test_what_stays_too_early_is_refused_in_the_end(receiver: Receiver, tmp_path: Path) -> None:
    receiver.orders, clock = {}, Time()
    sink = sink_of(receiver, tmp_path, clock=clock, orders="required", again_tries=3)
    brought(sink, order(0), determinant(0))
    for pause, requests in ((59, 1), (10, 2), (100, 2), (30, 3)):
        assert refused(sink) == []
        clock.now += pause
        sink.rest()
        assert len(receiver.requests) == requests
    assert refused(sink) == [("WRONG_ORDER", "1001")]
    sink.close()


def test_a_register_that_the_receiver_does_not_know_holds_nobody_up(receiver: Receiver, tmp_path: Path) -> None:
    receiver.registers = {(f"{DEVICE + point:016X}", "1-0:1.8.0") for point in (1, 3)}
    sink = sink_of(receiver, tmp_path)
    brought(sink, *(determinant(offset, 1 + offset, 1_000 * offset) for offset in range(3)))
    assert receiver.values() == ["0.000", "2.000"]
    ((code, id),) = refused(sink)
    assert code == "UNKNOWN_REGISTER"
    assert id.startswith("~2/wh_imp/")
    ((note,),) = sink.journal.db.execute("SELECT note FROM messages WHERE state = 'REFUSED'")
    assert "has no register 1-0:1.8.0" in note
    sink.close()


def test_an_element_that_the_receiver_does_not_know_stops_only_the_messages_that_have_it(
    receiver: Receiver, tmp_path: Path
) -> None:
    sink = sink_of(receiver, tmp_path)
    brought(sink, determinant(0))
    receiver.unknown = {"ReferenceUUID"}
    brought(sink, *(determinant(offset, offset) for offset in (2, 3)), determinant(4, closing=9_000),
            *(determinant(offset, offset) for offset in (5, 6, 7)))  # fmt: skip
    assert len(receiver.taken) == 6
    assert [code for code, _ in refused(sink)] == ["FAULT"]
    sink.close()


def test_a_receiver_that_refuses_everything_stops_the_sink(receiver: Receiver, tmp_path: Path) -> None:
    receiver.unknown = {"SmartMeter"}
    sink = sink_of(receiver, tmp_path)
    with pytest.raises(Fatal, match="SAP_REFUSES_ALL"):
        brought(sink, *(determinant(offset, 1 + offset) for offset in range(30)))
    assert len(refused(sink)) == MOST_IN_A_ROW
    sink.close()


@pytest.mark.parametrize("lost", ["the answer", "the answer and the journal"])
def test_a_crash_between_sending_and_confirmation_sends_nothing_under_another_uuid(
    receiver: Receiver, tmp_path: Path, lost: str
) -> None:
    sink = sink_of(receiver, tmp_path / "1")
    receiver.silent = 1
    (block,) = gathered(sink, *(determinant(offset, 1 + offset) for offset in range(4)))
    with pytest.raises(Transient, match="SAP_AWAY"):
        sink.write(block)
    assert len(receiver.taken) == 4
    sink.close()
    again = sink_of(receiver, tmp_path / ("1" if lost == "the answer" else "2"))
    again.write(block)
    assert len(receiver.taken) == 4
    assert receiver.requests[0] == receiver.requests[1]
    assert refused(again) == []
    # And what it was told counts: the next revision is a correction.
    brought(again, determinant(9, 1, closing=2_000_000))
    assert receiver.values()[-1] == "2000.000"
    again.write(block)
    assert len(receiver.requests) == 3
    again.close()


@pytest.mark.parametrize("status", [408, 409, 425, 429, 502, 503])
def test_a_receiver_that_says_later_is_asked_again(receiver: Receiver, tmp_path: Path, status: int) -> None:
    receiver.statuses = [status]
    sink = sink_of(receiver, tmp_path)
    with pytest.raises(Transient, match="SAP_AWAY"):
        brought(sink, determinant(0))
    sink.flush()
    assert receiver.values() == ["1234.567"]
    sink.close()


def test_a_user_that_is_refused_stops_the_sink_and_the_right_one_goes_on(receiver: Receiver, tmp_path: Path) -> None:
    receiver.user = "kvarn:secret"
    sink = sink_of(receiver, tmp_path, user="kvarn", password="wrong")
    (block,) = gathered(sink, determinant(0))
    with pytest.raises(Fatal, match="answer 401"):
        sink.write(block)
    sink.close()
    sink = sink_of(receiver, tmp_path, user="kvarn", password="secret")
    sink.write(block)
    assert receiver.values() == ["1234.567"]
    assert "secret" not in repr(sink.config)
    sink.close()


def test_without_a_registry_the_sink_waits(receiver: Receiver, tmp_path: Path) -> None:
    sink = SapMdusSink(SapMdusConfig(url=receiver.url, journal=tmp_path / "journal.sqlite"))
    sink.open()
    with pytest.raises(Transient, match="REGISTRY_AWAITED"):
        brought(sink, determinant(0))
    assert sink.journal.counts() == {"cases": 0}
    sink.close()


def test_two_sinks_do_not_share_a_journal(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path)
    with pytest.raises(ConfigError, match="JOURNAL_UNUSABLE"):
        sink_of(receiver, tmp_path)
    sink.close()
    sink_of(receiver, tmp_path).close()


def test_a_refused_message_is_sent_again_under_its_uuid_when_a_person_says_so(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def kvarn(*arguments: str) -> Any:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(("sap", *arguments, "--json"))
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    receiver.registers = set()
    sink = sink_of(receiver, tmp_path)
    brought(sink, determinant(0))
    path = str(tmp_path / "journal.sqlite")
    # While the sink runs.
    (row,) = kvarn("refused", path)
    assert (row["message"], row["code"]) == ("results", "UNKNOWN_REGISTER")
    assert kvarn("status", path)[0]["messages_refused"] == 1
    assert kvarn("cases", path) == []
    receiver.registers = None
    assert kvarn("resend", path, row["uuid"], "none") == [
        {"uuid": row["uuid"], "sent_again": True}, {"uuid": "none", "sent_again": False},
    ]  # fmt: skip
    brought(sink, determinant(1, 2))
    assert row["uuid"] in receiver.taken
    assert receiver.values() == ["1234.567", "1234.567"]
    sink.close()


def test_a_refused_message_that_was_overtaken_is_not_sent_again(receiver: Receiver, tmp_path: Path) -> None:
    receiver.registers = set()
    sink = sink_of(receiver, tmp_path)
    brought(sink, determinant(0))
    receiver.registers = None
    brought(sink, determinant(1, closing=2_000_000))
    ((uuid,),) = sink.journal.db.execute("SELECT uuid FROM messages WHERE state = 'REFUSED'")
    assert not sink.journal.resend(uuid)
    sink.close()


def test_an_order_that_was_taken_back_and_made_again_gets_its_reading(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path, orders="required")
    brought(sink, determinant(0))
    brought(sink, order(0), order(1, event="CANCELLED"))
    assert not receiver.requests
    brought(sink, order(2))
    assert receiver.values() == ["1234.567"]
    # Said again, it is the same order.
    brought(sink, order(3))
    assert len(receiver.requests) == 1
    sink.close()


def test_a_bulk_that_is_longer_than_what_is_read_is_halved(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = sink_of(receiver, tmp_path)
    monkeypatch.setattr(xml, "MOST_OCTETS", 5_000)
    brought(sink, *(determinant(offset, 1 + offset) for offset in range(9)))
    assert len(receiver.taken) == 9
    assert max(map(len, receiver.requests)) < 5_500
    monkeypatch.setattr(xml, "MOST_OCTETS", 500)
    brought(sink, determinant(20, 30))
    assert [code for code, _ in refused(sink)] == ["FAULT"]
    sink.close()


def test_an_event_without_code_and_bit_is_left_out(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path)
    brought(sink, plain_record("Event", 4, code=None, bit=None), plain_record("Event", 5, code=None, bit=3))
    (taken,) = receiver.taken.values()
    assert text_at(taken, "UtilitiesSmartMeterEvent/UtilitiesSmartMeterEventTypeCode").startswith("B3")
    sink.close()


def test_a_reading_without_a_device_goes_out_once_the_registry_has_one_and_a_person_says_so(
    receiver: Receiver, tmp_path: Path
) -> None:
    sink = sink_of(receiver, tmp_path, points=1)
    brought(sink, determinant(0, 2), determinant(1, 3, None, opening=None))
    assert refused(sink) == [("DEVICE_UNKNOWN", f"~2/wh_imp/{MONTH_END}/closing"),
                             ("NO_READING", f"~3/wh_imp/{MONTH_END}/closing")]  # fmt: skip
    unknown, lacking = (row["uuid"] for row in sink.journal.refused())
    assert not sink.journal.resend(lacking)
    assert sink.journal.resend(unknown)
    brought(sink, determinant(2))
    assert [code for code, _ in refused(sink)] == ["NO_READING", "DEVICE_UNKNOWN"], "it is still not there"
    sink.take_registry("2", devices(2))
    assert sink.journal.resend(unknown)
    brought(sink, determinant(3))
    assert unknown in receiver.taken
    assert [code for code, _ in refused(sink)] == ["NO_READING"]
    sink.close()


NOON = MIDNIGHT + DAY // 2


def exchange(closing: int | None = 5_000_000) -> Registry:
    """Device 1 leaves service point 1 at noon, and device 9 comes; closing: register of the old one, if it is known."""
    made = registry([(DEVICE + 1, 1, 0, NOON), (DEVICE + 9, 1, NOON, int(FOREVER))])
    made.factor_numerator[:], made.factor_denominator[:] = 1, 1
    made.exchange[:] = (0 if closing is None else 2, 1)
    made.closing[0, 0], made.opening[1, 0] = closing or 0, 17_000
    return made


def test_orders_of_an_exchange_at_noon_are_answered_by_the_registry(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path, orders="required")
    sink.take_registry("2", exchange(None))
    # The removal was ordered before anybody knew its hour.
    brought(sink, order(0, "out", 1, reason="12", time=MIDNIGHT), order(1, "in", 1, reason="08", time=NOON),
            order(2, "other", 1, reason="01", time=MIDNIGHT))  # fmt: skip
    assert receiver.values() == ["17.000"]
    sink.take_registry("3", exchange())
    sink.rest()
    assert receiver.values() == ["17.000", "5000.000"]
    (_, out) = receiver.taken.values()
    result = out.find("MeterReadingDocument/Result")
    assert text_at(result, "MeterReadingDate") + text_at(result, "MeterReadingTime") == "2026-01-0112:00:00"
    # The same registers again say nothing, others correct what was said.
    sink.take_registry("4", exchange())
    brought(sink, determinant(0))
    sink.take_registry("5", exchange(5_000_500))
    brought(sink, determinant(1))
    assert receiver.values() == ["17.000", "5000.000", "5000.500"]
    last = list(receiver.taken)
    assert text_at(receiver.taken[last[2]], "MessageHeader/ReferenceUUID") == last[1]
    assert sink.journal.counts()["orders_open"] == 1
    sink.close()


def test_readings_that_are_long_past_are_forgotten_and_open_orders_are_not(receiver: Receiver, tmp_path: Path) -> None:
    sink = sink_of(receiver, tmp_path, keep_days=31)
    brought(sink, determinant(0), determinant(1, 2), order(0, "1003", 3))
    later = {"period_start": MONTH_END + 365 * DAY, "period_end": MONTH_END + 396 * DAY}
    brought(sink, determinant(2, 1, **later))
    (readings,), (orders,) = (
        sink.journal.db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("readings", "orders")
    )
    assert (readings, orders) == (2, 2)
    sink.close()
