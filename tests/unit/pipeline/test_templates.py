"""The template table: what both decode and the simulator rely on."""

import numpy as np
import pytest

from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Kind
from pipeline.templates import (
    IGNORED,
    PUSH_NAMES,
    SNAPSHOT_TARGET,
    TEMPLATE_BY_NUMBER,
    TEMPLATES,
    TIMES,
    WORD,
    template_arrays,
)

PUSHES = [pytest.param(template, push, id=f"{template.name}-{push.kind.name}")
          for template in TEMPLATES for push in template.pushes]  # fmt: skip


@pytest.mark.parametrize(("template", "push"), PUSHES)
def test_no_quantity_comes_twice_in_one_push(template, push):
    targets = [column.target for column in push.columns if column.target]
    assert len(targets) == len(set(targets))
    assert 1 <= push.required <= len(push.columns)


@pytest.mark.parametrize(("template", "push"), PUSHES)
def test_the_arrays_for_kernels_say_the_same_as_the_table(template, push):
    arrays = template_arrays()
    place = (template.number, push.kind)
    assert arrays.width[place] == len(push.columns)
    assert arrays.required[place] == push.required
    for column, row in zip(push.columns, range(arrays.first[place], 10**9), strict=False):
        target = int(arrays.target[row])
        names = {IGNORED: ""} if target == IGNORED else {}
        names |= {number: channel.name for number, channel in enumerate(CHANNELS)}
        names |= {SNAPSHOT_TARGET + number: field.name for number, field in enumerate(SNAPSHOT)}
        assert names[target] == column.target
        assert arrays.multiplier[row] / arrays.divisor[row] == pytest.approx(10.0**column.integer)
        assert arrays.factor[row] == 10.0**column.floating


def test_registers_and_interval_energies_carry_the_codes_of_their_channel():
    codes = {channel.name: channel for channel in CHANNELS}
    for template in TEMPLATES:
        for push in template.pushes:
            for column in push.columns:
                if column.target in codes and codes[column.target].register_obis:
                    block, register = codes[column.target].block_obis, codes[column.target].register_obis
                    assert column.obis in (block if push.kind is Kind.BLOCK else register), (template.name, column)


def test_snapshot_columns_carry_the_codes_of_their_field():
    fields = {field.name: field.obis for field in SNAPSHOT}
    for template in TEMPLATES:
        for push in template.pushes:
            for column in push.columns:
                if column.target in fields:
                    assert column.obis == fields[column.target], (template.name, column)


def test_a_field_of_the_instantaneous_profile_is_filled_by_some_model():
    filled = {column.target for template in TEMPLATES for push in template.pushes for column in push.columns}
    assert {field.name for field in SNAPSHOT} - filled == {"esw_low"}
    assert {WORD} | TIMES <= filled


def test_numbers_are_unique_and_pushes_have_their_logical_name():
    assert len(TEMPLATE_BY_NUMBER) == len(TEMPLATES)
    assert set(PUSH_NAMES) == set(Kind)
    arrays = template_arrays()
    assert arrays.names[Kind.BLOCK].tobytes() == bytes([0, 5, 25, 9, 0, 255])
    np.testing.assert_array_equal(arrays.width[0], 0)
