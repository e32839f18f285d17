"""Clips that PyAV's libraries cannot encode, through Debian's ffmpeg."""

import subprocess
from dataclasses import replace
from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts
from tests.programs import program


def by_ffmpeg(
    cache: ClipCache, clip: ClipFacts, suffix: str, *arguments: str, extra: Path | None = None
) -> ClipFacts:
    """``clip`` once more, as ffmpeg makes it with these arguments for the output. ``extra`` is a
    second input."""
    inputs = [value for path in (clip.path, extra) if path for value in ("-i", str(path))]
    ffmpeg = program("ffmpeg")

    def make(target: Path) -> None:
        subprocess.run(
            [ffmpeg, "-v", "error", *inputs, *arguments, str(target)],
            check=True,
            stdin=subprocess.DEVNULL,
        )

    path = cache.once(f"ffmpeg {clip.path.name} {arguments} {extra}", make, suffix=suffix)
    return replace(clip, path=path)
