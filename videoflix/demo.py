"""``make demo``: the whole server with two accounts and one film in it.

What it made is kept in ``<root>/run/demo.json``, so that a second start has the same accounts
and films. ``<root>/demo.json`` (mode 600) has what stands in the line ``READY``: it is written
when that is printed, and removed when the next start begins.
"""

import asyncio
import json
import os
import secrets
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from videoflix.container import Container, open_container
from videoflix.demo_film import LOOPS, find_clip, make_film
from videoflix.embedded.owner import OwnerLock
from videoflix.encoding_wait import wait_for_encoding
from videoflix.errors import Conflict
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.private_files import private_folder, usable_root, write_private
from videoflix.settings import OUTBOX, ServerSettings, Settings
from videoflix.stack import Stack, running_stack

MEMBER = "member@videoflix.example"
ADMIN = "admin@videoflix.example"
TITLE = "Big Buck Bunny, looped"
DESCRIPTION = f"Five seconds of Big Buck Bunny (Blender Foundation, CC BY 3.0), {LOOPS} times."
CATEGORY = "Animals"
ANNOUNCED = "demo.json"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class DemoState:
    """What a demonstration made. ``video_id`` is the film it shows, None before the first."""

    member: Account
    admin: Account
    video_id: int | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """A film to ingest, and how it stands in the catalogue."""

    path: Path
    details: VideoDetails


async def run_demo(settings: Settings, config: Path | None, film: Film | None, say: Say) -> None:
    """Run the server, ingest ``film`` (without one: a film that is made, once) and stay until
    cancelled. Raises VideoflixError when something does not come up, the film cannot be encoded,
    or another demonstration runs in the storage root; everything is stopped then."""
    root = settings.storage.root
    with usable_root(root):
        lock = OwnerLock(private_folder(private_folder(root) / "run") / "demo.lock")
        is_mine = lock.take()
    if not is_mine:
        raise Conflict(f"a demonstration runs already, see {root / ANNOUNCED}")
    try:
        await _demonstrate(settings, config, film, say)
    finally:
        lock.release()


async def _demonstrate(
    settings: Settings, config: Path | None, film: Film | None, say: Say
) -> None:
    root = settings.storage.root
    announced = root / ANNOUNCED
    announced.unlink(missing_ok=True)
    say("Starting the services, the HTTP server and a worker ...")
    count = settings.server.processes
    async with running_stack(
        settings,
        config,
        processes=count,
        workers=1,
        is_own_frontend=settings.pages.enabled and not _has_frontend(settings),
    ) as stack:
        async with open_container(stack.settings) as container:
            demonstration = _Demonstration(container, root, say)
            state = await stack.run(demonstration.prepare(film))
        found = json.dumps(_announcement(stack, state))
        write_private(announced, found + "\n")
        say(_instructions(stack, state))
        say(f"READY {found}")
        try:
            await stack.ended()
        finally:
            say("Stopping ...")


def _has_frontend(settings: Settings) -> bool:
    """Whether somebody has named one: the default is where a frontend in development listens."""
    default = ServerSettings.model_fields["frontend_url"].default
    named = "VIDEOFLIX_SERVER__FRONTEND_URL" in os.environ
    return named or settings.server.frontend_url != default


class _Demonstration:
    def __init__(self, container: Container, root: Path, say: Say) -> None:
        self._container = container
        self._root = root
        self._say = say
        self._path = private_folder(root / "run") / "demo.json"

    async def prepare(self, film: Film | None) -> DemoState:
        """The accounts exist and the film is ready."""
        state = _read(self._path) or DemoState(_new_account(MEMBER), _new_account(ADMIN))
        member = await self._account(state.member, is_staff=False)
        admin = await self._account(state.admin, is_staff=True)
        known = await self._known(state)
        state = replace(state, member=member, admin=admin, video_id=known.id if known else None)
        self._keep(state)
        if film is not None:
            state = await self._ingest(state, film)
        elif known is None:
            state = await self._ingest_made_film(state)
        await self._wait(state)
        return state

    async def _known(self, state: DemoState) -> Video | None:
        """The film of the last start, unless it was deleted or could not be encoded."""
        if state.video_id is None:
            return None
        video = await self._container.videos.find(state.video_id)
        return video if video and video.status is not ProcessingStatus.FAILED else None

    async def _account(self, account: Account, *, is_staff: bool) -> Account:
        """The account, made where the database does not have it. Where somebody else has the
        address, another one is made."""
        users = self._container.users
        if await users.find_by_email(account.email):
            if _read(self._path) is not None:
                return account
            name, _, domain = account.email.partition("@")
            account = replace(account, email=f"{name}-{secrets.token_hex(3)}@{domain}")
        await self._container.accounts.create(account.email, account.password, is_staff=is_staff)
        return account

    async def _ingest_made_film(self, state: DemoState) -> DemoState:
        self._say("Making a film of 42 s at 1920x1080 from a real clip ...")
        path = self._root / "run" / "demo-film.mp4"
        try:
            await asyncio.to_thread(make_film, find_clip(), path)
            return await self._ingest(state, Film(path, VideoDetails(TITLE, DESCRIPTION, CATEGORY)))
        finally:
            path.unlink(missing_ok=True)

    async def _ingest(self, state: DemoState, film: Film) -> DemoState:
        video = await self._container.uploads.ingest_file(film.path, film.details)
        self._say(f"Ingested '{video.title}' as video {video.id}; encoding it ...")
        state = replace(state, video_id=video.id)
        self._keep(state)
        return state

    async def _wait(self, state: DemoState) -> None:
        shown = -1

        def report(video: Video) -> None:
            nonlocal shown
            if video.progress // 10 > shown // 10:
                shown = video.progress
                self._say(f"  {video.progress} %")

        video_id = state.video_id or 0
        video = await wait_for_encoding(self._container, video_id, report)
        if video.status is ProcessingStatus.FAILED:
            raise Conflict(f"the film could not be encoded: {video.error}")

    def _keep(self, state: DemoState) -> None:
        write_private(self._path, json.dumps(asdict(state), indent=2) + "\n")


def _new_account(email: str) -> Account:
    return Account(email, secrets.token_urlsafe(15))


def _read(path: Path) -> DemoState | None:
    """What an earlier start kept; None where there is nothing of use."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        values = json.loads(path.read_text(encoding="utf-8"))
        return DemoState(
            Account(**values["member"]), Account(**values["admin"]), values["video_id"]
        )
    return None


def _announcement(stack: Stack, state: DemoState) -> dict[str, str | int | None]:
    return {
        "url": stack.url,
        "email": state.member.email,
        "password": state.member.password,
        "admin_email": state.admin.email,
        "admin_password": state.admin.password,
        "video_id": state.video_id,
    }


def _instructions(stack: Stack, state: DemoState) -> str:
    """What a person can paste into a second terminal."""
    jar = shlex.quote(str(stack.settings.storage.root / "run" / "cookies.txt"))
    body = shlex.quote(json.dumps(asdict(state.member)))
    api = f"{stack.url}/api"
    playlist = f"{api}/video/{state.video_id}/master.m3u8"
    cookie = f'"Cookie: access_token=$(awk \'$6 == "access_token" {{print $7}}\' {jar})"'
    pages = ""
    if stack.settings.pages.enabled:
        outbox = stack.settings.storage.root / "outbox"
        is_kept = stack.settings.mail.url.get_secret_value() == OUTBOX
        mails = f"  mails        {outbox}\n" if is_kept else ""
        pages = f"  to watch     {stack.url}/\n  for admins   {stack.url}/admin/\n{mails}\n"
    return f"""
Videoflix runs at {stack.url}

{pages}  member  {state.member.email}  {state.member.password}
  admin   {state.admin.email}  {state.admin.password}

Sign in (keeps the cookies in a file):
  curl -sS -c {jar} -H 'Content-Type: application/json' -d {body} {api}/login/
The catalogue and the playlist:
  curl -sS -b {jar} {api}/video/
  curl -sS -b {jar} {playlist}
Watch it:
  ffplay -headers {cookie} {playlist}
  mpv --http-header-fields={cookie} {playlist}

Ctrl-C stops everything; films and accounts stay in {stack.settings.storage.root}
"""
