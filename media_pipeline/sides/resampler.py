"""From decoded sound of any kind to 48 kHz stereo on the title's time line."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE, nearest

_TIME_BASE = Fraction(1, AUDIO_RATE)

# A hole in the source's sound from here on (seconds) is filled with silence made here:
# libswresample would hold all of it in memory.
_HOLE = Fraction(1, 10)
# A source whose sound runs off its own time stamps is stretched or squeezed before it is 8 ms off,
# by at most 1 %: nobody hears it, and lips fit the voice. Matroska's and FLV's stamps are rounded
# to 1 ms, which is no drift. From 0.1 s on libswresample fills up or drops at once.
_FOLLOW = f"async={AUDIO_RATE // 100}:min_comp=0.004:comp_duration=2"
# What a damaged header may say beyond that would turn a packet into minutes of sound, or none.
_LOWEST_RATE, _HIGHEST_RATE = 1000, 768_000
# Channels that are added up can pass full scale: a limiter that looks ahead (its delay taken back)
# keeps speech as loud as it was meant, where scaling the sum down would make it quieter by 7.7 dB.
_LIMITER = "limit=0.9:level=disabled:latency=1"


def silence(samples: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.zeros((2, samples), np.float32), format="fltp", layout="stereo"
    )
    frame.sample_rate = AUDIO_RATE
    frame.time_base = _TIME_BASE
    return frame


def _chain(frame: av.AudioFrame, first: int, pan: str) -> list[tuple[str, str]]:
    """Filters from ``frame``'s kind to stereo; what comes before sample ``first`` is dropped."""
    filters = [("aresample", f"{AUDIO_RATE}:{_FOLLOW}"), ("atrim", f"start_pts={first}")]
    if pan:
        filters.insert(0, ("pan", pan))
    filters.append(("aformat", "sample_fmts=fltp:channel_layouts=stereo"))
    if not pan and frame.layout.nb_channels > 2:
        filters += [("alimiter", _LIMITER), ("aformat", "sample_fmts=fltp")]
    filters.append(("asetnsamples", f"n={AAC_FRAME}:p=0"))
    return filters


def _graph(frame: av.AudioFrame, filters: list[tuple[str, str]]) -> Graph:
    graph = Graph()
    last = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format,
        layout=frame.layout,
        time_base=Fraction(1, frame.sample_rate),
    )
    for name, arguments in [*filters, ("abuffersink", "")]:
        added = graph.add(name, arguments)
        last.link_to(added)
        last = added
    graph.configure()
    return graph


def _build(frame: av.AudioFrame, first: int) -> Graph:
    if frame.layout.nb_channels == 1:
        # As loud from both speakers as players make it; libswresample would take 3 dB off.
        return _graph(frame, _chain(frame, first, "stereo|c0=c0|c1=c0"))
    try:
        return _graph(frame, _chain(frame, first, ""))
    except av.ArgumentError:
        # A layout that says not which channel is where (or a sound field): its first two channels
        # are heard, the first one of a sound field, which has all directions in it.
        right = "c0" if "ambisonic" in frame.layout.name else "c1"
        return _graph(frame, _chain(frame, first, f"stereo|c0=c0|c1={right}"))


class Resampler:
    """Decoded frames in; 48 kHz stereo blocks of at most 1024 samples out, one after the other.

    Time 0 is the title's (``origin`` on the source's clock): gaps, and a late start, are filled
    with silence, and what comes before 0 is dropped.
    """

    def __init__(self, origin: Fraction) -> None:
        self._origin = origin
        self._graph: Graph | None = None
        self._shape: tuple[str, str, int] | None = None
        self._due = Fraction(0)  # when the next frame starts if nothing is missing
        self.samples = 0

    def push(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """A frame that cannot be converted is left out."""
        if not frame.samples or not _LOWEST_RATE <= frame.sample_rate <= _HIGHEST_RATE:
            return
        time = self._due  # without a time of its own: after the one before
        if frame.pts is not None and frame.time_base is not None:
            time = frame.pts * frame.time_base - self._origin
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or time - self._due > _HOLE:
            yield from self.end()  # the next graph goes on where this one ended
        if self._graph is None:
            yield from self._silence(nearest(time * AUDIO_RATE))
            try:
                self._graph = _build(frame, self.samples)
            except (av.FFmpegError, ValueError):
                return
            self._shape = shape
        self._due = time + Fraction(frame.samples, frame.sample_rate)
        # Input ticks may be coarse (1 ms in Matroska): sample ticks keep the sum exact.
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(time * frame.sample_rate)
        self._graph.push(frame)
        yield from self._pull()

    def end(self) -> Iterator[av.AudioFrame]:
        """What is left, in a last block that may be shorter."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self._graph = None

    def _silence(self, until: int) -> Iterator[av.AudioFrame]:
        while self.samples < until:
            yield self._numbered(silence(min(AAC_FRAME, until - self.samples)))

    def _pull(self) -> Iterator[av.AudioFrame]:
        assert self._graph is not None  # noqa: S101 - the callers made it
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if isinstance(frame, av.AudioFrame):
                yield self._numbered(frame)

    def _numbered(self, frame: av.AudioFrame) -> av.AudioFrame:
        frame.pts = self.samples
        frame.time_base = _TIME_BASE
        self.samples += frame.samples
        return frame
