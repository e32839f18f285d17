"""Two servers and two workers with caches of their own over one store, one database, one queue:
what happens on one is so on all, and none of them is needed."""

from functools import partial
from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.clips.padding import padded
from tests.commands import until
from tests.machines import JSON, SEEN_SECONDS, Machine, Machines, Server, TusUpload, machines
from videoflix.settings import Settings

SIZE = 4 * 1024 * 1024


def test_two_servers_and_two_workers(
    tmp_path: Path, settings: Settings, clip_cache: ClipCache
) -> None:
    short = clip_cache.clip(width=64, height=48, seconds=14).path.read_bytes()
    longer = clip_cache.clip(seconds=14).path.read_bytes()
    with machines(tmp_path / "machines", settings) as box:
        first, second = box.server("A"), box.server("B")
        workers = [box.worker("1"), box.worker("2")]
        second.cookies = first.sign_in()

        film = TusUpload(first, short).finish(first)
        box.ready(film)
        assert first.play(film) == second.play(film)
        cached = [set((box.folder / name / "cache").rglob("*.ts")) for name in "AB"]
        assert all(cached)

        other = upload_over_a_dead_server(first, second, film, padded(longer, SIZE))
        encode_over_a_dead_worker(box, workers, other)
        second.play(other)

        first = box.server("A again")
        first.cookies = second.cookies
        second.kill()
        assert len(first.play(film)) == len(first.play(other))
        second = box.server("B again")
        second.cookies = first.cookies
        see_everywhere(box, first, second, film)


def upload_over_a_dead_server(first: Server, second: Server, film: int, data: bytes) -> int:
    """The server dies in the middle; the other one has what arrived, and plays on meanwhile."""
    upload = TusUpload(first, data)
    upload.break_off(first, len(data) // 2)
    second.play(film)
    assert 0 < upload.offset(second) < len(data)
    return upload.finish(second)


def encode_over_a_dead_worker(box: Machines, workers: list[Machine], film: int) -> None:
    """The worker dies in the middle; the other one takes the film up."""
    holder = box.holder(film)
    (dead,) = (worker for worker in workers if worker.pid == holder)
    dead.kill()
    box.ready(film)
    assert box.record(film)["attempts"] == 2
    until(lambda: not box.left_over(film))


def is_gone(server: Server, path: str) -> bool:
    return server.get(path).status_code == 404


def see_everywhere(box: Machines, first: Server, second: Server, film: int) -> None:
    """A new encode, a deletion and a sign-out on one, within seconds on the other, which has the
    film open and cached."""
    old = second.generation(film)
    second.play(film)
    answer = first.ask("POST", f"admin/videos/{film}/reencode/", headers=JSON)
    assert answer.status_code == 200, answer.text
    new = box.ready(film, other_than=old)
    until(lambda: second.generation(film) == new, seconds=SEEN_SECONDS)
    known = [*second.play(film), f"video/{film}/cmaf/master.m3u8", f"video/{film}/manifest.mpd"]
    known.append(f"/media/thumbnails/video_{film}.jpg")
    for path in known:
        second.found(path)

    assert first.ask("DELETE", f"admin/videos/{film}/", headers=JSON).status_code == 204
    for path in known:
        until(partial(is_gone, second, path), seconds=SEEN_SECONDS)
    listed = [video["id"] for video in second.get("video/").json()]
    assert film not in listed
    assert listed

    assert first.ask("POST", "logout/", headers=JSON).status_code == 200
    until(lambda: second.get("video/").status_code == 401, seconds=SEEN_SECONDS)
