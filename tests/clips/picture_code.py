"""The frame number written into a picture, and the place of everything else in it.

A number is 20 bits, followed by a CRC of 12 bits, as 32 black and white cells in two rows of 16
over the upper part of the picture. All places are fractions of the picture's width and height, so
that a code survives scaling; a cell of a picture 200 wide is 11 pixels wide, and the reader
samples only the middle of it. Blended pictures show as grey cells, damaged ones fail the CRC: both
raise Misread.

A band below the code is black, and white while a flash lasts.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]

NUMBER_BITS = 20
CHECK_BITS = 12
ROWS, COLUMNS = 2, 16
MAX_NUMBER = (1 << NUMBER_BITS) - 1

BLACK, WHITE = 16, 235
DARKEST_WHITE, LIGHTEST_BLACK = 160, 90

LEFT, RIGHT = 0.04, 0.96
CODE_TOP, CODE_BOTTOM = 0.04, 0.30
FLASH_TOP, FLASH_BOTTOM = 0.38, 0.62

_POLYNOMIAL = 0x80F
_SAMPLES = 4  # a side, in the middle half of each cell


class Misread(Exception):
    """A picture or sound does not hold what a generated clip holds."""


def _check(number: int) -> int:
    """CRC-12 of the number. It starts from ones: all black or all white is no code."""
    remainder = 0xFFF
    for bit in range(NUMBER_BITS - 1, -1, -1):
        carry = (remainder >> (CHECK_BITS - 1)) ^ (number >> bit & 1)
        remainder = (remainder << 1 & 0xFFF) ^ (_POLYNOMIAL if carry else 0)
    return remainder


def cells_of(number: int) -> NDArray[np.bool_]:
    """The cells of a number, shape (2, 16), True for white. Raises ValueError out of range."""
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"{number} does not fit into {NUMBER_BITS} bits")
    word = number << CHECK_BITS | _check(number)
    bits = [word >> bit & 1 for bit in range(NUMBER_BITS + CHECK_BITS - 1, -1, -1)]
    return np.array(bits, dtype=np.bool_).reshape(ROWS, COLUMNS)


def number_of(levels: NDArray[np.float64]) -> int:
    """The number that cells of these mean luma values, shape (2, 16), show. Raises Misread."""
    white = levels >= DARKEST_WHITE
    if not np.all(white | (levels <= LIGHTEST_BLACK)):
        raise Misread(f"grey cells, as in a blend of two pictures: {levels.round().tolist()}")
    word = int("".join("1" if bit else "0" for bit in white.ravel()), 2)
    number = word >> CHECK_BITS
    if word != number << CHECK_BITS | _check(number):
        raise Misread(f"cells {word:08x} fail their check")
    return number


@dataclass(frozen=True)
class Layout:
    """Places in a picture of one size. Indices into its luma plane.

    ``code_rows`` and ``code_columns`` are the code's slices, ``row_of`` and ``column_of`` the
    cell of each of their lines; ``sample_*`` are what the reader looks at.
    """

    code_rows: slice
    code_columns: slice
    flash_rows: slice
    row_of: NDArray[np.intp]
    column_of: NDArray[np.intp]
    sample_rows: NDArray[np.intp]
    sample_columns: NDArray[np.intp]
    sample_flash: NDArray[np.intp]

    def levels(self, luma: Luma) -> NDArray[np.float64]:
        """Mean luma of the middle of each cell, shape (2, 16)."""
        samples = luma[self.sample_rows[:, None], self.sample_columns]
        means = samples.reshape(ROWS, _SAMPLES, COLUMNS, _SAMPLES).mean(axis=(1, 3))
        return np.asarray(means, dtype=np.float64)

    def flash_level(self, luma: Luma) -> float:
        return float(luma[self.sample_flash[:, None], self.sample_columns].mean())


def _middles(start: float, stop: float, cells: int, size: int) -> NDArray[np.intp]:
    """Sample points in the middle half of each of the cells between two fractions of size."""
    inner = (np.arange(_SAMPLES) + 0.5) / _SAMPLES / 2 + 0.25
    points = start + (np.arange(cells)[:, None] + inner) * (stop - start) / cells
    return np.asarray((points * size).astype(np.intp).ravel())


def _cell_of_lines(lines: slice, cells: int) -> NDArray[np.intp]:
    count = lines.stop - lines.start
    return np.asarray(np.arange(count) * cells // count, dtype=np.intp)


@lru_cache(maxsize=64)
def layout(width: int, height: int) -> Layout:
    """The layout of a picture as displayed, at least 64 × 36."""
    if width < 64 or height < 36:
        raise ValueError(f"{width}x{height} is too small for a code")
    rows = slice(round(CODE_TOP * height), round(CODE_BOTTOM * height))
    columns = slice(round(LEFT * width), round(RIGHT * width))
    return Layout(
        code_rows=rows,
        code_columns=columns,
        flash_rows=slice(round(FLASH_TOP * height), round(FLASH_BOTTOM * height)),
        row_of=_cell_of_lines(rows, ROWS),
        column_of=_cell_of_lines(columns, COLUMNS),
        sample_rows=_middles(CODE_TOP, CODE_BOTTOM, ROWS, height),
        sample_columns=_middles(LEFT, RIGHT, COLUMNS, width),
        sample_flash=_middles(FLASH_TOP, FLASH_BOTTOM, 1, height),
    )
