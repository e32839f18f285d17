"""Two servers and two workers over one store: each of them is killed again and again, and what
happens on one machine is looked for on the other."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.clips.padding import padded
from tests.commands import until
from tests.conftest import fresh_settings
from tests.drills.report import Outcome
from tests.drills.work import film, pictures
from tests.machines import JSON, SEEN_SECONDS, Machines, TusUpload, machines
from tests.services import services_for_tests

SIZE = 8 * 1024 * 1024
PERCENT = (5, 40, 70)  # later, a fast machine may be done before its worker is killed
CUTS = 3
MINUTES = 600.0  # for what an encoder does on a busy machine


class Cluster:
    """Machines that are replaced as soon as they were killed."""

    def __init__(self, box: Machines, outcome: Outcome) -> None:
        self._box = box
        self._outcome = outcome
        self._number = 0
        self.servers = [box.server(self._name()), box.server(self._name())]
        self.workers = [box.worker(self._name()), box.worker(self._name())]
        cookies = self.servers[0].sign_in()
        for server in self.servers:
            server.cookies = cookies

    def _name(self) -> str:
        self._number += 1
        return f"machine {self._number}"

    def row(self, what: str, figure: str, *misses: str) -> None:
        self._outcome.rows.append((what, figure, "no" if misses else "yes"))
        self._outcome.misses += [f"{what}: {miss}" for miss in misses]

    def replace_server(self) -> None:
        """The one that was killed is the first."""
        cookies = self.servers.pop(0).cookies
        server = self._box.server(self._name())
        server.cookies = cookies
        self.servers.append(server)

    def upload(self, data: bytes) -> int:
        """Over as many dead servers as there are cuts; the video's id."""
        upload = TusUpload(self.servers[0], data)
        for number in range(CUTS):
            first, second = self.servers
            before = upload.offset(first)
            upload.break_off(first, len(data) * (number + 1) // (CUTS + 1))
            after = upload.offset(second)
            self.row(
                f"server killed in an upload, {number + 1}",
                f"went on at {after:,}",
                *([] if after > before else [f"nothing was kept after {before:,}"]),
            )
            self.replace_server()
        video_id = upload.finish(self.servers[0])
        source = self._box.shared / "sources" / str(video_id) / "source"
        if source.read_bytes() != data:
            self.row("the film as it was sent", "", "it differs")
        return video_id

    def encode(self, video_id: int, frames: int) -> None:
        """Over a dead worker at each of ``PERCENT``."""
        for percent in PERCENT:
            holder, attempts = until(partial(self._encoding, video_id, percent), MINUTES)
            if holder is None:
                self.row(f"worker killed at {percent} % of an encode", "", "the film was ready")
                break
            (dead,) = (worker for worker in self.workers if worker.pid == holder)
            dead.kill()
            killed = time.monotonic()
            until(partial(self._went_on, video_id, attempts), MINUTES)
            self.row(
                f"worker killed at {percent} % of an encode",
                f"taken up after {time.monotonic() - killed:.1f} s",
                *([] if self._attempts(video_id) > attempts else ["it had just ended"]),
            )
            self.workers = [w for w in self.workers if w is not dead]
            self.workers.append(self._box.worker(self._name()))
        generation = self._box.ready(video_id)
        until(lambda: not self._box.left_over(video_id))
        counts = pictures(self._box.shared / "titles" / str(video_id) / generation)
        misses = [] if set(counts.values()) == {frames} else [f"{counts} of {frames} pictures"]
        self.row("the film after that", f"{frames} pictures", *misses)

    def _encoding(self, video_id: int, percent: int) -> tuple[int | None, int] | None:
        """Once so much is done: the pid of the worker that does it (None: the film is ready), and
        which attempt it is."""
        record = self._box.record(video_id)
        if record["status"] == "ready":
            return None, record["attempts"]
        if record["progress"] < percent or "holder" not in record:
            return None
        return int(record["holder"].split(":")[1]), record["attempts"]

    def _attempts(self, video_id: int) -> int:
        found: int = self._box.record(video_id)["attempts"]
        return found

    def _went_on(self, video_id: int, attempts: int) -> bool:
        is_ready: bool = self._box.record(video_id)["status"] == "ready"
        return is_ready or self._attempts(video_id) > attempts

    def seen(self, what: str, on_other: Callable[[], bool]) -> None:
        began = time.monotonic()
        until(on_other, 60)
        seconds = time.monotonic() - began
        late = [] if seconds <= SEEN_SECONDS else [f"not within {SEEN_SECONDS:g} s"]
        self.row(f"{what}, seen by the other server", f"after {seconds:.1f} s", *late)


def _happenings(box: Machines, cluster: Cluster, video_id: int) -> None:
    first, second = cluster.servers
    old = second.generation(video_id)
    paths = list(second.play(video_id))
    first.ask("POST", f"admin/videos/{video_id}/reencode/", headers=JSON)
    new = box.ready(video_id, other_than=old)
    cluster.seen("a new encode", lambda: second.generation(video_id) == new)
    second.play(video_id)
    first.ask("DELETE", f"admin/videos/{video_id}/", headers=JSON)
    cluster.seen("a deletion", lambda: all(second.get(path).status_code == 404 for path in paths))
    first.ask("POST", "logout/", headers=JSON)
    cluster.seen("a sign-out", lambda: second.get("video/").status_code == 401)


def _run(folder: Path, outcome: Outcome) -> None:
    clip = film(folder, seconds=20)
    data = padded(clip.path.read_bytes(), SIZE)
    with (
        services_for_tests(folder / "services") as services,
        fresh_settings(folder, services) as settings,
        machines(folder / "machines", settings) as box,
    ):
        cluster = Cluster(box, outcome)
        video_id = cluster.upload(data)
        cluster.encode(video_id, clip.frames)
        played = cluster.servers[1].play(video_id)
        cluster.servers[0].kill()
        again = cluster.servers[1].play(video_id)
        misses = [] if again == played else ["other bytes"]
        cluster.row("played on beside a dead server", f"{len(again)} files", *misses)
        cluster.replace_server()
        _happenings(box, cluster, video_id)


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "Two servers and two workers with caches of their own; each one that is killed (SIGKILL) "
        "is replaced by a new one.",
        ("what", "figure", "as it has to be"),
    )
    await asyncio.to_thread(_run, folder, outcome)
    return outcome
