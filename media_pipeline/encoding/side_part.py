"""The sounds and texts of a film whose pictures are encoded in chunks: one part, in one piece."""

from collections.abc import Callable
from pathlib import Path

import av

from media_pipeline.errors import NotInChunks
from media_pipeline.job import EncodeSettings
from media_pipeline.parts import Part, Plan
from media_pipeline.sides.side_tracks import SideTracks, frames_for
from media_pipeline.sources.continuity import Continuity
from media_pipeline.sources.side_facts import SideFacts
from media_pipeline.sources.source import open_source, probe
from media_pipeline.timeline import AUDIO_RATE, FrameGrid

Done = Callable[[float, int], None]


def encode_side(
    source: Path, folder: Path, settings: EncodeSettings, part: Part, done: Done
) -> None:
    """Write the side tracks and their facts into ``folder``.

    ``done`` gets the share that is done, and no pictures. Raises UnusableSource as an encode of
    the whole film does, and NotInChunks when the source is not what the plan says.
    """
    plan = Plan.load(part.plan)
    found = probe(source, settings)
    if (found.rate, found.origin) != (plan.rate, plan.origin):
        raise NotInChunks("The film's times have changed.")
    sides = SideTracks(
        folder,
        found.sides,
        rate=plan.rate,
        origin=plan.origin,
        bitrate=settings.audio_bitrate,
    )
    try:
        _read(source, settings, plan, sides, done)
        sides.flush()
        frames = max(plan.frames, frames_for(sides.samples, plan.frames, plan.rate))
        streams = sides.finish(FrameGrid(plan.rate, frames))
    finally:
        sides.close()
    SideFacts(frames, streams).save(folder)


def _read(
    source: Path, settings: EncodeSettings, plan: Plan, sides: SideTracks, done: Done
) -> None:
    length = max(1, int((plan.end - plan.origin) * AUDIO_RATE))
    told = 0
    with open_source(source, settings) as container:
        # The pictures' packets are read too: the film's clock goes by all streams.
        indexes = (plan.video_index, *sides.indexes)
        packets = container.demux(*(container.streams[index] for index in indexes))
        clock = Continuity(container)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                sides.drain(container)
                return
            if packet.stream.type in ("video", "audio"):
                clock.mend(packet)
            else:
                clock.follow(packet)
            if packet.stream.index == plan.video_index:
                continue
            sides.take(packet)
            if sides.samples - told > AUDIO_RATE:
                told = sides.samples
                done(min(1.0, told / length), 0)
