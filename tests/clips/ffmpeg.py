"""Clips that PyAV's libraries cannot encode, through Debian's ffmpeg."""

import subprocess
from dataclasses import replace
from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts
from tests.programs import program


def by_ffmpeg(cache: ClipCache, clip: ClipFacts, suffix: str, *arguments: str) -> ClipFacts:
    """``clip`` once more, as ffmpeg makes it with these arguments for the output."""
    ffmpeg = program("ffmpeg")

    def make(target: Path) -> None:
        subprocess.run(
            [ffmpeg, "-v", "error", "-i", str(clip.path), *arguments, str(target)],
            check=True,
            stdin=subprocess.DEVNULL,
        )

    path = cache.once(f"ffmpeg {clip.path.name} {arguments}", make, suffix=suffix)
    return replace(clip, path=path)
