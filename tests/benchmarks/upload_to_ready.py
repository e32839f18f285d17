"""How long an uploaded film takes to be playable, through the whole server."""

import time
from pathlib import Path
from typing import Any

import httpx

from tests.commands import run, running, until
from tests.services import UNLIMITED

ADMIN, PASSWORD = "admin@videoflix.example", "quiet-Harbour-42"
# Of a clip the encoder takes minutes for, on a slow machine.
SECONDS = 1800.0


def upload_to_ready(source: Path, root: Path) -> float:
    """Seconds from the end of an upload over HTTP until its record says ``ready``, with the
    settings that people have."""
    usual = {"VIDEOFLIX_MEDIA__PRESET": "veryfast", "VIDEOFLIX_MEDIA__RUNGS": "480p,720p,1080p"}
    with running("up", root=root, extra={**UNLIMITED, **usual}) as up:
        url = up.line(r"^Videoflix listens on (http://\S+)")[1]
        run("createadmin", ADMIN, "--password-stdin", root=root, stdin=PASSWORD)
        with httpx.Client(base_url=f"{url}/api/", timeout=60, trust_env=False) as admin:
            admin.post("login/", json={"email": ADMIN, "password": PASSWORD}).raise_for_status()
            with source.open("rb") as film:
                answer = admin.post("admin/videos/", data={"title": "A film"}, files={"file": film})
            began = time.monotonic()
            video_id = answer.raise_for_status().json()["id"]

            def ended() -> dict[str, Any] | None:
                record: dict[str, Any] = admin.get(f"admin/videos/{video_id}/").json()
                return record if record["processing_status"] in ("ready", "failed") else None

            record = until(ended, SECONDS)
            assert record["processing_status"] == "ready", record["processing_error"]
            seconds = time.monotonic() - began
        up.interrupt()
    return seconds
