"""``cache``: what the cache of segments holds, and deleting some or all of it."""

import json
import re
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any

import click

from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.container import open_cache
from videoflix.errors import Conflict, NotFound
from videoflix.ports import CacheStats, Purged
from videoflix.settings import Settings

_UNIT = 1024
_GENERATION = re.compile(r"[A-Za-z0-9_-]+")


@click.group()
def cache() -> None:
    """Look at the cache of cut segments, or delete from it. Servers may run meanwhile."""


@cache.command()
@click.option("--json", "is_json", is_flag=True, help="As one JSON object; bytes.")
@pass_state
def stats(state: State, *, is_json: bool) -> None:
    """The budget, what is used of it, and by which films."""
    try:
        found = open_cache(state.load()).stats()
    except OSError as error:
        raise Conflict(f"the cache cannot be read: {error}") from error
    click.echo(as_json(found) if is_json else as_text(found))


@cache.command()
@click.option("--title", type=click.IntRange(1), help="Of this film alone; its id.")
@click.option("--generation", metavar="NAME", help="Of this encode alone.")
@pass_state
def purge(state: State, *, title: int | None, generation: str | None) -> None:
    """Delete cached segments: all, those of one film, or those of one encode.

    They are cut again when somebody asks for them; who watches notices nothing.
    """
    settings = state.load()
    if generation is not None and not _GENERATION.fullmatch(generation):
        raise click.BadParameter(f"{generation!r} is no encode's name", param_hint="--generation")
    if title is None:
        _report(open_cache(settings).purge(None, generation))
    else:
        _run(_purge_title(settings, title, generation))


def size(count: int) -> str:
    """Bytes for people: ``412 B``, ``3.9 MiB``."""
    if count < _UNIT:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        value /= _UNIT
        if value < _UNIT:
            return f"{value:.1f} {unit}"
    return f"{value / _UNIT:.1f} TiB"


def as_text(found: CacheStats) -> str:
    share = f" ({100 * found.bytes / found.max_bytes:.0f} %)" if found.max_bytes else ""
    lines = [
        f"budget    {size(found.max_bytes)}",
        f"used      {size(found.bytes)}{share}",
        f"segments  {found.files}",
    ]
    for video_id, title in found.titles.items():
        lines.append(f"  video {video_id}: {title.files} segments, {size(title.bytes)}")
    return "\n".join(lines)


def as_json(found: CacheStats) -> str:
    titles = [{"id": key, **asdict(share)} for key, share in found.titles.items()]
    return json.dumps(
        {
            "max_bytes": found.max_bytes,
            "bytes": found.bytes,
            "files": found.files,
            "titles": titles,
        }
    )


def _report(purged: Purged) -> None:
    if purged.failed:
        raise Conflict(
            f"deleted {purged.files} segments; {purged.failed} could not be deleted (see the log)"
        )
    click.echo(f"Deleted {purged.files} segments ({size(purged.bytes)}).")


def _run(work: Coroutine[Any, Any, None]) -> None:
    if run_command(lambda _: work):
        raise SystemExit(EXIT_INTERRUPTED)


async def _purge_title(settings: Settings, title: int, generation: str | None) -> None:
    # Not through the records alone: segments may have outlived theirs.
    purged = open_cache(settings).purge(title, generation)
    if not purged.files:
        async with command_container(settings) as container:
            if await container.videos.find(title) is None:
                raise NotFound(f"there is no video {title}")
    _report(purged)
