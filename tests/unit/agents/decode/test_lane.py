"""Frames that the kernels do not know, read by the decoder for single frames: judged as any other frame."""

from __future__ import annotations

import numpy as np
import pytest

from agents.decode.config import DecodeConfig
from agents.decode.lane import MOST_SAID
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.gcm_single import AUTHENTICATED
from pipeline.step import Origin, Parcel
from schemas.load import load_contracts
from tests.builders_apdus import (
    attribute,
    definition,
    hdlc,
    mbus,
    notification,
    obis,
    scaler,
    segments,
)
from tests.builders_frames import (
    DEVICE,
    KEYS,
    NOON,
    POINT,
    RECEIVED,
    Link,
    World,
    alert,
    block,
    codes,
    datum,
    events,
    frame_batch,
    push,
    references,
    sealed,
    stamp,
)
from tests.builders_records import emitted

WH, W, V, A, VARH, NONE = 30, 27, 35, 33, 32, 255
NOON_STAMP = b"\x0c" + stamp((2025, 7, 1, 12, 0, 0))


def quantity(code: str, value: bytes, power=0, unit=WH) -> bytes:
    """Code, value, scaler_unit, as most meters outside India send them."""
    return datum(2, [obis(code), value, scaler(power, unit)])


def listed(*quantities: bytes, time=NOON_STAMP) -> bytes:
    """A list that names its quantities."""
    return notification(datum(1, list(quantities)), time)


def register(value=1_234_567, power=0, code="1.0.1.8.0.255", time=NOON_STAMP) -> bytes:
    """A list of one register."""
    return listed(quantity(code, datum(6, value), power), time=time)


def anew(**given) -> World:
    """A world whose meter names its quantities itself."""
    return World(references([Link(template=10)]), DecodeConfig(**given))


LIST = listed(
    quantity("1.0.1.8.0.255", datum(6, 123_456)), quantity("1.1.2.8.0.255", datum(6, 7), 3),
    quantity("1.0.5.8.0.255", datum(18, 12), 1, VARH), quantity("1.0.1.7.0.255", datum(6, 1500), 0, W),
    quantity("1.0.32.7.0.255", datum(18, 2301), -1, V), quantity("1.0.71.7.0.255", datum(16, -125), -2, A),
    quantity("1.0.13.7.0.255", datum(16, -987), -3, NONE), datum(2, [obis("0.0.96.7.0.255"), datum(18, 4)]),
)  # fmt: skip


def test_a_list_that_names_its_quantities_is_a_row_in_their_units():
    world = anew()
    batch = world.offer(sealed(LIST, 5)).parcel.batch
    assert (batch.kind.tolist(), batch.time.tolist(), batch.link.tolist()) == ([Kind.INSTANT], [NOON], [0])
    assert (batch.device.tolist(), batch.service_point.tolist(), batch.counter.tolist()) == ([DEVICE], [POINT], [5])
    assert batch.energy.tolist() == [[123_456, 0, 7000, 0]]
    assert batch.reactive.tolist() == [[120, 0, 0, 0]]
    assert batch.physical.tolist() == [[230_100, 0, 0, 0, 0, -1250, 0, -987]]
    assert batch.present.tolist() == [0b1010_0001_0001_0101]
    there = {name: int(batch.snapshot[0, place]) for name, place in SNAPSHOT_INDEX.items()
             if batch.snapshot_present[0] >> place & 1}  # fmt: skip
    assert there == {"active_power": 1500, "power_failures": 4}
    assert batch.flags.tolist() == [0]


def test_integers_are_exact_up_to_where_a_float_no_longer_is():
    values = [9_007_199_254_740_991, 9_007_199_254_740_987, -9_007_199_254_740_991]
    frames = [listed(quantity("1.0.1.8.0.255", datum(20, value), 0)) for value in values]
    frames.append(listed(quantity("1.0.1.8.0.255", datum(20, 9_007_199_254_740_991), -3)))
    batch = anew().offer(*frames).parcel.batch
    assert batch.energy[:, 0].tolist() == [*values, 9_007_199_254_741]


@pytest.mark.parametrize(
    ("raw", "power", "whole"),
    [(15, -1, 2), (14, -1, 1), (25, -1, 3), (-15, -1, -1), (5, 3, 5000), (0, 100, 0), (9, -99, 0)],
)
def test_what_is_finer_than_a_watt_hour_is_rounded_half_up_as_in_the_kernels(raw, power, whole):
    batch = anew().offer(listed(quantity("1.0.1.8.0.255", datum(20, raw), power))).parcel.batch
    assert batch.energy[0, 0] == whole


def test_registers_at_local_midnight_are_daily_ones_too():
    batch = anew().offer(register(time=b"\x0c" + stamp((2025, 7, 1, 0, 0, 0)))).parcel.batch
    assert batch.kind.tolist() == [Kind.DAILY, Kind.INSTANT]
    assert batch.energy[:, 0].tolist() == [1_234_567] * 2
    assert batch.time.tolist() == [NOON - 43_200] * 2
    assert batch.snapshot_row.tolist() == [1]


def test_interval_energies_are_blocks_beside_momentary_values():
    both = listed(quantity("1.0.1.29.0.255", datum(6, 250)), quantity("1.0.12.27.0.255", datum(18, 230), 0, V),
                  quantity("1.0.1.8.0.255", datum(6, 9000)))  # fmt: skip
    batch = anew().offer(both).parcel.batch
    assert batch.kind.tolist() == [Kind.BLOCK, Kind.INSTANT]
    assert batch.energy[:, 0].tolist() == [250, 9000]
    assert batch.physical[:, 0].tolist() == [230_000, 0]


def test_phase_r_comes_before_the_phase_that_is_not_named():
    frame = listed(quantity("1.0.12.7.0.255", datum(18, 229), 0, V), quantity("1.0.32.7.0.255", datum(18, 231), 0, V))
    assert anew().offer(frame).parcel.batch.physical[0, 0] == 231_000


@pytest.mark.parametrize(
    ("deviation", "status", "offset_secs", "utc"),
    [(-60, 0, 3600, 11), (60, 0, 3600, 11), (-120, 0x80, 3600, 10), (120, 0x80, 3600, 10), (0, 0, 3600, 12),
     (-0x8000, 0, 3600, 11), (-0x8000, 0x80, 3600, 10), (-0x8000, 0xFF, 3600, 11), (300, 0, -18_000, 17)],
)  # fmt: skip
def test_a_meter_that_sends_its_deviation_is_believed_but_for_the_sign(deviation, status, offset_secs, utc):
    world = anew(clock_offset_secs=offset_secs)
    batch = world.offer(register(time=b"\x0c" + stamp((2025, 7, 1, 12, 0, 0), deviation, status))).parcel.batch
    assert batch.time.tolist() == [NOON + 19_800 + 3600 * (utc - 12)]


def test_the_clock_among_the_values_comes_before_that_of_the_notification():
    clock = datum(2, [obis("0.0.1.0.0.255"), datum(9, stamp((2025, 7, 1, 11, 0, 0), status=2))])
    batch = anew().offer(listed(clock, quantity("1.0.1.8.0.255", datum(6, 1)))).parcel.batch
    assert batch.time.tolist() == [NOON - 3600]
    assert batch.flags.tolist() == [Flag.CLOCK_DOUBTFUL | Flag.PLAIN]


def test_momentary_values_without_a_stamp_are_of_the_time_of_receipt_and_marked():
    batch = anew().offer(register(time=b"\0")).parcel.batch
    assert (batch.time.tolist(), batch.flags.tolist()) == ([RECEIVED], [Flag.CLOCK_INVALID | Flag.PLAIN])
    energy = listed(quantity("1.0.1.29.0.255", datum(6, 250)), time=b"\0")
    assert codes(anew().offer(energy)) == {0: "CLOCK_UNUSABLE"}
    broken = register(time=b"\x0c" + stamp((2025, 13, 1, 12, 0, 0)))
    assert codes(anew().offer(broken)) == {0: "CLOCK_UNUSABLE"}


# ------------------------------------------------------------------------------------------------ framing and layers


def test_a_list_in_any_framing_is_the_same_row():
    whole = anew().offer(LIST).parcel.batch
    forms = [
        b"\xe6\xe7\x00" + LIST,
        hdlc(b"\xe6\xe7\x00" + LIST),
        b"".join(segments(LIST, 60)),
        b"".join(mbus(LIST, 100)),
    ]
    for form in forms:
        batch = anew().offer(form).parcel.batch
        for name, column in vars(whole).items():
            assert np.array_equal(getattr(batch, name), column), (form.hex(), name)


def test_frames_that_are_ciphered_inside_a_framing_are_read_once():
    world, framed = anew(), hdlc(b"\xe6\xe7\x00" + sealed(LIST, 5))
    made = world.offer(framed, framed)
    assert codes(made) == {1: "COUNTER_DUPLICATE"}
    assert made.parcel.batch.counter.tolist() == [5]
    assert codes(world.offer(sealed(LIST, 5))) == {0: "COUNTER_DUPLICATE"}


def test_what_is_signed_is_kept_aside_because_nobody_verified_it():
    signed = b"\xdf" + b"\0" * 5 + bytes([0x81, len(LIST)]) + LIST + b"\x40" + bytes(64)
    made = anew().offer(sealed(signed, 1))
    assert codes(made) == {0: "APDU_UNKNOWN"}
    assert "signature" in emitted(made, "rejects")[0]["detail"]


def test_text_is_no_frame_inside_a_frame():
    assert codes(anew().offer(LIST.hex().encode())) == {0: "APDU_UNKNOWN"}


def test_a_telegram_in_the_ciphering_is_read_with_its_season():
    lines = "0-0:1.0.0(250701120000S)|1-0:1.8.0(000123.456*kWh)|1-0:2.8.0(000000.001*kWh)|1-0:32.7.0(230.1*V)"
    telegram = ("/KFM5KAIFA\r\n\r\n" + lines.replace("|", "\r\n") + "\r\n!\r\n").encode()
    batch = anew(clock_offset_secs=3600).offer(sealed(telegram, 1)).parcel.batch
    assert batch.energy.tolist() == [[123_456, 0, 1, 0]]
    assert batch.physical[0, 0] == 230_100
    assert batch.time.tolist() == [NOON + 19_800 - 7200]


# ------------------------------------------------------------------------------------------------ verdicts


def test_counters_are_judged_in_the_order_in_which_frames_came():
    frames = [
        sealed(LIST, 1),
        sealed(block(), 2),
        sealed(LIST, 3),
        sealed(LIST, 3),
        sealed(register(), 3),
        sealed(register(), 2),
    ]
    for counter in ("window", "strict"):
        world = World(config=DecodeConfig(counter=counter))
        made = world.offer(*frames)
        assert codes(made) == {3: "COUNTER_DUPLICATE", 4: "COUNTER_REPLAYED", 5: "COUNTER_REPLAYED"}
        assert made.parcel.batch.counter.tolist() == [1, 2, 3]
        assert made.parcel.batch.frame.tolist() == [0, 1, 2]
        assert not any(made.parcel.batch.flags & Flag.COUNTER_LATE)
    assert codes(world.offer(sealed(LIST, 1))) == {0: "COUNTER_DUPLICATE"}


def test_a_counter_that_comes_late_is_flagged():
    batch = World().offer(sealed(block(), 9), sealed(LIST, 8)).parcel.batch
    assert batch.flags.tolist() == [0, Flag.COUNTER_LATE]


BAD = [
    (register(power=60), "DATA_MALFORMED"),
    (listed(quantity("1.0.1.8.0.255", datum(23, float("inf")))), "TEMPLATE_UNKNOWN"),
    (listed(quantity("1.0.32.7.0.255", datum(6, 2**31), 0, V)), "DATA_MALFORMED"),
    (listed(*[quantity("1.0.1.8.0.255", datum(6, value)) for value in (1, 2)]), "TEMPLATE_UNKNOWN"),
    (listed(*[quantity(f"1.{b}.1.8.0.255", datum(6, b)) for b in (0, 1)]), "TEMPLATE_UNKNOWN"),
    (listed(quantity("1.0.1.8.0.101", datum(6, 1))), "TEMPLATE_UNKNOWN"),
    (listed(quantity("1.2.1.8.0.255", datum(6, 1))), "TEMPLATE_UNKNOWN"),
    (listed(quantity("1.0.1.8.0.255", datum(6, 1), 0, V)), "TEMPLATE_UNKNOWN"),
    (listed(datum(2, [obis("1.0.1.8.0.255"), datum(6, 1)])), "TEMPLATE_UNKNOWN"),
    (notification(datum(17, 1)), "TEMPLATE_UNKNOWN"),
    (bytes.fromhex("c401c1000600001391"), "APDU_UNKNOWN"),
    (register(time=b"\x0c" + stamp((2031, 1, 1, 0, 0, 0))), "NOT_LINKED"),
]


@pytest.mark.parametrize(("apdu", "code"), BAD)
def test_what_is_refused_leaves_no_trace_and_its_counter_unused(apdu, code):
    links = references([Link(until=NOON + 10**7)])
    world, alone = World(links), World(links)
    made = world.offer(sealed(block(wh_imp=1), 1), sealed(apdu, 2), sealed(LIST, 3))
    assert codes(made) == {1: code}
    without = alone.offer(sealed(block(wh_imp=1), 1), sealed(LIST, 3)).parcel.batch
    for name, column in vars(without).items():
        if name != "frame":
            assert np.array_equal(getattr(made.parcel.batch, name), column), name
    assert codes(world.offer(sealed(block(), 2))) == {}


def test_a_reject_says_why_and_what_was_in_it():
    unknown = notification(datum(2, [datum(9, b"\xff" * 4), datum(18, 77)]))
    made = World().offer(sealed(unknown, 1), sealed(notification(datum(1, [datum(18, n) for n in range(900)])), 2), b"")
    first, second, third = emitted(made, "rejects")
    assert first["detail"].startswith("no template fits this push of this meter; nothing in it has a place; ")
    assert '{"structure":[{"octet-string":"FFFFFFFF"},{"long-unsigned":77}]}' in first["detail"]
    assert MOST_SAID < len(second["detail"]) < MOST_SAID + 60
    assert third["detail"] == "the bytes end before the declared length"
    contracts = load_contracts()
    for record in (first, second, third):
        assert contracts.decode(contracts.encode("Reject", record), "Reject") == record


def test_an_apdu_that_is_no_message_of_a_meter_is_named_and_its_content_is_not_said():
    secret = b"\xc1\x01\xc1" + attribute(64, "0.0.43.0.0.255", 2) + b"\0" + datum(9, b"SECRETSECRETSECR")
    (reject,) = emitted(World().offer(sealed(secret, 1)), "rejects")
    assert "set-request" in reject["detail"]
    assert "SECRET" not in reject["detail"]


def test_the_bound_of_a_record_leaves_what_is_beyond_to_rejects():
    world = anew(single_octets=600)
    made = world.offer(*[sealed(register(value), value) for value in range(1, 6)], sealed(block(), 9))
    assert codes(made) == dict.fromkeys(range(3, 6), "TEMPLATE_UNKNOWN")
    assert made.parcel.batch.frame.tolist() == [0, 1, 2]
    nothing = World(config=DecodeConfig(single_octets=0)).offer(LIST, sealed(LIST, 1), hdlc(LIST))
    assert codes(nothing) == dict.fromkeys(range(3), "TEMPLATE_UNKNOWN")


def test_frames_that_are_made_to_cost_time_use_up_the_bound_of_a_record_eightfold():
    """Frames of 5,000 items in as many octets: four of them are looked at, and then a list no more."""
    items = b"\x0f\0\0\0\1\0\1\x82\x13\x88" + b"\0" * 5000
    bound = 128 << 10
    assert (bound // len(items), -(-bound // (8 * len(items)))) == (26, 4)
    made = anew(single_octets=bound).offer(*[items] * 5, LIST)
    looked_at = [record["frame"] for record in emitted(made, "rejects") if "nothing in it" in record["detail"]]
    assert looked_at == [0, 1, 2, 3]
    assert codes(made)[5] == "TEMPLATE_UNKNOWN"
    few = anew(single_octets=bound).offer(*[items] * 3, LIST)
    assert few.parcel.batch.frame.tolist() == [3]


def test_plain_frames_can_be_forbidden_here_too():
    strict = World(config=DecodeConfig(plain=False))
    made = strict.offer(LIST, hdlc(LIST), sealed(LIST, 1, control=AUTHENTICATED), alert_notification())
    assert codes(made) == {0: "SECURITY_UNSUPPORTED", 1: "SECURITY_UNSUPPORTED", 3: "APDU_UNKNOWN"}
    assert made.parcel.batch.flags.tolist() == [Flag.PLAIN]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_meter_that_names_its_quantities_sends_no_push_of_nothing(kind):
    assert codes(anew().offer(push(kind, []))) == {0: "TEMPLATE_UNKNOWN"}


def test_a_push_that_does_not_fit_its_model_waits_for_the_registry_and_is_not_guessed_at():
    made = World(references([Link(template=3)])).offer(block())
    assert codes(made) == {0: "TEMPLATE_UNKNOWN"}
    assert emitted(made, "rejects")[0]["detail"] == "no template fits this push of this meter"


def test_frames_that_are_offered_again_are_read_here_too_and_once():
    world = anew()
    world.offer(sealed(LIST, 5000))
    batch = frame_batch([sealed(register(number), number) for number in (1, 2, 2)])
    for expected in ([1, 2], []):
        parcel = Parcel(Origin("frames-1", 3, 7), batch, requeued=np.ones(3, np.uint32))
        made = world.step.advance(parcel, world.store, world.prepared)
        assert ([] if made.parcel.batch is None else made.parcel.batch.counter.tolist()) == expected


def test_many_such_frames_among_profiles_have_room():
    from tests.unit.agents.decode.test_profiles import first, profile

    frames = []
    for number in range(0, 90, 3):
        frames += [sealed(LIST, number), sealed(profile(*[first()] * 5), number + 1), sealed(alert(81), number + 2)]
    batch = World().offer(*frames).parcel.batch
    assert batch.frame.tolist() == [n for n in range(90) for _ in range(5 if n % 3 == 1 else 1)]
    assert len(batch.snapshot_row) == 60


# ------------------------------------------------------------------------------------------------ events, billing


def alert_notification(*bits, time=b"\1" + NOON_STAMP) -> bytes:
    """An Event-Notification of the event status word."""
    word = sum(1 << (127 - bit) for bit in bits).to_bytes(16, "big")
    return b"\xc2" + time + attribute(1, "0.0.94.91.18.255", 2) + datum(4, word)


def test_an_event_notification_of_the_status_word_is_an_alert():
    world = World()
    first = world.offer(sealed(alert(81), 1), sealed(alert_notification(81, 85), 2), sealed(alert(85), 3))
    assert events(first) == [(81, "OCCURRED"), (85, "OCCURRED"), (81, "RESTORED")]
    batch = first.parcel.batch
    assert batch.kind.tolist() == [Kind.ALERT] * 3
    late = world.offer(alert_notification(82, time=b"\0"))
    assert late.parcel.batch.time.tolist() == [RECEIVED]


def test_an_event_notification_of_a_code_and_entries_of_a_log_are_events():
    notice = b"\xc2\1" + NOON_STAMP + attribute(1, "0.0.96.11.2.255", 2) + datum(18, 101)
    rows = [datum(2, [datum(9, stamp((2025, 7, 1, 12, minute, 0))), datum(18, code)])
            for minute, code in ((5, 102), (7, 251), (9, 889))]  # fmt: skip
    log = notification(datum(2, [datum(9, b"METER1"), obis("0.123.25.9.0.255"), datum(1, rows)]))
    world = World()
    made = world.offer(sealed(alert(81), 1), sealed(notice, 2), sealed(log, 3))
    assert codes(made) == {}
    told = emitted(made, "events")
    assert [(event["source"], event["code"], event["edge"], event["name"]) for event in told] == [
        ("ESW", 201, "OCCURRED", "magnetic influence"), ("LOG", 101, "OCCURRED", "power failure"),
        ("LOG", 102, "RESTORED", "power restored"), ("LOG", 251, "OCCURRED", "cover open"),
        ("LOG", 889, "OCCURRED", "a maker's own"),
    ]  # fmt: skip
    assert [event["time"] - NOON for event in told] == [0, 0, 300, 420, 540]
    assert [event["source_index"] for event in told] == [0, 1, 2, 3, 4]
    assert made.parcel.batch.frame.tolist() == [0]
    contracts = load_contracts()
    for record in told:
        assert contracts.decode(contracts.encode("Event", record), "Event") == record
    assert codes(world.offer(sealed(log, 3))) == {0: "COUNTER_DUPLICATE"}


@pytest.mark.parametrize("code", [datum(5, -1), datum(6, 65_536), datum(21, 2**64 - 1), datum(3, 1), datum(10, b"101")])
def test_what_is_no_event_code_refuses_its_frame(code):
    notice = b"\xc2\1" + NOON_STAMP + attribute(1, "0.0.96.11.2.255", 2) + code
    log = notification(datum(2, [datum(9, b"METER1"), obis("0.123.25.9.0.255"), datum(9, stamp()), code]))
    made = World().offer(sealed(notice, 1), sealed(log, 2))
    assert set(codes(made)) == {0, 1}
    assert emitted(made, "events") == []


def test_an_event_of_a_time_without_a_link_is_refused():
    notice = b"\xc2\1\x0c" + stamp((2031, 1, 1, 0, 0, 0)) + attribute(1, "0.0.96.11.2.255", 2) + datum(18, 101)
    made = World(references([Link(until=NOON + 10**7)])).offer(sealed(notice, 2))
    assert (codes(made), emitted(made, "events")) == ({0: "NOT_LINKED"}, [])


def test_a_push_object_list_before_the_values_names_them():
    objects = [definition(8, "0.0.1.0.0.255"), definition(3, "1.0.1.8.0.255"), definition(3, "1.0.1.8.0.255", 3)]
    values = [datum(9, stamp()), datum(6, 55), scaler(1, WH)]
    batch = anew().offer(notification(datum(2, [datum(1, objects), *values]))).parcel.batch
    assert (batch.energy[0, 0], batch.time[0]) == (550, NOON)


def test_a_device_without_a_key_or_a_link_is_refused_as_ever():
    made = World(references([Link()], {DEVICE: KEYS})).offer(LIST, devices=DEVICE + 1)
    assert codes(made) == {0: "NOT_LINKED"}
