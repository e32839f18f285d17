"""The encoder's child at work on a part of a film: see ``parts``.

A chunk decodes from the last keyframe before it and puts the same pictures through the same
filters and onto the same grid as an encode of the whole film. That they are the same is not
believed but checked: every decoded picture against the index of the plan, and the scaled
pictures at the borders against the chunks on their other side (``join``).
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from media_pipeline.encoding.picture_index import PictureIndex, Window, video_stream
from media_pipeline.errors import NotInChunks, UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.parts import Part, PictureFacts, Plan
from media_pipeline.pictures.picture_encoder import PictureEncoder
from media_pipeline.sources.limits import decoder_options
from media_pipeline.sources.source import open_source

Done = Callable[[float, int], None]


def encode_chunk(
    source: Path, folder: Path, settings: EncodeSettings, part: Part, done: Done
) -> None:
    """Write the tracks of one chunk and its facts into ``folder``.

    ``done`` gets the share that is done, and the pictures. Raises NotInChunks when the source is
    not what the plan says, or cannot be decoded from there.
    """
    plan = Plan.load(part.plan)
    span = plan.span(part.chunk, part.frames)

    def encoded(index: int) -> None:
        done(
            (index - span.begin) / (span.stop - span.begin),
            max(0, min(index, span.end) - span.first),
        )

    pictures = PictureEncoder(
        folder,
        plan.grid,
        settings,
        origin=plan.origin,
        threads=settings.thread_count,
        encoded=encoded,
        span=span,
    )
    try:
        with open_source(source, settings) as container:
            video, time_base = video_stream(container, plan.video_index)
            index = PictureIndex.load(part.plan, time_base, plan.origin, plan.rate)
            window = index.window(span)
            for frame, time in _frames(container, video, index, window, settings):
                aspect = Fraction(video.sample_aspect_ratio or 1) or Fraction(1)
                pictures.take(frame, time, aspect)
        pictures.flush()
        pictures.finish_part(is_last=plan.is_last(part.chunk))
        facts = PictureFacts(
            renditions=pictures.peak_bitrates,
            levels=pictures.levels_at_first,
            first=pictures.borders[span.first],
            end=pictures.borders.get(span.end, 0),
        )
    except (av.FFmpegError, UnusableSource) as error:
        raise NotInChunks("The film cannot be decoded from its middle on.") from error
    finally:
        pictures.close()
    facts.save(folder)


def _frames(
    container: InputContainer,
    video: VideoStream,
    index: PictureIndex,
    window: Window,
    settings: EncodeSettings,
) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """The window's pictures, each with its time: exactly those of the index."""
    context = video.codec_context
    context.thread_type = "AUTO"
    context.thread_count = settings.thread_count
    context.options = decoder_options(settings)
    container.seek(window.entry, stream=video)
    expected = index.rows["pts"][window.begin : window.end].tolist()
    position = 0
    for packet in container.demux(video):
        for frame in packet.decode():
            if frame.pts is None or frame.time_base is None:
                raise NotInChunks("A decoded picture has no time.")
            if frame.pts < expected[0] and not position:
                continue
            if frame.pts != expected[position]:
                raise NotInChunks("Decoding gives other pictures than the film's index names.")
            yield frame, frame.pts * frame.time_base
            position += 1
            if position == len(expected):
                return
    raise NotInChunks("Some of the film's pictures cannot be decoded.")
