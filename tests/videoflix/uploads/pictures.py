"""Pictures as admins upload them, made with PyAV."""

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

ENCODERS = {"jpeg": ("mjpeg", "yuvj420p"), "png": ("png", "rgb24"), "webp": ("libwebp", "yuv420p")}


def write_picture(path: Path, kind: str, width: int, height: int) -> Path:
    """A picture whose left half is red and whose right half is blue."""
    codec, pixel_format = ENCODERS[kind]
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream(codec, rate=1)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def read_pixels(path: Path) -> npt.NDArray[np.uint8]:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)
