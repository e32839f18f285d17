"""``demo``."""

from pathlib import Path

import click

from videoflix.cli.context import State, pass_state
from videoflix.cli.running import run_command
from videoflix.demo import Film, run_demo
from videoflix.details import check_details
from videoflix.models import VideoDetails


@click.command()
@click.option(
    "--video",
    envvar="VIDEO",
    show_envvar=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Ingest this film. Without it: one that is made from a real clip, once.",
)
@click.option("--title", envvar="TITLE", show_envvar=True, help="Its title. Default: its name.")
@pass_state
def demo(state: State, video: Path | None, title: str | None) -> None:
    """Run all of it with a member, an admin and a film, and say what to open.

    Prints one line READY {json} once the film can be watched, and writes the same to demo.json
    in the storage root. Ctrl-C stops everything; a second start shows the same catalogue.
    """
    settings = state.load()
    film = Film(video, check_details(VideoDetails(title or video.stem))) if video else None
    run_command(lambda _: run_demo(settings, state.config, film, click.echo))
