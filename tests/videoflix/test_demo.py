"""The demonstration: ready with a film that can be watched, the same at its second start."""

import json
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.clips.generate import make_clip
from tests.commands import Running, run, running, until
from tests.handlers.site import text_of
from tests.videoflix.waiting import processes_naming
from videoflix.demo_film import find_clip, make_film
from videoflix.errors import InsufficientStorage

NAMES = {"url", "email", "password", "admin_email", "admin_password", "video_id"}


def ready(demo: Running, root: Path) -> dict[str, Any]:
    """What its line READY says; demo.json says the same, to its owner alone."""
    found: dict[str, Any] = json.loads(demo.line(r"^READY (\{.*\})$")[1])
    path = root / "demo.json"
    assert json.loads(path.read_text(encoding="utf-8")) == found
    assert path.stat().st_mode & 0o777 == 0o600
    assert found.keys() == NAMES
    return found


def catalogue(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """As its member sees it, who can also play the film."""
    with httpx.Client(base_url=f"{found['url']}/api/", timeout=30) as client:
        body = {"email": found["email"], "password": found["password"]}
        assert client.post("login/", json=body).status_code == 200
        playlist = client.get(f"video/{found['video_id']}/480p/index.m3u8")
        segment = next(line for line in playlist.text.splitlines() if line.endswith(".ts"))
        assert client.get(f"{found['url']}{segment}").content[0] == 0x47
        videos: list[dict[str, Any]] = client.get("video/").json()
        return videos


def has_staff_rights(found: Mapping[str, Any], email: str, password: str) -> bool:
    with httpx.Client(base_url=f"{found['url']}/api/", timeout=30) as client:
        login = client.post("login/", json={"email": email, "password": password})
        assert login.status_code == 200
        return client.get(f"admin/videos/{found['video_id']}/").status_code == 200


def activation_link(found: Mapping[str, Any], root: Path) -> str:
    """The one in the mail that somebody who registers gets."""
    with httpx.Client(base_url=f"{found['url']}/api/", timeout=30) as client:
        password = "quiet-Harbour-42"
        body = {"email": "new@example.com", "password": password, "confirmed_password": password}
        assert client.post("register/", json=body).status_code == 201
    (path,) = (root / "outbox").glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return next(word for word in text_of(mail).split() if "activate.html" in word)


def test_a_second_start_shows_the_same(tmp_path: Path) -> None:
    film, root = tmp_path / "film.mp4", tmp_path / "var"
    make_clip(film, seconds=2)
    port = {"VIDEOFLIX_SERVER__PORT": "0"}
    with running("demo", root=root, extra={"VIDEO": str(film), "TITLE": "Mine"} | port) as demo:
        first = ready(demo, root)
        shown = catalogue(first)
        assert [video["title"] for video in shown] == ["Mine"]
        assert has_staff_rights(first, first["admin_email"], first["admin_password"])
        assert not has_staff_rights(first, first["email"], first["password"])
        assert f"{first['url']}/admin/\n" in demo.text()
        link = activation_link(first, root)
        assert link.startswith(f"{first['url']}/pages/auth/activate.html?")
        for page in (f"{first['url']}/", f"{first['url']}/admin/", link):
            assert httpx.get(page).status_code == 200
        assert demo.interrupt() == 0
    with running("demo", root=root, extra=port) as demo:
        second = ready(demo, root)
        assert second | {"url": ""} == first | {"url": ""}
        assert [video["id"] for video in catalogue(second)] == [video["id"] for video in shown]
        # One more beside it leaves it alone.
        third = run("demo", root=root, extra=port)
        assert (third.returncode, third.stdout) == (1, "")
        assert f"a demonstration runs already, see {root / 'demo.json'}" in third.stderr
        assert ready(demo, root) == second
        assert demo.interrupt() == 0
    assert (root / "titles").is_dir()
    assert [path for path in root.rglob("*") if path.stat().st_mode & 0o077] == []


def test_what_cannot_be_ingested_ends_it(tmp_path: Path) -> None:
    film, root = tmp_path / "film.mp4", tmp_path / "var"
    film.write_text("no film", encoding="utf-8")
    ended = run("demo", "--video", str(film), root=root)
    assert ended.returncode == 1
    assert "this is not a video: " in ended.stderr
    assert "READY" not in ended.stdout
    assert not (root / "demo.json").exists()
    until(lambda: not processes_naming(str(root)), seconds=10)


def test_an_interrupted_start_goes_on_with_the_same_film(tmp_path: Path) -> None:
    film, root = tmp_path / "film.mp4", tmp_path / "var"
    make_clip(film, seconds=2)
    with running("demo", "--video", str(film), root=root) as demo:
        demo.line("^Ingested 'film' as video 1")
        assert demo.interrupt() == 0
    with running("demo", root=root) as demo:
        assert ready(demo, root)["video_id"] == 1
        assert demo.interrupt() == 0


def test_a_disk_that_is_full_is_said(tmp_path: Path) -> None:
    full = tmp_path / "film.mp4"
    full.symlink_to("/dev/full")
    with pytest.raises(InsufficientStorage, match="disk is full"):
        make_film(find_clip(), full, loops=1)


def test_the_film_is_the_clip_in_a_loop(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    make_film(find_clip(), path, loops=2)
    with av.open(str(find_clip())) as clip:
        length = sum(1 for _ in clip.demux(video=0)) - 1
        channels = clip.streams.audio[0].codec_context.channels
    with av.open(str(path)) as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        assert (picture.width, picture.height) == (1920, 1080)
        assert sound.codec_context.channels == channels == 6
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert len(frames) == 2 * length
    for number in (0, length // 2, length - 1):
        assert (frames[number] == frames[number + length]).all()
    with av.open(str(path)) as film:
        seconds = length / 25 * 2
        heard = sum(frame.samples for frame in film.decode(audio=0)) / 48_000
        assert abs(heard - seconds) < 0.05
