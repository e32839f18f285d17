"""The main job from end to end, in real processes and over HTTP alone: a member signs up by mail,
an admin uploads a film, the member watches every segment of it."""

import re
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import m3u8
import pytest

from tests.clips.fixtures import ClipCache
from tests.clips.generate import make_clip
from tests.clips.read import find_beeps, read_pictures
from tests.clips.spec import ClipFacts
from tests.commands import run, running, until

MEMBER, ADMIN = "member@videoflix.example", "admin@videoflix.example"
PASSWORD = "quiet-Harbour-42"
LISTENS = r"^Videoflix listens on (http://\S+)"
RUNGS = {"VIDEOFLIX_MEDIA__RUNGS": "480p=320x180,720p=480x270,1080p=640x360"}
DETAILS = {"title": "A film", "description": "What happens.", "category": "Drama"}


@pytest.fixture
def film(clip_cache: ClipCache) -> ClipFacts:
    return clip_cache.clip(width=640, height=360, seconds=20)


def client_of(url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/api/", timeout=30, trust_env=False)


def sign_in(client: httpx.Client, email: str) -> int:
    body = {"email": email, "password": PASSWORD}
    return client.post("login/", json=body).status_code


def link_in_the_mail(root: Path) -> tuple[str, str]:
    """The account's id and the token that the one mail of the outbox carries."""
    [path] = (root / "outbox").glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["To"] == MEMBER
    text = mail.get_body(("plain",))
    assert text is not None
    found = re.search(r"/activate\.html\?uid=(\S+)&token=(\S+)", text.get_content())
    assert found is not None
    return found[1], found[2]


def sign_up(client: httpx.Client, root: Path) -> None:
    body = {"email": MEMBER, "password": PASSWORD, "confirmed_password": PASSWORD}
    assert client.post("register/", json=body).status_code == 201
    assert sign_in(client, MEMBER) == 400
    uid, token = link_in_the_mail(root)
    assert client.get(f"activate/{uid}/{token}/").status_code == 200
    assert sign_in(client, MEMBER) == 200


def upload(admin: httpx.Client, film: Path) -> int:
    with film.open("rb") as file:
        answer = admin.post("admin/videos/", data=DETAILS, files={"file": file})
    assert answer.status_code == 201, answer.text
    record = answer.json()
    assert (record["processing_status"], record["progress"]) == ("pending", 0)
    video_id: int = record["id"]
    return video_id


def encoded(admin: httpx.Client, video_id: int) -> dict[str, Any]:
    """The record once the worker is done with it."""

    def look() -> dict[str, Any] | None:
        record: dict[str, Any] = admin.get(f"admin/videos/{video_id}/").json()
        return record if record["processing_status"] in ("ready", "failed") else None

    return until(look)


def playlist(member: httpx.Client, url: str) -> m3u8.M3U8:
    answer = member.get(url)
    assert answer.status_code == 200
    return m3u8.loads(answer.text, uri=url)


def watch(member: httpx.Client, url: str) -> bytes:
    """All segments of a media playlist; a second request gets the same bytes."""
    film = b""
    for segment in playlist(member, url).segments:
        answer = member.get(segment.absolute_uri)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/MP2T")
        assert member.get(segment.absolute_uri).content == answer.content
        film += answer.content
    return film


def test_from_registration_to_the_last_segment(tmp_path: Path, film: ClipFacts) -> None:
    root = tmp_path / "var"
    strip = tmp_path / "strip.mp4"
    make_clip(strip, width=640, height=36, seconds=1)
    with running("up", root=root, extra=RUNGS) as up:
        url = up.line(LISTENS)[1]
        made = run("createadmin", ADMIN, "--password-stdin", root=root, stdin=PASSWORD)
        assert made.returncode == 0, made.stderr
        with client_of(url) as member, client_of(url) as admin:
            sign_up(member, root)
            assert sign_in(admin, ADMIN) == 200
            video_id, refused = upload(admin, film.path), upload(admin, strip)
            record = encoded(admin, video_id)
            assert (record["processing_status"], record["progress"]) == ("ready", 100)
            record = encoded(admin, refused)
            assert record["processing_status"] == "failed"
            assert "times as long" in record["processing_error"]

            [shown] = member.get("video/").json()
            assert {name: shown[name] for name in DETAILS} == DETAILS
            picture = httpx.get(shown["thumbnail_url"], trust_env=False)
            assert picture.content[:2] == b"\xff\xd8"
            variants = playlist(member, f"{url}/api/video/{video_id}/master.m3u8").playlists
            assert len(variants) == 3
            for variant in variants:
                watched = watch(member, variant.absolute_uri)
                numbers = [picture.number for picture in read_pictures(BytesIO(watched))]
                assert numbers == list(film.numbers)
                assert len(find_beeps(BytesIO(watched))) == 20
        assert up.interrupt() == 0
