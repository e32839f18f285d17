"""``backup`` and ``restore`` in processes of their own, beside a server that runs."""

import http.client
import json
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from tests.clips.fixtures import ClipCache
from tests.commands import run, running
from tests.handlers.site import PASSWORD
from tests.media_pipeline.titles import clip_title, segments
from tests.videoflix.backup.estate import EMAIL, everything, files_of, furnish, wipe
from videoflix.cli import main
from videoflix.cli.context import sole_container
from videoflix.container import open_container
from videoflix.embedded import open_services
from videoflix.errors import Conflict
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings

LISTENS = r"listens on (\S+) "


@pytest.fixture
def on_services(settings: Settings) -> dict[str, str]:
    return {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
    }


class Viewer:
    """Somebody who signs in and watches, over HTTP."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.cookies = ""
        body = json.dumps({"email": EMAIL, "password": PASSWORD})
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/api/login/", body, headers)
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        set_cookies = answer.headers.get_all("Set-Cookie") or []
        self.cookies = "; ".join(cookie.partition(";")[0] for cookie in set_cookies)

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str, cookies: str | None = None) -> tuple[int, bytes]:
        headers = {"Cookie": self.cookies if cookies is None else cookies}
        self._connection.request("GET", f"/api/{path}", headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def watched(self, video_id: int) -> list[bytes]:
        base = f"video/{video_id}"
        paths = ("master.m3u8", "480p/index.m3u8", "480p/segment_000.ts", "manifest.mpd")
        found = [self.get(f"{base}/{path}") for path in paths]
        assert [status for status, _ in found] == [200] * len(paths)
        return [body for _, body in found]


async def test_saved_wiped_restored_and_played(
    settings: Settings, on_services: dict[str, str], clip_cache: ClipCache, tmp_path: Path
) -> None:
    """The server runs while it is saved; afterwards nothing is left of it but the backup."""
    _, title = clip_title(clip_cache, seconds=3, width=160, height=90)
    async with open_container(settings) as container:
        estate = await furnish(container, title.folder)
    root, folder = settings.storage.root, tmp_path / "backup"
    with running("serve", root=root, extra=on_services) as server, ExitStack() as stack:
        viewer = stack.enter_context(closing(Viewer(server.line(LISTENS)[1])))
        before = viewer.watched(estate.ready)
        assert before[2] == segments(title, "480p")[0]
        saved = run("backup", str(folder), root=root, extra=on_services)
        assert (saved.returncode, saved.stderr) == (0, "")
        assert "Saved 2 films, 2 accounts, 1" in saved.stdout
        assert "and read all of it again." in saved.stdout
    records, files = await everything(settings), files_of(root)

    await wipe(settings)
    done = run("restore", str(folder), root=root, extra=on_services)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Restored 2 films, 2 accounts" in done.stdout
    assert (await everything(settings), files_of(root)) == (records, files)
    with running("serve", root=root, extra=on_services) as server, ExitStack() as stack:
        again = stack.enter_context(closing(Viewer(server.line(LISTENS)[1])))
        assert again.watched(estate.ready) == before
        # Who was signed in before is not any more: the key was made anew.
        assert again.get("video/", viewer.cookies)[0] == 401


async def test_restore_wants_to_be_alone(tmp_path: Path) -> None:
    """With embedded services another process that uses them is seen at once."""
    settings = load_settings(environment={"VIDEOFLIX_STORAGE__ROOT": str(tmp_path)})
    async with open_services(settings):
        with pytest.raises(Conflict, match=f"another Videoflix runs on {tmp_path}: stop it first"):
            async with sole_container(settings):
                pass


def test_two_ways_at_once_are_refused(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["backup", "--link", "--no-media", str(tmp_path / "backup")])
    assert (ended.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "exclude each other" in ended.output
