"""``doctor``."""

import click

from videoflix.cli.context import State, pass_state
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.doctor import Finding, examine
from videoflix.errors import ConfigurationError
from videoflix.settings import Settings


@click.command()
@pass_state
def doctor(state: State) -> None:
    """Look at everything the server needs and say what is wrong.

    Exit status 0 when all is well, 1 when something is wrong.
    """
    try:
        settings = state.load()
    except ConfigurationError as error:
        _show(Finding("settings", False, str(error)))
        raise SystemExit(1) from error
    mode = settings.server.mode.value
    _show(Finding("settings", True, f"in {mode} mode, storage root {settings.storage.root}"))
    wrong: list[str] = []
    if run_command(lambda _: _examine(settings, wrong)):
        raise SystemExit(EXIT_INTERRUPTED)
    if wrong:
        click.echo(f"\nWrong: {', '.join(wrong)}.")
        raise SystemExit(1)
    click.echo("\nAll is well.")


async def _examine(settings: Settings, wrong: list[str]) -> None:
    async for finding in examine(settings):
        _show(finding)
        if not finding.is_fine:
            wrong.append(finding.name)


def _show(finding: Finding) -> None:
    mark = click.style("ok   ", fg="green") if finding.is_fine else click.style("WRONG", fg="red")
    click.echo(f"{mark}  {finding.name:<9} {finding.text}")
