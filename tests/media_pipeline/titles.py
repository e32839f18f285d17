"""Titles for tests, encoded the way workers do it: by the encoder child."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from media_pipeline.job import EncodeJob, EncodeSettings

SMALL_RUNGS = ("480p=320x180", "720p=480x270", "1080p=640x360")
QUICK = EncodeSettings(preset="ultrafast", rungs=SMALL_RUNGS)


class EncodeFailed(Exception):
    """The child said ``failed``; carries its last event."""

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__(event["reason"])
        self.event = event


def run_encoder(job: Path) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[str]]:
    """Run the child on a job file; its events and how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", "media_pipeline.encode", str(job)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done


def encode_title(source: Path, output: Path, settings: EncodeSettings = QUICK) -> None:
    """Encode ``source`` into the new folder ``output``. Raises EncodeFailed."""
    job = output.with_name(output.name + ".job.json")
    EncodeJob(source, output, settings).save(job)
    try:
        events, done = run_encoder(job)
    finally:
        job.unlink()
    assert events, done.stderr
    if events[-1]["event"] != "done":
        raise EncodeFailed(events[-1])
    assert done.returncode == 0
