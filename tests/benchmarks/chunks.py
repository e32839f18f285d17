"""The section of ``make bench`` on films encoded in chunks: the same film once in one piece, and
once in chunks by two worker processes, each from upload to ready.

On a machine whose cores one encode keeps busy, two workers gain little; what it costs to plan, to
warm each chunk up and to join shows instead. Six seconds of each chunk are encoded twice: an eighth
of those here, a fiftieth of those that people have.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from media_pipeline.titles.title import Title
from tests.clips.real import BIG_BUCK_BUNNY, real_clip
from tests.clips.repeat import repeat_packets
from tests.clips.similarity import similarities
from tests.conftest import fresh_settings
from tests.media_pipeline.joined import assert_same_title
from tests.services import services_for_tests
from tests.videoflix.parts import open_parts, with_worker
from tests.videoflix.waiting import until
from tests.videoflix.worker.processes import REAL_WORKER, worker_process
from videoflix.adapters.mongo.chunks import CHUNKS
from videoflix.models import ProcessingStatus, VideoDetails
from videoflix.settings import Settings

LOOPS = 24  # of a clip of 5.28 s: a film of 127 s
CHUNK_SECONDS = 40
PEAK_BITRATES = {"480p": 1_800_000, "720p": 4_000_000}
WAIT_SECONDS = 1800.0


async def _encode(settings: Settings, film: Path, workers: int) -> dict[str, Any]:
    """Seconds from upload to ready, the title's folder, and how many parts each worker made."""
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, encoder=None))
        for _ in range(workers):
            await stack.enter_async_context(worker_process(settings, REAL_WORKER))

        async def all_here() -> bool:
            return len(await parts.encoding.live_workers()) == workers

        await until(all_here)
        began = time.monotonic()
        video_id = (await parts.uploads.ingest_file(film, VideoDetails("A film"))).id

        async def generation() -> str | None:
            video = await parts.videos.find(video_id)
            assert video is not None
            assert video.status is not ProcessingStatus.FAILED, video.error
            return video.generation

        made = await until(generation, seconds=WAIT_SECONDS)
        seconds = time.monotonic() - began
        records = parts.database.collection(CHUNKS).find({"video": video_id})
        holders = Counter([record["holder"] async for record in records])
        return {
            "seconds": round(seconds, 2),
            "title": parts.media.title(video_id, made),
            "parts": sorted(holders.values()),
        }


def _largest_segments(title: Title) -> dict[str, float]:
    """Of each rendition, the picture's bits a second in its largest segment over the peak rate."""
    found = {}
    for name, peak in PEAK_BITRATES.items():
        samples = np.load(title.folder / f"{name}.samples.npy")
        segments = [title.grid.segment(index) for index in range(title.grid.segment_count)]
        bits = np.add.reduceat(
            samples["size"].astype(np.int64) * 8, [s.first_frame for s in segments]
        )
        seconds = np.array([float(s.frames / title.grid.rate) for s in segments])
        found[name] = round(float((bits / seconds).max()) / peak, 3)
    return found


def _likeness(film: Path, title: Title, gops: int) -> dict[str, float]:
    """SSIM to the source within a second of the joints, every ``gops`` GOPs, and elsewhere."""
    values = np.array(similarities(film, title.folder / "720p.mp4", film.parent))
    beside = np.zeros(len(values), np.bool_)
    rate = int(title.grid.rate)
    for joint in range(gops * title.grid.gop_frames, len(values) - 1, gops * title.grid.gop_frames):
        beside[joint - rate : joint + rate] = True
    return {
        "joints": round(float(values[beside].mean()), 5),
        "elsewhere": round(float(values[~beside].mean()), 5),
        "worst_at_joints": round(float(values[beside].min()), 5),
        "worst_elsewhere": round(float(values[~beside].min()), 5),
    }


def run(_folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = {"chunk_seconds": CHUNK_SECONDS}
    with TemporaryDirectory() as name, services_for_tests(Path(name, "services")) as services:
        film = Path(name, "film.mp4")
        results["film_seconds"] = float(repeat_packets(real_clip(BIG_BUCK_BUNNY), film, LOOPS))
        titles = {}
        for way, seconds, workers in (("whole", 0, 1), ("chunks", CHUNK_SECONDS, 2)):
            folder = Path(name, way)
            folder.mkdir()
            with fresh_settings(folder, services) as usual:
                media = usual.media.model_copy(update={"preset": "veryfast", "crf": 16})
                changed = usual.model_copy(update={"media": media})
                settings = with_worker(changed, chunk_seconds=seconds, poll=0.5)
                results[way] = asyncio.run(_encode(settings, film, workers))
            titles[way] = Title(results[way].pop("title"))
            results[way]["largest_segment_of_peak"] = _largest_segments(titles[way])
            results[way]["ssim"] = _likeness(film, titles[way], CHUNK_SECONDS // 2)
        assert_same_title(titles["whole"], titles["chunks"])
    results["ratio"] = round(results["chunks"]["seconds"] / results["whole"]["seconds"], 3)
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    return results
