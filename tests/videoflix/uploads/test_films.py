"""R33: an upload is looked at in a child process before it is accepted."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.sources.source import probe
from tests.clips.fixtures import ClipCache
from tests.videoflix.waiting import is_running
from videoflix.adapters.upload_file import LocalUploadFile
from videoflix.errors import NotAVideo, ServiceUnavailable
from videoflix.uploads.films import FilmProbe

MEMORY = 1024**3


@pytest.fixture
async def upload(tmp_path: Path) -> AsyncIterator[LocalUploadFile]:
    file = LocalUploadFile(tmp_path / "upload")
    yield file
    file.discard()


def acting(code: str, seconds: float = 30.0) -> FilmProbe:
    command = (sys.executable, "-I", "-S", "-c", code)
    return FilmProbe(EncodeSettings(), memory=MEMORY, command=command, seconds=seconds)


@pytest.mark.parametrize(
    "fields", [{}, {"max_duration": 1}, {"max_pixels": 1000}, {"max_streams": 1}, {"max_rate": 10}]
)
async def test_r33_it_refuses_what_the_encoder_would_refuse(
    upload: LocalUploadFile, clip_cache: ClipCache, fields: dict[str, int]
) -> None:
    """R33: for the same reason, with the same limits."""
    upload.write(clip_cache.clip(width=64, height=48, seconds=3).path.read_bytes())
    settings = EncodeSettings(**fields)  # type: ignore[arg-type] # one of its numbers
    checked = FilmProbe(settings, memory=MEMORY).check(upload)
    if not fields:
        await checked
        return
    with pytest.raises(UnusableSource) as encoders:
        probe(upload.path, settings)
    with pytest.raises(NotAVideo, match=r"^this is not a video") as refused:
        await checked
    reason = str(encoders.value)
    assert str(refused.value).endswith(reason[1:])


async def test_a_film_too_long_to_be_read_in_time_is_accepted_by_its_headers(
    upload: LocalUploadFile,
) -> None:
    code = 'import time; print(\'{"event": "progress"}\', flush=True); time.sleep(600)'
    await acting(code, seconds=2).check(upload)


async def test_a_file_that_hangs_the_decoder_is_refused(
    upload: LocalUploadFile, tmp_path: Path
) -> None:
    """R36"""
    told = tmp_path / "pid"
    code = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(NotAVideo, match="too long"):
        await acting(code, seconds=2).check(upload)
    assert not is_running(int(told.read_text()))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.kill(os.getpid(), 11)", r"the decoder crashed \(SIGSEGV\) on it"),
        ("raise SystemExit(3)", "ended unexpectedly"),
        ("print('[' * 100_000); raise SystemExit(1)", "ended unexpectedly"),
        ('print(\'{"event": "failed", "permanent": true}\'); raise SystemExit(1)', "cannot be"),
    ],
)
async def test_a_file_that_crashes_the_decoder_is_refused(
    upload: LocalUploadFile, code: str, said: str
) -> None:
    """R36"""
    with pytest.raises(NotAVideo, match=f"^this is not a video: .*{said}"):
        await acting(code).check(upload)


async def test_a_disk_that_fails_is_no_fault_of_the_film(upload: LocalUploadFile) -> None:
    upload.path.unlink()
    with pytest.raises(ServiceUnavailable):
        await FilmProbe(EncodeSettings(), memory=MEMORY).check(upload)
