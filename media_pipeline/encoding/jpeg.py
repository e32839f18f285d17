"""Pictures of a title as JPEG files."""

import os
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace

from media_pipeline.timeline import nearest

PIXELS = "yuvj420p"  # JFIF: 4:2:0, the whole range of values


def even(size: Fraction) -> int:
    """The nearest even number of pixels, at least 2."""
    return max(2, 2 * nearest(size / 2))


def jpeg_frame(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Scaled, in the colours that JFIF prescribes: BT.601's matrix."""
    return picture.reformat(
        width,
        height,
        PIXELS,
        dst_colorspace=Colorspace.ITU601,
        dst_color_range=ColorRange.JPEG,
    )


def write_jpeg(picture: av.VideoFrame, path: Path, quality: int) -> None:
    """Write a ``jpeg_frame`` durably; ``quality`` is MJPEG's quantiser scale, 2 (best) to 31."""
    encoder = av.VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = picture.width, picture.height
    encoder.pix_fmt = PIXELS
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = {"qmin": str(quality), "qmax": str(quality)}
    picture.pts = 0
    picture.time_base = encoder.time_base
    packets = [*encoder.encode(picture), *encoder.encode(None)]
    with path.open("xb") as file:
        for packet in packets:
            file.write(bytes(packet))
        file.flush()
        os.fsync(file.fileno())
