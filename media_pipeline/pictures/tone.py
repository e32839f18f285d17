"""Pictures of high dynamic range or wide gamut, shown on an ordinary BT.709 screen.

A table maps coded R'G'B' to coded R'G'B' (the filter lut3d reads it). White of an ordinary screen
stands for 203 cd/m² of the source, the reference white of Report ITU-R BT.2408; what is darker
than about half of that stays as it is, what is brighter is rolled off up to 1,000 cd/m² as in
Report ITU-R BT.2390 §5.4.1, on the largest of the three components, so that hues stay. Colours that
BT.709 does not have lose saturation until it has them, and keep their brightness.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from media_pipeline.pictures.colour import Coding

Array = npt.NDArray[np.float64]

_SIZE = 33  # table entries for each component
_PEAK, _WHITE = 1000.0, 203.0  # cd/m²
_GAMMA = 2.4  # Rec. ITU-R BT.1886

# Rec. ITU-R BT.2100-2 table 4 (PQ).
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
# Table 5 (HLG).
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_SYSTEM_GAMMA = 1.2  # at a peak of 1,000 cd/m²

# Linear RGB to linear RGB of BT.709, rows red, green, blue. Report ITU-R BT.2087-0 §4 for BT.2020;
# the same computation with the primaries of SMPTE EG 432-1 for P3.
_TO_BT709 = {
    "bt2020": np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083],
                        [-0.0182, -0.1006, 1.1187]]),
    "p3": np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
    "bt709": np.eye(3),
}  # fmt: skip
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
_LUMA_709 = np.array([0.2126, 0.7152, 0.0722])


def _pq_to_linear(code: Array) -> Array:
    root = code ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))


def _linear_to_pq(light: Array) -> Array:
    power = (light / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _hlg_to_linear(code: Array) -> Array:
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - _C) / _A) + _B) / 12)
    luma = (scene @ _LUMA_2020)[..., None]
    return np.asarray(_PEAK * luma ** (_SYSTEM_GAMMA - 1) * scene)


def _rolled_off(light: Array) -> Array:
    """cd/m² up to the peak to cd/m² up to white."""
    peak, white = _linear_to_pq(np.array([_PEAK, _WHITE]))
    top = white / peak
    knee = 1.5 * top - 0.5
    value = np.minimum(_linear_to_pq(light) / peak, 1.0)
    t = (value - knee) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * top
    )
    return _pq_to_linear(np.where(value < knee, value, spline) * peak)


def _within_gamut(rgb: Array) -> Array:
    """Linear values, 1 is white: moved towards grey of their brightness until all are 0 to 1."""
    luma = np.clip(rgb @ _LUMA_709, 0, 1)[..., None]
    away = rgb - luma
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(away < 0, -luma / away, (1 - luma) / away)
    share = np.where(away == 0, 1.0, room).min(axis=-1, keepdims=True)
    return np.asarray(np.clip(luma + away * np.clip(share, 0, 1), 0, 1))


def mapped(code: Array, coding: Coding) -> Array:
    """Coded R'G'B' of ``coding``, 0 to 1 in the last axis, as coded R'G'B' of BT.709."""
    if coding.transfer == "sdr":
        shown = code**_GAMMA
    else:
        light = _pq_to_linear(code) if coding.transfer == "pq" else _hlg_to_linear(code)
        largest = light.max(axis=-1, keepdims=True)
        shown = light * _rolled_off(largest) / np.maximum(largest, 1e-9) / _WHITE
    return np.asarray(_within_gamut(shown @ _TO_BT709[coding.gamut].T) ** (1 / _GAMMA))


def write_table(path: Path, coding: Coding) -> None:
    """A .cube file (Adobe Cube LUT Specification 1.0): red changes fastest."""
    axis = np.linspace(0, 1, _SIZE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = mapped(np.stack([red, green, blue], axis=-1), coding).reshape(-1, 3)
    with path.open("w", encoding="ascii") as file:
        file.write(f"LUT_3D_SIZE {_SIZE}\n")
        np.savetxt(file, table, "%.6f")
