"""From decoded sound of any kind to AAC frames, fragmented on the title's GOP grid."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.filter import Graph

from media_pipeline.fragments import Sample, TrackWriter
from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE, FrameGrid

_TIME_BASE = Fraction(1, AUDIO_RATE)


class Resampler:
    """Decoded frames in; 48 kHz stereo blocks of 1024 samples out, block n starting at n · 1024.

    Time 0 is the title's: gaps, and a late start, are filled with silence, and what comes before
    0 is dropped.
    """

    def __init__(self, origin: Fraction) -> None:
        self._origin = origin
        self._graph: Graph | None = None
        self._shape: tuple[str, str, int] | None = None
        self.samples = 0

    def push(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        if frame.pts is None or frame.time_base is None:
            return
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is not None and shape != self._shape:
            yield from self.end()  # the source changed; the next graph goes on where this ended
        if self._graph is None:
            self._graph = self._build(frame)
            self._shape = shape
        # Input ticks may be coarse (1 ms in Matroska): sample ticks keep the sum exact.
        time = Fraction(frame.pts) * frame.time_base - self._origin
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

    def _build(self, frame: av.AudioFrame) -> Graph:
        graph = Graph()
        source = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format,
            layout=frame.layout,
            time_base=Fraction(1, frame.sample_rate),
        )
        resample = graph.add("aresample", f"{AUDIO_RATE}:async=1:first_pts={self.samples}")
        shape = graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo")
        blocks = graph.add("asetnsamples", f"n={AAC_FRAME}:p=0")
        sink = graph.add("abuffersink")
        source.link_to(resample)
        resample.link_to(shape)
        shape.link_to(blocks)
        blocks.link_to(sink)
        graph.configure()
        return graph

    def _pull(self) -> Iterator[av.AudioFrame]:
        assert self._graph is not None  # noqa: S101 - the callers made it
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if isinstance(frame, av.AudioFrame):
                frame.pts = self.samples
                frame.time_base = _TIME_BASE
                self.samples += frame.samples
                yield frame


def silence(samples: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.zeros((2, samples), np.float32), format="fltp", layout="stereo"
    )
    frame.sample_rate = AUDIO_RATE
    frame.time_base = _TIME_BASE
    return frame


class SoundTrack:
    """One AAC-LC track: encodes, and writes a fragment for each GOP that the picture has begun."""

    def __init__(self, folder: Path, track: str, bitrate: int, grid: FrameGrid) -> None:
        self._grid = grid
        init = io.BytesIO()
        self._muxer = av.open(init, "w", format="mp4", options={"movflags": "cmaf+empty_moov"})
        stream = self._muxer.add_stream("aac", rate=AUDIO_RATE)
        assert isinstance(stream, AudioStream)  # noqa: S101 - what "aac" makes
        stream.codec_context.layout = "stereo"
        stream.codec_context.format = "fltp"
        stream.codec_context.bit_rate = bitrate
        self._stream = stream
        self._muxer.start_encoding()
        self._writer = TrackWriter(folder, track, init.getvalue(), AAC_FRAME)
        self._waiting: list[Sample] = []
        self._arrived = 0
        self._gop = 0
        self.samples = 0

    def put(self, block: av.AudioFrame, gops_begun: int) -> None:
        """Encode the next block; ``gops_begun`` is how many GOPs the picture has begun."""
        self.samples += block.samples
        self._take(self._stream.encode(block))
        self._write(gops_begun)

    def finish(self, grid: FrameGrid) -> None:
        """Pad with silence to the picture's end and write the rest; ``grid`` has the frames."""
        missing = -(-grid.frames * AUDIO_RATE // grid.rate) - self.samples
        while missing > 0:
            size = min(AAC_FRAME, int(missing))
            block = silence(size)
            block.pts = self.samples
            self.put(block, grid.gops)
            missing -= size
        self._take(self._stream.encode(None))
        self._write(grid.gops)
        while self._gop < grid.gops:
            rest, self._waiting = self._waiting, []
            self._writer.write_fragment(rest)
            self._gop += 1
        self._writer.finish()
        self._muxer.close()

    def _take(self, packets: "list[av.Packet[AudioStream]]") -> None:
        for packet in packets:
            # The encoder's last packet may carry fewer samples; AAC frames are all alike.
            start = (self._arrived - 1) * AAC_FRAME
            self._waiting.append(Sample(bytes(packet), start, start, is_idr=True))
            self._arrived += 1

    def _write(self, gops_begun: int) -> None:
        """Write each GOP's sound once the picture is past it and all of its sound is here."""
        while self._gop + 1 < gops_begun:
            border = self._grid.audio_border(self._gop + 1)
            if self._arrived < border:
                return
            mine = border - (self._arrived - len(self._waiting))
            self._writer.write_fragment(self._waiting[:mine])
            del self._waiting[:mine]
            self._gop += 1

    def close(self) -> None:
        self._writer.close()
        self._muxer.close()


class SoundEncoder:
    """One sound stream of the source, from decoded frames to its track file; used once."""

    def __init__(
        self, folder: Path, track: str, bitrate: int, *, grid: FrameGrid, origin: Fraction
    ) -> None:
        self._resampler = Resampler(origin)
        self._track = SoundTrack(folder, track, bitrate, grid)

    @property
    def samples(self) -> int:
        """Samples so far, at 48 kHz."""
        return self._track.samples

    def take(self, frame: av.AudioFrame, gops_begun: int) -> None:
        """``gops_begun`` is how many GOPs the picture has begun."""
        for block in self._resampler.push(frame):
            self._track.put(block, gops_begun)

    def flush(self, gops_begun: int) -> None:
        """No more frames come."""
        for block in self._resampler.end():
            self._track.put(block, gops_begun)

    def finish(self, grid: FrameGrid) -> None:
        """Pad to the picture's end and complete the track; ``grid`` has the pictures."""
        self._track.finish(grid)

    def close(self) -> None:
        self._track.close()
