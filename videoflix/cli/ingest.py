"""``ingest``."""

from pathlib import Path

import click

from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.progress import Meter
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.container import Container
from videoflix.details import check_details
from videoflix.encoding_wait import stand_in_worker, wait_for_encoding
from videoflix.errors import Conflict
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.settings import Settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--title", required=True, help="Title, at most 150 characters.")
@click.option("--description", default="", help="What it is about.")
@click.option("--category", default="", help="Category, for example Drama or Animals.")
@click.option(
    "--wait", is_flag=True, help="Wait until it is encoded; exit status 1 when that failed."
)
@pass_state
def ingest(
    state: State, *, file: Path, title: str, description: str, category: str, wait: bool
) -> None:
    """Add the film FILE to the catalogue.

    It is copied into the storage root and encoded by a worker. With --wait, where no worker is
    alive, one runs for as long as this command.
    """
    settings = state.load()
    # Before anything is copied.
    details = check_details(VideoDetails(title, description, category))
    if run_command(lambda _: _ingest(settings, state.config, file, details, wait=wait)):
        raise SystemExit(EXIT_INTERRUPTED)


async def _ingest(
    settings: Settings, config: Path | None, file: Path, details: VideoDetails, *, wait: bool
) -> None:
    async with command_container(settings) as container:
        with Meter("Copying") as meter:
            video = await container.uploads.ingest_file(file, details, progress=meter.of)
        click.echo(f"Added '{video.title}' as video {video.id}.")
        if wait:
            async with stand_in_worker(container, config):
                video = await _encoded(container, video.id)
        elif not await container.encoding.live_workers():
            click.echo("No worker runs: it is encoded as soon as one does (up, or worker).")
    if video.status is ProcessingStatus.FAILED:
        raise Conflict(f"video {video.id} could not be encoded: {video.error}")
    if wait:
        click.echo(f"Video {video.id} is ready.")


async def _encoded(container: Container, video_id: int) -> Video:
    with Meter("Encoding") as meter:
        return await wait_for_encoding(
            container, video_id, lambda video: meter.percent(video.progress)
        )
