"""The clock of a meter against the arrival of its pushes: events when it comes to be off, and flags of its rows."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from pipeline.codes import Flag, Kind
from pipeline.step import Origin, Parcel
from tests.builders_frames import NOON, World, alert, block, frame_batch, plain_columns, push, sealed
from tests.builders_frames import stamp as clock

BOUND, PUSHES, SPAN = 60, 3, 1000
CONFIG = DecodeConfig(clock_drift_secs=BOUND, clock_drift_pushes=PUSHES, clock_drift_span_secs=SPAN)


def wall(time):
    """What a clock in India shows at `time`."""
    shown = datetime.fromtimestamp(time + 19_800, UTC)
    return (shown.year, shown.month, shown.day, shown.hour, shown.minute, shown.second)


def offer(world, *sent, requeued=None):
    """One record of (frame, arrival)."""
    frames, arrivals = zip(*sent, strict=True)
    batch = replace(frame_batch(frames), received_at=np.array(arrivals, np.int64))
    again = None if requeued is None else np.array(requeued, np.uint32)
    parcel = Parcel(Origin("frames-1", 3, world.offset), batch, requeued=again)
    world.offset += 1
    return world.step.advance(parcel, world.store, world.prepared)


def measured(advance):
    """(name, edge, s ahead) of the events that decode found itself."""
    events = [item.value for item in advance.emissions if item.output == "events"]
    return [
        (event["name"], event["edge"], event["time"] - event["received_at"])
        for event in events if event["source"] == "PIPELINE"
    ]  # fmt: skip


def pushed(lead, received):
    """An alert whose clock is `lead` seconds ahead of its arrival."""
    return alert(wall=wall(received + lead)), received


def doubtful(advance):
    """Whether each row is flagged."""
    return (advance.parcel.batch.flags & Flag.CLOCK_DOUBTFUL != 0).tolist()


def test_one_push_ahead_of_its_arrival_proves_the_clock_ahead_and_is_told_once():
    world = World(config=CONFIG)
    first = offer(world, pushed(0, NOON), pushed(BOUND, NOON + 10), pushed(BOUND + 1, NOON + 20))
    assert measured(first) == [("meter clock ahead", "OCCURRED", BOUND + 1)]
    assert doubtful(first) == [False, False, True]
    assert measured(offer(world, pushed(BOUND + 5, NOON + 30), pushed(0, NOON + 40))) == []


def test_rows_of_all_kinds_are_flagged_while_the_clock_is_off_and_no_longer_once_it_is_right():
    world = World(config=CONFIG)
    offer(world, pushed(500, NOON))
    rows = [(block(), NOON + 5), (push(Kind.DAILY, plain_columns(1, Kind.DAILY)), NOON + 6), (sealed(block(), 7), NOON)]
    assert doubtful(offer(world, *rows)) == [True, True, True]
    right = offer(world, *[pushed(-2, NOON + 10 + 600 * number) for number in range(3)], (block(), NOON + 1300))
    assert measured(right) == [("meter clock ahead", "RESTORED", -2)]
    assert doubtful(right) == [True, True, False, False]


def test_late_pushes_are_no_proof_of_a_clock_behind_as_long_as_one_of_the_span_came_in_time():
    world = World(config=CONFIG)
    late = [pushed(-7200 + 100 * number, NOON + 400 * number) for number in range(5)]
    assert measured(offer(world, *late[:2], pushed(-5, NOON + 500), *late[2:])) == []


def test_a_burst_of_kept_pushes_is_no_proof_either():
    world = World(config=CONFIG)
    assert measured(offer(world, *[pushed(-9000 + 60 * number, NOON + number) for number in range(50)])) == []


def test_a_clock_that_all_pushes_of_a_span_show_behind_is_told_by_the_least_delayed_and_ends_with_one_that_is_not():
    world = World(config=CONFIG)
    behind = offer(world, pushed(-400, NOON), pushed(-310, NOON + 600), pushed(-900, NOON + 1200))
    assert measured(behind) == [("meter clock behind", "OCCURRED", -310)]
    assert doubtful(behind) == [False, False, True]
    assert measured(offer(world, pushed(-BOUND, NOON + 1300))) == [("meter clock behind", "RESTORED", -BOUND)]


def test_a_clock_set_from_behind_to_ahead_ends_one_event_and_begins_the_other():
    world = World(config=CONFIG)
    offer(world, pushed(-400, NOON), pushed(-310, NOON + 600), pushed(-900, NOON + 1200))
    assert measured(offer(world, pushed(100, NOON + 1300))) == [
        ("meter clock behind", "RESTORED", 100), ("meter clock ahead", "OCCURRED", 100),
    ]  # fmt: skip


def test_momentary_values_measure_and_intervals_registers_and_what_is_offered_again_do_not():
    world = World(config=CONFIG)
    ahead = clock(wall(NOON + 1000))
    instant = push(Kind.INSTANT, plain_columns(1, Kind.INSTANT), ahead)
    silent = [(block(wall(NOON + 1000)), NOON), (push(Kind.DAILY, plain_columns(1, Kind.DAILY), ahead), NOON)]
    assert measured(offer(world, *silent)) == []
    assert measured(offer(world, (instant, NOON), requeued=[1])) == []
    assert measured(offer(world, (instant, NOON))) == [("meter clock ahead", "OCCURRED", 1000)]


def test_what_is_refused_does_not_measure():
    world = World(config=CONFIG)
    frame, received = sealed(alert(wall=wall(NOON + 1000)), 5), NOON
    assert measured(offer(world, (frame[:-1] + bytes([frame[-1] ^ 1]), received))) == []
    assert measured(offer(world, (frame, received), (frame, received))) == [("meter clock ahead", "OCCURRED", 1000)]


def test_a_bound_of_zero_measures_nothing():
    world = World(config=DecodeConfig(clock_drift_secs=0))
    assert measured(offer(world, pushed(5000, NOON))) == []
    assert not world.store.areas["drifts"].rows.view(np.uint8).any()


def test_a_device_costs_eight_octets():
    assert World().store.areas["drifts"].rows.dtype.itemsize == 8


# ------------------------------------------------------------------------------------------------ any pushes


@dataclass
class Clock:
    """The rule in plain Python."""

    said: str = ""
    span: list[tuple[int, int]] = field(default_factory=list)

    def push(self, lead, received):
        """Events of one push."""
        found = []
        self.span.append((lead, received))
        most = max(lead for lead, _ in self.span)
        whole = len(self.span) >= PUSHES and received - self.span[0][1] >= SPAN
        if self.said == "behind" and lead >= -BOUND:
            self.said = ""
            found.append(("meter clock behind", "RESTORED", lead))
        if lead > BOUND:
            if self.said != "ahead":
                found.append(("meter clock ahead", "OCCURRED", lead))
            self.said, self.span = "ahead", []
            return found
        if whole:
            self.span = []
            if self.said == "ahead":
                self.said = ""
                found.append(("meter clock ahead", "RESTORED", most))
            if not self.said and most < -BOUND:
                self.said = "behind"
                found.append(("meter clock behind", "OCCURRED", most))
        return found


leads = st.one_of(
    st.integers(-70, -50), st.integers(50, 70), st.integers(-3000, 20), st.sampled_from([-40_000, 0, 90_000])
)


@pytest.mark.parametrize("cut", [1, 4, 100])
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(leads, st.integers(-50, 900)), min_size=1, max_size=40))
def test_any_pushes_give_the_events_and_flags_of_the_rule(cut, sent):
    world, oracle, received = World(config=CONFIG), Clock(), NOON
    frames, expected, flags = [], [], []
    for lead, gap in sent:
        received += gap
        frames.append(pushed(lead, received))
        expected += oracle.push(max(min(lead, 32_767), -32_767), received)
        flags.append(bool(oracle.said))
    found, flagged = [], []
    for place in range(0, len(frames), cut):
        advance = offer(world, *frames[place : place + cut])
        found += measured(advance)
        flagged += doubtful(advance)
    assert found == expected
    assert flagged == flags
