"""Presets and CRF on the real clips: time, size and likeness of each rendition.

    python -m tests.benchmarks quality

The real encoder child makes the whole ladder; wall and processor time are the child's. SSIM is
that of a rendition's pictures against the scaled source; the table has the lowest mean of all
clips of a rung, and the worst picture of all.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.clips.real import REAL_CLIPS, real_clip
from tests.clips.similarity import Similarity, similarity
from tests.media_pipeline.titles import encode_title

PRESETS = ("superfast", "veryfast", "faster", "fast", "medium")
CRFS = (19, 21, 23, 25)


@dataclass(frozen=True, slots=True)
class Encode:
    """One clip with one choice. Seconds, and bytes of all renditions together."""

    clip: str
    wall: float
    cpu: float
    size: int
    likeness: dict[str, Similarity]


def measure(name: str, settings: EncodeSettings, folder: Path) -> Encode:
    """Encode a real clip into ``folder`` / its name."""
    source, target = real_clip(name), folder / Path(name).stem
    before, started = os.times(), time.monotonic()
    encode_title(source, target, settings)
    wall, after = time.monotonic() - started, os.times()
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    tracks = {rendition: target / f"{rendition}.mp4" for rendition in Title(target).names}
    return Encode(
        clip=name,
        wall=wall,
        cpu=cpu,
        size=sum(track.stat().st_size for track in tracks.values()),
        likeness={name: similarity(source, track, folder) for name, track in tracks.items()},
    )


def table(
    presets: tuple[str, ...] = PRESETS,
    crfs: tuple[int, ...] = CRFS,
    clips: tuple[str, ...] = REAL_CLIPS,
) -> Iterator[dict[str, Any]]:
    """One row for each preset and CRF, as soon as it is measured."""
    for preset in presets:
        for crf in crfs:
            settings = EncodeSettings(preset=preset, crf=crf)
            with tempfile.TemporaryDirectory() as folder:
                yield _row(preset, crf, [measure(clip, settings, Path(folder)) for clip in clips])


def _row(preset: str, crf: int, encodes: list[Encode]) -> dict[str, Any]:
    rungs = sorted({rung for encode in encodes for rung in encode.likeness}, key=len)
    found = {
        rung: [encode.likeness[rung] for encode in encodes if rung in encode.likeness]
        for rung in sorted(rungs)
    }
    return {
        "preset": preset,
        "crf": crf,
        "wall": round(sum(encode.wall for encode in encodes), 2),
        "cpu": round(sum(encode.cpu for encode in encodes), 2),
        "kilobytes": round(sum(encode.size for encode in encodes) / 1000),
        "ssim": {rung: round(min(one.mean for one in ones), 4) for rung, ones in found.items()},
        "worst": round(min(one.least for ones in found.values() for one in ones), 4),
    }


def run(_: Path) -> dict[str, Any]:
    rows = []
    sys.stdout.write(
        "preset      crf   wall s    cpu s       kB  SSIM, lowest mean  worst picture\n"
    )
    for row in table():
        rows.append(row)
        means = "  ".join(f"{rung} {mean:.4f}" for rung, mean in row["ssim"].items())
        sys.stdout.write(
            f"{row['preset']:<10} {row['crf']:>4} {row['wall']:>8.2f} {row['cpu']:>8.2f}"
            f" {row['kilobytes']:>8}  {means}  {row['worst']:.4f}\n"
        )
        sys.stdout.flush()
    return {"rows": rows}
