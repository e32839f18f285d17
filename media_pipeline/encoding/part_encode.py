"""The encoder child's work on parts of a film: plan, chunk, side, join."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from media_pipeline import sandbox
from media_pipeline.encoding.chunks import encode_chunk
from media_pipeline.encoding.join import copy_tracks, joined_pictures
from media_pipeline.encoding.plan import is_long, make_plan
from media_pipeline.encoding.side_part import encode_side
from media_pipeline.encoding.verify import sync_folder, verify_title
from media_pipeline.errors import NotInChunks
from media_pipeline.job import EncodeJob, EncodeSettings, Reporter
from media_pipeline.parts import Part, Plan
from media_pipeline.pictures.ladder import greatest_bitrate
from media_pipeline.sources.limits import largest_file
from media_pipeline.sources.side_facts import SideFacts
from media_pipeline.sources.source import SourceInfo
from media_pipeline.timeline import FrameGrid

_JOIN_FROM = 92  # percent of the whole film's encode, as in an encode in one piece
_VERIFY_FROM = 94
_VERIFIED = 99


def limit_files(settings: EncodeSettings, rate: Fraction, seconds: Fraction) -> None:
    """No file that is written may be larger than a title of this length has any reason to."""
    bitrate = greatest_bitrate(settings.rungs, rate) + settings.audio_bitrate
    sandbox.limit_files(largest_file(seconds, bitrate))


def write_plan(job: EncodeJob, part: Part, source: SourceInfo) -> bool:
    """Write the plan's folder, unless the film is to be encoded whole: say why, where it is long
    enough for chunks."""
    if not is_long(source, part.seconds):
        return False
    try:
        plan, index = make_plan(job.source, source, job.settings, part.seconds)
    except NotInChunks as reason:
        sys.stderr.write(f"not in chunks: {reason}\n")
        return False
    part.plan.mkdir(mode=0o700)
    plan.save(part.plan)
    index.save(part.plan)
    if not plan.has_side:
        SideFacts(plan.frames, source.sides).save(part.plan)
    sync_folder(part.plan)
    return True


def encode_part(job: EncodeJob, part: Part, report: Reporter) -> None:
    """Make ``job.output``. Leaves no folder behind when it raises."""
    plan = Plan.load(part.plan)
    # The plan's, but for the threads: another worker's own settings may differ.
    settings = replace(EncodeSettings.from_json(plan.settings), threads=job.settings.threads)
    limit_files(settings, plan.rate, plan.end - plan.origin)
    job.output.mkdir(mode=0o700)
    try:
        if part.kind == "join":
            _join(job, part, plan, report)
        else:
            encode = encode_chunk if part.kind == "pictures" else encode_side
            encode(job.source, job.output, settings, part, _done(plan, report))
        sync_folder(job.output)
    except BaseException:
        shutil.rmtree(job.output, ignore_errors=True)
        raise


def _done(plan: Plan, report: Reporter) -> Callable[[float, int], None]:
    started = time.monotonic()

    def done(share: float, frames: int) -> None:
        elapsed = time.monotonic() - started
        speed = float(frames / plan.rate) / elapsed if elapsed else 0.0
        report.progress("encode", 100 * share, frames, speed)

    return done


def _join(job: EncodeJob, part: Part, plan: Plan, report: Reporter) -> None:
    *chunks, side_folder = part.folders
    side = SideFacts.load(side_folder)
    grid = FrameGrid(plan.rate, side.frames)

    def joined(share: float) -> None:
        report.progress("join", _JOIN_FROM + share * (_VERIFY_FROM - _JOIN_FROM))

    def verified(share: float) -> None:
        percent = _VERIFY_FROM + share * (_VERIFIED - _VERIFY_FROM)
        report.progress("verify", percent, grid.frames)

    names = joined_pictures(chunks, job.output, plan.rate, joined)
    copy_tracks(side_folder, job.output, side.streams)
    threads = job.settings.thread_count
    verify_title(job.output, grid, names, side.streams, verified, threads=threads)
