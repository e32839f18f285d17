"""Makes test clips with PyAV, drawn and sounded with numpy. See ``spec`` for what they hold."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from heapq import merge
from math import gcd, lcm, pi
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.clips.colours import PATCHES, draw_patches
from tests.clips.picture_code import BLACK, WHITE, Luma, cells_of, layout
from tests.clips.scheduling import ordinary_scheduling
from tests.clips.spec import BEEP, ClipFacts, ClipSpec, SoundFacts

DRAWN_FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuva420p", "yuva444p")
Packet: TypeAlias = "av.Packet[Any]"  # generic in its stub alone

BEEP_LEVEL, HUM_LEVEL, HUM_PITCH = 0.5, 0.01, 250
NEUTRAL = 128
CHUNK = 1024 * 16  # samples handed to the sound encoder at once


def make_clip(path: Path, spec: ClipSpec | None = None, **fields: Any) -> ClipFacts:
    """Encode a clip to ``path`` and say what it holds.

    ``fields`` are those of ClipSpec, over ``spec``; an unknown one is a TypeError. One thread
    encodes the pictures, so that the same specification gives the same file.
    """
    spec = replace(spec or ClipSpec(), **fields)
    facts = ClipFacts.of(path, spec)
    with (
        ordinary_scheduling(),
        path.open("wb") as file,
        _container(file, path, spec) as output,
    ):
        picture = _add_picture(output, facts) if facts.times else None
        sounds = [(_add_sound(output, sound), sound) for sound in facts.sounds]
        writers = [_encode_pictures(picture, facts)] if picture else []
        writers += [_encode_sound(stream, sound) for stream, sound in sounds]
        for packet in merge(*writers, key=_time):
            output.mux_one(packet)
    return facts


def _container(file: Any, path: Path, spec: ClipSpec) -> OutputContainer:
    """A muxer on a file object: PyAV raises write errors only there."""
    name = spec.container or {
        ".ts": "mpegts", ".mkv": "matroska", ".m4a": "mp4", ".m4v": "mp4", ".mpg": "vob"
    }.get(path.suffix, path.suffix.removeprefix("."))  # fmt: skip
    return av.open(file, "w", format=name, options=dict(spec.container_options))


def _tick(times: tuple[Fraction, ...], rate: Fraction | None) -> Fraction:
    """The largest time base that all the times, and a period of the rate, are multiples of."""
    values = [*times, *([1 / rate] if rate else [])]
    denominator = lcm(*(value.denominator for value in values))
    return Fraction(gcd(*(int(value * denominator) for value in values)), denominator)


def _add_picture(output: OutputContainer, facts: ClipFacts) -> VideoStream:
    spec = facts.spec
    options = dict(spec.options)
    if spec.preset is not None and spec.codec in ("libx264", "libx265"):
        options.setdefault("preset", spec.preset)
    if spec.crf is not None and spec.codec in ("libx264", "libx265", "libsvtav1"):
        options.setdefault("crf", str(spec.crf))
    if spec.codec == "libx264" and (spec.interlaced or spec.fields):
        first = "bff=1" if spec.fields == "bottom" else "tff=1"
        options["x264-params"] = ":".join(filter(None, [options.get("x264-params"), first]))
    stream = output.add_stream(spec.codec, rate=spec.rate or 25, options=options)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = spec.width, spec.height, spec.pix_fmt
    context.thread_count = 1
    context.time_base = stream.time_base = _tick(facts.times, facts.rate)
    context.max_b_frames = spec.b_frames
    if spec.gop is not None:
        context.gop_size = spec.gop
    if spec.sample_aspect_ratio is not None:
        context.sample_aspect_ratio = spec.sample_aspect_ratio
    spec.colours.tag(context)
    if spec.rotation or spec.mirrored:
        stream.set_display_rotation(-spec.rotation, hflip=spec.mirrored)
    return stream


def _add_sound(output: OutputContainer, sound: SoundFacts) -> AudioStream:
    track = sound.track
    stream = output.add_stream(
        track.codec, rate=track.rate, layout=track.layout, options=dict(track.options)
    )
    assert isinstance(stream, AudioStream)
    if not track.codec.startswith("pcm"):
        channels = stream.codec_context.layout.nb_channels
        stream.bit_rate = track.bit_rate or 64_000 * channels
    stream.time_base = Fraction(1, track.rate)
    if track.language:
        stream.metadata["language"] = track.language
    return stream


def _time(packet: Packet) -> Fraction:
    """By which the packets of several encoders are interleaved."""
    assert packet.dts is not None
    return packet.dts * packet.time_base


class _Painter:
    """Draws the pictures of one clip: a scrolling pattern, the number, the flash, the patches."""

    def __init__(self, facts: ClipFacts) -> None:
        self.facts = facts
        self.layout = layout(facts.width, facts.height)
        self.format = _drawn_format(facts.spec)
        self.step = max(2, facts.width // 128 * 2)
        self.luma = _texture(facts.width, facts.height, centre=120, swing=50, waves=3)
        codes = [facts.spec.colours.code(colour) for colour in PATCHES]
        self.patches = [list(levels) for levels in zip(*codes, strict=True)]

    def draw(self, index: int) -> av.VideoFrame:
        spec = self.facts.spec
        frame = av.VideoFrame(spec.width, spec.height, self.format)
        for number, plane in enumerate(frame.planes):
            stored = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload] # planes are buffers
            stored = stored[: plane.height, : plane.width]
            stored[:] = self._plane(index, number, stored.shape)
            if spec.fields:
                later = slice(1 if spec.fields == "top" else 0, None, 2)
                stored[later] = self._plane(index + 1, number, stored.shape)[later]
        return frame

    def _plane(self, index: int, number: int, shape: tuple[int, ...]) -> Luma:
        """As it is stored: mirrored and turned back from what is shown."""
        spec = self.facts.spec
        shown = np.empty(shape if spec.rotation in (0, 180) else shape[::-1], np.uint8)
        if number == 0:
            self._luma(shown, min(index, self.facts.frames - 1), spec.first_number + index)
        elif number < 3:
            self._chroma(shown, index, number)
        else:
            shown[:] = 255
        draw_patches(shown, (*self.patches, [255 * spec.alpha] * len(PATCHES))[number])
        return np.rot90(np.fliplr(shown) if spec.mirrored else shown, spec.rotation // 90)

    def _luma(self, plane: Luma, index: int, shown: int) -> None:
        width = self.facts.width
        shift = index * self.step % width
        plane[:] = self.luma[:, shift : shift + width]
        place = self.layout
        levels = np.where(cells_of(shown), WHITE, BLACK).astype(np.uint8)
        band = levels[:, place.column_of]
        plane[place.code_rows, place.code_columns] = band[place.row_of]
        plane[place.flash_rows, place.code_columns] = WHITE if self.facts.lit[index] else BLACK

    def _chroma(self, plane: Luma, index: int, number: int) -> None:
        """One colour a picture, which wanders: cheap, and a swap of the planes would show."""
        wave = np.sin(2 * pi * index / 50) if number == 1 else np.cos(2 * pi * index / 50)
        plane[:] = NEUTRAL + round(20 * float(wave))


def _drawn_format(spec: ClipSpec) -> str:
    """What is drawn; libswscale makes the wanted format of it where it is another one."""
    if spec.pix_fmt in DRAWN_FORMATS:
        return spec.pix_fmt
    if spec.alpha < 1:
        return "yuva444p"
    return "yuv420p" if spec.width % 2 == 0 and spec.height % 2 == 0 else "yuv444p"


def _texture(width: int, height: int, *, centre: int, swing: int, waves: int) -> Luma:
    """A pattern that repeats after ``width`` columns, twice as wide."""
    x = np.arange(2 * width) * (2 * pi * waves / width)
    y = np.arange(height)[:, None] * (2 * pi * 2 / height)
    pattern = centre + swing * np.sin(x + y) * np.cos(y)
    return np.asarray(pattern, dtype=np.uint8)


def _encode_pictures(stream: VideoStream, facts: ClipFacts) -> Iterator[Packet]:
    painter = _Painter(facts)
    tick = stream.codec_context.time_base
    assert tick is not None
    stamps = [int(time / tick) for time in facts.times]
    ends = [*stamps[1:], int(facts.end / tick)]
    duration = {start: end - start for start, end in zip(stamps, ends, strict=True)}
    frames: Iterator[av.VideoFrame] = (painter.draw(index) for index in range(facts.frames))
    if facts.spec.fields:
        frames = _marked_interlaced(frames, facts.spec)
    for packet in _encoded(stream, frames, stamps):
        assert packet.pts is not None
        packet.duration = duration[packet.pts]
        yield packet


def _marked_interlaced(frames: Iterator[av.VideoFrame], spec: ClipSpec) -> Iterator[av.VideoFrame]:
    """PyAV cannot set these flags of a picture."""
    graph = Graph()
    source = graph.add_buffer(
        width=spec.width,
        height=spec.height,
        format=av.VideoFormat(spec.pix_fmt),
        time_base=Fraction(1, 1000),
    )
    mark = graph.add("setfield", "tff" if spec.fields == "top" else "bff")
    sink = graph.add("buffersink")
    source.link_to(mark)
    mark.link_to(sink)
    graph.configure()
    for frame in frames:
        source.push(frame)
        marked = sink.pull()
        assert isinstance(marked, av.VideoFrame)
        yield marked


def _encoded(
    stream: VideoStream, frames: Iterator[av.VideoFrame], stamps: list[int]
) -> Iterator[Packet]:
    for frame, stamp in zip(frames, stamps, strict=True):
        frame.pts, frame.time_base = stamp, stream.codec_context.time_base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def samples_of(sound: SoundFacts) -> NDArray[np.float32]:
    """One channel of a track: a quiet hum, and the beeps."""
    track = sound.track
    hum = np.arange(track.rate, dtype=np.float64) * (2 * pi * HUM_PITCH / track.rate)
    second = (HUM_LEVEL * np.sin(hum)).astype(np.float32)
    wave = np.resize(second, sound.samples)
    angle = np.arange(round(BEEP * track.rate)) * (2 * pi * track.pitch / track.rate)
    beep = (BEEP_LEVEL * np.sin(angle)).astype(np.float32)
    for time in sound.beeps:
        first = round((time - track.start) * track.rate)
        wave[first : first + len(beep)] = beep
    return wave


def _encode_sound(stream: AudioStream, sound: SoundFacts) -> Iterator[Packet]:
    track = sound.track
    wave = samples_of(sound)
    first = round(track.start * track.rate)
    channels = stream.codec_context.layout.nb_channels
    for begin in range(0, len(wave), CHUNK):
        # Interleaved: PyAV miscounts the planes of eight channels.
        chunk = np.repeat(wave[None, begin : begin + CHUNK], channels, axis=1)
        frame = av.AudioFrame.from_ndarray(chunk, format="flt", layout=track.layout)
        frame.sample_rate = track.rate
        frame.pts, frame.time_base = first + begin, Fraction(1, track.rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
