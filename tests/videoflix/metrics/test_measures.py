"""What is counted: by the routes' names, jobs by how they ended, the event loop, what waits."""

import asyncio
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from handlers.app import label_of
from handlers.pages.routes import PAGE_ROUTES
from handlers.routes import ROUTES, UNKNOWN
from tests.videoflix.encoding.jobs import add, claimed, run
from tests.videoflix.parts import open_parts, with_worker
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import until_true
from videoflix.accounts.addresses import parse_address
from videoflix.adapters.mongo.backlog import MongoBacklog
from videoflix.adapters.mongo.reset_mails import MongoResetMailStore
from videoflix.container import Container, open_container
from videoflix.errors import MailUnavailable
from videoflix.metrics.measures import PrometheusMeasures
from videoflix.metrics.sampling import Figures, watch_loop
from videoflix.models import VideoDetails
from videoflix.ports import Mail
from videoflix.settings import Settings
from videoflix.tasks import running_beside


def figures(text: bytes) -> dict[str, float]:
    """Values by name and labels, as ``name{a="b"}``; those of buckets left out."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            if "le" not in sample.labels:
                labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.mark.parametrize(
    ("pattern", "label"),
    [
        (r"/api/video/([^/]+)/master\.m3u8/?", "/api/video/*/master.m3u8"),
        (r"/api/video/([^/]+)/([^/]+)/segment_([^/]+)\.aac/?", "/api/video/*/*/segment_*.aac"),
        (r"/api/admin/.*", "/api/admin/..."),
        (r"/pages/static/([^/]+)/(.+)", "/pages/static/*/*"),
        ("/", "/"),
        (".*", "..."),
    ],
)
def test_routes_have_plain_names(pattern: str, label: str) -> None:
    assert label_of(pattern) == label


def test_every_route_has_a_name_of_its_own() -> None:
    patterns = [route.pattern for route in (*ROUTES, *PAGE_ROUTES, UNKNOWN)]
    assert len({label_of(pattern) for pattern in patterns}) == len(patterns)


def test_what_a_client_makes_up_is_no_label() -> None:
    measures = PrometheusMeasures()
    for number in range(3):
        measures.request(f"MADE-UP-{number}", "/api/login", 405, 0.1)
    found = figures(measures.text())
    name = 'videoflix_requests_total{method="other",route="/api/login",status="405"}'
    assert found[name] == 3
    assert not any("MADE" in name for name in found)


async def test_jobs_are_counted_by_how_they_ended(settings: Settings) -> None:
    measures = PrometheusMeasures()
    chosen = with_worker(settings, max_attempts=2)
    async with open_parts(chosen, measures=measures) as parts:
        for acts in (["ready"], ["refuse"], ["crash", "crash"]):
            await add(parts, *acts)
            for _ in acts:
                await run(parts)
        video_id = await add(parts, "hang")
        stop = asyncio.Event()
        working = asyncio.create_task(parts.encoding.run(await claimed(parts), stop))
        stop.set()
        await working
        await parts.control.cancel(video_id)
    found = figures(measures.text())
    counts = {
        outcome: found[f'videoflix_job_seconds_count{{kind="film",outcome="{outcome}"}}']
        for outcome in ("done", "failed", "again", "stopped", "lost")
    }
    assert counts == {"done": 1, "failed": 2, "again": 1, "stopped": 1, "lost": 0}
    assert found["videoflix_encode_speed{}"] == 0


async def test_mails_are_counted_by_how_they_went(settings: Settings) -> None:
    measures = PrometheusMeasures()
    async with open_container(settings, measures=measures) as container:
        mail = Mail("a@example.com", "Subject", "text", "<p>html</p>")
        await container.mailer.send(mail)
        outbox = settings.storage.root / "outbox"
        for file in outbox.iterdir():
            file.unlink()
        outbox.rmdir()
        outbox.write_text("a file where the folder should be")
        with pytest.raises(MailUnavailable):
            await container.mailer.send(mail)
    found = figures(measures.text())
    for outcome in ("sent", "failed"):
        assert found[f'videoflix_mail_seconds_count{{outcome="{outcome}"}}'] == 1


async def test_a_loop_that_is_held_up_is_late() -> None:
    told: list[float] = []
    async with running_beside(watch_loop(told.append, 0.01), "lag"):
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 -- what nobody must do
        await until_true(lambda: bool(told))
    assert told[0] > 0.15


async def test_what_waits(settings: Settings) -> None:
    async with open_parts(settings) as parts:
        backlog = MongoBacklog(parts.database)
        empty = await backlog.now()
        assert empty.films == {"pending": 0, "processing": 0, "ready": 0, "failed": 0}
        assert (empty.oldest_job, empty.mails, empty.oldest_mail) == (0, 0, 0)
        for number in (1, 2):
            await parts.videos.add(
                number, VideoDetails("Film"), source_size=1, has_own_thumbnail=False
            )
        await claimed(parts)
        await MongoResetMailStore(parts.database).ask(parse_address("a@example.com").folded)
        await asyncio.sleep(0.01)  # both are older than a moment then
        found = await backlog.now()
    assert found.films == {"pending": 1, "processing": 1, "ready": 0, "failed": 0}
    assert found.oldest_job > 0
    assert (found.mails, found.oldest_mail > 0) == (1, True)


def _figures(container: Container, measures: PrometheusMeasures) -> Figures:
    return Figures(
        measures,
        readiness=container.readiness,
        backlog=container.backlog,
        media=container.media,
        free_floor=7,
        offload=container.storage.offload,
    )


async def test_no_figure_is_stale_while_the_database_is_away(settings: Settings) -> None:
    measures = PrometheusMeasures()
    async with relayed(settings.mongo.uri) as (database, uri):
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        chosen = settings.model_copy(update={"mongo": mongo})
        async with open_container(chosen, measures=measures) as container:
            told = _figures(container, measures)
            before = figures(await told.text())
            await database.cut()
            after = figures(await told.text())
    assert before['videoflix_films{status="failed"}'] == 0
    assert before["videoflix_disk_floor_bytes{}"] == 7
    assert before["videoflix_disk_free_bytes{}"] > 7
    assert not any(name.startswith("videoflix_films") for name in after)
    for name in ("job_wait_seconds", "mails_waiting", "mail_wait_seconds"):
        assert before[f"videoflix_{name}{{}}"] == 0
        assert after[f"videoflix_{name}{{}}"] != after[f"videoflix_{name}{{}}"]  # no number
