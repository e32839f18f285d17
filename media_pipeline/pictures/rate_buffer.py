"""The buffer by which x264 bounds its bit rate (VBV; ITU-T H.264 Annex C), followed picture by
picture: what is left in it where chunks meet."""

from collections.abc import Iterable
from fractions import Fraction

BUFFER_SECONDS = 2  # of the peak bit rate
_FULL_AT_FIRST = Fraction(9, 10)  # x264's vbv-init


class RateBuffer:
    """A player's buffer that is filled at ``max_bitrate`` and loses each picture's bits at its
    time. It never holds more than ``BUFFER_SECONDS`` of the peak rate or, as x264 has it for what
    it could not avoid, less than nothing."""

    def __init__(self, max_bitrate: int, rate: Fraction) -> None:
        self._size = float(max_bitrate * BUFFER_SECONDS)
        self._gain = float(max_bitrate / rate)
        self._fill = self._size * float(_FULL_AT_FIRST)

    def take(self, sizes: Iterable[int]) -> None:
        """Bytes of the next pictures in decoding order."""
        for size in sizes:
            self._fill = min(self._size, max(0.0, self._fill - 8 * size) + self._gain)

    @property
    def level(self) -> float:
        """0 (empty) to 1 (full)."""
        return self._fill / self._size
