"""The one picture of a film without pictures: its cover, or a plain one."""

import contextlib
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.sources.limits import check_sides, decoder_options
from media_pipeline.sources.source import open_source

_CODECS = frozenset(("mjpeg", "png", "bmp", "webp"))
_WIDTH, _HEIGHT = 854, 480
_DARK = (30, 131, 126)  # Y'CbCr: a dark blue grey
_SMALLEST = 16  # pixels a side


def still_picture(path: Path, settings: EncodeSettings) -> av.VideoFrame:
    """The cover of a source, where it has one that can be shown, as large as ``max_pixels``."""
    with open_source(path, settings) as container:
        for stream in container.streams.video:
            with contextlib.suppress(av.FFmpegError, UnusableSource):
                if cover := _cover(container, stream, settings):
                    return cover
    return _plain()


def _cover(
    container: InputContainer, stream: VideoStream, settings: EncodeSettings
) -> av.VideoFrame | None:
    context = stream.codec_context
    if not stream.disposition & Disposition.attached_pic or context is None:
        return None
    if context.codec.canonical_name not in _CODECS:
        return None
    context.options = decoder_options(settings)
    for packet in container.demux(stream):
        for frame in stream.decode(packet):
            if min(frame.width, frame.height) < _SMALLEST:
                return None
            check_sides(Fraction(frame.width), Fraction(frame.height))
            return frame
    return None


def _plain() -> av.VideoFrame:
    frame = av.VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
    for plane, level in zip(frame.planes, _DARK, strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    return frame
