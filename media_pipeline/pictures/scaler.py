"""One decoded picture in; one for each rung out: upright, scaled, 8 bits of BT.709."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext

from media_pipeline.errors import EncodeError
from media_pipeline.pictures.colour import MARKS, SCALER_OUTPUT, Coding
from media_pipeline.pictures.ladder import Rung, inside
from media_pipeline.pictures.orientation import is_turned
from media_pipeline.pictures.tone import write_table

_SMALLEST_TO_DEINTERLACE = 4  # bwdif refuses pictures of fewer than three lines or columns
_TABLE = "colours.cube"


@dataclass(frozen=True, slots=True)
class PictureShape:
    """What a filter graph is built for; a source may change it in the middle.

    ``aspect`` is a pixel's width over its height, ``upright`` the filters that turn it.
    """

    width: int
    height: int
    pixel_format: str
    aspect: Fraction
    upright: str
    coding: Coding

    @classmethod
    def of(cls, frame: av.VideoFrame, aspect: Fraction, upright: str) -> "PictureShape":
        return cls(frame.width, frame.height, frame.format.name, aspect, upright, Coding.of(frame))

    @property
    def display_size(self) -> tuple[Fraction, Fraction]:
        """Width and height as shown, in square pixels."""
        width, height = self.width * self.aspect, Fraction(self.height)
        return (height, width) if is_turned(self.upright) else (width, height)


class Scaler:
    """One filter graph: deinterlace where marked, turn upright, map colours, scale to every rung.

    A picture whose aspect is not that of the rungs gets black around it. ``folder`` takes a file
    for as long as the graph is made.
    """

    def __init__(
        self,
        shape: PictureShape,
        time_base: Fraction,
        rungs: tuple[Rung, ...],
        *,
        threads: int,
        folder: Path,
    ) -> None:
        graph = Graph()
        graph.threads = threads
        self._graph = graph  # filter contexts do not keep their graph alive
        self._source = graph.add_buffer(
            width=shape.width,
            height=shape.height,
            format=av.VideoFormat(shape.pixel_format),
            time_base=time_base,
        )
        end = self._source
        if min(shape.width, shape.height) >= _SMALLEST_TO_DEINTERLACE:
            end = self._after(end, "bwdif", "mode=send_frame:deint=interlaced")
        for step in filter(None, shape.upright.split(",")):
            name, _, arguments = step.partition("=")
            end = self._after(end, name, arguments)
        coding = shape.coding
        table = folder / _TABLE
        sampling = coding.scaler_input
        if coding.has_alpha:
            # Upon black: libswscale would leave away the alpha, and show what it hides.
            end = self._after(end, "setparams", f"range={'full' if coding.is_full else 'limited'}")
            end = self._after(end, "premultiply", "inplace=1")
        if coding.needs_mapping:
            write_table(table, coding)
            end = self._mapped(end, coding, shape, rungs[-1], table)
            sampling = "in_range=pc"
        split = self._after(end, "split", str(len(rungs)))
        self._sinks = [
            self._rung(split, index, rung, shape, sampling) for index, rung in enumerate(rungs)
        ]
        graph.configure()
        table.unlink(missing_ok=True)

    def _after(
        self, end: FilterContext, name: str, arguments: str = "", pad: int = 0
    ) -> FilterContext:
        step = self._graph.add(name, arguments)
        end.link_to(step, pad)
        return step

    def _mapped(
        self, end: FilterContext, coding: Coding, shape: PictureShape, largest: Rung, table: Path
    ) -> FilterContext:
        """Colours are mapped at the largest rung's size, or the source's where that is less."""
        width, height = largest.width, largest.height
        if shape.width * shape.height < width * height:
            scale = coding.scaler_input
        else:
            scale = f"{width}:{height}:flags=bicubic:{coding.scaler_input}"
        end = self._after(end, "scale", scale)
        end = self._after(end, "format", "gbrp10le")
        lookup = self._graph.add("lut3d", file=str(table), interp="tetrahedral")
        end.link_to(lookup)
        # Else the scalers would map colours once more.
        return self._after(lookup, "setparams", "color_primaries=bt709:color_trc=bt709")

    def _rung(
        self, split: FilterContext, index: int, rung: Rung, shape: PictureShape, sampling: str
    ) -> FilterContext:
        width, height = inside(*shape.display_size, rung)
        scale = f"{width}:{height}:flags=bicubic:{sampling}:{SCALER_OUTPUT}"
        end = self._after(split, "scale", scale, index)
        end = self._after(end, "format", "yuv420p")
        if (width, height) != (rung.width, rung.height):
            end = self._after(end, "pad", f"{rung.width}:{rung.height}:-1:-1")
        end = self._after(end, "setsar", "1")
        end = self._after(end, "setparams", MARKS)
        return self._after(end, "buffersink")

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
