"""High dynamic range on an ordinary screen."""

import numpy as np
import pytest

from media_pipeline.pictures.colour import Coding, Gamut, Transfer
from media_pipeline.pictures.tone import mapped

STEPS = np.linspace(0, 1, 201)
GREYS = np.stack([STEPS] * 3, axis=-1)


def coding(transfer: Transfer, gamut: Gamut = "bt2020") -> Coding:
    return Coding("bt2020", is_full=False, transfer=transfer, gamut=gamut, has_alpha=False)


def pq(light: float) -> float:
    """The inverse EOTF of SMPTE ST 2084, once more."""
    power = (light / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


@pytest.mark.parametrize("transfer", ["pq", "hlg", "sdr"])
def test_greys_stay_grey_and_in_order(transfer: Transfer) -> None:
    shown = mapped(GREYS, coding(transfer))
    assert np.ptp(shown, axis=-1).max() < 0.01
    assert np.all(np.diff(shown[:, 1]) >= 0)
    assert shown[0, 1] < 0.01
    assert shown[-1, 1] > 0.99


@pytest.mark.parametrize(
    ("light", "lowest", "highest"),
    [
        (1, 27, 29),
        (10, 71, 75),
        (50, 139, 144),
        (203, 215, 235),
        (1000, 254, 255),
        (9000, 254, 255),
    ],
)
def test_light_becomes_levels(light: float, lowest: float, highest: float) -> None:
    """cd/m², and levels of 255 on a screen whose white is 203 cd/m² and whose gamma is 2.4."""
    shown = mapped(np.array([[pq(light)] * 3]), coding("pq"))
    assert lowest <= 255 * shown[0, 1] <= highest


def test_colours_that_both_have_stay() -> None:
    """BT.709's red, as BT.2020 codes it."""
    linear = np.array([[0.6274, 0.0691, 0.0164]])
    shown = mapped(linear ** (1 / 2.4), coding("sdr"))
    assert np.allclose(shown, [[1, 0, 0]], atol=0.12)
    assert shown[0, 0] > 0.97


def test_a_colour_beyond_the_screen_keeps_its_hue() -> None:
    shown = mapped(np.array([[0.0, 1.0, 0.0]]), coding("sdr"))[0]
    assert shown[1] > 0.8
    assert max(shown[0], shown[2]) < 0.6
