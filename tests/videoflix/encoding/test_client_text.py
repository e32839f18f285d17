"""What people write about a film never gets near FFmpeg: R37."""

import asyncio
import sys
from pathlib import Path

from tests.videoflix.parts import open_parts
from videoflix.models import VideoDetails
from videoflix.settings import Settings

MARK = "zqxj"


async def test_r37_no_text_of_a_client_reaches_the_encoder(
    settings: Settings, tmp_path: Path
) -> None:
    """Neither its arguments, nor its environment, nor the job's file, nor a path."""
    seen = tmp_path / "seen"
    code = (
        "import os, sys, pathlib; job = pathlib.Path(sys.argv[1]);"
        f"pathlib.Path({str(seen)!r}).write_text("
        "repr((sys.argv, dict(os.environ), job.read_text(), list(job.parent.rglob('*')))))"
    )
    film = tmp_path / f"{MARK} -vf movie=etc.passwd ; concat:|http:;.mp4"
    film.write_bytes(b"x")
    details = VideoDetails(f"{MARK} title", f"http://{MARK}/", f"{MARK} category")
    async with open_parts(settings, encoder=(sys.executable, "-c", code)) as parts:
        await parts.uploads.ingest_file(film, details)
        lease = await parts.encoding.claim("holder")
        assert lease is not None
        await parts.encoding.run(lease, asyncio.Event())
    text = seen.read_text()
    assert "job.json" in text
    assert str(settings.storage.root) in text
    assert MARK not in text
