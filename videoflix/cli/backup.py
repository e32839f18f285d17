"""``backup`` and ``restore``."""

from pathlib import Path

import click

from videoflix.backup import BackupManifest, MediaKind
from videoflix.cli.cache import size
from videoflix.cli.context import State, command_container, pass_state, sole_container
from videoflix.cli.progress import Meter
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.secret import SECRET_FILE
from videoflix.settings import Settings

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command()
@folder_argument
@click.option("--no-media", is_flag=True, help="Only the database, and a list of the media.")
@click.option(
    "--link", is_flag=True, help="Hard links to the media: at once, and on this disk only."
)
@pass_state
def backup(state: State, folder: Path, *, no_media: bool, link: bool) -> None:
    """Save films, accounts and positions to the new or empty folder DIR.

    Servers and workers may run meanwhile. Everything is read again at the end. Who is signed in,
    links in mails, uploads under way and secrets are not in it.
    """
    if no_media and link:
        raise click.UsageError("--no-media and --link exclude each other.")
    kind = MediaKind.LISTED if no_media else MediaKind.LINKED if link else MediaKind.COPIED
    settings = state.load()
    if run_command(lambda _: _backup(settings, folder.absolute(), kind)):
        raise SystemExit(EXIT_INTERRUPTED)


async def _backup(settings: Settings, folder: Path, kind: MediaKind) -> None:
    async with command_container(settings) as container:
        with Meter("Saving") as meter:
            made = await container.backups.make(folder, kind, progress=meter.of)
    for note in made.notes:
        click.echo(f"warning: {note}", err=True)
    click.echo(f"Saved {_contents(made)} in {folder}, and read all of it again.")


def _contents(manifest: BackupManifest) -> str:
    counted = {found.name: found.documents for found in manifest.collections}
    media = "" if manifest.media is MediaKind.LISTED else f", {size(manifest.bytes)} of media"
    return f"{counted['videos']} films, {counted['users']} accounts{media}"


@click.command()
@folder_argument
@click.option(
    "--replace", is_flag=True, help="Empty the database, and move the media aside that are there."
)
@pass_state
def restore(state: State, folder: Path, *, replace: bool) -> None:
    """Bring back what backup saved in DIR, into an empty database and storage root.

    No server and no worker may run. All of DIR is read before anything is changed. Everybody
    has to sign in again.
    """
    settings = state.load()
    if run_command(lambda _: _restore(settings, folder.absolute(), replace=replace)):
        raise SystemExit(EXIT_INTERRUPTED)


async def _restore(settings: Settings, folder: Path, *, replace: bool) -> None:
    async with sole_container(settings) as container:
        with Meter("Restoring") as meter:
            done = await container.restoration.restore(folder, replace=replace, progress=meter.of)
    for place in done.moved_aside:
        click.echo(f"Moved aside: {place}")
    click.echo(f"Restored {_contents(done.manifest)}, saved at {done.manifest.made_at}.")
    _forget_tokens(settings)


def _forget_tokens(settings: Settings) -> None:
    """Tokens that were given out before would be believed for the rest of their life: nothing is
    known any more of those that were ended."""
    if settings.auth.secret_key.get_secret_value():
        click.echo(
            f"auth.secret_key is set: tokens given out before work for up to "
            f"{settings.auth.access_minutes:g} minutes, unless it is replaced."
        )
    else:
        (settings.storage.root / SECRET_FILE).unlink(missing_ok=True)
