"""How far an attempt has got, and how long it will take."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from videoflix.models import EncodeProgress

PROBE = "probe"  # how long it takes says nothing about the rest
SMOOTHING_SECONDS = 30.0
SAMPLE_SECONDS = 0.5
KNOWN_AFTER = 2.0
STALLED_AFTER = 60.0


class TimeLeft:
    """The seconds left, by the percentages of the last half minute or so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at: float | None = None
        self._at = 0.0
        self._percent = 0.0
        self._rate = 0.0  # percent a second, exponentially smoothed; 0 until known

    def note(self, percent: float) -> None:
        now = self._clock()
        if self._began_at is None:
            self._began_at, self._at, self._percent = now, now, percent
            return
        seconds = now - self._at
        if seconds < SAMPLE_SECONDS or percent <= self._percent:
            return
        rate = (percent - self._percent) / seconds
        share = 1 - math.exp(-seconds / SMOOTHING_SECONDS)
        self._rate = self._rate + share * (rate - self._rate) if self._rate else rate
        self._at, self._percent = now, percent

    def seconds(self) -> int | None:
        """None until something is known, and when nothing has moved for a minute."""
        now = self._clock()
        if not self._rate or self._began_at is None or now - self._began_at < KNOWN_AFTER:
            return None
        waited = now - self._at
        if waited > STALLED_AFTER:
            return None
        return max(0, math.ceil((100 - self._percent) / self._rate - waited))


class ProgressTracker:
    """Takes what an encoder says; gives what is to be recorded. Percent and frames never go
    back, a stage or speed that is not said stays."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = TimeLeft(clock)
        self._progress = EncodeProgress()

    def note(self, said: EncodeProgress) -> None:
        known = self._progress
        self._progress = EncodeProgress(
            stage=said.stage or known.stage,
            percent=max(known.percent, min(100.0, said.percent)),
            frames=max(known.frames, said.frames),
            speed=said.speed or known.speed,
        )
        if said.stage != PROBE:
            self._left.note(self._progress.percent)

    def current(self) -> EncodeProgress:
        return replace(self._progress, seconds_left=self._left.seconds())
