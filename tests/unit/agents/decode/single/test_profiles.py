"""Indian profiles: pushes and buffers by template, each marked verified or not; the event status word; explanation."""

import pytest

from agents.decode.describe import Keys, Options, describe_frames, describe_with
from agents.decode.single.profiles import BILLING, EVENTS, NAMEPLATE, PROFILES, PUSHES, columns, quantity_of
from pipeline.codes import Kind
from tests.builders_apdus import attribute, notification, obis
from tests.builders_frames import BLOCK_SEALED, KEYS, alert, datum, plain_columns, push, stamp

SENT = {"time": datum(9, stamp((2025, 7, 1, 0, 0, 0))), "text": datum(9, b"text"), "bits": datum(4, bytes(16))}


def one(*frames):
    (found,) = describe_frames(frames)
    return found


def sent(column):
    """A column as a meter sends it: floats, but counts and texts."""
    if column.quantity in SENT:
        return SENT[column.quantity]
    return datum(18, 3) if column.quantity in ("number", "minutes") else datum(23, 1.5)


def push_of(name, data, clock=True):
    head = [datum(9, b"METER1"), obis(name), *([datum(9, stamp())] if clock else [])]
    return notification(datum(2, [*head, *data]))


def name_of(profile):
    return next((name for name, pushed in PUSHES.items() if pushed == profile), None)


@pytest.mark.parametrize("template", [template for template in PROFILES if name_of(template.profile)],
                         ids=lambda template: f"{template.name} {template.profile} {template.category}")  # fmt: skip
def test_a_push_of_each_template_is_read_and_marked(template):
    data = [sent(column) for column in template.columns]
    found = one(push_of(name_of(template.profile), data, clock=template.profile != NAMEPLATE))
    assert found.error is None
    assert found.device == "METER1"
    told = found.template
    assert isinstance(told["verified"], bool)
    assert told["version"] == 1
    names = [column.name for column in template.columns]
    if told["name"] == template.name:
        assert list(found.values) == names
        assert told["category"] == template.category
    else:  # an order of the same kinds that comes first: it is said that this one fits too
        assert template.name in told["fits_too"] or told["name"] in ("D2 float", "D1 float")


@pytest.mark.parametrize("template", PROFILES, ids=lambda template: f"{template.name} {template.profile}")
def test_the_columns_of_templates_are_whole_and_each_once(template):
    names = [column.name for column in template.columns]
    assert len(names) == len(set(names))
    assert all(name.split("/")[0].count(".") == 5 for name in names)
    assert 0 < template.required <= len(names)


@pytest.mark.parametrize(
    ("code", "attribute_number", "quantity"),
    [("1.0.1.8.3", 2, "energy"), ("1.0.1.6.0", 2, "power"), ("1.0.1.6.0", 5, "time"),
     ("1.0.9.29.0", 2, "apparent energy"),
     ("1.0.5.8.0", 2, "reactive energy"), ("1.0.31.27.0", 2, "current"), ("1.0.13.0.0", 2, "power factor"),
     ("0.0.96.11.0", 2, "number"), ("0.0.94.91.13", 2, "minutes"), ("1.0.0.4.2", 2, "number")],
)  # fmt: skip
def test_quantities_follow_from_the_code(code, attribute_number, quantity):
    assert quantity_of(code, attribute_number) == quantity


def test_short_columns_are_written_out():
    assert [column.name for column in columns("12.27 1.8.3 0.0.96.10.1 1.6@5")] == [
        "1.0.12.27.0.255", "1.0.1.8.3.255", "0.0.96.10.1.255", "1.0.1.6.0.255/5",
    ]  # fmt: skip


def test_the_billing_profile_of_a_single_phase_meter():
    data = [datum(9, stamp((2025, 7, 1, 0, 0, 0))), datum(23, 0.98), *[datum(23, 10.25 + zone) for zone in range(18)]]
    data += [datum(23, 1.5), datum(9, stamp()), datum(23, 1.75), datum(9, stamp()), datum(18, 43200)]
    rows = datum(1, [datum(2, data), datum(2, [datum(9, stamp((2025, 8, 1, 0, 0, 0))), *[datum(0)] * 24])])
    found = one(push_of("0.103.25.9.0.255", [rows], clock=False))
    assert found.error is None
    first, second = found.values[BILLING]
    assert first["0.0.0.1.2.255"] == "2025-07-01T00:00:00+05:30"
    assert first["1.0.1.8.0.255"] == 10250
    assert first["1.0.9.8.8.255"] == 27250
    assert first["1.0.1.6.0.255/5"] == "2025-07-01T12:00:00+05:30"
    assert first["0.0.94.91.13.255"] == 43200
    assert second["0.0.0.1.2.255"] == "2025-08-01T00:00:00+05:30"
    assert second["1.0.1.8.0.255"] == 10250
    assert found.units["1.0.1.8.0.255"] == "Wh"
    assert found.template["verified"] is True


def test_rows_of_an_event_log_name_their_events():
    rows = datum(1, [datum(2, [datum(9, stamp()), datum(18, 101)]), datum(2, [datum(9, stamp()), datum(22, 102)]),
                     datum(2, [datum(9, stamp()), datum(18, 889)])])  # fmt: skip
    found = one(push_of("0.122.25.9.0.255", [rows], clock=False))
    assert [(row["0.0.96.11.2.255"], row["event"]) for row in found.values[EVENTS[2]]] == [
        (101, "power failure"), (102, "power restored"), (889, "a maker's own"),
    ]  # fmt: skip


def test_the_nameplate_is_read():
    texts = [b"12345678", b"DEV1", b"MAKER", b"FW1"]
    data = [*[datum(9, text) for text in texts], datum(17, 6), datum(9, b"D1"), datum(9, b"(10-60) A"), datum(18, 2024)]
    for clock in (True, False):
        found = one(push_of("0.104.25.9.0.255", data, clock=clock))
        assert found.error is None
        assert found.values["0.0.94.91.11.255"] == "D1"
        assert found.values["0.0.96.1.4.255"] == 2024


@pytest.mark.parametrize("kind", [Kind.DAILY, Kind.INSTANT, Kind.BLOCK])
@pytest.mark.parametrize("model", [1, 3])
def test_buffers_of_the_hot_profiles_are_read_row_by_row(kind, model):
    row = datum(2, [datum(9, stamp()), *plain_columns(model, kind, {"wh_imp": 0.5})])
    single = one(push(kind, plain_columns(model, kind, {"wh_imp": 0.5})))
    many = one(notification(datum(2, [datum(9, b"M"), datum(9, push_name(kind)), datum(1, [row, row])])))
    (rows,) = many.values.values()
    assert [{name: value for name, value in entry.items() if name != "time"} for entry in rows] == [single.values] * 2
    assert many.template == single.template
    assert single.template["name"] == {1: "D1 float", 3: "D1 float" if kind is Kind.DAILY else "D2 float"}[model]


def push_name(kind):
    from pipeline.templates import PUSH_NAMES

    return bytes(PUSH_NAMES[kind])


def test_a_profile_that_is_read_by_request_uses_the_same_templates():
    row = datum(2, [datum(9, stamp()), *plain_columns(1, Kind.BLOCK, {"wh_imp": 0.5})])
    frames = [b"\xc0\x01\xc1" + attribute(7, "1.0.99.1.0.255", 2) + b"\0", b"\xc4\x01\xc1\0" + datum(1, [row])]
    found = list(describe_frames(frames))[1]
    assert found.values["1.0.99.1.0.255"][0]["1.0.1.29.0.255"] == 500


def test_an_unverified_order_is_said_to_be_one():
    found = one(push(Kind.DAILY, plain_columns(5, Kind.DAILY)))
    assert found.template["verified"] is True, "import first is what a meter sent"
    assert found.template["fits_too"] == ["D1 float, export first"]
    assert one(push(Kind.BLOCK, plain_columns(6, Kind.BLOCK))).template["verified"] is False


def test_a_push_that_fits_no_template_is_told_whole_with_the_reason():
    found = one(push_of("0.5.25.9.0.255", [datum(23, 1.0)] * 3))
    assert found.error["code"] == "TEMPLATE_UNKNOWN"
    assert len(found.data["structure"]) == 6
    assert found.values == {}
    assert found.time == "2025-07-01T12:00:00+05:30"


def test_a_push_of_a_setup_that_nobody_knows_is_told_whole():
    found = one(push_of("0.9.25.9.0.255", [datum(23, 1.0)]))
    assert found.error is None
    assert found.details["push"] == "0.9.25.9.0.255"
    assert len(found.data["structure"]) == 4


def test_bits_of_the_event_status_word_are_named_and_their_changes_told():
    first, second = describe_frames([alert(81, 85, 124), alert(83, 86)])
    assert [(bit["bit"], bit["name"], bit["kind"]) for bit in first.details["bits"]] == [
        (81, "magnetic influence", "level"), (85, "last gasp", "edge"), (124, "CT open, phase B (maker's)", "unknown"),
    ]  # fmt: skip
    assert "edges" not in first.details
    assert [(edge["bit"], edge["edge"], edge["code"]) for edge in second.details["edges"]] == [
        (81, "restored", 202), (83, "occurred", 251), (86, "occurred", 102),
    ]  # fmt: skip


def test_every_octet_of_a_frame_is_explained_once():
    (found,) = describe_with([BLOCK_SEALED], Options(Keys(lambda _title: KEYS), explain=True))
    told = found.as_dict(explain=True)["explain"]
    assert [section["of"] for section in told] == ["frame", "APDU", "APDU, deciphered"]
    for section in told:
        place = 0
        for part in section["parts"]:
            assert part["offset"] == place
            assert part["what"] != "not explained"
            assert len(part["octets"]) == 2 * part["length"]
            place += part["length"]
        assert place == section["length"]
    energy = next(part for part in told[-1]["parts"] if part.get("obis") == "1.0.1.29.0.255")
    assert (energy["octets"], energy["what"], energy["value"]) == ("173E000000", "float32", 0.125)
    counter = next(part for part in told[1]["parts"] if part["what"] == "invocation counter")
    assert counter["value"] == 7
