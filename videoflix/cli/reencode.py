"""``reencode``."""

import click

from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.settings import Settings


@click.command()
@click.argument("video_id", metavar="ID", type=click.IntRange(1))
@pass_state
def reencode(state: State, video_id: int) -> None:
    """Have the film ID encoded anew, as the settings are now, from the source that is kept.

    What is published plays on until the new encode takes its place.
    """
    settings = state.load()
    if run_command(lambda _: _reencode(settings, video_id)):
        raise SystemExit(EXIT_INTERRUPTED)


async def _reencode(settings: Settings, video_id: int) -> None:
    async with command_container(settings) as container:
        video = await container.job_control.encode_again(video_id)
        click.echo(f"Video {video.id} ('{video.title}') waits to be encoded.")
        if not await container.encoding.live_workers():
            click.echo("No worker runs: it is encoded as soon as one does (up, or worker).")
