"""Whether a film is encoded in chunks, and where they begin."""

from pathlib import Path

from media_pipeline.encoding.picture_index import PictureIndex, read_index
from media_pipeline.errors import NotInChunks
from media_pipeline.job import EncodeSettings
from media_pipeline.parts import Plan
from media_pipeline.pictures.picture_encoder import frames_until
from media_pipeline.sources.source import SourceInfo
from media_pipeline.timeline import GOP_SECONDS, FrameGrid

_LEAST_GOPS = 2


def chunk_borders(gops: int, size: int) -> tuple[int, ...]:
    """First GOPs of chunks of ``size`` GOPs; a rest of less than half belongs to the last one,
    and so does one of less than two, so that no chunk is nothing but the film's last picture."""
    count = (gops + size - max(_LEAST_GOPS, size // 2)) // size
    return tuple(size * chunk for chunk in range(max(1, count)))


def is_long(source: SourceInfo, seconds: int) -> bool:
    """Whether a film is long enough for two chunks of ``seconds``; 0 asks for none."""
    gop_frames = FrameGrid(source.rate).gop_frames
    return seconds > 0 and source.expected >= 2 * _chunk_gops(seconds) * gop_frames


def _chunk_gops(seconds: int) -> int:
    return max(1, seconds // GOP_SECONDS)


def make_plan(
    path: Path, source: SourceInfo, settings: EncodeSettings, seconds: int
) -> tuple[Plan, PictureIndex]:
    """A plan of chunks of about ``seconds`` for a film that ``is_long``. Raises NotInChunks in
    plain words for one that is encoded whole all the same."""
    if source.video_index is None:
        raise NotInChunks("The film has no pictures.")
    rows, time_base = read_index(path, settings, source.video_index)
    index = PictureIndex(rows, time_base, source.origin, source.rate)
    if len(rows) != source.frames:
        raise NotInChunks("The film does not hold the pictures that it promises.")
    held = frames_until(index.last, source.video_end, source.origin, source.rate)
    # Above the greatest rate the last one is not always among those that the grid takes.
    pictures = min(index.point(len(rows) - 1), max(0, held - 1))
    frames = max(1, held)
    grid = FrameGrid(source.rate, frames)
    plan = Plan(
        video_index=source.video_index,
        rate=source.rate,
        origin=source.origin,
        end=source.end,
        frames=frames,
        pictures=pictures,
        borders=chunk_borders(grid.gops, _chunk_gops(seconds)),
        has_side=bool(source.sides.sounds or source.sides.texts),
        settings=settings.to_json(),
    )
    for chunk in range(len(plan.borders)):
        window = index.window(plan.span(chunk, frames))
        rest = int(rows["pts"][window.begin]) - window.entry
        if rest * time_base > seconds:
            raise NotInChunks("The film's keyframes lie too far apart.")
    return plan, index
