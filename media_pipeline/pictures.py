"""From decoded pictures of any kind to the pictures of each rung on the title's frame grid."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

import av
from av.filter import Graph

from media_pipeline.errors import EncodeError, UnusableSource
from media_pipeline.ladder import Rung, ladder
from media_pipeline.limits import check_sides
from media_pipeline.timeline import nearest

_TRANSPOSE = {90: "clock", 270: "cclock"}
_SMALLEST_TO_DEINTERLACE = 4  # bwdif refuses pictures of fewer than three lines or columns
# Of a picture's interval: rounded timestamps of pictures that lie halfway between two points, as
# at 120 pictures a second, must all fall to the same side.
_LEAN = Fraction(1, 100)
_LONGEST_GAP = 10 * 60  # seconds for which one picture is held where the source has none


Picture = TypeVar("Picture")


@dataclass(frozen=True, slots=True)
class PictureShape:
    """What a filter graph is built for; a source may change it in the middle."""

    width: int
    height: int
    pixel_format: str
    aspect: Fraction
    turn: int

    @classmethod
    def of(cls, frame: av.VideoFrame, aspect: Fraction) -> "PictureShape":
        # PyAV counts counterclockwise, the transpose filter's names are clockwise.
        turn = round(-frame.rotation / 90) * 90 % 360
        return cls(frame.width, frame.height, frame.format.name, aspect, turn)

    @property
    def display_size(self) -> tuple[Fraction, Fraction]:
        """Width and height as shown, in square pixels."""
        width, height = self.width * self.aspect, Fraction(self.height)
        return (height, width) if self.turn in _TRANSPOSE else (width, height)


def rungs_for(shape: PictureShape, rate: Fraction, names: tuple[str, ...]) -> tuple[Rung, ...]:
    """Raises UnusableSource for a picture much longer than wide."""
    width, height = shape.display_size
    check_sides(width, height)
    return ladder(width, height, rate, names)


class Scaler:
    """One filter graph: deinterlace where marked, turn upright, scale to every rung."""

    def __init__(
        self, shape: PictureShape, time_base: Fraction, rungs: tuple[Rung, ...], threads: int
    ) -> None:
        graph = Graph()
        graph.threads = threads
        source = graph.add_buffer(
            width=shape.width,
            height=shape.height,
            format=av.VideoFormat(shape.pixel_format),
            time_base=time_base,
        )
        steps = []
        if min(shape.width, shape.height) >= _SMALLEST_TO_DEINTERLACE:
            steps.append(("bwdif", "mode=send_frame:deint=interlaced"))
        if shape.turn in _TRANSPOSE:
            steps.append(("transpose", _TRANSPOSE[shape.turn]))
        elif shape.turn == 180:
            steps += [("hflip", ""), ("vflip", "")]
        steps.append(("split", str(len(rungs))))
        split = source
        for name, arguments in steps:
            step = graph.add(name, arguments)
            split.link_to(step)
            split = step
        self._sinks = []
        for index, rung in enumerate(rungs):
            scale = graph.add("scale", f"{rung.width}:{rung.height}:flags=bicubic:out_range=tv")
            pixels = graph.add("format", "yuv420p")
            square = graph.add("setsar", "1")
            sink = graph.add("buffersink")
            split.link_to(scale, index)
            scale.link_to(pixels)
            pixels.link_to(square)
            square.link_to(sink)
            self._sinks.append(sink)
        graph.configure()
        self._graph = graph  # filter contexts do not keep their graph alive
        self._source = source

    def push(self, frame: av.VideoFrame | None) -> Iterator[tuple[av.VideoFrame, ...]]:
        """Give one picture in (None: the end), take what is ready out, one for each rung."""
        self._source.push(frame)
        while True:
            out = []
            for sink in self._sinks:
                try:
                    out.append(sink.pull())
                except (av.BlockingIOError, av.EOFError):
                    break
            if len(out) < len(self._sinks):
                if out:
                    raise EncodeError("the scalers of the rungs went out of step")
                return
            yield tuple(frame for frame in out if isinstance(frame, av.VideoFrame))


def grid_point(time: Fraction, origin: Fraction, rate: Fraction) -> int:
    """The grid point on which a picture shown from ``time`` (source seconds) on lands."""
    return nearest((time - origin) * rate - _LEAN)


class FrameGridder(Generic[Picture]):
    """Puts pictures with any timestamps on the grid: each point shows the latest picture there.

    A picture lands on the grid point nearest to its time, the earlier one from halfway. Two on
    one point: the later one stays. A gap is filled by repeating the picture before it, and time
    before the first picture by repeating that one. Points before ``first`` are not given out.
    """

    def __init__(self, rate: Fraction, origin: Fraction, first: int = 0) -> None:
        self._rate = rate
        self._origin = origin
        self._next = first  # first grid point that was not given out yet
        self._held: Picture | None = None

    @property
    def count(self) -> int:
        """Pictures given out so far, with those before the first."""
        return self._next

    def put(self, picture: Picture, time: Fraction) -> Iterator[tuple[int, Picture]]:
        """Take the picture shown from ``time`` (source seconds) on; give what is decided."""
        point = grid_point(time, self._origin, self._rate)
        if point - self._next > _LONGEST_GAP * self._rate:
            raise UnusableSource("The film's timestamps jump: there is a gap of over 10 minutes.")
        if self._held is not None:
            yield from self._until(point)
        elif point > 0:
            self._held = picture
            yield from self._until(point)
        self._held = picture

    def end(self, at_least: int = 0) -> Iterator[tuple[int, Picture]]:
        """Give out the last picture, held until there are ``at_least`` pictures."""
        if self._held is not None:
            yield from self._until(max(self._next + 1, at_least))
            self._held = None

    def _until(self, point: int) -> Iterator[tuple[int, Picture]]:
        assert self._held is not None  # noqa: S101 - both callers check it
        while self._next < point:
            yield self._next, self._held
            self._next += 1
