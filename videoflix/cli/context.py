"""What every command starts from: settings, logs, running services, an open container."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from videoflix.container import Container, open_container
from videoflix.embedded import open_services
from videoflix.errors import Conflict
from videoflix.logs import configure_logging
from videoflix.ports.measures import UNMEASURED, Measures
from videoflix.secret import with_secret
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings


@dataclass(frozen=True, slots=True)
class State:
    """Handed to every command. ``config`` is the settings file that ``--config`` named."""

    config: Path | None

    def load(self) -> Settings:
        """The settings, with logs set up by them. Raises ConfigurationError."""
        settings = load_settings(self.config)
        configure_logging(settings)
        return settings


pass_state = click.make_pass_decorator(State)


@asynccontextmanager
async def command_container(
    settings: Settings, *, is_supervised: bool = False, measures: Measures = UNMEASURED
) -> AsyncIterator[Container]:
    """A container for one command: on the services that run, or on services that it runs for
    its own lifetime; where its parent keeps them (``is_supervised``), only on those that run.
    ``measures`` hear of what happens. Raises VideoflixError."""
    async with (
        open_services(with_secret(settings), may_run=not is_supervised) as services,
        open_container(services.settings, measures=measures) as container,
    ):
        yield container


@asynccontextmanager
async def sole_container(settings: Settings) -> AsyncIterator[Container]:
    """The same for a command that nobody else may work beside, as far as this machine knows.
    Raises VideoflixError."""
    async with open_services(with_secret(settings)) as services:
        if services.embedded is not None and not services.embedded.is_owner:
            raise Conflict(f"another Videoflix runs on {settings.storage.root}: stop it first")
        async with open_container(services.settings) as container:
            yield container
