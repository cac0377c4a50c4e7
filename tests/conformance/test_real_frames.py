"""Frames of real meters, from others' test suites: each is read as its source says, value by value.

The frames lie beside the project, not in it. A new one makes a test fail until it is read.
"""

import re

import numpy as np
import pytest

from agents.decode.config import DecodeConfig
from agents.decode.describe import Options, describe_frames, describe_with, no_keys
from agents.decode.framing import FrameError, hdlc_frames, unframe
from agents.decode.generic import open_apdu
from agents.decode.kernels_open import gather, new_opened, open_frames
from agents.decode.others import open_others
from agents.decode.single.ciphering import Keys, is_ciphered, unseal
from agents.decode.single.mbus import mbus_frames
from agents.decode.single.messages import Attribute
from agents.decode.single.octets import Section
from pipeline import gcm
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Flag, Kind
from tests.builders_frames import RECEIVED, Link, World, codes, references
from tests.conformance.real_frames import FRAMES

OTHERWISE = {
    "dlmsparser-raw_egd_example": {"0.2.25.9.0.255": "0002190900FF"},
}
"""Values that we say otherwise than the source: a logical name begins with a zero octet, where its text ends."""

NAMES = {
    "active_power_import": "1.7", "active_power_export": "2.7", "reactive_power_import": "3.7",
    "reactive_power_export": "4.7", "active_power_import_total": "1.8", "active_power_export_total": "2.8",
    "reactive_power_import_total": "3.8", "reactive_power_export_total": "4.8", "current_l1": "31.7",
    "current_l2": "51.7", "current_l3": "71.7", "voltage_l1": "32.7", "voltage_l2": "52.7", "voltage_l3": "72.7",
    **{f"{kind}_{way}_l{phase}": f"{code + 20 * phase}.7" for phase in (1, 2, 3) for code, kind, way in (
        (1, "active_power", "import"), (2, "active_power", "export"), (3, "reactive_power", "import"),
        (4, "reactive_power", "export"))},
}  # fmt: skip
"""The names of one source -> value groups C and D."""

PUSHES = (
    "amshan-aidon-no_list_2",
    "amshan-aidon-se_list",
    "amshan-hdlc-1",
    "amshan-kaifa-no_list_2",
    "amshan-kaifa-se_list",
    "amshan-kamstrup-no_list_2_single_phase",
    "amshan-kamstrup-no_list_2_single_phase_real_sample",
    "amshan-kamstrup-se_list_real_sample",
    "dlmsparser-hdlc_iskra550",
    "dlmsparser-hdlc_kamstrup_omnipower",
    "dlmsparser-hdlc_norway_han_1phase",
    "dlmsparser-mbus_netz_noe_p1",
    "dlmsparser-raw_salzburg_netz",
    "osgp-smr5-push",
    "pwitab-data-notification-nodate",
    "pwitab-udp-glo-1",
)
"""Data-Notifications that the batch decoder opens; none is an Indian push, the second lane makes rows of most."""

BATCH = dict.fromkeys(("osgp-smr5-push", "pwitab-data-notification-nodate", "pwitab-udp-glo-1"), "TEMPLATE_UNKNOWN") | {
    "amshan-hdlc-5": "FRAME_TRUNCATED",
    "amshan-hdlc-9": "FRAME_TRUNCATED",
    "dlmsparser-hdlc_landis_gyr_zmf100": "FRAME_DAMAGED",
    "dlmsparser-iskra550-frame3-badfcs": "FRAME_DAMAGED",
    "dlmsparser-malformed-1": "FRAME_DAMAGED",
    "dlmsparser-malformed-3": "FRAME_DAMAGED",
    "dlmsparser-malformed-5": "DATA_MALFORMED",
    "dlmsparser-mbus-badchecksum": "FRAME_DAMAGED",
    "dlmsparser-mbus-good": "SEGMENT_MISSING",
    "dlmsparser-raw_egd_example": "DATA_MALFORMED",
}
"""Why the batch decoder makes no row of a frame; else APDU_UNKNOWN."""

ROWS = {
    "dlmsparser-hdlc_iskra550": (1_680_377_555, 9),
    "dlmsparser-hdlc_kamstrup_omnipower": (1_773_325_470, 10),
    "dlmsparser-hdlc_norway_han_1phase": (None, 4),
    "amshan-hdlc-1": (None, 1),
    "amshan-aidon-se_list": (1_576_479_580, 10),
    "amshan-aidon-no_list_2": (None, 7),
    "amshan-kaifa-se_list": (1_632_328_530, 10),
    "amshan-kaifa-no_list_2": (1_579_954_170, 8),
    "amshan-kamstrup-se_list_real_sample": (1_643_047_130, 8),
    "amshan-kamstrup-no_list_2_single_phase_real_sample": (1_637_708_425, 6),
    "amshan-kamstrup-no_list_2_single_phase": (1_502_895_605, 4),
    "dlmsparser-mbus_netz_noe_p1": (1_632_728_835, 10),
    "dlmsparser-raw_salzburg_netz": (1_668_268_440, 9),
    "dsmr-sagemcom-t210dr-auth": (1_665_064_214, 4),
}
"""Pushes of which the batch decoder makes a row: stamp (None: the frame has none), and how many of its quantities have
a place there. Meters in central Europe, one hour ahead of UTC; in summer time only where they say so.
"""
ZONE = 3600

PLACES = {
    **{f"{code}.8": (name, "Wh", 0) for code, name in ((1, "wh_imp"), (2, "wh_exp"))},
    **{f"{code}.7": (name, unit, scale) for code, name, unit, scale in (
        (1, "active_power", "W", 0), (3, "reactive_power", "var", 0), (13, "power_factor", "", 3),
        (33, "power_factor_r", "", 3), (53, "power_factor_y", "", 3), (73, "power_factor_b", "", 3),
        (31, "current_r", "A", 3), (51, "current_y", "A", 3), (71, "current_b", "A", 3),
        (32, "voltage_r", "V", 3), (52, "voltage_y", "V", 3), (72, "voltage_b", "V", 3))},
}  # fmt: skip
"""Value groups C and D -> column of the warehouse, unit, power of ten that makes it whole."""


pytestmark = pytest.mark.skipif(not FRAMES, reason="the real frames are not beside the project: ../shared/data/frames")


def keys_of(frame):
    if "key_hex" not in frame:
        return no_keys
    key = bytes.fromhex(frame["key_hex"])
    pair = (key, bytes.fromhex(frame["auth_key_hex"]) if "auth_key_hex" in frame else key)
    return lambda _title: pair


def describe(frame):
    return list(describe_frames([bytes.fromhex(frame["hex"])], keys_of(frame), offset_secs=0))


def told(frame):
    """(values as the source says, what we found), of one frame; both by OBIS code."""
    expected, found = frame["expected"], describe(frame)
    said = dict(expected.get("values", {}))
    for obis, entry in expected.get("values_raw_by_obis", {}).items():
        if obis != "null":
            said[obis] = entry["value"]
    said |= OTHERWISE.get(frame["id"], {})
    got = {obis: value for item in found for obis, value in item.values.items()}
    return said, got


def with_values():
    return sorted(name for name, frame in FRAMES.items()
                  if frame["expected"].get("values") or frame["expected"].get("values_raw_by_obis"))  # fmt: skip


@pytest.mark.parametrize("name", with_values())
def test_every_value_is_as_the_source_says(name):
    said, got = told(FRAMES[name])
    assert {obis: got.get(obis) for obis in said} == said
    assert [item.error for item in describe(FRAMES[name])] == [None]


def scaled(found):
    """C.D -> value in the unit of the quantity, by the scalers of the frame or by the table of its maker."""
    values = dict(found.values)
    values |= {obis: entry["value"] for obis, entry in found.details.get("scaled", {}).items()}
    return {".".join(obis.split(".")[2:4]): value for obis, value in values.items()}


@pytest.mark.parametrize("name", sorted(name for name in FRAMES if "values_scaled_by_name" in FRAMES[name]["expected"]))
def test_scaled_values_are_as_the_source_says(name):
    (found,) = describe(FRAMES[name])
    named = FRAMES[name]["expected"]["values_scaled_by_name"]
    said = {NAMES[key]: value for key, value in named.items() if key in NAMES}
    got = scaled(found)
    assert len(said) >= 4
    assert {code: got.get(code) for code in said} == pytest.approx(said)


def test_the_serial_numbers_of_lists_name_the_device():
    for name, frame in FRAMES.items():
        serial = frame["expected"].get("values_scaled_by_name", {}).get("meter_id")
        if serial is not None:
            assert [item.device for item in describe(frame)] == [serial], name


@pytest.mark.parametrize(
    "name", sorted(name for name in FRAMES if isinstance(FRAMES[name]["expected"].get("apdu_datetime"), str))
)
def test_the_date_time_of_the_notification_is_told(name):
    (found,) = describe(FRAMES[name])
    assert found.time[:19] == FRAMES[name]["expected"]["apdu_datetime"]


@pytest.mark.parametrize("name", sorted(name for name in FRAMES if FRAMES[name]["framing"] == "hdlc"))
def test_the_link_layer_is_read_as_the_source_says(name):
    frame = FRAMES[name]
    expected = frame["expected"]
    if expected["outcome"] == "error":
        with pytest.raises(FrameError):
            hdlc_frames(bytes.fromhex(frame["hex"]))
        return
    frames = hdlc_frames(bytes.fromhex(frame["hex"]))
    if "type" in expected:
        assert [item.kind for item in frames] == [expected["type"]]
    if "payload_hex" in expected:
        payload = expected["payload_hex"]
        wanted = payload if isinstance(payload, list) else [payload]
        assert [item.information.hex().upper() or None for item in frames] == wanted
    assert len(frames) >= expected.get("frames", 1)


def test_what_the_source_refuses_is_refused_and_link_frames_are_no_errors():
    for name, frame in FRAMES.items():
        found = describe(frame)
        if frame["expected"]["outcome"] == "error":
            assert all(item.error is not None for item in found), name
        elif frame["expected"]["outcome"] == "ok":
            assert [item.error for item in found] == [None], name
        elif "type" in frame["expected"]:
            assert [(item.error, item.details["link"]["type"]) for item in found] == [(None, frame["expected"]["type"])]


@pytest.mark.parametrize(
    ("name", "apdu", "facts"),
    [
        ("pwitab-hdlc-i-aare", "aare", {"result": "accepted"}),
        ("epri-aare", "aare", {"result": "accepted", "user_information": "0800065F1F040000381F009B0007"}),
        ("epri-rlre", "rlre", {"reason": "normal", "user_information": "0800065F1F040000381F009B0007"}),
        ("pwitab-action-req", "action-request-normal", {"methods": ["15/0.0.40.0.0.255/1"]}),
        ("pwitab-get-req-normal", "get-request-normal", {"about": ["1/0.0.43.1.0.255/2"]}),
        ("pwitab-range-descriptor-request", "get-request-normal", {"about": ["7/1.0.99.1.0.255/2"]}),
        ("epri-get-response-clock", "get-response-normal", {"value": "2016-01-04 09:50:10"}),
        ("pwitab-get-resp-normal", "get-response-normal", {"value": 5009}),
        ("pwitab-get-resp-block1", "get-response-with-datablock", {"block_number": 1, "last": False}),
        ("osgp-smr5-push", "data-notification", {"push": "0.0.25.9.0.255"}),
        ("pwitab-udp-glo-1", "data-notification", {"link": {"source": 1, "destination": 1}}),
    ],
)
def test_what_carries_no_quantity_is_told_by_its_facts(name, apdu, facts):
    (found,) = describe(FRAMES[name])
    assert found.apdu == apdu
    assert found.details | facts == found.details


def test_a_profile_buffer_by_itself_is_read_with_the_columns_that_the_caller_knows():
    frame = FRAMES["pwitab-profile-buffer-4rows"]
    columns = [Attribute(int(part[0]), part[1], int(part[2])) for part in
               (text.split("/") for text in frame["expected"]["columns"])]  # fmt: skip
    options = Options(columns=columns, period_secs=60 * frame["expected"]["capture_period_min"])
    (found,) = describe_with([bytes.fromhex(frame["hex"])], options)
    rows = found.values["buffer"]
    assert len(rows) == frame["expected"]["rows"]
    assert [row["time"][:13] for row in rows] == ["2019-12-31T23", "2020-01-01T00", "2020-01-01T01", "2020-01-01T02"]
    assert {(row["1.0.1.8.0.255"], row["1.0.2.8.0.255"]) for row in rows} == {(1517, 1620)}


def test_an_equipment_identifier_is_the_device():
    assert describe(FRAMES["osgp-smr5-push"])[0].device == FRAMES["osgp-smr5-push"]["expected"]["equipment_id"]


def test_a_telegram_inside_the_ciphering_is_read():
    frame = FRAMES["dsmr-sagemcom-t210dr-auth"]
    (found,) = describe(frame)
    assert found.apdu == "telegram"
    assert found.details["timestamp"] == frame["expected"]["timestamp"]
    assert found.details["crc"] == frame["expected"]["crc"]
    assert found.time == "2022-10-06T15:50:14"


def test_mbus_frames_are_read_as_the_sources_say():
    frames, _ = mbus_frames(bytes.fromhex(FRAMES["dlmsparser-mbus-good"]["hex"]))
    assert frames[0].payload.hex().upper() == FRAMES["dlmsparser-mbus-good"]["expected"]["payload_hex"]
    with pytest.raises(FrameError):
        mbus_frames(bytes.fromhex(FRAMES["dlmsparser-mbus-badchecksum"]["hex"]))


def test_a_known_plain_text_is_what_opening_the_frame_gives():
    known = [frame for frame in FRAMES.values() if "plaintext_hex" in frame]
    for frame in known:
        (apdu,) = unframe(bytes.fromhex(frame["hex"]))[1]
        assert open_apdu(apdu, keys_of(frame)).apdu == bytes.fromhex(frame["plaintext_hex"])
    assert len(known) == 4


def world_of(frame):
    """(device, world) with the keys that are known of the frame's sender, a meter that names its quantities."""
    title = int(frame.get("system_title_hex") or "4142430000012345", 16)
    pair = keys_of(frame)(title)
    links = references([Link(device=title, template=10)], {} if pair is None else {title: pair})
    return np.uint64(title), World(links, DecodeConfig(clock_offset_secs=ZONE))


def offered(frame):
    """(what a decode step makes of the frame, the frame's invocation counter)."""
    octets = bytes.fromhex(frame["hex"])
    (apdu,) = unframe(octets)[1]
    counter = open_apdu(apdu, keys_of(frame)).counter if is_ciphered(apdu[0]) else 0
    title, world = world_of(frame)
    return world.offer(octets, devices=title), counter


def of_a_warehouse(batch, row):
    """Columns of a row that are there, by name."""
    flat = np.concatenate([batch.energy[row], batch.reactive[row], batch.physical[row]])
    found = {channel.name: int(flat[n]) for n, channel in enumerate(CHANNELS) if batch.present[row] >> n & 1}
    place = batch.snapshot_row.tolist().index(row)
    there = int(batch.snapshot_present[place])
    return found | {field.name: int(batch.snapshot[place, n]) for n, field in enumerate(SNAPSHOT) if there >> n & 1}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_push_of_any_maker_is_a_row_with_the_values_of_the_single_decoder(name):
    frame = FRAMES[name]
    advance, counter = offered(frame)
    assert codes(advance) == {}
    batch = advance.parcel.batch
    time, count = ROWS[name]
    assert batch.kind.tolist()[-1] == Kind.INSTANT
    assert (batch.counter.tolist()[-1], batch.link.tolist()[-1]) == (counter, 0)
    assert batch.time.tolist()[-1] == (RECEIVED if time is None else time)
    assert bool(batch.flags[-1] & Flag.CLOCK_INVALID) is (time is None)
    assert bool(batch.flags[-1] & Flag.PLAIN) is (counter == 0)

    (found,) = describe(frame)
    said = {obis: (value, found.units.get(obis, "")) for obis, value in found.values.items()}
    said |= {obis: (entry["value"], entry["unit"]) for obis, entry in found.details.get("scaled", {}).items()}
    expected = {}
    for obis, (value, unit) in said.items():
        groups = re.fullmatch(r"1[.-][01][.:](\d+)\.(\d+)\.0(?:\.255)?", obis)
        column, own, scale = PLACES.get(".".join(groups.groups()), ("", "", 0)) if groups else ("", "", 0)
        # Without a scaler a power factor of 31 could be anything.
        if column and unit == own and not (own == "" and isinstance(value, int)):
            expected[column] = round(value * 10**scale)
    assert of_a_warehouse(batch, len(batch.kind) - 1) == expected
    assert len(expected) == count


@pytest.mark.parametrize("name", sorted(set(FRAMES) - set(ROWS)))
def test_the_batch_decoder_says_why_it_makes_no_row_of_the_frame(name):
    title, world = world_of(FRAMES[name])
    octets = bytes.fromhex(FRAMES[name]["hex"])
    assert codes(world.offer(octets, devices=title)) == {0: BATCH.get(name, "APDU_UNKNOWN")}


def opened_by_kernels(octets, device, tables):
    """(reject number, octets of the APDU) of one frame, out of its framing and deciphered by the batch's kernels."""
    payload, good = np.frombuffer(octets, np.uint8).copy(), np.zeros(1, np.uint8)
    devices, opened = np.array([device], np.uint64), new_opened(1)
    gather(devices, np.zeros(1, np.int64), tables.devices, tables.pairs, tables.spans, opened)
    open_frames(payload, np.array([len(octets)], np.uint32), devices, tables.policy, opened)
    context = gcm.new_context(encrypt=False)
    gcm.unseal_batch(context, opened.keys, opened.frames, opened.security, payload, payload, good)
    gcm.free_context(context)
    open_others(payload, devices, tables.others, tables.policy, opened, good)
    start, length = int(opened.frames.start[0]), int(opened.frames.length[0])
    assert opened.security[0] == 0 or good[0]
    return int(opened.code[0]), payload[start : start + length].tobytes()


def test_kernels_open_real_frames_to_the_octets_that_the_decoder_for_single_frames_finds():
    same = 0
    for name, frame in FRAMES.items():
        octets, (title, world) = bytes.fromhex(frame["hex"]), world_of(frame)
        try:
            (apdu,) = unframe(octets)[1]
            plain = unseal(Section("APDU", apdu), Keys(keys_of(frame), server=int(title))).apdu if is_ciphered(
                apdu[0]) else apdu  # fmt: skip
        except (FrameError, ValueError):
            continue
        if plain[:1] == b"\x0f":
            assert opened_by_kernels(octets, title, world.prepared.tables) == (0, plain), name
            same += 1
    assert same == 1 + len(PUSHES), "those, and one whose data are malformed"
