"""How a picture codes its colours, and what libswscale is told about it.

Every rendition is BT.709 in limited range. What a source says of itself is believed; what it does
not say is guessed as players do: pictures of standard definition are BT.601, others BT.709.
Numbers are code points of Rec. ITU-T H.273.
"""

from dataclasses import dataclass
from typing import Literal

import av

Transfer = Literal["sdr", "pq", "hlg"]
Gamut = Literal["bt709", "bt2020", "p3"]

# By matrix coefficients (§8.3): libswscale's names.
_MATRICES = {
    1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020",
}  # fmt: skip
_TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}  # transfer characteristics (§8.2)
# By colour primaries (§8.1). Those of BT.601 are so close to BT.709's that players take no notice.
_GAMUTS: dict[int, Gamut] = {9: "bt2020", 12: "p3"}
_FULL = 2  # AVCOL_RANGE_JPEG
_SD_HEIGHT = 576
_HD_WIDTH = 1280


@dataclass(frozen=True, slots=True)
class Coding:
    """``matrix`` in libswscale's words; ``is_full``: all levels are used, not 16 to 235 of 256."""

    matrix: str
    is_full: bool
    transfer: Transfer
    gamut: Gamut
    has_alpha: bool

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Coding":
        components = frame.format.components
        is_rgb = frame.format.is_rgb
        transfer = _TRANSFERS.get(int(frame.color_trc), "sdr")
        usual: Gamut = "bt709" if transfer == "sdr" else "bt2020"
        untagged = "bt601" if _is_sd(frame) else "bt709"
        if transfer != "sdr":
            untagged = "bt2020"
        return cls(
            matrix=_MATRICES.get(int(frame.colorspace), untagged),
            is_full=is_rgb
            or frame.format.name.startswith("yuvj")
            or int(frame.color_range) == _FULL,
            transfer=transfer,
            gamut=_GAMUTS.get(int(frame.color_primaries), usual),
            has_alpha=any(component.is_alpha for component in components),
        )

    @property
    def needs_mapping(self) -> bool:
        """Whether its colours go beyond what BT.709 shows (``tone``)."""
        return self.transfer != "sdr" or self.gamut != "bt709"

    @property
    def scaler_input(self) -> str:
        """What the scale filter is told about its input."""
        return f"in_color_matrix={self.matrix}:in_range={'pc' if self.is_full else 'tv'}"


# What the scale filter is told about its output, and what the pictures are marked with after it.
SCALER_OUTPUT = "out_color_matrix=bt709:out_range=tv"
MARKS = "range=limited:colorspace=bt709:color_primaries=bt709:color_trc=bt709"


def _is_sd(frame: av.VideoFrame) -> bool:
    return frame.height <= _SD_HEIGHT and frame.width < _HD_WIDTH
