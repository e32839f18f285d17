"""Which way up a picture is shown: the eight ways of a display matrix."""

import struct
from collections.abc import Mapping
from typing import cast

import av
from av.sidedata.sidedata import SideData, Type

_MATRIX = struct.Struct("=9i")

UPRIGHT = ""
_STRAIGHT = {
    (False, False): UPRIGHT,
    (True, False): "hflip",
    (False, True): "vflip",
    (True, True): "hflip,vflip",
}
# The transpose filter's names: by whether columns run backwards along the new rows, and rows
# along the new columns.
_TURNED = {
    (True, False): "transpose=clock",
    (False, True): "transpose=cclock",
    (False, False): "transpose=cclock_flip",
    (True, True): "transpose=clock_flip",
}


def orientation(frame: av.VideoFrame) -> str:
    """The filters, separated by commas, that put a picture upright; empty when it is.

    From its display matrix (ISO/IEC 14496-12 §6.2.2), which maps a pixel at (p, q) to
    (a p + c q, b p + d q); it is stored as a, b, u, c, d, v, x, y, w. Angles between the right
    ones take the nearest of these.
    """
    found = cast("Mapping[Type, SideData]", frame.side_data)  # its stub knows motion vectors alone
    data = found.get(Type.DISPLAYMATRIX)
    if data is None or data.buffer_size != _MATRIX.size:
        return UPRIGHT
    a, b, _, c, d, *_ = _MATRIX.unpack(bytes(data))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _STRAIGHT[a < 0, d < 0]
    return _TURNED[c < 0, b < 0]


class Orientations:
    """The orientation of each picture of a film, looked up where it may have changed.

    PyAV's list of side data and its picture hold each other, so that a picture once asked for it
    stays in memory until the garbage collector comes by, which is many pictures later.
    """

    def __init__(self) -> None:
        self._kind: tuple[int, int, str, int] | None = None
        self._steps = UPRIGHT

    def of(self, frame: av.VideoFrame) -> str:
        """See ``orientation``. A mirror that comes in the middle of a film goes unseen."""
        kind = (frame.width, frame.height, frame.format.name, frame.rotation)
        if kind != self._kind:
            self._kind, self._steps = kind, orientation(frame)
        return self._steps


def is_turned(steps: str) -> bool:
    """Whether width and height change places."""
    return steps.startswith("transpose")
