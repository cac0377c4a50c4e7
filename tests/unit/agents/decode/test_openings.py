"""Models whose stamps open their interval: inside, a block's stamp closes it, whatever the model."""

import numpy as np
import pytest

from pipeline.codes import Kind
from pipeline.templates import TEMPLATE_BY_NUMBER
from tests.builders_frames import NOON, POINT, Link, World, block, codes, datum, plain_columns, push, references
from tests.builders_frames import stamp as clock

OPENS, CLOSES, INTERVAL = 11, 1, 1800


def times(*links: Link, frames, points=POINT):
    """Stamps that the rows of the frames get."""
    advance = World(references(list(links))).offer(*frames, points=points)
    assert codes(advance) == {}
    return advance.parcel.batch.time.tolist()


def test_the_table_names_a_model_of_either_kind():
    assert [TEMPLATE_BY_NUMBER[model].opens for model in (OPENS, CLOSES)] == [True, False]


@pytest.mark.parametrize(("model", "added"), [(OPENS, INTERVAL), (CLOSES, 0)])
def test_a_block_is_named_by_the_end_of_its_interval(model, added):
    assert times(Link(template=model), frames=[block()]) == [NOON + added]


@pytest.mark.parametrize("kind", [Kind.DAILY, Kind.INSTANT, Kind.ALERT])
def test_other_pushes_of_such_a_model_keep_their_stamp(kind):
    assert times(Link(template=OPENS), frames=[push(kind, plain_columns(OPENS, kind))]) == [NOON]


def test_the_rows_of_a_profile_are_moved_alike_and_null_clocks_count_on_from_the_stamp_above():
    columns = plain_columns(OPENS, Kind.BLOCK)
    rows = [datum(2, [datum(9, clock()), *columns]), datum(2, [datum(0), *columns]), datum(2, [datum(0), *columns])]
    apdu = push(Kind.BLOCK, []).replace(datum(9, clock()), datum(1, rows), 1)
    expected = [NOON + INTERVAL * number for number in (1, 2, 3)]
    assert times(Link(template=OPENS), frames=[apdu]) == expected


def test_an_interval_belongs_to_the_meter_that_stood_there_in_its_last_second():
    removed = NOON + INTERVAL
    links = [Link(template=OPENS, until=removed), Link(template=OPENS, point=POINT + 1, since=removed)]
    frames = [block((2025, 7, 1, 12, 0, 0)), block((2025, 7, 1, 12, 30, 0))]
    assert times(*links, frames=frames, points=np.array([POINT, POINT + 1])) == [removed, removed + INTERVAL]
    advance = World(references(links)).offer(frames[1], points=POINT)
    assert codes(advance) == {0: "NOT_LINKED"}, "what begins when the meter is removed is not its own any more"
