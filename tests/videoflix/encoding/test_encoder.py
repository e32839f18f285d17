"""The encoder's child is followed to its end, whatever end that is."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from media_pipeline.job import EncodeSettings
from tests.videoflix.parts import ACTED
from tests.videoflix.waiting import is_running, until_true
from videoflix.encoding.encoder import EncodeFailed, Encoder
from videoflix.models import EncodeProgress


async def encode(
    folder: Path,
    act: str,
    *,
    seconds: float = 60,
    memory: int = 2**30,
    command: tuple[str, ...] = ACTED,
) -> list[EncodeProgress]:
    """Run one act; returns the progress that was reported."""
    source = folder / "source"
    source.write_text(json.dumps({"acts": [act]}))
    encoder = Encoder(EncodeSettings(), seconds=seconds, memory=memory, command=command)
    encoder.job(source, folder / "output").save(folder / "job.json")
    told: list[EncodeProgress] = []
    await encoder.run(folder / "job.json", told.append)
    return told


async def failure(folder: Path, act: str, **options: float) -> EncodeFailed:
    with pytest.raises(EncodeFailed) as caught:
        await encode(folder, act, **options)  # type: ignore[arg-type] # only seconds is passed
    return caught.value


def pid_of(folder: Path) -> int:
    return int((folder / "runs").read_text().split()[-1])


async def test_success_reports_progress(tmp_path: Path) -> None:
    assert await encode(tmp_path, "ready") == [EncodeProgress("encode", 5, 5, 1.0)]
    assert (tmp_path / "output" / "manifest.json").exists()


async def test_output_that_is_no_event_is_dropped(tmp_path: Path) -> None:
    assert await encode(tmp_path, "noisy") == [EncodeProgress("encode", 5, 5, 1.0)]


async def test_what_cannot_be_encoded_is_permanent(tmp_path: Path) -> None:
    """R42"""
    error = await failure(tmp_path, "refuse")
    assert (str(error), error.is_permanent) == ("It says refuse.", True)


async def test_trouble_may_pass(tmp_path: Path) -> None:
    """R42"""
    error = await failure(tmp_path, "trouble")
    assert (str(error), error.is_permanent) == ("It says trouble.", False)


async def test_a_crash_is_told_plainly_and_may_pass(tmp_path: Path) -> None:
    """R36"""
    error = await failure(tmp_path, "crash")
    assert (str(error), error.is_permanent) == ("The encoder crashed (SIGSEGV).", False)


async def test_an_end_without_a_word_is_a_crash(tmp_path: Path) -> None:
    error = await failure(tmp_path, "silent")
    assert str(error) == "The encoder ended unexpectedly (status 3)."
    assert not error.is_permanent


async def test_a_hanging_encoder_is_killed_after_its_time(tmp_path: Path) -> None:
    """R36 R43"""
    error = await failure(tmp_path, "hang", seconds=2)
    assert "longer than the allowed 2 seconds" in str(error)
    assert not error.is_permanent
    assert not is_running(pid_of(tmp_path))


async def test_cancelling_leaves_no_process(tmp_path: Path) -> None:
    """R43"""
    task = asyncio.create_task(encode(tmp_path, "hang"))
    await until_true((tmp_path / "runs").exists)
    await until_true(lambda: bool((tmp_path / "runs").read_text()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_running(pid_of(tmp_path))


async def test_grandchildren_are_killed_as_well(tmp_path: Path) -> None:
    """R43: also those that outlive the child and hold its output open."""
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c',"
        " 'import time; time.sleep(600)'], stdin=subprocess.DEVNULL);"
        f"open({str(tmp_path / 'runs')!r}, 'w').write(str(child.pid));"
        'print(\'{"event": "done"}\')'
    )
    await encode(tmp_path, "ready", command=(sys.executable, "-c", code))
    await until_true(lambda: not is_running(pid_of(tmp_path)))


async def test_the_child_sees_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOFLIX_AUTH__SECRET_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    code = (
        f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(repr(dict(os.environ)));"
        'print(\'{"event": "done"}\')'
    )
    await encode(tmp_path, "ready", command=(sys.executable, "-c", code))
    assert "secret" not in (tmp_path / "seen").read_text()


async def test_a_program_that_does_not_exist_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(EncodeFailed):
        await encode(tmp_path, "ready", command=("/nowhere/encoder",))
