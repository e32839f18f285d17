"""The group of commands, and how errors end them: one line on stderr and an exit status.

0 done, 1 failed, 2 the configuration or the command line is wrong, 130 interrupted.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from videoflix import __version__
from videoflix.cli.backup import backup, restore
from videoflix.cli.cache import cache
from videoflix.cli.context import State
from videoflix.cli.create_admin import create_admin
from videoflix.cli.ingest import ingest
from videoflix.cli.reconcile import reconcile
from videoflix.cli.reencode import reencode
from videoflix.cli.running import EXIT_INTERRUPTED
from videoflix.cli.serving import http_child, serve, up, worker
from videoflix.cli.users import users
from videoflix.errors import ConfigurationError, FieldErrors, VideoflixError

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
# Commands in modules of their names that are loaded when they are asked for: they need PyAV, 16 MB
# that no process should hold that serves (Click's "lazily loading subcommands").
_LOADED_ON_USE = ("demo", "doctor")


def _in_words(error: VideoflixError) -> str:
    """What is said of the error; of a form's fields, which one is wrong too."""
    if not isinstance(error, FieldErrors):
        return str(error)
    found = [(name, message) for name, messages in error.fields.items() for message in messages]
    return "; ".join(f"{name}: {message}" for name, message in found)


class Group(click.Group):
    """Turns the domain's errors into one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*super().list_commands(ctx), *_LOADED_ON_USE))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LOADED_ON_USE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"videoflix.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VideoflixError as error:
            click.echo(f"videoflix: {_in_words(error)}", err=True)
            is_configuration = isinstance(error, ConfigurationError)
            ctx.exit(EXIT_CONFIGURATION if is_configuration else EXIT_FAILED)
        except (KeyboardInterrupt, EOFError):
            ctx.exit(EXIT_INTERRUPTED)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file. Without it: $VIDEOFLIX_CONFIG, else ./config.toml where there is one.",
)
@click.version_option(__version__, prog_name="Videoflix")
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Videoflix, a small, complete video-on-demand server.

    Settings come from config.toml; the environment overrides each as
    VIDEOFLIX_<SECTION>__<KEY>, for example VIDEOFLIX_SERVER__PORT=9000.

    \b
    python -m videoflix up                           run all of it on this machine
    python -m videoflix createadmin me@example.com   make an account that may upload
    python -m videoflix ingest film.mkv --title Film --wait
    """
    ctx.obj = State(config)


for _command in (
    up,
    serve,
    worker,
    create_admin,
    users,
    ingest,
    reencode,
    cache,
    backup,
    restore,
    reconcile,
    http_child,
):
    main.add_command(_command)
