"""The number in a picture is read back, and never misread."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips.picture_code import (
    BLACK,
    MAX_NUMBER,
    WHITE,
    Misread,
    cells_of,
    layout,
    number_of,
)
from tests.clips.read import read_frame_number

numbers = st.integers(0, MAX_NUMBER)


def levels_of(number: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.where(cells_of(number), float(WHITE), float(BLACK))


@given(numbers)
def test_every_number_is_read_back(number: int) -> None:
    assert number_of(levels_of(number)) == number


@given(numbers, st.sets(st.integers(0, 31), min_size=1, max_size=3))
def test_flipped_cells_are_a_misread(number: int, flipped: set[int]) -> None:
    levels = levels_of(number).ravel()
    levels[list(flipped)] = WHITE + BLACK - levels[list(flipped)]
    with pytest.raises(Misread):
        number_of(levels.reshape(2, 16))


@given(numbers, numbers)
def test_a_blend_of_two_pictures_is_a_misread(first: int, second: int) -> None:
    blend = (levels_of(first) + levels_of(second)) / 2
    if first == second:
        assert number_of(blend) == first
    else:
        with pytest.raises(Misread):
            number_of(blend)


@pytest.mark.parametrize("value", [BLACK, WHITE])
def test_a_plain_picture_holds_no_number(value: int) -> None:
    with pytest.raises(Misread):
        read_frame_number(np.full((360, 640), value, np.uint8))


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        cells_of(MAX_NUMBER + 1)


def test_a_picture_too_small_for_a_code_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        layout(32, 18)
